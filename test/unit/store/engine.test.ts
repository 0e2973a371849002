import { expect, test } from 'vitest';
import { Engine } from '../../../src/store/embedded/engine.ts';
import { MemoryKeyValue } from '../../../src/store/embedded/memory-key-value.ts';
import { fieldSelector } from '../../../src/store/embedded/selector.ts';
import type { ServedKind } from '../../../src/store/embedded/served-kind.ts';
import { CORE_KINDS } from '../../../src/store/embedded/served-kind.ts';
import { StatusError } from '../../../src/store/embedded/status.ts';
import { parseJson } from '../../../src/store/json.ts';
import type { JsonObject, Resource } from '../../../src/store/port.ts';

const KIND: ServedKind = {
  group: 'g.io',
  version: 'v1',
  plural: 'things',
  kind: 'Thing',
  singular: 'thing',
  shortNames: [],
  namespaced: false,
  columns: [],
  status: 'closed',
  schema: {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        required: ['size'],
        properties: {
          size: { type: 'integer', format: 'int64', minimum: 1 },
          mode: { type: 'string', enum: ['On', 'Off'], default: 'On' },
          slots: { type: 'array', items: { type: 'integer', nullable: true } },
          names: { type: 'object', additionalProperties: { type: 'string' } },
          free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
      status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    },
  },
};
let uids = 0;
const open = (keyValue = new MemoryKeyValue(), window = 1000): Engine =>
  new Engine({
    keyValue,
    kinds: [...CORE_KINDS, KIND],
    wall: () => 1_700_000_000_000,
    uid: () => `uid-${++uids}`,
    window,
  });
const thing = (name: string, spec: JsonObject = { size: 1 }, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: 'g.io/v1',
  kind: 'Thing',
  metadata: { name, ...metadata },
  spec,
});
const read = (text: string): Resource => parseJson(text) as unknown as Resource;
const fault = (work: () => unknown): StatusError => {
  try {
    work();
  } catch (error) {
    if (error instanceof StatusError) return error;
    throw error;
  }
  throw new Error('no fault');
};

test('unknown fields are pruned, defaults come in, and preserved parts stay whole', () => {
  const made = read(
    open().create(KIND, '', { ...thing('a', { size: 2, what: 1, mode: null, free: { x: { y: [1] } } }), extra: 1 }),
  );
  expect(made.spec).toEqual({ size: 2, mode: 'On', free: { x: { y: [1] } } });
  expect(made).not.toHaveProperty('extra');
});

test('fieldValidation=Strict names each unknown field instead of dropping it', () => {
  const { message, status } = fault(() =>
    open().create(KIND, '', thing('a', { size: 2, what: 1, who: 2 }), { strict: true }),
  );
  expect(status).toBe(400);
  expect(message).toContain('unknown field "spec.what", unknown field "spec.who"');
});

