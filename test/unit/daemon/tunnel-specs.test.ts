import { expect, test } from 'vitest';
import { parseIpv4 } from '../../../src/base/ipv4.ts';
import type { Desired } from '../../../src/cluster/desired.ts';
import { podMtu, tunnelFacts, tunnelSpec, vxlanMac, wantedTunnels } from '../../../src/daemon/tunnel-specs.ts';
import type { ClusterNode } from '../../../src/model/node.ts';

const address = (text: string) => {
  const a = parseIpv4(text);
  if (a === undefined) throw new Error(text);
  return a;
};
const node = (name: string, more: Partial<ClusterNode> = {}): ClusterNode => ({ name, labels: {}, ...more });
const desired = (nodes: ClusterNode[], tunnels: Desired['tunnels']): Desired => ({
  peers: [],
  peerWays: [],
  blocks: [],
  originate: [],
  ipv6: { blocks: [], originate: [] },
  pools: [],
  nodes,
  self: nodes[0],
  asn: 64512,
  listenPort: 179,
  tunnels,
  problems: [],
  notices: [],
});

test('pods get the underlay’s MTU less the most expensive encapsulation in use', () => {
  const underlay = { device: 'eth0', mtu: 1500 };
  expect(podMtu(underlay, [])).toBe(1500);
  expect(podMtu(underlay, ['ipip'])).toBe(1480);
  expect(podMtu(underlay, ['ipip', 'vxlan'])).toBe(1450);
});

test('the MAC of vxlan.calico is 0x66 and SHA-1 of the node’s name, as Calico has it', () => {
  expect(vxlanMac('kind-worker')).toBe('66:46:b3:ce:05:5d');
});

test('a tunnel’s remotes are the other nodes that have an address', () => {
  const nodes = [
    node('node1', { address: address('192.168.34.101') }),
    node('node2', {
      address: address('192.168.34.102'),
      vxlanTunnelAddress: address('10.244.1.0'),
      vxlanTunnelMac: '66:00:00:00:00:02',
    }),
    node('node3'),
  ];
  const own = {
    nodeName: 'node1',
    address: address('192.168.34.101'),
    tunnelAddress: address('10.244.0.0'),
    underlay: { device: 'eth0', mtu: 1500 },
  };
  const spec = tunnelSpec('vxlan', own, desired(nodes, { ipip: false, vxlan: true }));
  expect(spec).toEqual({
    encap: 'vxlan',
    address: own.tunnelAddress,
    mtu: 1450,
    local: own.address,
    underlay: 'eth0',
    mac: vxlanMac('node1'),
    remotes: [
      {
        address: address('192.168.34.102'),
        tunnelAddress: address('10.244.1.0'),
        tunnelMac: '66:00:00:00:00:02',
      },
    ],
  });
});

test('what a node tells of its tunnel depends on the encapsulation', () => {
  expect(tunnelFacts('ipip', address('10.244.0.0'), 'node1')).toEqual({ ipipTunnelAddress: '10.244.0.0' });
  expect(tunnelFacts('vxlan', address('10.244.0.0'), 'kind-worker')).toEqual({
    vxlanTunnelAddress: '10.244.0.0',
    vxlanTunnelMac: '66:46:b3:ce:05:5d',
  });
  expect(wantedTunnels(desired([], { ipip: true, vxlan: true }))).toEqual(['ipip', 'vxlan']);
});
