/** The reflector against the in-memory store, with time by hand and faults on demand. */
import { expect, test } from 'vitest';
import type { Engine } from '../../../src/store/embedded/engine.ts';
import { engineStore } from '../../../src/store/embedded/engine-store.ts';
import { memoryEngine } from '../../../src/store/embedded/memory.ts';
import { KINDS } from '../../../src/store/kinds.ts';
import { type Resource, type Store, StoreError } from '../../../src/store/port.ts';
import { type ReflectFault, type Reflector, reflect } from '../../../src/store/reflector.ts';
import { FakeTime } from '../../support/fake-time.ts';

interface Bench {
  readonly store: Store;
  readonly engine: Engine;
  readonly time: FakeTime;
  readonly reflector: Reflector;
  readonly changes: string[];
  readonly snapshots: string[][];
  readonly faults: ReflectFault[];
  readonly abort: AbortController;
  /** While set, lists and watches fail with it. */
  broken: StoreError | undefined;
  /** Ends the running watch: with an error, or cleanly. */
  drop: (error?: StoreError) => void;
  calls: string[];
}

const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};
const UNREACHABLE = new StoreError('Unreachable', 'http://x cannot be reached: ECONNREFUSED');

async function bench(options: { window?: number; broken?: StoreError; seed?: string[] } = {}): Promise<Bench> {
  const engine = memoryEngine(undefined, options.window);
  const inner = engineStore(engine);
  for (const name of options.seed ?? []) await inner.create(KINDS.ipPool, pool(name));
  const time = new FakeTime();
  const abort = new AbortController();
  const b = { broken: options.broken, drop: () => {}, calls: [] as string[] } as unknown as Bench;
  const store: Store = {
    ...inner,
    list: async (kind, o) => {
      b.calls.push('list');
      if (b.broken !== undefined) throw b.broken;
      return inner.list(kind, o);
    },
    watch: (kind, resourceVersion, signal) => {
      b.calls.push(`watch ${resourceVersion}`);
      const cut = new AbortController();
      let why: StoreError | undefined;
      b.drop = (error) => {
        why = error;
        cut.abort();
      };
      const both = AbortSignal.any([signal, cut.signal]);
      return (async function* () {
        if (b.broken !== undefined) throw b.broken;
        yield* inner.watch(kind, resourceVersion, both);
        if (why !== undefined) throw why;
      })();
    },
  };
  const changes: string[] = [];
  const snapshots: string[][] = [];
  const faults: ReflectFault[] = [];
  const reflector = reflect({
    store,
    kind: KINDS.ipPool,
    clock: time,
    timers: time,
    random: () => 1,
    signal: abort.signal,
    onChange: ({ name, from, to }) => changes.push(`${from === undefined ? '+' : to === undefined ? '-' : '~'}${name}`),
    onSnapshot: (objects) => snapshots.push([...objects.keys()].sort()),
    onError: (fault) => faults.push(fault),
  });
  return Object.assign(b, { store: inner, engine, time, reflector, changes, snapshots, faults, abort });
}
const pool = (name: string): Resource => ({ metadata: { name }, spec: { cidr: '10.0.0.0/16' } });

test('lists, resolves synced, then follows changes one by one with a snapshot for each batch', async () => {
  const b = await bench({ seed: ['a'] });
  await b.reflector.synced;
  expect(b.snapshots).toEqual([['a']]);
  await settle();
  await b.store.create(KINDS.ipPool, pool('b'));
  await b.store.mergePatch(KINDS.ipPool, 'a', { spec: { disabled: true } });
  await b.store.delete(KINDS.ipPool, 'b');
  await settle();
  b.time.pass(1);
  expect(b.changes).toEqual(['+a', '+b', '~a', '-b']);
  expect(b.snapshots).toEqual([['a'], ['a']]);
  expect(b.reflector.objects.get('a')?.spec?.['disabled']).toBe(true);
  expect(b.reflector.status()).toMatchObject({ phase: 'watching', lists: 1, watches: 1, failures: 0, objects: 1 });
  b.abort.abort();
  await b.reflector.stopped;
  expect(b.time.pending).toBe(0);
});

