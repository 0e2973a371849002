/** From best paths to wishes, against a programmer that only writes down what it is told. */
import { beforeEach, expect, test } from 'vitest';
import { type Ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import { formatPrefix, type Prefix, parsePrefix, prefix } from '../../../src/base/prefix.ts';
import type { ConnectedPrefix, InterfaceChange } from '../../../src/kernel/devices/interfaces.ts';
import { BgpRoutes, type BgpRoutesContext } from '../../../src/kernel/routes/bgp-routes.ts';
import { formatTarget } from '../../../src/kernel/routes/encapsulation.ts';
import type { Pool } from '../../../src/model/pool.ts';
import type { PathSource } from '../../../src/rib/feed.ts';

const ip = (t: string): Ipv4 => parseIpv4(t) as Ipv4;
const p = (t: string): Prefix => parsePrefix(t) as Prefix;
const POOL: Pool = {
  name: 'default',
  cidr: p('10.244.0.0/16'),
  blockSize: 26,
  ipipMode: 'Always',
  vxlanMode: 'Never',
  natOutgoing: true,
  disabled: false,
  disableBGPExport: false,
  nodeSelector: 'all()',
  allowedUses: ['Workload'],
  assignmentMode: 'Automatic',
};
const CONTEXT: BgpRoutesContext = {
  pools: [POOL],
  ownSubnet: p('192.168.34.0/24'),
  vxlanTunnelAddresses: new Map(),
  peers: [ip('192.168.34.102')],
  allowed: [],
  protocol: 12,
};

let wishes: Map<string, string>;
let told: string[];
let connected: ConnectedPrefix[];
let change: (c: InterfaceChange) => void;
let due: (() => void)[];
let routes: BgpRoutes;

beforeEach(() => {
  wishes = new Map();
  told = [];
  due = [];
  connected = [{ prefix: p('192.168.34.0/24'), device: 'eth0', local: ip('192.168.34.100') }];
  routes = new BgpRoutes({
    programmer: {
      want: (owner, q, target) => void wishes.set(`${owner} ${formatPrefix(q)}`, formatTarget(q, target)),
      unwant: (owner, q) => void wishes.delete(`${owner} ${formatPrefix(q)}`),
      hold: (owner, q, reason) => void wishes.set(`${owner} ${formatPrefix(q)}`, reason.code),
      inSync: (owner) => void told.push(owner),
    },
    interfaces: {
      connected: () => connected,
      isLocal: (a) => connected.some((c) => c.local === a),
      deviceOf: (a) => {
        const way = connected.find((c) => prefix(a, c.prefix.length).address === c.prefix.address);
        return way && { device: way.device, index: 2, mtu: 1500, prefixLength: way.prefix.length, local: way.local };
      },
      onChange: (listener) => {
        change = listener;
        return () => {};
      },
    },
    timers: {
      after: (_, fire) => {
        due.push(fire);
        return () => {};
      },
    },
    context: CONTEXT,
  });
});

function best(text: string, nextHop: string, kind: PathSource['kind'] = 'ibgp'): void {
  const { address, length } = p(text);
  const source: PathSource = { id: 1, name: 'node2', kind, address: ip(nextHop), bgpIdentifier: 1, client: false };
  routes.onBest({
    address,
    length,
    attributes: { origin: 'igp', asPath: [], nextHop: ip(nextHop) },
    nextHops: [{ address: ip(nextHop), gateway: ip(nextHop) }],
    source,
    stale: false,
  });
}

test('a block of a pool goes through the tunnel, another prefix to its connected next hop', () => {
  best('10.244.1.0/26', '192.168.34.102');
  best('10.9.0.0/24', '192.168.34.102');
  expect([...wishes]).toEqual([
    ['bgp 10.244.1.0/26', '10.244.1.0/26 via 192.168.34.102 dev tunl0 onlink'],
    ['bgp 10.9.0.0/24', '10.9.0.0/24 via 192.168.34.102 dev eth0'],
  ]);
});

test('a guarded prefix is held with its reason, and wanted once it is allowed by name', () => {
  best('0.0.0.0/0', '192.168.34.102');
  expect(wishes.get('bgp 0.0.0.0/0')).toBe('DEFAULT_ROUTE_NOT_ALLOWED');
  routes.update({ ...CONTEXT, allowed: [p('0.0.0.0/0')] });
  expect(wishes.get('bgp 0.0.0.0/0')).toBe('0.0.0.0/0 via 192.168.34.102 dev eth0');
});

test('a change of the pool re-routes what came before it', () => {
  best('10.244.1.0/26', '192.168.34.102');
  routes.update({ ...CONTEXT, pools: [{ ...POOL, ipipMode: 'CrossSubnet' }] });
  expect(wishes.get('bgp 10.244.1.0/26')).toBe('10.244.1.0/26 via 192.168.34.102 dev eth0');
  routes.update({ ...CONTEXT, pools: [{ ...POOL, ipipMode: 'Never', vxlanMode: 'Always' }] });
  expect(wishes.get('bgp 10.244.1.0/26')).toBe('NO_TUNNEL_ADDRESS');
});

test('a new subnet makes a next hop reachable, one burst of changes being worked out once', () => {
  best('10.9.0.0/24', '172.16.0.5');
  expect(wishes.get('bgp 10.9.0.0/24')).toBe('NEXT_HOP_UNREACHABLE');
  connected.push({ prefix: p('172.16.0.0/24'), device: 'eth1', local: ip('172.16.0.1') });
  change({ kind: 'address', device: 'eth1', address: ip('172.16.0.1'), gone: false });
  change({ kind: 'link', name: 'eth1', index: 3, up: true, gone: false });
  expect(due).toHaveLength(1);
  due[0]?.();
  expect(wishes.get('bgp 10.9.0.0/24')).toBe('10.9.0.0/24 via 172.16.0.5 dev eth1');
});

test("the coming and going of a pod's device changes nothing", () => {
  change({ kind: 'link', name: 'cali8eecb1f59c6', index: 9, up: true, gone: false });
  expect(due).toEqual([]);
});

test('our own path takes the former wish back and makes none', () => {
  best('10.244.1.0/26', '192.168.34.102');
  best('10.244.1.0/26', '0.0.0.0', 'local');
  expect(wishes.size).toBe(0);
});

test('a withdrawal takes the wish back, also a held one; what was never told is not taken back', () => {
  best('0.0.0.0/0', '192.168.34.102');
  routes.onWithdraw(ip('0.0.0.0'), 0);
  expect(wishes.size).toBe(0);
  wishes.set('bgp 10.0.0.0/8', 'x');
  routes.onWithdraw(ip('10.0.0.0'), 8);
  expect(wishes.size).toBe(1);
});

test('the end of the feed is the end of what bgp had to say (RFC 4724 §3)', () => {
  routes.onEndOfFeed();
  expect(told).toEqual(['bgp']);
});
