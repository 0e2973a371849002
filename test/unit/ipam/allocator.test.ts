import { expect, test } from 'vitest';
import { formatIpv4 } from '../../../src/base/ipv4.ts';
import { formatPrefix } from '../../../src/base/prefix.ts';
import { newAffinity } from '../../../src/ipam/affinity.ts';
import { Ipam } from '../../../src/ipam/allocator.ts';
import { IpamError } from '../../../src/ipam/error.ts';
import { KINDS } from '../../../src/store/kinds.ts';
import { type JsonObject, StoreError } from '../../../src/store/port.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { instantTimers } from '../../support/instant-timers.ts';
import { allocationsIn, blocksIn, ipamFaults } from '../../support/ipam-invariants.ts';

const withPool = (spec: JsonObject = {}): FakeStore => {
  const store = new FakeStore();
  store.seed(KINDS.ipPool, 'default-ipv4-ippool', {
    cidr: '10.244.0.0/24',
    blockSize: 28,
    ipipMode: 'Always',
    ...spec,
  });
  return store;
};
const node = (store: FakeStore, nodeName: string): Ipam =>
  new Ipam({ store, nodeName, now: () => 1_795_272_333_123, timers: instantTimers, random: () => 0.5 });
const pod = (name: string) => ({ handleId: `net.${name}`, attributes: { pod: name }, use: 'Workload' as const });
const fault = (work: Promise<unknown>): Promise<IpamError> =>
  work.then(
    () => {
      throw new Error('it was expected to fail');
    },
    (error: unknown) => {
      if (!(error instanceof IpamError)) throw error;
      return error;
    },
  );

test('a node claims one block, confirmed, with the labels others list by', async () => {
  const store = withPool();
  const ipam = node(store, 'n1');
  const block = await ipam.ensureBlock();
  expect(await ipam.ensureBlock()).toEqual(block);
  expect(store.all(KINDS.ipamBlock)).toHaveLength(1);
  const [affinity] = store.all(KINDS.blockAffinity);
  expect(affinity?.spec).toEqual({
    cidr: formatPrefix(block.cidr),
    deleted: 'false',
    node: 'n1',
    state: 'confirmed',
    type: 'host',
  });
  expect(affinity?.metadata.labels).toMatchObject({
    'projectcalico.org/affinity-type': 'host',
    'projectcalico.org/ip-version': '4',
  });
  expect(ipam.listOwn()).toEqual([block]);
});

test('the tunnel gets the first address of a new block and keeps it', async () => {
  const store = withPool();
  const ipam = node(store, 'n1');
  const address = await ipam.ensureTunnelAddress('ipip');
  const [block] = ipam.listOwn();
  expect(address).toBe(block?.cidr.address);
  expect(await node(store, 'n1').ensureTunnelAddress('ipip')).toBe(address);
  expect(block?.attributes).toEqual([
    { handleId: 'ipip-tunnel-addr-n1', secondary: { node: 'n1', type: 'ipipTunnelAddress' } },
  ]);
  expect((await fault(ipam.ensureTunnelAddress('vxlan'))).reason.code).toBe('IPAM_NO_POOL');
});

test('assign and release leave block and handle in step', async () => {
  const store = withPool();
  const ipam = node(store, 'n1');
  const a = await ipam.assign(pod('a'));
  const b = await ipam.assign(pod('b'));
  expect(a).not.toBe(b);
  expect(await ipam.assignmentsOf('net.a')).toEqual([a]);
  expect(ipamFaults(store)).toEqual([]);
  expect(await ipam.release('net.a')).toBe(1);
  expect(await ipam.release('net.a')).toBe(0);
  expect(await ipam.assignmentsOf('net.a')).toEqual([]);
  expect(ipamFaults(store)).toEqual([]);
  expect(store.all(KINDS.ipamHandle)).toHaveLength(1);
});

test('a full block is followed by a second one', async () => {
  const store = withPool();
  const ipam = node(store, 'n1');
  for (let i = 0; i < 17; i++) await ipam.assign(pod(`p${i}`));
  expect(ipam.listOwn()).toHaveLength(2);
  expect(ipamFaults(store)).toEqual([]);
});

test('with every block taken an address is borrowed, and the block stays its owner’s', async () => {
  const store = withPool({ cidr: '10.244.0.0/28' });
  await node(store, 'owner').ensureBlock();
  const borrowed = await node(store, 'n2').assign(pod('guest'));
  expect(formatIpv4(borrowed)).toBe('10.244.0.0');
  expect(blocksIn(store)[0]?.affinity).toBe('host:owner');
  expect(ipamFaults(store)).toEqual([]);
  expect(await node(store, 'n2').release('net.guest')).toBe(1);
});

test('strictAffinity forbids borrowing, and the error says so', async () => {
  const store = withPool({ cidr: '10.244.0.0/28' });
  store.seed(KINDS.ipamConfig, 'default', { strictAffinity: true, autoAllocateBlocks: true });
  await node(store, 'owner').ensureBlock();
  const error = await fault(node(store, 'n2').assign(pod('guest')));
  expect(error.reason.code).toBe('IPAM_POOLS_FULL');
  expect(error.message).toContain('strictAffinity');
});

