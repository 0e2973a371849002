/** What every Store must do, whatever is behind it: one suite, run on each implementation. */
import { expect, test } from 'vitest';
import { compareAndSwap, createOrGet } from '../../src/store/cas.ts';
import { KINDS } from '../../src/store/kinds.ts';
import { type Resource, type Store, StoreError, type WatchEvent } from '../../src/store/port.ts';
import { systemRandom, systemTimers } from '../../src/sys/time.ts';

const cas = { timers: systemTimers, random: systemRandom };
const SEQUENCE = 1795272333123456789n; // UnixNano: JSON.parse makes …6800 of it

export const pool = (name: string, spec: object = {}, labels?: Record<string, string>): Resource => ({
  metadata: labels === undefined ? { name } : { name, labels },
  spec: { cidr: '10.244.0.0/16', ...spec } as NonNullable<Resource['spec']>,
});
export const block = (name: string, sequenceNumber: bigint | number = SEQUENCE): Resource => ({
  metadata: { name },
  spec: {
    cidr: '10.244.104.0/26',
    allocations: [0, null, null],
    attributes: [{ handle_id: 'h' }],
    unallocated: [1, 2],
    strictAffinity: false,
    sequenceNumber,
    sequenceNumberForAllocation: { '0': sequenceNumber },
  },
});

export const reasonOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'no fault',
    (error: unknown) => (error instanceof StoreError ? error.reason : String(error)),
  );

/** Reads `count` events but bookmarks, then aborts. */
export async function events(
  store: Store,
  resourceVersion: string,
  count: number,
  kind = KINDS.ipPool as (typeof KINDS)[keyof typeof KINDS],
): Promise<WatchEvent[]> {
  const abort = new AbortController();
  const got: WatchEvent[] = [];
  for await (const event of store.watch(kind, resourceVersion, abort.signal)) {
    if (event.type === 'BOOKMARK') continue;
    got.push(event);
    if (got.length >= count) abort.abort();
  }
  return got;
}
const summary = (e: WatchEvent): string => (e.type === 'BOOKMARK' ? e.type : `${e.type} ${e.object.metadata.name}`);

/** The stores under test keep this many changes. */
export const WINDOW = 150;

