/** Import policies that ask what IPAM says, over the tables: judged as it comes in, and again when IPAM says something else. */
import { expect, test } from 'vitest';
import type { IpAddress } from '../../../src/base/ip.ts';
import { formatPrefix, prefix } from '../../../src/base/prefix.ts';
import { nextHopOf } from '../../../src/bgp-js/attributes/next-hop.ts';
import { BlockOrigins } from '../../../src/cluster/block-origin.ts';
import { blockOriginPolicy } from '../../../src/model/built-in-policies.ts';
import type { Policy } from '../../../src/model/policy.ts';
import type { PathSource } from '../../../src/rib/terms/feed.ts';
import { addPeer, address, announcement, attributes, cidr, PLAIN, ribOf, withdrawal } from '../../support/rib.ts';

const BLOCK = '10.244.1.0/26';
const OTHER = '10.244.2.0/26';
const OUTSIDE = '192.0.2.0/24';
/** What node2 and node3 both announce, node2 with all that the other steps prefer. */
const rivals = (mode: 'warn' | 'prefer') => {
  const origins = new BlockOrigins();
  origins.update(snapshot('node3'));
  const { rib } = ribOf({ originOf: (a, length, set) => origins.originOf(a, length, nextHopOf(set)) });
  const importPolicy = blockOriginPolicy(mode) as Policy;
  const [node2, node3] = ['10.9.0.2', '10.9.0.3'].map((at) => addPeer(rib, at, { importPolicy })) as [
    PathSource,
    PathSource,
  ];
  rib.receive(node2, announcement(attributes('10.9.0.2', { localPref: 0xffffffff }), BLOCK, OUTSIDE), PLAIN);
  rib.receive(node3, announcement(attributes('10.9.0.3', { localPref: 1 }), BLOCK, OUTSIDE), PLAIN);
  rib.settle();
  const bestOf = (text: string) => rib.pathsOf(cidr(text))?.paths.find((path) => path.best);
  return { origins, rib, node2, node3, bestOf };
};

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

test('prefer: the block’s owner wins whatever another claims, and `why` names the step; outside pools nothing changes', () => {
  const { rib, bestOf, node2, node3, origins } = rivals('prefer');
  expect(bestOf(BLOCK)?.source).toBe(node3);
  const lost = rib.pathsOf(cidr(BLOCK))?.paths[1];
  expect(lost).toMatchObject({ source: node2, lostAt: { step: 'origin validation', best: 'valid', this: 'invalid' } });
  // Nothing of the route itself is changed: it goes on as it came.
  expect(bestOf(BLOCK)?.received).toEqual(bestOf(BLOCK)?.attributes);
  expect(bestOf(OUTSIDE)?.source).toBe(node2);

  // The invalid one is a last resort, and is there for it.
  rib.receive(node3, withdrawal(BLOCK), PLAIN);
  rib.settle();
  expect(bestOf(BLOCK)?.source).toBe(node2);
  rib.receive(node3, announcement(attributes('10.9.0.3', { localPref: 1 }), BLOCK), PLAIN);
  rib.reevaluateWithin(origins.update(snapshot('node2')));
  rib.settle();
  expect(bestOf(BLOCK)?.source).toBe(node2);

  // Off again: as before, without a word from the peers.
  for (const source of [node2, node3]) {
    const { name, kind, address: at } = source;
    if (kind !== 'local') rib.changeSource(source, { name, kind, address: at, localAsn: 64512, peerAsn: 64512 });
  }
  origins.update(snapshot('node3'));
  rib.settle();
  expect(bestOf(BLOCK)?.source).toBe(node2);
});

test('warn: the decision is as if nobody had asked', () => {
  const { rib, bestOf, node2 } = rivals('warn');
  expect(bestOf(BLOCK)?.source).toBe(node2);
  expect(rib.pathsOf(cidr(BLOCK))?.paths[1]?.lostAt?.step).toBe('LOCAL_PREF');
});
