import { expect, test } from 'vitest';
import { formatJson, parseJson } from '../../../src/store/json.ts';

test('1795272333123456789 survives parse and format byte for byte, in depth and beside fractions', () => {
  const text =
    '{"spec":{"sequenceNumber":1795272333123456789,"map":{"0":1795272333123456790},"small":26,"f":1.5,"n":null,"l":[null,-9007199254740993]}}';
  const value = parseJson(text) as { spec: { sequenceNumber: unknown; small: unknown; f: unknown } };
  expect(value.spec.sequenceNumber).toBe(1795272333123456789n);
  expect(value.spec.small).toBe(26);
  expect(value.spec.f).toBe(1.5);
  expect(formatJson(value)).toBe(text);
});

test('an integer is a number up to 2^53 - 1 and a bigint beyond', () => {
  expect(parseJson('9007199254740991')).toBe(9007199254740991);
  expect(parseJson('9007199254740993')).toBe(9007199254740993n);
  expect(parseJson('[9007199254740992, 1]')).toEqual([9007199254740992n, 1]);
});

test('digits inside a string stay a string', () => {
  expect(parseJson('{"uid":"1795272333123456789"}')).toEqual({ uid: '1795272333123456789' });
});

test('what is not JSON, or nested beyond the stack, is a SyntaxError', () => {
  for (const text of [
    '',
    '{',
    '{"a":1795272333123456789',
    'nope',
    '['.repeat(200_000),
    `[1795272333123456789,${'['.repeat(200_000)}`,
  ])
    expect(() => parseJson(text), text.slice(0, 30)).toThrow(SyntaxError);
});

test('a key named __proto__ is data and changes no prototype', () => {
  for (const text of ['{"__proto__":{"x":1}}', '{"__proto__":{"x":1},"n":1795272333123456789}']) {
    const value = parseJson(text) as Record<string, unknown>;
    expect(value['x']).toBeUndefined();
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  }
});