/** `open` answers a store; names of one test never meet those of another, so they may share it. */
export function storeSuite(open: () => Store): void {
  test('CREATE sets uid, resourceVersion, generation and creationTimestamp, and GET answers the same', async () => {
    const store = open();
    const made = await store.create(KINDS.ipPool, pool('crud-1', { natOutgoing: true }));
    expect(made.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(made.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(made.metadata.generation).toBe(1);
    expect(made.spec?.['natOutgoing']).toBe(true);
    expect(await store.get(KINDS.ipPool, 'crud-1')).toEqual(made);
  });

  test('a second CREATE of a name is AlreadyExists, GET and DELETE of an unknown name are NotFound', async () => {
    const store = open();
    await store.create(KINDS.ipPool, pool('crud-2'));
    expect(await reasonOf(store.create(KINDS.ipPool, pool('crud-2')))).toBe('AlreadyExists');
    expect(await reasonOf(store.get(KINDS.ipPool, 'nowhere'))).toBe('NotFound');
    expect(await reasonOf(store.delete(KINDS.ipPool, 'nowhere'))).toBe('NotFound');
    expect((await createOrGet(store, KINDS.ipPool, 'crud-2', pool('crud-2'))).created).toBe(false);
  });

  test('PUT with the stored resourceVersion writes, with an older one it is Conflict, and without one Invalid', async () => {
    const store = open();
    const first = await store.create(KINDS.ipPool, pool('put-1'));
    const second = await store.replace(KINDS.ipPool, { ...first, spec: { ...first.spec, disabled: true } });
    expect(second.metadata.generation).toBe(2);
    expect(second.metadata.uid).toBe(first.metadata.uid);
    expect(await reasonOf(store.replace(KINDS.ipPool, { ...first, spec: { ...first.spec, disabled: false } }))).toBe(
      'Conflict',
    );
    expect(await reasonOf(store.replace(KINDS.ipPool, pool('put-1')))).toBe('Invalid');
  });

  test('a PUT that changes nothing keeps the resourceVersion', async () => {
    const store = open();
    const first = await store.create(KINDS.ipPool, pool('put-2'));
    expect((await store.replace(KINDS.ipPool, first)).metadata.resourceVersion).toBe(first.metadata.resourceVersion);
  });

  test('a field that Gingham does not know survives a read-modify-write', async () => {
    const store = open();
    await store.create(KINDS.ipPool, pool('unknown-1', { fromTheFuture: { deep: [1, null, 'x'] } }));
    const { object } = await compareAndSwap(
      store,
      KINDS.ipPool,
      'unknown-1',
      (r) => ({ ...r, spec: { ...r.spec, disabled: true } }),
      cas,
    );
    expect(object.spec).toMatchObject({ fromTheFuture: { deep: [1, null, 'x'] }, disabled: true });
  });

  test('sequence number 1795272333123456789 plus 1 is …790, in the object, in a list and in a watch', async () => {
    const store = open();
    const made = await store.create(KINDS.ipamBlock, block('10-244-104-0-26'));
    expect(made.spec?.['sequenceNumber']).toBe(SEQUENCE);
    const { object } = await compareAndSwap(
      store,
      KINDS.ipamBlock,
      '10-244-104-0-26',
      (r) => ({ ...r, spec: { ...r.spec, sequenceNumber: (r.spec?.['sequenceNumber'] as bigint) + 1n } }),
      cas,
    );
    expect(object.spec?.['sequenceNumber']).toBe(1795272333123456790n);
    expect(object.spec?.['sequenceNumberForAllocation']).toEqual({ '0': SEQUENCE });
    const listed = (await store.list(KINDS.ipamBlock)).items.find((b) => b.metadata.name === '10-244-104-0-26');
    expect(listed).toEqual(object);
    const [event] = await events(store, made.metadata.resourceVersion as string, 1, KINDS.ipamBlock);
    expect(event).toMatchObject({ type: 'MODIFIED', object: { spec: { sequenceNumber: 1795272333123456790n } } });
  });

  test('20 writers that increment one counter by compare-and-swap lose no update', async () => {
    const store = open();
    await store.create(KINDS.ipamBlock, block('10-244-105-0-26', 1795272333123456789n));
    const writers = Array.from({ length: 20 }, async () => {
      for (let i = 0; i < 5; i++)
        await compareAndSwap(
          store,
          KINDS.ipamBlock,
          '10-244-105-0-26',
          (r) => ({ ...r, spec: { ...r.spec, sequenceNumber: BigInt(r.spec?.['sequenceNumber'] as bigint) + 1n } }),
          { ...cas, attempts: 500 },
        );
    });
    await Promise.all(writers);
    expect((await store.get(KINDS.ipamBlock, '10-244-105-0-26')).spec?.['sequenceNumber']).toBe(1795272333123456889n);
  });

  test('a merge patch changes what it names, null removes, and a resourceVersion in it is a precondition (RFC 7396)', async () => {
    const store = open();
    const made = await store.create(KINDS.ipPool, pool('patch-1', { natOutgoing: true, disabled: true }));
    const patched = await store.mergePatch(KINDS.ipPool, 'patch-1', {
      spec: { natOutgoing: null, blockSize: 26 },
      metadata: { labels: { a: 'b' } },
    });
    expect(patched.spec).not.toHaveProperty('natOutgoing');
    expect(patched.spec).toMatchObject({ disabled: true, blockSize: 26 });
    expect(patched.metadata.labels).toEqual({ a: 'b' });
    const old = { metadata: { resourceVersion: made.metadata.resourceVersion as string }, spec: { blockSize: 27 } };
    expect(await reasonOf(store.mergePatch(KINDS.ipPool, 'patch-1', old))).toBe('Conflict');
    expect(await reasonOf(store.mergePatch(KINDS.ipPool, 'nowhere', {}))).toBe('NotFound');
  });

  test('a patch of nodes/status changes the status and not the spec, one of the node leaves the status', async () => {
    const store = open();
    await store.create(KINDS.node, { metadata: { name: 'node-1' }, spec: { podCIDR: '10.0.0.0/24' } });
    const patch = { spec: { podCIDR: '10.9.9.0/24' }, status: { phase: 'x' }, metadata: { annotations: { k: 'v' } } };
    const status = await store.mergePatch(KINDS.node, 'node-1', patch, 'status');
    expect(status).toMatchObject({
      spec: { podCIDR: '10.0.0.0/24' },
      status: { phase: 'x' },
      metadata: { annotations: { k: 'v' } },
    });
    const main = await store.mergePatch(KINDS.node, 'node-1', {
      status: { phase: 'y' },
      spec: { unschedulable: true },
    });
    expect(main).toMatchObject({ spec: { unschedulable: true }, status: { phase: 'x' } });
  });

  test('DELETE with another uid or resourceVersion is Conflict and deletes nothing', async () => {
    const store = open();
    const made = await store.create(KINDS.ipPool, pool('del-1'));
    const { uid, resourceVersion } = made.metadata as { uid: string; resourceVersion: string };
    expect(await reasonOf(store.delete(KINDS.ipPool, 'del-1', { uid: '00000000-0000-4000-8000-000000000000' }))).toBe(
      'Conflict',
    );
    expect(await reasonOf(store.delete(KINDS.ipPool, 'del-1', { resourceVersion: '1' }))).toBe('Conflict');
    await store.delete(KINDS.ipPool, 'del-1', { uid, resourceVersion });
    expect(await reasonOf(store.get(KINDS.ipPool, 'del-1'))).toBe('NotFound');
  });

  test('a namespaced object is named "namespace/name", and two namespaces do not meet', async () => {
    const store = open();
    // An Event and not a Pod: a real API wants containers of one, and keeps it until a kubelet has ended them.
    const event = (namespace: string): Resource => ({
      metadata: { name: 'e', namespace },
      involvedObject: { kind: 'Pod', namespace, name: 'p' },
      reason: namespace,
    });
    await store.create(KINDS.event, event('one'));
    await store.create(KINDS.event, event('two'));
    expect((await store.get(KINDS.event, 'two/e'))['reason']).toBe('two');
    await store.delete(KINDS.event, 'one/e');
    expect(await reasonOf(store.get(KINDS.event, 'one/e'))).toBe('NotFound');
    // A real API may have written events of its own by now.
    const ours = (await store.list(KINDS.event)).items.filter((e) => e.metadata.name === 'e');
    expect(ours.map((e) => e.metadata.namespace)).toEqual(['two']);
  });

  test('a list obeys a label selector', async () => {
    const store = open();
    await store.create(KINDS.ipPool, pool('label-1', {}, { tier: 'a', zone: 'z1' }));
    await store.create(KINDS.ipPool, pool('label-2', {}, { tier: 'b', zone: 'z1' }));
    await store.create(KINDS.ipPool, pool('label-3', {}, { tier: 'c' }));
    const names = async (labelSelector: string): Promise<string[]> =>
      (await store.list(KINDS.ipPool, { labelSelector })).items.map((p) => p.metadata.name);
    expect(await names('tier=a')).toEqual(['label-1']);
    expect(await names('tier in (a, c)')).toEqual(['label-1', 'label-3']);
    expect(await names('tier,zone!=z1')).toEqual(['label-3']);
    expect(await names('zone=z1,tier notin (b)')).toEqual(['label-1']);
    expect(await reasonOf(names('tier=='))).toBe('no fault');
    expect(await reasonOf(names('=a'))).toBe('Invalid');
  });

  test('a watch from a list yields each later change once, in order, and resumes in the middle', async () => {
    const store = open();
    const { resourceVersion } = await store.list(KINDS.ipPool);
    const coming = events(store, resourceVersion, 4);
    const one = await store.create(KINDS.ipPool, pool('watch-1'));
    const two = await store.mergePatch(KINDS.ipPool, 'watch-1', { spec: { disabled: true } });
    await store.create(KINDS.ipPool, pool('watch-2'));
    await store.delete(KINDS.ipPool, 'watch-1');
    const all = await coming;
    expect(all.map(summary)).toEqual(['ADDED watch-1', 'MODIFIED watch-1', 'ADDED watch-2', 'DELETED watch-1']);
    expect(all[1]).toMatchObject({ object: two });
    const resumed = await events(store, one.metadata.resourceVersion as string, 3);
    expect(resumed).toEqual(all.slice(1));
  });

  test('a watch ends when its signal aborts, also while nothing happens', async () => {
    const store = open();
    const { resourceVersion } = await store.list(KINDS.bgpPeer);
    const abort = new AbortController();
    const ended = (async () => {
      for await (const event of store.watch(KINDS.bgpPeer, resourceVersion, abort.signal))
        if (event.type !== 'BOOKMARK') return 'event';
      return 'ended';
    })();
    setTimeout(() => abort.abort(), 20);
    expect(await ended).toBe('ended');
  });

  test('a watch from a resourceVersion that fell out of the window is Gone (410)', async () => {
    const store = open();
    const { resourceVersion } = await store.create(KINDS.ipPool, pool('gone-1')).then((r) => r.metadata);
    for (let i = 0; i <= WINDOW; i++) await store.mergePatch(KINDS.ipPool, 'gone-1', { spec: { count: i } });
    expect(await reasonOf(events(store, resourceVersion as string, 1))).toBe('Gone');
    expect(await reasonOf(events(store, '1', 1))).toBe('Gone');
  });
}
