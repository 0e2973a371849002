import { expect, test } from 'vitest';
import { memoryStore } from '../../../src/store/embedded/memory.ts';
import { recordEvent } from '../../../src/store/events.ts';
import { KINDS } from '../../../src/store/kinds.ts';
import { type Resource, type Store, StoreError } from '../../../src/store/port.ts';

const peer: Resource = {
  apiVersion: 'crd.projectcalico.org/v1',
  kind: 'BGPPeer',
  metadata: { name: 'rack1', uid: 'u-1', resourceVersion: '7' },
};
const fault = { object: peer, reason: 'BGPPeerInvalid', message: 'asNumber is 0', type: 'Warning' as const };
const clockAt = (ms: number) => ({ at: ms, now: () => ms, wall: () => 1_795_272_333_000 + ms });
const eventsOf = async (store: Store) => (await store.list(KINDS.event)).items;

test('an event names object, reason, message and who says so, in "default" for an object without a namespace', async () => {
  const store = memoryStore([]);
  expect(await recordEvent(store, fault, { clock: clockAt(0), host: 'worker-1' })).toBe(true);
  const [event] = await eventsOf(store);
  expect(event).toMatchObject({
    metadata: { namespace: 'default' },
    involvedObject: { apiVersion: 'crd.projectcalico.org/v1', kind: 'BGPPeer', name: 'rack1', uid: 'u-1' },
    reason: 'BGPPeerInvalid',
    message: 'asNumber is 0',
    type: 'Warning',
    source: { component: 'gingham', host: 'worker-1' },
    firstTimestamp: '2026-11-21T14:45:33Z',
    count: 1,
  });
  expect(event?.metadata.name).toMatch(/^rack1\.[0-9a-f]+$/);
});

test('the same is said once, another message is news, and after ten minutes it is counted up', async () => {
  const store = memoryStore([]);
  const say = (ms: number, message = fault.message) =>
    recordEvent(store, { ...fault, message }, { clock: clockAt(ms) });
  expect([await say(0), await say(1), await say(2, 'asNumber is 23456')]).toEqual([true, false, true]);
  expect(await say(600_001)).toBe(true);
  const all = (await eventsOf(store)).map((e) => [e['message'], e['count'], e['lastTimestamp']]);
  expect(all).toEqual([
    ['asNumber is 0', 3, '2026-11-21T14:55:33Z'],
    ['asNumber is 23456', 1, '2026-11-21T14:45:33Z'],
  ]);
});

test('a forgotten event is told anew, an unreachable store is asked again later, and nothing throws', async () => {
  const store = memoryStore([]);
  await recordEvent(store, fault, { clock: clockAt(0) });
  const [event] = await eventsOf(store);
  await store.delete(KINDS.event, `default/${event?.metadata.name}`);
  expect(await recordEvent(store, fault, { clock: clockAt(600_001) })).toBe(true);
  expect(await eventsOf(store)).toHaveLength(1);
  const gone: Store = { ...store, create: () => Promise.reject(new StoreError('Unreachable', 'away')) };
  expect(await recordEvent(gone, fault, { clock: clockAt(0) })).toBe(false);
  expect(await recordEvent(gone, fault, { clock: clockAt(1) })).toBe(false);
});

test('a thousand faulty objects make at most a hundred events, and a long message is cut to what the API takes', async () => {
  const store = memoryStore([]);
  for (let i = 0; i < 1000; i++)
    await recordEvent(store, { ...fault, message: `${i} ${'ü'.repeat(1000)}` }, { clock: clockAt(0) });
  const all = await eventsOf(store);
  expect(all).toHaveLength(100);
  expect(Buffer.byteLength(String(all[0]?.['message']))).toBeLessThanOrEqual(1024);
});
