import { expect, test } from 'vitest';
import { invariant } from '../../../src/base/invariant.ts';
import { formatIpv4 } from '../../../src/base/ipv4.ts';
import { parsePrefix } from '../../../src/base/prefix.ts';
import { formatBlock, newBlock, parseBlock, type StoredBlock, written } from '../../../src/ipam/block.ts';
import { allocate, ordinalsOf, releaseOrdinals } from '../../../src/ipam/block-allocation.ts';
import { formatJson, parseJson } from '../../../src/store/json.ts';
import type { Resource } from '../../../src/store/port.ts';
import { blockFaults } from '../../support/ipam-invariants.ts';

const NOW = 1_795_272_333_123;
const cidr = parsePrefix('10.244.1.0/30');
invariant(cidr, 'a /30');
const fresh = () => newBlock(cidr, 'n1', NOW);
const give = (block: StoredBlock, handle: string): StoredBlock => {
  const given = allocate(block, handle, { pod: handle });
  invariant(given, 'room');
  return written(given.block);
};
const parsed = (resource: Resource): StoredBlock => {
  const p = parseBlock(resource);
  invariant(p.ok, p.ok ? '' : p.error.text);
  return p.value;
};

test('a new block is all free in order, with a sequence number of UnixNano', () => {
  const block = fresh();
  expect(block.unallocated).toEqual([0, 1, 2, 3]);
  expect(block.allocations).toEqual([null, null, null, null]);
  expect(block.sequenceNumber).toBe(1_795_272_333_123_000_000n);
  expect(block).toMatchObject({ affinity: 'host:n1', affinityClaimTime: '2026-11-21T14:45:33Z' });
  expect(blockFaults(block)).toEqual([]);
});

test('a block is stored in the form Calico reads, and numbers past 2^53 keep every digit', () => {
  const stored = formatJson(formatBlock(give(fresh(), 'net.c1')));
  expect(stored).toContain('"sequenceNumber":1795272333123000001');
  expect(parseJson(stored)).toEqual({
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'IPAMBlock',
    metadata: { name: '10-244-1-0-30' },
    spec: {
      affinity: 'host:n1',
      affinityClaimTime: '2026-11-21T14:45:33Z',
      allocations: [0, null, null, null],
      attributes: [{ handle_id: 'net.c1', secondary: { pod: 'net.c1' } }],
      cidr: '10.244.1.0/30',
      deleted: false,
      sequenceNumber: 1795272333123000001n,
      sequenceNumberForAllocation: { '0': 1795272333123000000n },
      strictAffinity: false,
      unallocated: [1, 2, 3],
    },
  });
});

test('fields Gingham does not know survive a rewrite, in the block and in its attributes', () => {
  const resource: Resource = {
    metadata: { name: '10-244-1-0-30', resourceVersion: '7', annotations: { a: 'b' } },
    spec: {
      cidr: '10.244.1.0/30',
      allocations: [0, null, null, null],
      unallocated: [1, 2, 3],
      attributes: [{ handle_id: 'vm', alternateOwnerAttrs: { node: 'n2' } }],
      strictAffinity: false,
      sequenceNumber: 5,
      futureField: { x: 1 },
    },
  };
  const again = formatBlock(give(parsed(resource), 'net.c1'), resource);
  expect(again.metadata).toEqual(resource.metadata);
  expect(again.spec).toMatchObject({
    futureField: { x: 1 },
    attributes: [{ handle_id: 'vm', alternateOwnerAttrs: { node: 'n2' } }, { handle_id: 'net.c1' }],
  });
});

test('an affinity taken away does not come back from the stored object', () => {
  const resource = formatBlock(fresh());
  const { affinity: _, affinityClaimTime: __, ...ownerless } = parsed(resource);
  expect(formatBlock(ownerless, resource).spec).not.toHaveProperty('affinity');
});