test('a store that cannot be reached at the start is waited for with growing pauses, and reported, never thrown', async () => {
  const b = await bench({ broken: UNREACHABLE });
  for (const pause of [200, 400, 800, 1600]) {
    await settle();
    expect(b.faults.at(-1)).toMatchObject({ retryInMs: pause, phase: 'list' });
    b.time.pass(pause);
  }
  for (let i = 0; i < 12; i++) {
    await settle();
    b.time.pass(30_000);
  }
  expect(b.faults.at(-1)?.retryInMs).toBe(30_000);
  expect(b.reflector.isSynced()).toBe(false);
  expect(b.reflector.status().lastError?.text).toContain('ECONNREFUSED');
  b.broken = undefined;
  await settle();
  b.time.pass(30_000);
  await b.reflector.synced;
  expect(b.reflector.status().failures).toBe(0);
  b.abort.abort();
});

test('a dropped watch resumes from the last event, without a list, and misses nothing', async () => {
  const b = await bench();
  await b.reflector.synced;
  await settle();
  await b.store.create(KINDS.ipPool, pool('a'));
  await settle();
  b.drop(UNREACHABLE);
  await settle();
  await b.store.create(KINDS.ipPool, pool('b'));
  b.time.pass(200);
  await settle();
  expect(b.calls).toEqual(['list', 'watch 1', 'watch 2']);
  expect(b.changes).toEqual(['+a', '+b']);
  b.abort.abort();
});

test('after 410 it lists again and reports only what differs, also what went meanwhile', async () => {
  const b = await bench({ window: 4, seed: ['stays', 'goes'] });
  await b.reflector.synced;
  await settle();
  b.changes.length = 0;
  b.broken = UNREACHABLE;
  b.drop(UNREACHABLE);
  await settle();
  await b.store.delete(KINDS.ipPool, 'goes');
  for (let i = 0; i < 10; i++)
    await b.store.mergePatch(KINDS.namespace, 'none', {}).catch(() => b.store.create(KINDS.ipPool, pool(`new-${i}`)));
  b.broken = undefined;
  for (let i = 0; i < 4; i++) {
    b.time.pass(2000);
    await settle();
  }
  expect(b.faults.at(-1)?.error).toMatchObject({ reason: 'Gone' });
  expect([...b.changes].sort()).toEqual(['-goes', ...Array.from({ length: 10 }, (_, i) => `+new-${i}`)].sort());
  expect(b.reflector.status()).toMatchObject({ lists: 2, phase: 'watching' });
  b.abort.abort();
});

test('a watch that the store ends at once, again and again, is retried with pauses and does not spin', async () => {
  const b = await bench();
  await b.reflector.synced;
  for (let i = 0; i < 5; i++) {
    await settle();
    b.time.pass(1);
    b.drop();
    await settle();
  }
  expect(b.faults[0]?.error.message).toContain('ended at once');
  expect(b.calls.length).toBeLessThan(5);
  b.abort.abort();
});

test('a watch that lived and is ended by the store is renewed at once, without a fault', async () => {
  const b = await bench();
  await b.reflector.synced;
  await settle();
  b.time.pass(290_000);
  b.drop();
  await settle();
  expect(b.faults).toEqual([]);
  expect(b.calls).toEqual(['list', 'watch 1', 'watch 1']);
  b.abort.abort();
});

test('a callback that throws surfaces as its own bug, and the reflector goes on', async () => {
  const time = new FakeTime();
  const engine = memoryEngine();
  const store = engineStore(engine);
  const abort = new AbortController();
  const onChange = (): void => {
    throw new Error('bug of the callback');
  };
  const reflector = reflect({
    store,
    kind: KINDS.ipPool,
    clock: time,
    timers: time,
    random: () => 1,
    signal: abort.signal,
    onChange,
  });
  await reflector.synced;
  await settle();
  await store.create(KINDS.ipPool, pool('a'));
  await settle();
  expect(() => time.pass(1)).toThrow('bug of the callback');
  expect(reflector.status()).toMatchObject({ phase: 'watching', failures: 0, objects: 1 });
  abort.abort();
});
