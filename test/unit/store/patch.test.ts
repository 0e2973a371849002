import { expect, test } from 'vitest';
import { jsonPatch, mergePatch } from '../../../src/store/embedded/patch.ts';
import type { Json } from '../../../src/store/port.ts';

// RFC 7396, appendix A.
const MERGES: readonly [Json, Json, Json][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
];
test.each(MERGES)('merge of %j with %j is %j (RFC 7396 appendix A)', (target, patch, result) => {
  expect(mergePatch(target, patch)).toEqual(result);
});

// RFC 6902, appendix A, in its order where it fits one line.
const PATCHES: readonly [Json, Json, Json][] = [
  [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux' }], { baz: 'qux', foo: 'bar' }],
  [{ foo: ['bar', 'baz'] }, [{ op: 'add', path: '/foo/1', value: 'qux' }], { foo: ['bar', 'qux', 'baz'] }],
  [{ baz: 'qux', foo: 'bar' }, [{ op: 'remove', path: '/baz' }], { foo: 'bar' }],
  [{ foo: ['bar', 'qux', 'baz'] }, [{ op: 'remove', path: '/foo/1' }], { foo: ['bar', 'baz'] }],
  [{ baz: 'qux', foo: 'bar' }, [{ op: 'replace', path: '/baz', value: 'boo' }], { baz: 'boo', foo: 'bar' }],
  [
    { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  ],
  [
    { foo: ['all', 'grass', 'cows', 'eat'] },
    [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    { foo: ['all', 'cows', 'eat', 'grass'] },
  ],
  [
    { baz: 'qux', foo: ['a', 2, 'c'] },
    [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    { baz: 'qux', foo: ['a', 2, 'c'] },
  ],
  [
    { foo: 'bar' },
    [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    { foo: 'bar', child: { grandchild: {} } },
  ],
  [{ foo: 'bar' }, [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }], { foo: 'bar', baz: 'qux' }],
  [{ '/': 9, '~1': 10 }, [{ op: 'test', path: '/~01', value: 10 }], { '/': 9, '~1': 10 }],
  [{ foo: ['bar'] }, [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }], { foo: ['bar', ['abc', 'def']] }],
  [{ a: 1 }, [{ op: 'copy', from: '/a', path: '/b' }], { a: 1, b: 1 }],
  [
    { n: 1795272333123456789n },
    [
      { op: 'test', path: '/n', value: 1795272333123456789n },
      { op: 'replace', path: '/n', value: 1795272333123456790n },
    ],
    { n: 1795272333123456790n },
  ],
];
test.each(PATCHES)('%o patched (RFC 6902 appendix A)', (target, patch, result) => {
  const before = structuredClone(target);
  expect(jsonPatch(target, patch)).toEqual(result);
  expect(target).toEqual(before);
});

const FAULTS: readonly [Json, Json, RegExp][] = [
  [{ baz: 'qux' }, [{ op: 'test', path: '/baz', value: 'bar' }], /operation 0: test failed.*"\/baz"/],
  [{ foo: 'bar' }, [{ op: 'add', path: '/baz/bat', value: 'qux' }], /nothing is at/],
  [{ baz: 'qux' }, [{ op: 'test', path: '/baz', value: 10 }], /test failed/],
  [{ a: [1] }, [{ op: 'replace', path: '/a/1', value: 2 }], /"1" is no index here; 0 to 0 exist/],
  [{ a: [1] }, [{ op: 'replace', path: '/a/01', value: 2 }], /no index/],
  [{ a: 1 }, [{ op: 'jump', path: '/a' }], /unknown operation "jump"; add,/],
  [{ a: 1 }, [{ op: 'add', path: 'a', value: 1 }], /JSON pointer/],
  [{ a: 1 }, [{ op: 'add', path: '/a' }], /needs a value/],
  [{ a: {} }, [{ op: 'move', from: '/a', path: '/a/b' }], /part of itself/],
  [{ a: 1 }, { op: 'add' }, /array of operations/],
];
test.each(FAULTS)('%o with %o is refused and says why (RFC 6902 §5)', (target, patch, why) => {
  expect(() => jsonPatch(target, patch)).toThrow(why);
});
