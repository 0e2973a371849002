import { expect, test } from 'vitest';
import { formatIp } from '../../../src/base/ip.ts';
import { type Ipv4, ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import { type Ipv6, parseIpv6 } from '../../../src/base/ipv6.ts';
import { err, ok } from '../../../src/base/result.ts';
import { bgpPeers, type PeerContext } from '../../../src/cluster/bgp-peers.ts';
import { FilterSet } from '../../../src/cluster/peer-policies.ts';
import { matchesSelector } from '../../../src/ipam/selector.ts';
import type { ClusterNode } from '../../../src/model/node.ts';
import type { JsonObject, Resource } from '../../../src/store/port.ts';

const address = (text: string): Ipv4 => parseIpv4(text) as Ipv4;
const peer = (name: string, spec: JsonObject): Resource => ({ metadata: { name }, spec });
const context = (change: Partial<PeerContext> = {}): PeerContext => ({
  me: { name: 'n1', labels: { rack: 'a' } },
  localAddress: address('10.9.0.1'),
  localAsn: 64512,
  matches: matchesSelector,
  passwords: new Map(),
  nodes: [],
  meshAsn: 64512,
  nodePort: 179,
  filters: new FilterSet([], { importFirst: [], exportLast: [] }),
  holdTimeSec: 90,
  connectRetrySec: 5,
  localPref: 100,
  takenNames: new Set(),
  takenAddresses: new Map(),
  ...change,
});
const of = (spec: JsonObject, change: Partial<PeerContext> = {}) => bgpPeers([peer('tor', spec)], context(change));
const TOR = { peerIP: '10.0.0.1', asNumber: 65001 };

test('an external peer hears of the pools, with us as next hop', () => {
  const { peers, problems, notices } = of(TOR);
  expect({ problems, notices }).toEqual({ problems: [], notices: [] });
  expect(peers).toHaveLength(1);
  expect(peers[0]).toMatchObject({
    name: 'tor',
    kind: 'global',
    configuredBy: 'bgppeers "tor"',
    port: 179,
    asn: 65001,
    localAsn: 64512,
    nextHop: 'auto',
    transit: true,
  });
  expect(formatIp(peers[0]?.localAddress ?? ipv4(0))).toBe('10.9.0.1');
});

test('peerIP may have a port; node and nodeSelector say whose it is', () => {
  expect(of({ ...TOR, peerIP: '10.0.0.1:1790' }).peers[0]?.port).toBe(1790);
  expect(of({ ...TOR, node: 'n1' }).peers[0]?.kind).toBe('node');
  expect(of({ ...TOR, node: 'n2' }).peers).toEqual([]);
  expect(of({ ...TOR, nodeSelector: "rack == 'a'" }).peers).toHaveLength(1);
  expect(of({ ...TOR, nodeSelector: "rack == 'b'" }).peers).toEqual([]);
  expect(of({ ...TOR, nodeSelector: 'rack ==' }).problems[0]?.text).toContain('nodeSelector is "rack =="');
  expect(of({ ...TOR, node: 'n1', nodeSelector: 'all()' }).problems[0]?.text).toContain('both set');
});

test.each([
  [{ keepOriginalNextHop: true }, 65001, 'keep'],
  [{ nextHopMode: 'Keep' }, 65001, 'keep'],
  [{ nextHopMode: 'Self' }, 64512, 'self'],
  [{ keepOriginalNextHop: true }, 64512, 'auto'],
  [{}, 64512, 'auto'],
])('next hop of %o to AS %i: %s', (spec, asNumber, mode) => {
  expect(of({ ...TOR, ...spec, asNumber }).peers[0]?.nextHop).toBe(mode);
});

test('a peer whose Secret is missing is held with the reason, and the others are not', () => {
  const spec = { ...TOR, password: { secretKeyRef: { name: 'bgp', key: 'tor' } } };
  const missing = err({ code: 'SECRET_MISSING', text: 'Secret "bgp" does not exist.' });
  const both = [peer('tor', spec), peer('other', { peerIP: '10.0.0.2', asNumber: 65001 })];
  const held = bgpPeers(both, context({ passwords: new Map([['bgp/tor', missing]]) }));
  expect(held.peers.map((p) => p.name)).toEqual(['other']);
  expect(held.problems).toEqual([
    expect.objectContaining({
      code: 'SECRET_MISSING',
      text: 'bgppeers "tor": held: Secret "bgp" does not exist.',
      about: expect.objectContaining({ name: 'tor' }),
    }),
  ]);
  const there = bgpPeers(both, context({ passwords: new Map([['bgp/tor', ok('s3cret')]]) }));
  expect(there.peers.map((p) => [p.name, p.password])).toEqual([
    ['other', undefined],
    ['tor', 's3cret'],
  ]);
  expect(of(spec, { passwords: new Map([['bgp/tor', ok('x'.repeat(81))]]) }).problems[0]?.code).toBe('SECRET_INVALID');
  expect(of({ ...TOR, password: {} }).problems[0]?.code).toBe('SECRET_REF_INVALID');
});

test.each([
  [{ asNumber: 65001 }, 'peerIP is missing'],
  [{ peerIP: 'fd00::1', asNumber: 65001 }, 'fd00::1 is an IPv6 address, and this node has none'],
  [{ peerIP: 'fe80::1', asNumber: 65001 }, 'peerIP is "fe80::1"'],
  [{ peerIP: 'ff02::1', asNumber: 65001 }, 'peerIP is "ff02::1"'],
  [{ peerIP: '224.0.0.5', asNumber: 65001 }, 'peerIP is "224.0.0.5"'],
  [{ peerIP: '10.0.0.1:99999', asNumber: 65001 }, 'peerIP is "10.0.0.1:99999"'],
  [{ peerIP: '10.0.0.1' }, 'asNumber is missing'],
  [{ peerSelector: 'all() ==', asNumber: 65001 }, 'peerSelector is "all() =="'],
  [{ ...TOR, peerSelector: 'all()' }, 'peerIP and peerSelector are both set'],
  [{ ...TOR, numAllowedLocalASNumbers: 99 }, 'numAllowedLocalASNumbers is 99'],
  [{ ...TOR, maxRestartTime: '2 days' }, 'maxRestartTime is "2 days"'],
  [{ ...TOR, nextHopMode: 'Other' }, 'nextHopMode is "Other"'],
  [{ ...TOR, keepaliveTime: '0s' }, 'keepaliveTime is "0s"'],
  [{ ...TOR, reachableBy: 'fe80::1' }, 'reachableBy is "fe80::1"'],
  [{ ...TOR, ttlSecurity: 256 }, 'ttlSecurity is 256'],
])('%o is no peer, and says why', (spec, text) => {
  const { peers, problems } = of(spec);
  expect(peers).toEqual([]);
  expect(problems.map((p) => p.text).join()).toContain(`bgppeers "tor": ${text}`);
});

test('ttlSecurity is hops, 0 is off; sourceAddress None leaves the address to the kernel', () => {
  const hops = (ttlSecurity: number) => of({ ...TOR, ttlSecurity }).peers[0]?.ttlSecurity;
  expect([hops(1), hops(255), hops(0)]).toEqual([1, 255, undefined]);
  expect(of({ ...TOR, sourceAddress: 'None' }).peers[0]?.localAddress).toBeUndefined();
});

test('fields without effect are named in one notice, and the peer is followed', () => {
  const { peers, notices } = of({ ...TOR, localWorkloadSelector: 'all()', newer: true });
  expect(peers).toHaveLength(1);
  expect(notices.map((n) => n.text)).toEqual([
    'bgppeers "tor": localWorkloadSelector, newer have no effect in this version of Gingham',
  ]);
});

test('keepaliveTime is the peer’s, maxRestartTime its restart time', () => {
  const change = { gracefulRestart: { restartTimeSec: 120 } };
  const [peer] = of({ ...TOR, keepaliveTime: '20s', maxRestartTime: '3m' }, change).peers;
  expect(peer).toMatchObject({ keepaliveSec: 20, gracefulRestart: { restartTimeSec: 180 } });
  expect(of(TOR).peers[0]?.keepaliveSec).toBeUndefined();
});

test('reachableBy is a way to the peer, by another address of its family', () => {
  const ways = (reachableBy: string) => {
    const answer = of({ ...TOR, reachableBy });
    expect(answer.peers).toHaveLength(1);
    return [answer.ways.map((w) => `${formatIp(w.peer)} ${formatIp(w.gateway)}`), answer.problems.map((p) => p.text)];
  };
  expect(ways('10.9.0.254')).toEqual([['10.0.0.1 10.9.0.254'], []]);
  const remedy = 'Write another address of the same family.';
  expect(ways('10.0.0.1')).toEqual([[], [`bgppeers "tor": reachableBy is 10.0.0.1, and the peer 10.0.0.1. ${remedy}`]]);
  expect(ways('fd00::1')).toEqual([[], [`bgppeers "tor": reachableBy is fd00::1, and the peer 10.0.0.1. ${remedy}`]]);
});

test('an address has one session: the mesh’s first, then the first by name; our own address none', () => {
  const taken = { takenAddresses: new Map([[address('10.0.0.1'), 'node "n2"']]) };
  expect(of(TOR, taken).peers).toEqual([]);
  expect(of(TOR, taken).problems[0]?.text).toContain('10.0.0.1 is node "n2"\'s address too');
  const two = bgpPeers([peer('b', TOR), peer('a', TOR)], context());
  expect(two.peers.map((p) => p.name)).toEqual(['a']);
  expect(of({ ...TOR, peerIP: '10.9.0.1' })).toEqual({ peers: [], ways: [], problems: [], notices: [] });
  expect(of(TOR, { takenNames: new Set(['tor']) }).peers[0]?.name).toBe('tor (BGPPeer)');
});

test('an IPv6 peer has IPv6 routes, from our IPv6 address', () => {
  const me: ClusterNode = { name: 'n1', labels: {}, ipv6Address: parseIpv6('2001:db8::1') as Ipv6 };
  const { peers, problems } = of({ peerIP: '[2001:db8::9]:1790', asNumber: 65001 }, { me });
  expect(problems).toEqual([]);
  expect(peers[0]).toMatchObject({ port: 1790, families: ['ipv6-unicast'] });
  expect(formatIp(peers[0]?.localAddress ?? ipv4(0))).toBe('2001:db8::1');
  expect(of({ peerIP: '2001:db8::9', asNumber: 65001, sourceAddress: 'None' }).peers).toHaveLength(1);
});

test('restart time and own AS numbers are the object’s; a filter that does not exist is told', () => {
  const gracefulRestart = { restartTimeSec: 120 };
  const spec = { ...TOR, maxRestartTime: '2m30s', numAllowedLocalASNumbers: 2, filters: ['gone'] };
  const { peers, problems } = of(spec, { gracefulRestart });
  expect(peers[0]).toMatchObject({ gracefulRestart: { restartTimeSec: 150 }, allowOwnAs: 2 });
  expect(problems.map((p) => p.code)).toEqual(['BGP_FILTER_MISSING']);
});

const member = (name: string, at: string, more: Partial<ClusterNode> = {}): ClusterNode => ({
  name,
  address: address(at),
  labels: { rack: name },
  ...more,
});
const rr = { clusterId: address('244.0.0.1'), labels: { role: 'rr' } };
const CLUSTER = [
  member('n1', '10.9.0.1'),
  member('n2', '10.9.0.2'),
  member('r1', '10.9.0.3', rr),
  member('r2', '10.9.0.4', rr),
];
const seenBy = (name: string, spec: JsonObject) => {
  const me = CLUSTER.find((n) => n.name === name) as ClusterNode;
  return of(spec, { me, nodes: CLUSTER, localAddress: me.address as Ipv4 }).peers.map(
    (p) => `${p.name}${p.client === true ? ' client' : ''}`,
  );
};

test('everybody selects the reflectors, and they peer back: nodes are clients, reflectors of one cluster are not', () => {
  const spec = { nodeSelector: 'all()', peerSelector: "role == 'rr'" };
  expect(seenBy('n1', spec)).toEqual(['r1', 'r2']);
  expect(seenBy('r1', spec)).toEqual(['n1 client', 'n2 client', 'r2']);
  const { peers } = of(spec, { me: CLUSTER[2] as ClusterNode, nodes: CLUSTER, localAddress: address('10.9.0.3') });
  expect(peers[0]).toMatchObject({ kind: 'node', asn: 64512, port: 179, clusterId: rr.clusterId });
});

test('reversePeering Manual: only those that the object chooses have the session', () => {
  const spec = { node: 'n1', peerSelector: "role == 'rr'" };
  expect(seenBy('r1', spec)).toEqual(['n1 client']);
  expect(seenBy('r1', { ...spec, reversePeering: 'Manual' })).toEqual([]);
  expect(seenBy('n2', spec)).toEqual([]);
});

test('two objects that select one node are one session, and no fault', () => {
  const spec = { peerSelector: "role == 'rr'" };
  const context1 = context({ me: CLUSTER[0] as ClusterNode, nodes: CLUSTER });
  const { peers, problems } = bgpPeers([peer('a', spec), peer('b', spec)], context1);
  expect(peers.map((p) => p.configuredBy)).toEqual(['bgppeers "a"', 'bgppeers "a"']);
  expect(problems).toEqual([]);
});
