/** IPv4 unicast in MP_REACH_NLRI and MP_UNREACH_NLRI goes into the same tables as in the old fields. RFC 4760 3 and 4. */
import { expect, test } from 'vitest';
import { encodeUpdate } from '../../../src/bgp-js/update/encode-update.ts';
import { nlriOf } from '../../../src/bgp-js/update/nlri-value.ts';
import { PLAIN_CONTEXT } from '../../../src/bgp-js/update/update-context.ts';
import {
  addPeer,
  address,
  announcement,
  attributes,
  cidr,
  HeardFeed,
  PLAIN,
  ribOf,
  updates,
} from '../../support/rib.ts';

const BLOCK = '10.244.1.0/26';
const OTHER = '10.244.2.0/26';
const context = { ...PLAIN_CONTEXT, ibgp: true };

const inReach = (nextHop: string, ...prefixes: string[]) => {
  const { nextHop: _, ...rest } = attributes(nextHop);
  const mpNextHop = { address: address(nextHop) };
  const announced = prefixes.map((p) => nlriOf(cidr(p)));
  return updates(encodeUpdate({ withdrawn: [], announced, attributes: { ...rest, mpNextHop } }, context))[0];
};

//   90 0f len  0001 01  1a 0af40140        MP_UNREACH_NLRI of 10.244.1.0/26
const inUnreach = (...octets: number[]) => {
  const value = [0, 1, 1, ...octets];
  const body = [0, 0, 0, value.length + 3, 0x80, 15, value.length, ...value];
  const bytes = Uint8Array.from([...new Array(16).fill(0xff), 0, 19 + body.length, 2, ...body]);
  return updates(bytes)[0];
};

test('routes in MP_REACH_NLRI have its next hop, and those in MP_UNREACH_NLRI go', () => {
  const { rib } = ribOf();
  const peer = addPeer(rib, '10.9.0.2');
  const feed = new HeardFeed();
  rib.subscribe(feed, 'kernel');
  feed.take();
  const announced = inReach('10.9.0.2', BLOCK, OTHER);
  if (announced === undefined) throw new Error('nothing was encoded');
  expect(announced.reachEnd).toBeGreaterThan(announced.reachStart);
  rib.receive(peer, announced, PLAIN);
  rib.settle();
  expect(feed.take()).toEqual([`+${BLOCK} peer 10.9.0.2`, `+${OTHER} peer 10.9.0.2`]);
  const [path] = rib.pathsOf(cidr(BLOCK))?.paths ?? [];
  expect(path?.attributes?.nextHop).toBe(address('10.9.0.2'));
  const withdrawn = inUnreach(26, 10, 244, 1, 0);
  if (withdrawn === undefined) throw new Error('nothing was encoded');
  rib.receive(peer, withdrawn, PLAIN);
  rib.settle();
  expect(feed.take()).toEqual([`-${BLOCK}`]);
});

test('both ways in share one attribute set', () => {
  const { rib } = ribOf();
  const peer = addPeer(rib, '10.9.0.2');
  const announced = inReach('10.9.0.2', BLOCK);
  if (announced === undefined) throw new Error('nothing was encoded');
  rib.receive(peer, announced, PLAIN);
  const sets = rib.counts.attributes;
  rib.receive(peer, announcement(attributes('10.9.0.2'), OTHER), PLAIN);
  expect(rib.counts.attributes).toBe(sets);
});

test('a multicast prefix among unicast routes is kept and not used (RFC 4271 6.3)', () => {
  const { rib } = ribOf();
  const peer = addPeer(rib, '10.9.0.2');
  const feed = new HeardFeed();
  rib.subscribe(feed, 'kernel');
  feed.take();
  rib.receive(peer, announcement(attributes('10.9.0.2'), BLOCK, '224.0.0.0/4', '239.1.0.0/16'), PLAIN);
  rib.settle();
  expect(feed.take()).toEqual([`+${BLOCK} peer 10.9.0.2`]);
  const [path] = rib.pathsOf(cidr('239.1.0.0/16'))?.paths ?? [];
  expect(path?.rejected?.code).toBe('MULTICAST_PREFIX');
});