test('addresses are given first in, first out: a released one waits behind all others', () => {
  let block = give(give(fresh(), 'a'), 'b');
  block = written(releaseOrdinals(block, ordinalsOf(block, 'a'), NOW, 0));
  expect(block.unallocated).toEqual([2, 3, 0]);
  const given = allocate(block, 'c', {});
  expect(formatIpv4(given?.address ?? 0)).toBe('10.244.1.2');
});

test('a release renumbers the attributes that stay and leaves none unused', () => {
  let block = give(give(give(fresh(), 'a'), 'b'), 'c');
  block = written(releaseOrdinals(block, ordinalsOf(block, 'a'), NOW, 0));
  expect(block.attributes.map((a) => a.handleId)).toEqual(['b', 'c']);
  expect(block.allocations).toEqual([null, 0, 1, null]);
  expect(blockFaults(block)).toEqual([]);
});

test('equal allocations share one attribute', () => {
  const block = give(give(fresh(), 'a'), 'a');
  expect(block.attributes).toHaveLength(1);
  expect(block.allocations).toEqual([0, 0, null, null]);
  expect(ordinalsOf(block, 'a')).toEqual([0, 1]);
});

test('an allocation carries the sequence number of the block before its write', () => {
  const block = give(give(fresh(), 'a'), 'b');
  const first = 1_795_272_333_123_000_000n;
  expect(block.sequenceNumberForAllocation).toEqual({ '0': first, '1': first + 1n });
  expect(block.sequenceNumber).toBe(first + 2n);
});

test('with a cooldown an address keeps its place without owner until the time is over', () => {
  const full = give(fresh(), 'a');
  const cooling = written(releaseOrdinals(full, [0], NOW, 60));
  expect(cooling.unallocated).toEqual([1, 2, 3]);
  expect(cooling.attributes).toEqual([{ releasedAt: '2026-11-21T14:45:33Z' }]);
  expect(ordinalsOf(cooling, 'a')).toEqual([]);
});

test('reserved addresses are passed over and stay in the queue', () => {
  const given = allocate(fresh(), 'a', {}, (address) => (address & 3) === 0);
  expect(formatIpv4(given?.address ?? 0)).toBe('10.244.1.1');
  expect(given?.block.unallocated).toEqual([0, 2, 3]);
});

test('an ordinal that another writer queued although it is in use is not given twice', () => {
  const block = { ...give(fresh(), 'a'), unallocated: [0, 1, 2, 3] };
  expect(formatIpv4(allocate(block, 'b', {})?.address ?? 0)).toBe('10.244.1.1');
});

test('a full block gives nothing', () => {
  const full = ['a', 'b', 'c', 'd'].reduce(give, fresh());
  expect(allocate(full, 'e', {})).toBeUndefined();
});

test.each([
  [{ cidr: '10.244.1.1/30' }, 'spec.cidr'],
  [{ allocations: [null] }, 'spec.allocations'],
  [{ allocations: [0, null, null, null] }, 'spec.allocations[0]'],
  [{ unallocated: [4] }, 'spec.unallocated[0]'],
  [{ attributes: [7] }, 'spec.attributes[0]'],
  [{ sequenceNumber: 'x' }, 'spec.sequenceNumber'],
])('a block with a fault is a Reason that names the field: %j', (change, field) => {
  const good = formatBlock(fresh());
  const result = parseBlock({ ...good, spec: { ...good.spec, ...change } });
  expect(result.ok).toBe(false);
  if (!result.ok) {
    expect(result.error.code).toBe('IPAM_BAD_BLOCK');
    expect(result.error.text).toContain('ipamblocks "10-244-1-0-30"');
    expect(result.error.text).toContain(field);
  }
});

test('an IPv6 block is recognised, not complained about', () => {
  const result = parseBlock({ metadata: { name: 'v6' }, spec: { cidr: 'fd00::/122' } });
  expect(result).toMatchObject({ ok: false, error: { code: 'NOT_IPV4' } });
});
