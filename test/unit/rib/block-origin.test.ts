/** Import policies that ask what IPAM says, over the tables: judged as it comes in, and again when IPAM says something else. */
import { expect, test } from 'vitest';
import type { IpAddress } from '../../../src/base/ip.ts';
import { formatPrefix, prefix } from '../../../src/base/prefix.ts';
import { nextHopOf } from '../../../src/bgp-js/attributes/next-hop.ts';
import { BlockOrigins } from '../../../src/cluster/block-origin.ts';
import { blockOriginPolicy } from '../../../src/model/built-in-policies.ts';
import type { Policy } from '../../../src/model/policy.ts';
import { addPeer, address, announcement, attributes, cidr, PLAIN, ribOf } from '../../support/rib.ts';

const BLOCK = '10.244.1.0/26';
const OTHER = '10.244.2.0/26';
const snapshot = (owner: string) => ({
  pools: [cidr('10.244.0.0/16')],
  blocks: [
    { cidr: cidr(BLOCK), node: owner },
    { cidr: cidr(OTHER), node: 'node2' },
  ],
  nodes: [
    { name: 'node2', addresses: [address('10.9.0.2')] },
    { name: 'node3', addresses: [address('10.9.0.3')] },
  ],
});

test('a route whose block is another node’s is rejected with IPAM’s words, and used once the block is its own', () => {
  const origins = new BlockOrigins();
  const asked: string[] = [];
  origins.update(snapshot('node3'));
  const { rib } = ribOf({
    originOf: (a: IpAddress, length, set) => {
      asked.push(formatPrefix(prefix(Number(a), length)));
      return origins.originOf(a, length, nextHopOf(set));
    },
  });
  const node2 = addPeer(rib, '10.9.0.2', { importPolicy: blockOriginPolicy('reject') as Policy });
  rib.receive(node2, announcement(attributes('10.9.0.2'), BLOCK, OTHER), PLAIN);
  rib.settle();
  const pathOf = (text: string) => rib.pathsOf(cidr(text))?.paths[0];
  expect(pathOf(BLOCK)?.rejected).toEqual({
    code: 'ORIGIN_INVALID',
    text: 'IPAM says block 10.244.1.0/26 belongs to node3, not to node2',
  });
  expect(pathOf(OTHER)?.rejected).toBeUndefined();

  asked.length = 0;
  rib.reevaluateWithin(origins.update(snapshot('node2')));
  rib.settle();
  // Only what the change touches.
  expect(asked).toEqual([BLOCK]);
  expect(pathOf(BLOCK)?.rejected).toBeUndefined();
  expect(rib.counts).toMatchObject({ best: 2 });

  rib.reevaluateWithin(origins.update(snapshot('node3')));
  rib.settle();
  expect(rib.counts).toMatchObject({ best: 1 });
});
