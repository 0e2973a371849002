import { expect, test } from 'vitest';
import type { ClusterReason } from '../../../src/cluster/cluster-reason.ts';
import { objectEvents } from '../../../src/daemon/object-events.ts';
import { KINDS } from '../../../src/store/kinds.ts';
import type { Resource } from '../../../src/store/port.ts';
import { FakeStore } from '../../support/fake-store.ts';

const POOL: Resource = { metadata: { name: 'p', uid: 'u1' } };
const faulty: ClusterReason = {
  code: 'POOL_CIDR_INVALID',
  text: 'cidr is "x"',
  about: { kind: KINDS.ipPool, name: 'p' },
};

function setup(store = new FakeStore()) {
  const lines: string[] = [];
  const log = {
    debug: () => {},
    info: () => {},
    error: () => {},
    warn: (_: object, text: string) => void lines.push(text),
  };
  const events = objectEvents({ store, nodeName: 'n1', find: () => POOL, log });
  return { store, lines, events };
}
const turn = (): Promise<void> => new Promise((done) => setTimeout(done, 5));

test('a fault is one line and one Event, however often it is looked at', async () => {
  const { store, lines, events } = setup();
  for (let i = 0; i < 3; i++) events.tell([faulty], []);
  await turn();
  expect(lines).toEqual(['cidr is "x"']);
  const [event, ...others] = store.all(KINDS.event);
  expect(others).toEqual([]);
  expect(event).toMatchObject({
    involvedObject: { kind: 'IPPool', name: 'p', uid: 'u1', apiVersion: 'crd.projectcalico.org/v1' },
    reason: 'PoolCidrInvalid',
    message: 'cidr is "x"',
    type: 'Warning',
  });
});

test('a fault that went and came back is told again; what all nodes say is one Event', async () => {
  const store = new FakeStore();
  const [first, second] = [setup(store), setup(store)];
  first.events.tell([faulty], []);
  first.events.tell([], []);
  first.events.tell([faulty], []);
  second.events.tell([], [faulty]);
  await turn();
  expect(first.lines).toHaveLength(2);
  expect(second.lines).toHaveLength(1);
  expect(store.all(KINDS.event)).toHaveLength(1);
});
