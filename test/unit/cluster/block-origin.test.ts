import { expect, test } from 'vitest';
import { formatIpPrefix, type IpAddress, type IpPrefix, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import { BlockOrigins, type OriginSnapshot, ownedBlocks } from '../../../src/cluster/block-origin.ts';
import { parseBlock } from '../../../src/ipam/block.ts';

const prefix = (text: string): IpPrefix => parseIpPrefix(text) as IpPrefix;
const address = (text: string): IpAddress => parseIp(text) as IpAddress;
const SNAPSHOT: OriginSnapshot = {
  pools: [prefix('10.244.0.0/16'), prefix('fd00:10:244::/48')],
  blocks: [
    { cidr: prefix('10.244.0.0/26'), node: 'worker1', lent: new Map([[address('10.244.0.9'), 'worker3']]) },
    { cidr: prefix('10.244.0.64/26'), node: 'worker3' },
    { cidr: prefix('10.244.0.128/26') },
    { cidr: prefix('fd00:10:244::/122'), node: 'worker1' },
  ],
  nodes: [
    { name: 'worker1', addresses: [address('172.18.0.3'), address('fd00::3')] },
    { name: 'worker3', addresses: [address('172.18.0.5')] },
  ],
};
const origins = (): BlockOrigins => {
  const made = new BlockOrigins();
  made.update(SNAPSHOT);
  return made;
};
const said = (all: BlockOrigins, route: string, nextHop: string): string => {
  const { address: a, length } = prefix(route);
  const { origin, reason } = all.originOf(a, length, address(nextHop));
  return reason === undefined ? origin : `${origin} ${reason.code}: ${reason.text}`;
};

test.each([
  ['10.244.0.0/26', '172.18.0.3', 'valid'],
  [
    '10.244.0.0/26',
    '172.18.0.5',
    'invalid ORIGIN_INVALID: IPAM says block 10.244.0.0/26 belongs to worker1, not to worker3',
  ],
  ['10.244.0.7/32', '172.18.0.3', 'valid'],
  ['10.244.0.9/32', '172.18.0.5', 'valid'],
  [
    '10.244.0.7/32',
    '172.18.0.5',
    'invalid ORIGIN_INVALID: IPAM says block 10.244.0.0/26 belongs to worker1, not to worker3',
  ],
  ['10.244.0.0/25', '172.18.0.3', 'unknown ORIGIN_UNKNOWN: no block of pool 10.244.0.0/16 holds 10.244.0.0/25'],
  ['10.244.9.0/26', '172.18.0.3', 'unknown ORIGIN_UNKNOWN: no block of pool 10.244.0.0/16 holds 10.244.9.0/26'],
  ['10.244.0.128/26', '172.18.0.3', 'unknown ORIGIN_UNKNOWN: block 10.244.0.128/26 belongs to no node'],
  [
    '10.244.0.0/26',
    '172.18.0.254',
    "unknown ORIGIN_UNKNOWN: the next hop 172.18.0.254 is no node's; block 10.244.0.0/26 belongs to worker1",
  ],
  ['192.0.2.0/24', '172.18.0.3', 'unknown'],
  ['fd00:10:244::/122', 'fd00::3', 'valid'],
  ['fd00:10:244::1/128', '172.18.0.3', 'valid'],
])('%s by %s: %s', (route, nextHop, expected) => expect(said(origins(), route, nextHop)).toBe(expected));

test('a change names the prefixes whose answers it touches, and no others', () => {
  const all = new BlockOrigins();
  expect(all.update(SNAPSHOT).length).toBeGreaterThan(0);
  expect(all.update({ ...SNAPSHOT, blocks: [...SNAPSHOT.blocks].reverse() })).toEqual([]);
  const [first, second, ...rest] = SNAPSHOT.blocks;
  if (first === undefined || second === undefined) throw new Error('no blocks');
  const moved = { ...second, node: 'worker1' };
  expect(all.update({ ...SNAPSHOT, blocks: [first, moved, ...rest] }).map(formatIpPrefix)).toEqual(['10.244.0.64/26']);
  expect(said(all, '10.244.0.64/26', '172.18.0.5')).toContain('invalid');
  expect(all.update({ ...SNAPSHOT, blocks: [first, ...rest] }).map(formatIpPrefix)).toEqual(['10.244.0.64/26']);
  expect(all.update({ ...SNAPSHOT, blocks: [first, ...rest], pools: [] }).map(formatIpPrefix)).toEqual([
    '10.244.0.0/16',
    'fd00:10:244::/48',
  ]);
});

test('blocks and affinities as stored: the block’s word counts, an address of another node’s pod is lent', () => {
  const block = parseBlock({
    metadata: { name: '10-244-0-0-26' },
    spec: {
      cidr: '10.244.0.0/30',
      affinity: 'host:worker1',
      allocations: [null, 0, 1, null],
      attributes: [
        { handle_id: 'a', secondary: { node: 'worker1' } },
        { handle_id: 'b', secondary: { node: 'worker3' } },
      ],
      unallocated: [0, 3],
      strictAffinity: false,
      deleted: false,
    },
  });
  if (!block.ok) throw new Error(block.error.text);
  const cidr = block.value.cidr;
  const affinity = { node: 'worker2', cidr, state: 'confirmed' as const, deleted: false };
  expect(ownedBlocks([block.value], [affinity])).toEqual([
    { cidr, node: 'worker1', lent: new Map([[address('10.244.0.2'), 'worker3']]) },
  ]);
  expect(ownedBlocks([], [affinity, { ...affinity, state: 'pending' }])).toEqual([{ cidr, node: 'worker2' }]);
});