test('at maxBlocksPerHost nothing is claimed and nothing borrowed', async () => {
  const store = withPool({ cidr: '10.244.0.0/27' });
  store.seed(KINDS.ipamConfig, 'default', { strictAffinity: true, autoAllocateBlocks: true, maxBlocksPerHost: 1 });
  const ipam = node(store, 'n1');
  for (let i = 0; i < 16; i++) await ipam.assign(pod(`p${i}`));
  expect((await fault(ipam.assign(pod('last')))).reason.code).toBe('IPAM_BLOCK_LIMIT');
});

test('without autoAllocateBlocks a node without block is told how to get one', async () => {
  const store = withPool();
  store.seed(KINDS.ipamConfig, 'default', { strictAffinity: true, autoAllocateBlocks: false });
  expect((await fault(node(store, 'n1').ensureBlock())).reason.code).toBe('IPAM_CLAIMS_OFF');
});

test('no pool is an error that lists why each pool does not serve', async () => {
  const error = await fault(node(withPool({ nodeSelector: "rack == 'r9'" }), 'n1').assign(pod('a')));
  expect(error.reason.code).toBe('IPAM_NO_POOL');
  expect(error.message).toContain("rack == 'r9'");
  expect((await fault(node(new FakeStore(), 'n1').ensureBlock())).message).toContain('there is no IPPool');
});

test('a nodeSelector is matched against the labels of the Node', async () => {
  const store = withPool({ nodeSelector: "rack == 'r1'" });
  store.seed(KINDS.node, 'n1', {}, { rack: 'r1' });
  await node(store, 'n1').assign(pod('a'));
});

test('reserved addresses are never given', async () => {
  const store = withPool({ cidr: '10.244.0.0/28' });
  store.seed(KINDS.ipReservation, 'r', { reservedCIDRs: ['10.244.0.0/29', '10.244.0.8'] });
  expect(formatIpv4(await node(store, 'n1').assign(pod('a')))).toBe('10.244.0.9');
});

test('an unreachable store is a transient error that names what was wanted', async () => {
  const store = withPool();
  store.before = () => {
    throw new StoreError('Unreachable', 'connect ECONNREFUSED 10.0.0.1:6443');
  };
  const error = await fault(node(store, 'n1').release('net.a'));
  expect(error).toMatchObject({ transient: true, reason: { code: 'IPAM_STORE_UNREACHABLE' } });
  expect(error.message).toContain('net.a');
});

test('an affinity for a block that another node owns is stale: it goes, and another block is claimed', async () => {
  const store = withPool();
  const theirs = await node(store, 'other').ensureBlock();
  await store.create(KINDS.blockAffinity, newAffinity('n1', theirs.cidr));
  const block = await node(store, 'n1').ensureBlock();
  expect(block.cidr).not.toEqual(theirs.cidr);
  expect(block.affinity).toBe('host:n1');
  expect(store.all(KINDS.blockAffinity)).toHaveLength(2);
});

test('objects left half deleted are finished by whoever meets them', async () => {
  const store = withPool();
  const ipam = node(store, 'n1');
  const block = await ipam.ensureBlock();
  for (const kind of [KINDS.blockAffinity, KINDS.ipamBlock]) {
    const [object] = store.all(kind);
    if (object)
      await store.replace(kind, {
        ...object,
        spec: { ...object.spec, deleted: kind === KINDS.ipamBlock ? true : 'true' },
      });
  }
  const again = await node(store, 'n1').ensureBlock();
  expect(again.cidr).toEqual(block.cidr);
  expect(blocksIn(store).every((b) => !b.deleted)).toBe(true);
  expect(store.all(KINDS.blockAffinity)[0]?.spec).toMatchObject({ state: 'confirmed', deleted: 'false' });
});

test('an ownerless block goes with its last address', async () => {
  const store = withPool();
  const ipam = node(store, 'n1');
  await ipam.assign(pod('a'));
  const [resource] = store.all(KINDS.ipamBlock);
  const { affinity: _, ...spec } = resource?.spec ?? {};
  if (resource) await store.replace(KINDS.ipamBlock, { ...resource, spec });
  expect(await ipam.release('net.a')).toBe(1);
  expect(store.all(KINDS.ipamBlock)).toEqual([]);
});

test('an answer that was lost after the block was written leaves an address that the release by handle finds', async () => {
  const store = withPool();
  const ipam = node(store, 'n1');
  await ipam.ensureBlock();
  let armed = true;
  store.after = (call, kind) => {
    if (!armed || call !== 'replace' || kind !== KINDS.ipamBlock) return;
    armed = false;
    throw new StoreError('Unreachable', 'socket hang up');
  };
  expect((await fault(ipam.assign(pod('a')))).transient).toBe(true);
  expect(allocationsIn(store).get('net.a')).toHaveLength(1);
  expect(await ipam.release('net.a')).toBe(1);
  expect(ipamFaults(store)).toEqual([]);
});
