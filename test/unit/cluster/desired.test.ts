import fc from 'fast-check';
import { expect, test } from 'vitest';
import { invariant } from '../../../src/base/invariant.ts';
import { formatIp, formatIpPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { formatPrefix, type Prefix, parsePrefix } from '../../../src/base/prefix.ts';
import { type ClusterSnapshot, type DesiredSelf, desired } from '../../../src/cluster/desired.ts';
import { readIpv6Objects } from '../../../src/cluster/ipv6-blocks.ts';
import { newAffinity, parseAffinity, withState } from '../../../src/ipam/affinity.ts';
import { formatBlock, newBlock, parseBlock } from '../../../src/ipam/block.ts';
import { parsePool } from '../../../src/ipam/pools.ts';
import type { JsonObject, Resource } from '../../../src/store/port.ts';

const self: DesiredSelf = {
  nodeName: 'n1',
  holdTimeSec: 90,
  connectRetrySec: 5,
  gracefulRestart: { restartTimeSec: 120 },
  localPref: 2147482623,
};
const node = (name: string, address?: string, annotations: Readonly<Record<string, string>> = {}): Resource => ({
  metadata: { name, annotations: { ...(address ? { 'projectcalico.org/IPv4Address': address } : {}), ...annotations } },
});
const cidr = (text: string): Prefix => {
  const p = parsePrefix(text);
  invariant(p, text);
  return p;
};
const block = (owner: string, text: string) => parseBlock(formatBlock(newBlock(cidr(text), owner, 1e12)));
const affinity = (owner: string, text: string, state: 'pending' | 'confirmed' = 'confirmed') =>
  parseAffinity(withState(newAffinity(owner, cidr(text)), state));
const pool = (name: string, spec: JsonObject) => parsePool({ metadata: { name }, spec });
const snapshot = (change: Partial<ClusterSnapshot> = {}): ClusterSnapshot => ({
  nodes: [node('n2', '10.9.0.2/24'), node('n1', '10.9.0.1/24'), node('n3', '10.9.0.3/24')],
  pools: [pool('p', { cidr: '10.244.0.0/16', ipipMode: 'Always' })],
  blocks: [block('n1', '10.244.0.64/26'), block('n2', '10.244.0.0/26')],
  affinities: [affinity('n1', '10.244.0.64/26'), affinity('n2', '10.244.0.0/26')],
  bgpConfiguration: undefined,
  ...change,
});
const codes = (s: ClusterSnapshot): readonly string[] => desired(s, self).problems.map((p) => p.code);

test('a node peers with every other node by name, in AS 64512 on port 179', () => {
  const { peers, problems, asn, listenPort, tunnels } = desired(snapshot(), self);
  expect(peers.map((p) => `${p.name} ${formatIp(p.address)} ${p.port} ${p.asn}`)).toEqual([
    'n2 10.9.0.2 179 64512',
    'n3 10.9.0.3 179 64512',
  ]);
  expect(peers[0]).toMatchObject({ kind: 'mesh', localAsn: 64512, holdTimeSec: 90, transit: false });
  expect(formatIp(peers[0]?.localAddress ?? ipv4(0))).toBe('10.9.0.1');
  expect({ problems, asn, listenPort, tunnels }).toEqual({
    problems: [],
    asn: 64512,
    listenPort: 179,
    tunnels: { ipip: true, vxlan: false },
  });
});

test('AS numbers and the port come from the Nodes and the BGPConfiguration', () => {
  const bgpConfiguration: Resource = { metadata: { name: 'default' }, spec: { asNumber: 65001, listenPort: 1790 } };
  const nodes = [node('n1', '10.9.0.1/24'), node('n2', '10.9.0.2/24', { 'projectcalico.org/ASNumber': '1.10' })];
  const { peers } = desired(snapshot({ nodes, bgpConfiguration }), self);
  expect(peers[0]).toMatchObject({ asn: 65546, localAsn: 65001, port: 1790 });
});

test('with nodeToNodeMeshEnabled false nobody is peered with, and routes are still announced to whom there is', () => {
  const bgpConfiguration: Resource = { metadata: { name: 'default' }, spec: { nodeToNodeMeshEnabled: false } };
  const d = desired(snapshot({ bgpConfiguration }), self);
  expect(d.peers).toEqual([]);
  expect(d.originate.map(formatPrefix)).toEqual(['10.244.0.64/26']);
});

test('faulty BGP settings keep the default and are told', () => {
  const bgpConfiguration: Resource = {
    metadata: { name: 'default' },
    spec: { asNumber: 0, listenPort: 99999, nodeMeshPassword: {} },
  };
  const d = desired(snapshot({ bgpConfiguration }), self);
  expect(d).toMatchObject({ asn: 64512, listenPort: 179 });
  expect(d.problems.map((p) => p.code)).toEqual([
    'BGP_CONFIGURATION_INVALID',
    'BGP_CONFIGURATION_INVALID',
    'SECRET_REF_INVALID',
  ]);
});

test('a route reflector is left to BGPPeer objects', () => {
  const rr = node('n2', '10.9.0.2/24', { 'projectcalico.org/RouteReflectorClusterID': '1.1.1.1' });
  const d = desired(snapshot({ nodes: [node('n1', '10.9.0.1/24'), rr, node('n3', '10.9.0.3/24')] }), self);
  expect(d.peers.map((p) => p.name)).toEqual(['n3']);
});

test('the InternalIP serves where the annotation is missing or cannot be read', () => {
  const status = {
    addresses: [
      { type: 'Hostname', address: 'n2' },
      { type: 'InternalIP', address: '10.9.0.2' },
    ],
  };
  const nodes = [node('n1', '10.9.0.1/24'), { ...node('n2', 'what'), status }];
  const d = desired(snapshot({ nodes }), self);
  expect(formatIp(d.peers[0]?.address ?? ipv4(0))).toBe('10.9.0.2');
  expect(d.problems.map((p) => p.code)).toEqual(['NODE_ANNOTATION_INVALID']);
});

test('a node without address, or with another one’s, is a problem and no peer', () => {
  const nodes = [node('n1', '10.9.0.1/24'), node('n2'), node('n3', '10.9.0.1/24')];
  const d = desired(snapshot({ nodes }), self);
  expect(d.peers).toEqual([]);
  expect(d.problems.map((p) => p.code)).toEqual(['NODE_ADDRESS_TWICE', 'NODE_WITHOUT_ADDRESS']);
});

test('without our own Node there is no mesh yet', () => {
  expect(codes(snapshot({ nodes: [node('n2', '10.9.0.2/24')] }))).toEqual(['SELF_NODE_MISSING']);
  expect(codes(snapshot({ nodes: [node('n1')] }))).toEqual(['SELF_ADDRESS_MISSING']);
});

test('a block is announced when it or a confirmed affinity says it is ours, not when the affinity is pending', () => {
  const d = desired(
    snapshot({
      blocks: [block('n1', '10.244.1.0/26')],
      affinities: [affinity('n1', '10.244.2.0/26'), affinity('n1', '10.244.3.0/26', 'pending')],
    }),
    self,
  );
  expect(d.originate.map(formatPrefix)).toEqual(['10.244.1.0/26', '10.244.2.0/26']);
});

test('a block that belongs to another node is not announced, whatever our affinity says', () => {
  const d = desired(
    snapshot({ blocks: [block('n2', '10.244.1.0/26')], affinities: [affinity('n1', '10.244.1.0/26')] }),
    self,
  );
  expect(d.originate).toEqual([]);
  expect(d.problems.map((p) => p.code)).toEqual(['BLOCK_OWNER_MISMATCH']);
});

test('blocks of a pool with disableBGPExport stay unannounced', () => {
  const pools = [pool('p', { cidr: '10.244.0.0/16', disableBGPExport: true })];
  expect(desired(snapshot({ pools }), self).originate).toEqual([]);
});

test('faulty and overlapping pools are problems, IPv6 ones are not', () => {
  const pools = [
    pool('a', { cidr: '10.244.0.0/16' }),
    pool('b', { cidr: '10.244.128.0/17', vxlanMode: 'Always' }),
    pool('c', { cidr: 'nonsense' }),
    pool('d', { cidr: 'fd00::/64' }),
  ];
  const d = desired(snapshot({ pools }), self);
  expect(d.problems.map((p) => p.code)).toEqual(['POOL_CIDR_INVALID', 'POOL_OVERLAP']);
  expect(d.pools.map((p) => p.name)).toEqual(['a', 'b']);
});

test('the output does not depend on the order in which objects came', () => {
  const full = snapshot({
    nodes: [...snapshot().nodes, node('n4'), node('n5', '10.9.0.2/24'), node('n6', 'bad')],
    pools: [...snapshot().pools, pool('q', { cidr: '10.0.0.0/8' }), pool('r', { cidr: 'x' })],
    affinities: [...snapshot().affinities, affinity('n1', '10.244.0.0/26'), affinity('n1', '10.244.9.0/26')],
  });
  const expected = desired(full, self);
  const scrambled = <T>(items: readonly T[]) => fc.shuffledSubarray([...items], { minLength: items.length });
  fc.assert(
    fc.property(
      scrambled(full.nodes),
      scrambled(full.pools),
      scrambled(full.blocks),
      scrambled(full.affinities),
      (nodes, pools, blocks, affinities) => {
        expect(desired({ ...full, nodes, pools, blocks, affinities }, self)).toEqual(expected);
      },
    ),
    { numRuns: 50 },
  );
});

test('nodes with IPv6 addresses have a second session over IPv6, and IPv6 blocks are announced', () => {
  const ipv6 = (last: number) => ({ 'projectcalico.org/IPv6Address': `2001:db8::${last}/64` });
  const nodes = [node('n1', '10.9.0.1/24', ipv6(1)), node('n2', '10.9.0.2/24', ipv6(2)), node('n3', '10.9.0.3/24')];
  const block6 = (owner: string, text: string): Resource => ({
    metadata: { name: text },
    spec: { cidr: text, affinity: `host:${owner}` },
  });
  const objects = readIpv6Objects({
    pools: [
      { metadata: { name: 'p6' }, spec: { cidr: 'fd00::/48' } },
      { metadata: { name: 'silent' }, spec: { cidr: 'fd01::/48', disableBGPExport: true } },
    ],
    blocks: [block6('n1', 'fd00::/122'), block6('n2', 'fd00::40/122'), block6('n1', 'fd01::/122')],
    affinities: [
      { metadata: { name: 'a' }, spec: { cidr: 'fd00::40/122', node: 'n1', state: 'confirmed', deleted: 'false' } },
      { metadata: { name: 'b' }, spec: { cidr: 'fd00::80/122', node: 'n1', state: 'confirmed', deleted: 'false' } },
    ],
  });
  const d = desired(snapshot({ nodes, ipv6: objects }), self);
  expect(d.peers.map((p) => `${p.name} ${formatIp(p.address)} ${p.families?.join() ?? 'ipv4'}`)).toEqual([
    'n2 10.9.0.2 ipv4',
    'n2 (IPv6) 2001:db8::2 ipv6-unicast',
    'n3 10.9.0.3 ipv4',
  ]);
  expect(d.ipv6.blocks.map(formatIpPrefix)).toEqual(['fd00::/122', 'fd00::80/122', 'fd01::/122']);
  expect(d.ipv6.originate.map(formatIpPrefix)).toEqual(['fd00::/122', 'fd00::80/122']);
});
