import { expect, test } from 'vitest';
import { type Prefix, parsePrefix } from '../../../src/base/prefix.ts';
import { ok } from '../../../src/base/result.ts';
import type { ClusterSnapshot } from '../../../src/cluster/desired.ts';
import { blockViews } from '../../../src/daemon/block-views.ts';
import type { Block, BlockAffinity } from '../../../src/model/block.ts';

const cidr = (text: string): Prefix => {
  const p = parsePrefix(text);
  if (p === undefined) throw new Error(text);
  return p;
};
const block = (text: string, owner: string, pods: string[]): Block => ({
  cidr: cidr(text),
  affinity: `host:${owner}`,
  allocations: Array.from({ length: 64 }, (_, i) => (i < pods.length ? i : null)),
  unallocated: [],
  attributes: pods.map((node) => ({ secondary: { node } })),
  sequenceNumber: 1n,
  sequenceNumberForAllocation: {},
  deleted: false,
});
const affinity = (text: string, node: string, state: BlockAffinity['state'] = 'confirmed'): BlockAffinity => ({
  node,
  cidr: cidr(text),
  state,
  deleted: false,
});
const snapshot = (blocks: Block[], affinities: BlockAffinity[]): ClusterSnapshot => ({
  nodes: [],
  pools: [],
  blocks: blocks.map(ok),
  affinities: affinities.map(ok),
  bgpConfiguration: undefined,
});

test('a block shows its owner, its use, what is borrowed, and its route', () => {
  const seen = blockViews(
    snapshot([block('10.244.0.64/26', 'node2', ['node2', 'node1'])], [affinity('10.244.0.64/26', 'node2')]),
    () => 'via 192.168.34.102 dev tunl0 onlink',
  );
  expect(seen).toEqual([
    {
      block: '10.244.0.64/26',
      node: 'node2',
      affinity: 'confirmed',
      addressesUsed: 2,
      addressesTotal: 64,
      addressesBorrowed: 1,
      route: 'via 192.168.34.102 dev tunl0 onlink',
    },
  ]);
});

test('an affinity without its block, and two owners of one block, are rows with a reason', () => {
  const seen = blockViews(
    snapshot(
      [block('10.244.0.0/26', 'node1', [])],
      [affinity('10.244.0.0/26', 'node3'), affinity('10.244.0.64/26', 'node2')],
    ),
    () => 'none',
  );
  expect(seen.map((b) => [b.block, b.reason?.code])).toEqual([
    ['10.244.0.0/26', 'BLOCK_OWNER_DIFFERS'],
    ['10.244.0.64/26', 'AFFINITY_WITHOUT_BLOCK'],
  ]);
});
