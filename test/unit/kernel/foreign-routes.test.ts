/** Routes of others: the longest match, the lowest metric, what comes, goes and replaces. */
import { expect, test } from 'vitest';
import { type IpAddress, type IpPrefix, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { ForeignRoutes } from '../../../src/kernel/routes/foreign-routes.ts';
import type { Route } from '../../../src/netlink/route.ts';

const OURS = 186;
const STATIC = 4;
const table = (family: 'ipv4' | 'ipv6' = 'ipv4'): ForeignRoutes => new ForeignRoutes(family, OURS, (i) => `eth${i}`);
function route(prefix: string, gateway: string, o: Partial<Route> = {}): Route {
  const { address, length } = parseIpPrefix(prefix) as IpPrefix;
  return {
    dst: address,
    len: length,
    table: 254,
    protocol: STATIC,
    type: 1,
    scope: 0,
    tos: 0,
    metric: 0,
    gateway: parseIp(gateway) as IpAddress,
    oif: 1,
    flags: 0,
    prefSrc: ipv4(0),
    nexthops: [],
    ...o,
  };
}
const to = (t: ForeignRoutes, text: string): string => {
  const match = t.match(parseIp(text) as IpAddress);
  if (match === undefined) return 'nowhere';
  const [hop] = match.target.nextHops;
  return `${hop?.gateway ?? match.target.type} ${match.metric} /${match.length}`;
};
const A = parseIp('10.0.0.1') as IpAddress;
const B = parseIp('10.0.0.2') as IpAddress;

test('the longest match, and of several there the lowest metric', () => {
  const t = table();
  t.add(route('0.0.0.0/0', '10.0.0.1'));
  t.add(route('10.7.0.0/16', '10.0.0.2', { metric: 20 }));
  expect(to(t, '10.7.0.9')).toBe(`${B} 20 /16`);
  expect(to(t, '10.8.0.9')).toBe(`${A} 0 /0`);
  expect(t.add(route('10.7.0.0/16', '10.0.0.1', { metric: 10 }))).toBe(true);
  expect(to(t, '10.7.0.9')).toBe(`${A} 10 /16`);
  expect(t.remove(route('10.7.0.0/16', '10.0.0.1', { metric: 10 }))).toBe(true);
  expect(to(t, '10.7.0.9')).toBe(`${B} 20 /16`);
  expect(t.remove(route('10.7.0.0/16', '10.0.0.1', { metric: 10 }))).toBe(false);
  expect(t.remove(route('10.7.0.0/16', '10.0.0.2', { metric: 20 }))).toBe(true);
  expect(to(t, '10.7.0.9')).toBe(`${A} 0 /0`);
});

test('ours and what the kernel makes of addresses lead nowhere; what refuses packets is a blackhole', () => {
  const t = table();
  expect(t.add(route('10.7.0.0/16', '10.0.0.1', { protocol: OURS }))).toBe(false);
  expect(t.add(route('10.7.0.0/16', '10.0.0.1', { protocol: 2 }))).toBe(false);
  expect(to(t, '10.7.0.9')).toBe('nowhere');
  t.add(route('10.7.0.0/16', '10.0.0.1', { type: 7 }));
  expect(to(t, '10.7.0.9')).toBe('blackhole 0 /16');
});

test('a replacement takes the place of the first of its metric, also one by ours', () => {
  const t = table();
  t.add(route('10.7.0.0/16', '10.0.0.1'));
  t.add(route('10.7.0.0/16', '10.0.0.2'), true);
  expect(to(t, '10.7.0.9')).toBe(`${B} 0 /16`);
  expect(t.add(route('10.7.0.0/16', '10.0.0.1', { protocol: OURS }), true)).toBe(true);
  expect(to(t, '10.7.0.9')).toBe('nowhere');
  expect(t.size).toBe(0);
});

test('the same route twice is one, and IPv6 has its metric', () => {
  const t = table('ipv6');
  const r = route('2001:db8:7::/48', 'fe80::1', { metric: 1024 });
  expect(t.add(r)).toBe(true);
  expect(t.add(r)).toBe(false);
  expect(t.match(parseIp('2001:db8:7::9') as IpAddress)).toMatchObject({ metric: 1024, length: 48 });
  expect(t.remove(r)).toBe(true);
  expect(t.match(parseIp('2001:db8:7::9') as IpAddress)).toBeUndefined();
});
