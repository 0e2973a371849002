/** From best paths to wishes, against a programmer that only writes down what it is told. */
import { beforeEach, expect, test } from 'vitest';
import {
  formatIp,
  type IpAddress,
  type IpPrefix,
  ipPrefix,
  isIpv6,
  parseIp,
  parseIpPrefix,
  prefixHolds,
} from '../../../src/base/ip.ts';
import { type Ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import { type Prefix, parsePrefix } from '../../../src/base/prefix.ts';
import type { ConnectedIpPrefix, ConnectedPrefix, InterfaceChange } from '../../../src/kernel/devices/interfaces.ts';
import { BgpRoutes, type BgpRoutesContext } from '../../../src/kernel/routes/bgp-routes.ts';
import { formatTarget } from '../../../src/kernel/routes/encapsulation.ts';
import type { NextHop } from '../../../src/model/kernel-route.ts';
import type { Pool } from '../../../src/model/pool.ts';
import type { FeedNextHop, PathSource } from '../../../src/rib/terms/feed.ts';

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
let notes: Map<string, number>;
let told: string[];
let connected: ConnectedIpPrefix[];
let ways: NextHop[];
let change: (c: InterfaceChange) => void;
let waysChanged: () => void;
let due: (() => void)[];
let routes: BgpRoutes;

function open(family: 'ipv4' | 'ipv6', context: BgpRoutesContext = CONTEXT): BgpRoutes {
  const key = (address: IpAddress, length: number): string => `${formatIp(address)}/${length}`;
  const say = (address: IpAddress, length: number, text: string | undefined, note: number): number => {
    const k = key(address, length);
    const before = notes.get(k) ?? -1;
    if (text === undefined && before < 0) return before;
    if (text === undefined) {
      wishes.delete(`bgp ${k}`);
      notes.delete(k);
    } else {
      wishes.set(`bgp ${k}`, text);
      notes.set(k, note);
    }
    return before;
  };
  return new BgpRoutes({
    family,
    programmer: {
      wishesOf: () => ({
        want: (a, l, target, note) => say(a, l, formatTarget(ipPrefix(a, l), target), note),
        hold: (a, l, reason, note) => say(a, l, reason.code, note),
        unwant: (a, l) => say(a, l, undefined, -1),
        forEach: (_from, _places, visit) => {
          for (const [k, note] of notes) {
            const p = parseIpPrefix(k) as IpPrefix;
            visit(p.address, p.length, note);
          }
          return undefined;
        },
      }),
      inSync: (owner) => void told.push(owner),
      flush: () => void told.push('flush'),
    },
    interfaces: {
      connected: () => connected.filter((c) => !isIpv6(c.local)) as readonly ConnectedPrefix[],
      connectedIpv6: () => connected.filter((c) => isIpv6(c.local)),
      isLocal: (a) => connected.some((c) => c.local === a),
      deviceOf: (a) => {
        const way = connected.find((c) => prefixHolds(c.prefix, a));
        return way && { device: way.device, index: 2, mtu: 1500, prefixLength: way.prefix.length, local: way.local };
      },
      onChange: (listener) => {
        change = listener;
        return () => {};
      },
    },
    others: {
      waysTo: () => ways,
      onChange: (listener) => {
        waysChanged = listener;
        return () => {};
      },
    },
    linkOf: (source) => (source.name === 'node2' ? 'eth0' : undefined),
    timers: {
      after: (_, fire) => {
        due.push(fire);
        return () => {};
      },
    },
    context,
  });
}

beforeEach(() => {
  wishes = new Map();
  notes = new Map();
  told = [];
  due = [];
  ways = [];
  connected = [{ prefix: p('192.168.34.0/24'), device: 'eth0', local: ip('192.168.34.100') }];
  routes = open('ipv4');
});

function best(text: string, nextHop: string, kind: PathSource['kind'] = 'ibgp'): void {
  multi(text, [nextHop], kind);
}
/** "A>B": A as BGP says it, resolved to B. */
function multi(text: string, nextHops: string[], kind: PathSource['kind'] = 'ibgp', name = 'node2'): void {
  const { address, length } = parseIpPrefix(text) as IpPrefix;
  const hops = nextHops.map((hop): FeedNextHop => {
    const [said = '', gateway = said] = hop.split('>');
    return { address: parseIp(said) as IpAddress, gateway: parseIp(gateway) as IpAddress };
  });
  const source: PathSource = {
    id: 1,
    name,
    kind,
    address: hops[0]?.address ?? ip('0.0.0.0'),
    bgpIdentifier: 1,
    client: false,
  };
  routes.onBest({
    address,
    length,
    attributes: { origin: 'igp', asPath: [], nextHop: ip('192.168.34.102') },
    nextHops: kind === 'local' ? [] : hops,
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

test('a next hop of zeros, which a policy makes of BLACKHOLE, drops packets here (RFC 7999 3.3)', () => {
  best('10.9.0.7/32', '0.0.0.0', 'ebgp');
  expect([...wishes]).toEqual([['bgp 10.9.0.7/32', 'blackhole 10.9.0.7/32']]);
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

test('the end of a turn writes what there is', () => {
  routes.onSlice();
  expect(told).toEqual(['flush']);
});

test('several next hops are one route, each with the way of its own; one without a way is left out', () => {
  const CROSS = { ...CONTEXT, pools: [{ ...POOL, ipipMode: 'CrossSubnet' as const }] };
  routes.update(CROSS);
  multi('10.244.1.0/26', ['192.168.34.102', '172.16.0.5']);
  expect(wishes.get('bgp 10.244.1.0/26')).toBe(
    '10.244.1.0/26 via 192.168.34.102 dev eth0 nexthop via 172.16.0.5 dev tunl0 onlink',
  );
  multi('10.9.0.0/24', ['192.168.34.102', '172.16.0.5']);
  expect(wishes.get('bgp 10.9.0.0/24')).toBe('10.9.0.0/24 via 192.168.34.102 dev eth0');
  routes.update(CONTEXT);
  expect(wishes.get('bgp 10.244.1.0/26')).toBe(
    '10.244.1.0/26 via 192.168.34.102 dev tunl0 onlink nexthop via 172.16.0.5 dev tunl0 onlink',
  );
});

test('a plain route goes where its next hop was resolved to, a tunnel to the next hop itself', () => {
  multi('10.9.0.0/24', ['172.16.0.5>192.168.34.1']);
  multi('10.244.1.0/26', ['172.16.0.5>192.168.34.1']);
  expect([...wishes.values()]).toEqual([
    '10.9.0.0/24 via 192.168.34.1 dev eth0',
    '10.244.1.0/26 via 172.16.0.5 dev tunl0 onlink',
  ]);
});

test("a next hop behind somebody else's route takes that route's way, as long as there is one", () => {
  ways = [{ gateway: ip('192.168.34.9'), device: 'eth0', onlink: false }];
  best('10.9.0.0/24', '172.16.0.5');
  expect(wishes.get('bgp 10.9.0.0/24')).toBe('10.9.0.0/24 via 192.168.34.9 dev eth0');
  ways = [{ device: 'ppp0', onlink: false }];
  waysChanged();
  due[0]?.();
  expect(wishes.get('bgp 10.9.0.0/24')).toBe('10.9.0.0/24 via 172.16.0.5 dev ppp0 onlink');
  ways = [];
  waysChanged();
  due[1]?.();
  expect(wishes.get('bgp 10.9.0.0/24')).toBe('NEXT_HOP_UNREACHABLE');
});

test('two next hops behind one gateway are one way', () => {
  multi('10.9.0.0/24', ['172.16.0.5>192.168.34.1', '172.16.0.6>192.168.34.1']);
  expect(wishes.get('bgp 10.9.0.0/24')).toBe('10.9.0.0/24 via 192.168.34.1 dev eth0');
});

test('IPv6: global and link-local next hops, and what is never installed by itself', () => {
  connected = [
    { prefix: parseIpPrefix('2001:db8::/64') as IpPrefix, device: 'eth0', local: parseIp('2001:db8::1') as IpAddress },
  ];
  routes = open('ipv6', { ...CONTEXT, peers: [parseIp('2001:db8:ffff::9') as IpAddress] });
  multi('2001:db8:1::/48', ['2001:db8::2']);
  multi('2001:db8:2::/48', ['fe80::2']);
  multi('2001:db8:3::/48', ['fe80::2'], 'ebgp', 'stranger');
  multi('::/0', ['2001:db8::2']);
  multi('2001:db8::/96', ['2001:db8::2']);
  multi('2001:db8:ffff::/48', ['2001:db8::2']);
  multi('2001:db8::/32', ['2001:db8::2']);
  multi('fe80::/64', ['2001:db8::2']);
  multi('2001:db8:4::/48', ['ff02::1']);
  multi('2001:db8:5::/48', ['2001:db8::1']);
  expect([...wishes.values()]).toEqual([
    '2001:db8:1::/48 via 2001:db8::2 dev eth0',
    '2001:db8:2::/48 via fe80::2 dev eth0',
    'LINK_UNKNOWN',
    'DEFAULT_ROUTE_NOT_ALLOWED',
    'CONNECTED_PREFIX',
    'COVERS_PEER',
    'COVERS_NEXT_HOP',
    'LINK_LOCAL_PREFIX',
    'NEXT_HOP_INVALID',
    'NEXT_HOP_IS_SELF',
  ]);
});
