/** The pure rules of routes: what to do about one prefix, whose a found route is, what is refused, how a prefix is reached. */
import { describe, expect, test } from 'vitest';
import { type Ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import { type Prefix, parsePrefix } from '../../../src/base/prefix.ts';
import { type EncapsulationContext, formatTarget, routeFor } from '../../../src/kernel/routes/encapsulation.ts';
import { createGuard } from '../../../src/kernel/routes/guard.ts';
import { ownership } from '../../../src/kernel/routes/ownership.ts';
import { type PlanInput, planRoute } from '../../../src/kernel/routes/plan.ts';
import { fromKernel, RouteTargets } from '../../../src/kernel/routes/route-targets.ts';
import type { RouteTarget } from '../../../src/model/kernel-route.ts';
import type { EncapMode, Pool } from '../../../src/model/pool.ts';

const ip = (t: string): Ipv4 => parseIpv4(t) as Ipv4;
const p = (t: string): Prefix => parsePrefix(t) as Prefix;
const via = (gateway: string | undefined, device: string, o: Partial<RouteTarget> = {}): RouteTarget => ({
  type: 'unicast',
  scope: gateway === undefined ? 'link' : 'universe',
  nextHops: [gateway === undefined ? { device, onlink: false } : { gateway: ip(gateway), device, onlink: true }],
  protocol: 12,
  ...o,
});

describe('the plan of one prefix', () => {
  // Metrics: A and B are routes of one, B_METRIC has another.
  const A = 0;
  const B = 0;
  const B_METRIC = 1024;
  const cases: [string, Partial<PlanInput>, ReturnType<typeof planRoute>][] = [
    ['nothing wanted, nothing there', {}, 'none'],
    ['there as wanted', { wanted: A, installed: A, same: true }, 'none'],
    ['wanted and absent', { wanted: A }, 'add'],
    ['wanted, a foreign one in the way', { wanted: A, foreign: 'first' }, 'blocked'],
    ['ours is another', { wanted: B, installed: A }, 'replace'],
    [
      'ours is another and the first, a foreign one behind',
      { wanted: B, installed: A, foreign: 'behind-ours' },
      'replace',
    ],
    ['ours is another, a foreign one before it', { wanted: B, installed: A, foreign: 'first' }, 'delete'],
    ['ours has another metric', { wanted: B_METRIC, installed: A }, 'add-beside'],
    [
      'ours has another metric, where a foreign one stands',
      { wanted: B_METRIC, installed: A, foreign: 'first' },
      'delete',
    ],
    ['unwanted, all owners in sync', { installed: A, mayDelete: true }, 'delete'],
    ['unwanted, an owner not in sync', { installed: A }, 'withheld'],
  ];
  test.each(cases)('%s', (_, input, step) => {
    const rest = { wanted: undefined, installed: undefined, same: false, foreign: 'none', mayDelete: false } as const;
    expect(planRoute({ ...rest, ...input })).toBe(step);
  });
});

describe('ownership', () => {
  const rule = {
    protocol: 12,
    isOurs: (r: { target: RouteTarget }) => r.target.nextHops.every((h) => h.gateway === ip('192.168.34.101')),
  };
  const cases: [string, string, RouteTarget | undefined, number, ReturnType<typeof ownership>][] = [
    [
      'a blackhole of our protocol',
      '10.244.1.0/26',
      via(undefined, '', { type: 'blackhole', nextHops: [] }),
      12,
      'ours',
    ],
    ['a route of our protocol over tunl0', '10.244.1.0/26', via('192.168.34.9', 'tunl0'), 12, 'ours'],
    ['over vxlan.calico', '10.244.1.0/26', via('10.244.1.1', 'vxlan.calico'), 12, 'ours'],
    ['over eth0 with a next hop we know', '10.244.1.0/26', via('192.168.34.101', 'eth0'), 12, 'ours'],
    ['over eth0 with a next hop we do not know', '10.244.1.0/26', via('192.168.34.9', 'eth0'), 12, 'unclaimed'],
    ['the gateway of pods', '169.254.1.1/32', via(undefined, 'lo'), 12, 'ours'],
    ['another /32 on lo', '169.254.1.2/32', via(undefined, 'lo'), 12, 'unclaimed'],
    ['a form we never write, our number', '10.244.1.0/26', undefined, 12, 'unclaimed'],
    ['protocol static over tunl0', '10.244.1.0/26', via('192.168.34.101', 'tunl0', { protocol: 4 }), 4, 'foreign'],
    ['a pod route', '10.244.104.7/32', via(undefined, 'cali8eecb1f59c6', { protocol: 3 }), 3, 'ours'],
    [
      'a boot route to a pod of more than /32',
      '10.244.104.0/30',
      via(undefined, 'cali1', { protocol: 3 }),
      3,
      'foreign',
    ],
    ['a boot /32 on eth0', '10.244.104.7/32', via(undefined, 'eth0', { protocol: 3 }), 3, 'foreign'],
    ['a boot /32 over a pod by gateway', '10.244.104.7/32', via('1.2.3.4', 'cali1', { protocol: 3 }), 3, 'foreign'],
  ];
  test.each(cases)('%s', (_, prefix, target, protocol, whose) => {
    expect(ownership(p(prefix), protocol, target, rule)).toBe(whose);
  });
});

describe('the guard', () => {
  const guard = createGuard({
    connected: [
      { prefix: p('192.168.34.0/24'), device: 'eth0' },
      { prefix: p('10.244.104.0/32'), device: 'tunl0' },
    ],
    peers: [ip('192.168.34.102'), ip('192.168.34.101'), ip('10.100.0.1')],
    allowed: [p('10.96.0.0/11')],
  });
  const cases: [string, string, string | undefined][] = [
    ['0.0.0.0/0', '192.168.34.101', 'DEFAULT_ROUTE_NOT_ALLOWED'],
    ['192.168.34.0/24', '192.168.34.101', 'CONNECTED_PREFIX'],
    ['192.168.34.128/25', '192.168.34.1', 'CONNECTED_PREFIX'],
    ['192.168.34.102/32', '192.168.34.101', 'CONNECTED_PREFIX'],
    ['10.244.104.0/32', '192.168.34.101', 'CONNECTED_PREFIX'],
    ['10.244.104.0/26', '192.168.34.101', undefined],
    ['172.16.0.0/12', '172.16.0.1', 'COVERS_NEXT_HOP'],
    ['192.168.0.0/16', '10.0.0.1', 'COVERS_PEER'],
    ['10.100.0.0/16', '192.168.34.101', 'COVERS_PEER'],
    ['10.101.0.0/16', '192.168.34.101', undefined],
    ['128.0.0.0/1', '10.0.0.1', 'COVERS_PEER'],
    ['10.96.0.0/11', '10.100.0.1', undefined],
  ];
  test.each(cases)('%s via %s: %s', (prefix, nextHop, code) => {
    expect(guard.check(p(prefix).address, p(prefix).length, ip(nextHop))?.code).toBe(code);
  });
  test('a refusal names the object, the value and the remedy', () => {
    expect(guard.check(ip('192.168.34.128'), 25, ip('192.168.34.1'))?.text).toBe(
      '192.168.34.128/25 is a part of 192.168.34.0/24, which is connected to eth0. Name it in the allowed prefixes to have it all the same',
    );
  });
});

describe('encapsulation', () => {
  const pool = (cidr: string, ipipMode: EncapMode, vxlanMode: EncapMode = 'Never'): Pool => ({
    name: cidr,
    cidr: p(cidr),
    blockSize: 26,
    ipipMode,
    vxlanMode,
    natOutgoing: true,
    disabled: false,
    disableBGPExport: false,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'],
    assignmentMode: 'Automatic',
  });
  const context: EncapsulationContext = {
    pools: [
      pool('10.0.0.0/16', 'Always'),
      pool('10.1.0.0/16', 'CrossSubnet'),
      pool('10.2.0.0/16', 'Never', 'Always'),
      pool('10.3.0.0/16', 'Never', 'CrossSubnet'),
      pool('10.4.0.0/16', 'Never'),
      pool('10.0.128.0/17', 'Never'),
    ],
    ownSubnet: p('192.168.34.0/24'),
    vxlanTunnelAddresses: new Map([
      [ip('192.168.34.101'), ip('10.2.1.0')],
      [ip('172.16.0.5'), ip('10.2.5.0')],
    ]),
    ipipDevice: 'tunl0',
    vxlanDevice: 'vxlan.calico',
    protocol: 12,
    isLocal: (a) => a === ip('192.168.34.100'),
    deviceOf: (a) => (Number(a) >>> 8 === ip('192.168.34.0') >>> 8 ? { device: 'eth0' } : undefined),
  };
  const cases: [string, string, string][] = [
    ['10.0.1.0/26', '192.168.34.101', '10.0.1.0/26 via 192.168.34.101 dev tunl0 onlink'],
    ['10.0.1.0/26', '172.16.0.5', '10.0.1.0/26 via 172.16.0.5 dev tunl0 onlink'],
    ['10.0.129.0/26', '192.168.34.101', '10.0.129.0/26 via 192.168.34.101 dev eth0'],
    ['10.1.1.0/26', '192.168.34.101', '10.1.1.0/26 via 192.168.34.101 dev eth0'],
    ['10.1.1.0/26', '172.16.0.5', '10.1.1.0/26 via 172.16.0.5 dev tunl0 onlink'],
    ['10.2.1.0/26', '192.168.34.101', '10.2.1.0/26 via 10.2.1.0 dev vxlan.calico onlink'],
    ['10.2.1.0/26', '192.168.34.102', 'NO_TUNNEL_ADDRESS'],
    ['10.3.1.0/26', '192.168.34.101', '10.3.1.0/26 via 192.168.34.101 dev eth0'],
    ['10.3.1.0/26', '172.16.0.5', '10.3.1.0/26 via 10.2.5.0 dev vxlan.calico onlink'],
    ['10.4.1.0/26', '192.168.34.101', '10.4.1.0/26 via 192.168.34.101 dev eth0'],
    ['10.4.1.0/26', '172.16.0.5', 'NEXT_HOP_UNREACHABLE'],
    ['10.9.1.0/24', '192.168.34.101', '10.9.1.0/24 via 192.168.34.101 dev eth0'],
    // A prefix wider than the pool is not inside it.
    ['10.0.0.0/8', '192.168.34.101', '10.0.0.0/8 via 192.168.34.101 dev eth0'],
    ['10.0.1.0/26', '192.168.34.100', 'NEXT_HOP_IS_SELF'],
    ['10.0.1.0/26', '0.0.0.0', 'NEXT_HOP_INVALID'],
    ['10.0.1.0/26', '127.0.0.1', 'NEXT_HOP_INVALID'],
    ['10.0.1.0/26', '224.0.0.5', 'NEXT_HOP_INVALID'],
  ];
  test.each(cases)('%s via %s is %s', (prefix, nextHop, expected) => {
    const made = routeFor(p(prefix), ip(nextHop), context);
    expect(made.ok ? formatTarget(p(prefix), made.value) : made.error.code).toBe(expected);
  });
  test('without a known subnet of our own, CrossSubnet always goes through the tunnel', () => {
    const { ownSubnet: _, ...rest } = context;
    const made = routeFor(p('10.1.1.0/26'), ip('192.168.34.101'), rest);
    expect(made.ok && made.value.nextHops[0]?.device).toBe('tunl0');
  });
});

describe('interned targets', () => {
  test('equal targets have one id, freed with the last reference and then given out again', () => {
    const t = new RouteTargets();
    const a = t.retain(via('1.1.1.1', 'tunl0'));
    expect(t.retain(via('1.1.1.1', 'tunl0'))).toBe(a);
    const b = t.retain(via('1.1.1.2', 'tunl0'));
    expect(b).not.toBe(a);
    t.release(a);
    t.release(a);
    expect(t.size).toBe(1);
    const shared = via('1.1.1.3', 'tunl0');
    const c = t.retain(shared);
    expect(c).toBe(a);
    t.release(c);
    t.retain(via('1.1.1.4', 'tunl0'));
    expect(t.get(t.retain(shared))).toEqual(shared);
  });
  test('a device without an index has no netlink form until it has one', () => {
    const t = new RouteTargets();
    const id = t.retain(via('1.1.1.1', 'tunl0'));
    expect(t.via(id, 254, () => undefined)).toBeUndefined();
    expect(t.via(id, 254, () => 7)).toMatchObject({ oif: 7, gateway: ip('1.1.1.1'), onlink: true, protocol: 12 });
    t.forgetIndexes();
    expect(t.via(id, 254, () => 8)).toMatchObject({ oif: 8 });
  });
  test('a route of the kernel reads as the target that made it; forms we never write read as none', () => {
    const found = {
      dst: ip('10.244.1.0'),
      len: 26,
      table: 254,
      protocol: 12,
      type: 1,
      scope: 0,
      tos: 0,
      metric: 0,
      gateway: ip('1.1.1.1'),
      oif: 7,
      flags: 4 | 16, // linkdown says nothing about the route itself
      prefSrc: ip('0.0.0.0'),
      nexthops: [],
    };
    expect(fromKernel(found, () => 'tunl0')).toEqual(via('1.1.1.1', 'tunl0'));
    expect(fromKernel({ ...found, type: 2 }, () => 'tunl0')).toBeUndefined();
    expect(fromKernel({ ...found, tos: 16 }, () => 'tunl0')).toBeUndefined();
  });
});