test('an invalid object is refused with every fault, each with field, value and what is allowed', () => {
  const spec = { size: 0, mode: 'Maybe', slots: [1, null, 'x'], names: { a: 1 } };
  const { message, status, details } = fault(() => open().create(KIND, '', thing('a', spec)));
  expect(status).toBe(422);
  expect(message).toMatch(/^Thing.g.io "a" is invalid: \[/);
  expect(message).toContain('spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1');
  expect(message).toContain('spec.mode: Unsupported value: "Maybe": supported values: "On", "Off"');
  expect(message).toContain('spec.slots[2]: Invalid value: "x": spec.slots[2] in body must be of type integer');
  expect(message).toContain('spec.names.a: Invalid value: 1: spec.names.a in body must be of type string');
  expect(details.causes).toHaveLength(4);
  expect(fault(() => open().create(KIND, '', thing('a', {}))).message).toBe(
    'Thing.g.io "a" is invalid: spec.size: Required value',
  );
});

test('an int64 may be any whole number of 64 bits, and not one more', () => {
  const engine = open();
  expect(read(engine.create(KIND, '', thing('a', { size: 9223372036854775807n }))).spec?.['size']).toBe(
    9223372036854775807n,
  );
  expect(fault(() => engine.create(KIND, '', thing('b', { size: 9223372036854775808n }))).message).toContain('int64');
  expect(fault(() => engine.create(KIND, '', thing('b', { size: 1.5 }))).message).toContain('must be of type integer');
});

test('names and labels that a real API server refuses are refused here', () => {
  for (const metadata of [
    { name: 'Upper' },
    { name: 'a/b' },
    { name: '' },
    { name: 'x'.repeat(254) },
    { labels: { a: 'b c' } },
    { labels: { 'a b': 'c' } },
    { labels: { n: 1 } },
    { annotations: { a: 'x'.repeat(300_000) } },
  ])
    expect(
      fault(() => open().create(KIND, '', thing('a', { size: 1 }, metadata as JsonObject))).status,
      JSON.stringify(metadata).slice(0, 60),
    ).toBe(422);
});

test('the body must be of the kind and name of the URL', () => {
  const engine = open();
  expect(fault(() => engine.create(KIND, '', { ...thing('a'), kind: 'Other' })).message).toContain('make them agree');
  expect(fault(() => engine.create(KIND, '', 'text')).status).toBe(400);
  engine.create(KIND, '', thing('a'));
  expect(fault(() => engine.replace(KIND, '', 'a', thing('b'))).status).toBe(400);
  expect(
    fault(() => engine.patch(KIND, '', 'a', { type: 'merge', patch: { metadata: { name: 'b' } } })).message,
  ).toContain('cannot change');
});

test('generation counts changes of the spec, not of labels or status', () => {
  const engine = open();
  engine.create(KIND, '', thing('a'));
  const patch = (p: JsonObject, subresource?: 'status'): number | undefined =>
    read(engine.patch(KIND, '', 'a', { type: 'merge', patch: p }, { subresource })).metadata.generation;
  expect(patch({ metadata: { labels: { l: 'x' } } })).toBe(1);
  expect(patch({ status: { ok: true } }, 'status')).toBe(1);
  expect(patch({ spec: { size: 7 } })).toBe(2);
  expect(read(engine.get(KIND, '', 'a'))).toMatchObject({ spec: { size: 7 }, status: { ok: true } });
});

test('a writer cannot change uid, creationTimestamp or generation', () => {
  const engine = open();
  const made = read(engine.create(KIND, '', thing('a')));
  const patch = { metadata: { creationTimestamp: '2001-01-01T00:00:00Z', generation: 99, labels: { x: 'y' } } };
  const after = read(engine.patch(KIND, '', 'a', { type: 'merge', patch }));
  expect(after.metadata).toMatchObject({
    uid: made.metadata.uid,
    creationTimestamp: made.metadata.creationTimestamp,
    generation: 1,
  });
  expect(
    fault(() => engine.patch(KIND, '', 'a', { type: 'merge', patch: { metadata: { uid: 'other' } } })).apiReason,
  ).toBe('Conflict');
});

test('a dry run answers what would be, and writes nothing', () => {
  const engine = open();
  const before = engine.revision;
  expect(read(engine.create(KIND, '', thing('a'), { dryRun: true })).metadata.name).toBe('a');
  expect(engine.revision).toBe(before);
  engine.create(KIND, '', thing('a'));
  expect(
    read(engine.patch(KIND, '', 'a', { type: 'merge', patch: { spec: { size: 5 } } }, { dryRun: true })).spec?.['size'],
  ).toBe(5);
  expect(read(engine.get(KIND, '', 'a')).spec?.['size']).toBe(1);
});

test('an object with finalizers is marked by DELETE and goes with the last finalizer', () => {
  const engine = open();
  engine.create(KIND, '', thing('a', { size: 1 }, { finalizers: ['x.io/f'] }));
  const { revision } = engine;
  engine.delete(KIND, '', 'a');
  expect(read(engine.get(KIND, '', 'a')).metadata.deletionTimestamp).toBe('2023-11-14T22:13:20Z');
  engine.patch(KIND, '', 'a', { type: 'merge', patch: { metadata: { finalizers: null } } });
  expect(fault(() => engine.get(KIND, '', 'a')).status).toBe(404);
  expect(engine.eventsAfter(KIND, revision)?.map((e) => e.type)).toEqual(['MODIFIED', 'DELETED']);
});

test('pages of one list fit together although objects come, change and go between them', () => {
  const engine = open();
  for (const name of ['a', 'b', 'c', 'd', 'e']) engine.create(KIND, '', thing(name));
  const first = engine.list(KIND, { limit: 2 });
  engine.delete(KIND, '', 'c');
  engine.create(KIND, '', thing('cc'));
  engine.patch(KIND, '', 'd', { type: 'merge', patch: { spec: { size: 9 } } });
  engine.delete(KIND, '', 'd');
  const second = engine.list(KIND, { limit: 2, continue: first.continue });
  const third = engine.list(KIND, { limit: 2, continue: second.continue });
  const all = [first, second, third].flatMap((page) => page.texts.map(read));
  expect(all.map((o) => o.metadata.name)).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(all[3]?.spec?.['size']).toBe(1);
  expect([second.revision, third.revision, third.continue]).toEqual([first.revision, first.revision, undefined]);
});

test('a continue token that is foreign is 400, one older than the window 410', () => {
  const engine = open(undefined, 4);
  for (const name of ['a', 'b', 'c']) engine.create(KIND, '', thing(name));
  const page = engine.list(KIND, { limit: 1 });
  for (let i = 2; i < 12; i++) engine.patch(KIND, '', 'a', { type: 'merge', patch: { spec: { size: i } } });
  expect(fault(() => engine.list(KIND, { limit: 1, continue: page.continue })).status).toBe(410);
  expect(fault(() => engine.list(KIND, { limit: 1, continue: 'bm9uc2Vuc2U' })).status).toBe(400);
});

test('a watch with a selector shows entering as ADDED and leaving as DELETED', () => {
  const engine = open();
  const from = engine.revision;
  const label = (l: string | null): unknown =>
    engine.patch(KIND, '', 'a', { type: 'merge', patch: { metadata: { labels: { l } } } });
  engine.create(KIND, '', thing('a'));
  label('x');
  engine.patch(KIND, '', 'a', { type: 'merge', patch: { spec: { size: 2 } } });
  label(null);
  engine.delete(KIND, '', 'a');
  const selector = (o: Resource): boolean => o.metadata.labels?.['l'] === 'x';
  expect(engine.eventsAfter(KIND, from, undefined, selector)?.map((e) => e.type)).toEqual([
    'ADDED',
    'MODIFIED',
    'DELETED',
  ]);
});

test('the window forgets by count, and says so', () => {
  const engine = open(undefined, 10);
  engine.create(KIND, '', thing('a'));
  const from = engine.revision;
  for (let i = 2; i < 30; i++) engine.patch(KIND, '', 'a', { type: 'merge', patch: { spec: { size: i } } });
  expect(engine.eventsAfter(KIND, from)).toBeUndefined();
  expect(engine.eventsAfter(KIND, engine.oldestRevision)?.length).toBe(engine.revision - engine.oldestRevision);
  expect(engine.eventsAfter(KIND, engine.revision + 1), 'a revision of a lost future').toBeUndefined();
});

test('a second engine on the same files stops the first from writing', () => {
  const files = new MemoryKeyValue();
  const first = open(files);
  first.create(KIND, '', thing('a'));
  const second = open(files);
  expect(fault(() => first.create(KIND, '', thing('b'))).message).toMatch(/another process.*Stop one of the two/);
  second.create(KIND, '', thing('b'));
  expect(second.list(KIND).texts).toHaveLength(2);
});

test('a start skips revisions, so that none is ever given twice', () => {
  const files = new MemoryKeyValue();
  const before = open(files).revision;
  expect(open(files).revision).toBeGreaterThanOrEqual(before + 1000);
});

test('a field selector knows metadata.name everywhere and any path of core kinds', () => {
  const object = { metadata: { name: 'p' }, spec: { nodeName: 'n1' } };
  expect(fieldSelector('spec.nodeName=n1,metadata.name!=q', true)?.(object)).toBe(true);
  expect(fieldSelector('spec.nodeName=n2', true)?.(object)).toBe(false);
  expect(fault(() => fieldSelector('spec.nodeName=n1', false)).message).toContain('use metadata.name');
});
