import { expect, test } from 'vitest';
import { ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import { formatIpRoute, formatIpRoutes } from '../../../src/lab/tour/ip-route-text.ts';
import type { Route } from '../../../src/netlink/route.ts';

const at = (text: string): Route['dst'] => parseIpv4(text) ?? ipv4(0);
const names = (index: number): string | undefined => ({ 2: 'eth0', 5: 'tunl0', 9: 'cali8eecb1f59c6' })[index];
const route = (dst: string, len: number, more: Partial<Route> = {}): Route => ({
  dst: at(dst),
  len,
  table: 254,
  protocol: 12,
  type: 1,
  scope: 0,
  tos: 0,
  metric: 0,
  gateway: ipv4(0),
  oif: 0,
  flags: 0,
  prefSrc: ipv4(0),
  nexthops: [],
  ...more,
});

test("the table of a node of the mesh reads as a Calico node's", () => {
  const table = [
    route('10.244.104.0', 26, { type: 6 }),
    route('10.244.104.7', 32, { protocol: 3, scope: 253, oif: 9 }),
    route('10.244.166.128', 26, { gateway: at('192.168.34.102'), oif: 5, flags: 4 }),
    route('192.168.34.0', 24, { protocol: 2, scope: 253, oif: 2, prefSrc: at('192.168.34.101') }),
  ];
  expect(formatIpRoutes(table, names)).toEqual([
    'blackhole 10.244.104.0/26 proto bird',
    '10.244.104.7 dev cali8eecb1f59c6 scope link',
    '10.244.166.128/26 via 192.168.34.102 dev tunl0 proto bird onlink',
    '192.168.34.0/24 dev eth0 proto kernel scope link src 192.168.34.101',
  ]);
});

test('0.0.0.0/0 is called default, and protocol boot is not named', () => {
  const text = formatIpRoute(route('0.0.0.0', 0, { protocol: 3, gateway: at('169.254.1.1'), oif: 2 }), names);
  expect(text).toBe('default via 169.254.1.1 dev eth0');
});

test('metric comes before the flags, linkdown after onlink', () => {
  const text = formatIpRoute(route('10.1.0.0', 16, { gateway: at('10.9.0.2'), oif: 5, metric: 32, flags: 20 }), names);
  expect(text).toBe('10.1.0.0/16 via 10.9.0.2 dev tunl0 proto bird metric 32 onlink linkdown');
});

test('several next hops take a line each', () => {
  const hop = (gateway: string) => ({ gateway: at(gateway), oif: 5, flags: 4 });
  const text = formatIpRoute(route('10.1.0.0', 16, { nexthops: [hop('10.9.0.2'), hop('10.9.0.3')] }), names);
  expect(text.split('\n')).toEqual([
    '10.1.0.0/16 proto bird',
    '\tnexthop via 10.9.0.2 dev tunl0 weight 1 onlink',
    '\tnexthop via 10.9.0.3 dev tunl0 weight 1 onlink',
  ]);
});

test('what has no name is shown by its number', () => {
  const text = formatIpRoute(route('10.1.0.0', 16, { protocol: 77, scope: 30, oif: 4 }), names);
  expect(text).toBe('10.1.0.0/16 dev if4 proto 77 scope 30');
});
