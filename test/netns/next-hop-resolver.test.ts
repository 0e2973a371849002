// needs: root ip
/** Where next hops lead without BGP, on a real kernel: connected subnets, static routes, the default route, blackholes, links
 *  without carrier; kept current by events, and told of in bursts. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatIp, type IpAddress, parseIp } from '../../src/base/ip.ts';
import { type Interfaces, watchInterfaces } from '../../src/kernel/devices/interfaces.ts';
import { type KernelNextHops, watchNextHops } from '../../src/kernel/routes/next-hop-resolver.ts';
import { type NetlinkClient, openNetlink } from '../../src/netlink/client.ts';
import { systemTimers } from '../../src/sys/time.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';

let ns: Namespaces;
let nl: NetlinkClient;
let interfaces: Interfaces;
let nextHops: KernelNextHops;
let told = 0;

beforeEach(async () => {
  ns = makeNamespaces('nh');
  for (const [n, name] of ['eth0', 'eth1'].entries()) {
    ns.ip('n', `link add ${name} type veth peer name far${n}`);
    ns.ip('n', `address add 10.${n}.0.1/24 dev ${name}`);
    ns.ip('n', `address add 2001:db8:${n}::1/64 dev ${name} nodad`);
    ns.ip('n', `link set ${name} up`);
    ns.ip('n', `link set far${n} up`);
  }
  const netns = ns.path('n');
  nl = await openNetlink({ netns });
  interfaces = await watchInterfaces({ client: nl, netns });
  nextHops = await watchNextHops({ client: nl, interfaces, timers: systemTimers, protocol: 186, netns });
  told = 0;
  nextHops.onChange(() => {
    told += 1;
  });
});
afterEach(() => {
  nextHops.stop();
  interfaces.close();
  nl.close();
  ns.remove();
});

const ip = (text: string): IpAddress => parseIp(text) as IpAddress;
function how(text: string): string {
  const r = nextHops.resolve(ip(text));
  if (!r.reachable) return r.reason.code;
  return `${r.connected ? 'connected' : 'routed'} ${r.metric}${r.byDefault ? ' by default' : ''}`;
}
const ways = (text: string): string[] =>
  nextHops.waysTo(ip(text)).map((w) => `${w.gateway === undefined ? '' : `${formatIp(w.gateway)} `}${w.device}`);
const becomes = (text: string, expected: string): Promise<true | undefined> =>
  until(`${text} is ${expected}, not ${how(text)}`, () => how(text) === expected || undefined);

test.each([
  ['-4', '10.0.0.9', '10.7.0.9', '10.7.0.0/24', '10.0.0.254', '10.1.0.254', 'default', 0],
  ['-6', '2001:db8::9', '2001:db8:7::9', '2001:db8:7::/48', '2001:db8::fe', '2001:db8:1::fe', 'default', 1024],
])('%s: connected, by route, by default, nowhere', async (flag, near, far, prefix, gateway, other, all, metric) => {
  const route = (words: string): string => ns.ip('n', `${flag} route ${words}`);
  expect(how(near)).toBe('connected 0');
  expect(how(far)).toBe('NEXT_HOP_UNREACHABLE');
  expect(ways(far)).toEqual([]);
  route(`add ${all} via ${gateway} proto static`);
  await becomes(far, `routed ${metric} by default`);
  await until('told', () => told > 0);
  expect(how(near)).toBe('connected 0');
  route(`add ${prefix} via ${other} proto static metric 20`);
  await becomes(far, 'routed 20');
  expect(ways(far)).toEqual([`${other} eth1`]);
  // The lower metric counts; the other one stands behind it.
  route(`add ${prefix} via ${gateway} proto static metric 10`);
  await becomes(far, 'routed 10');
  expect(ways(far)).toEqual([`${gateway} eth0`]);
  route(`del ${prefix} via ${gateway} metric 10`);
  await becomes(far, 'routed 20');
  route(`replace ${prefix} proto static metric 20 nexthop via ${gateway} dev eth0 nexthop via ${other} dev eth1`);
  await until('two ways', () => ways(far).length === 2);
  route(`del ${prefix} metric 20`);
  await becomes(far, `routed ${metric} by default`);
  route(`add blackhole ${prefix} proto static`);
  await becomes(far, 'NEXT_HOP_BLACKHOLED');
  route(`del blackhole ${prefix}`);
  route(`add unreachable ${prefix} proto static`);
  await becomes(far, 'NEXT_HOP_BLACKHOLED');
  route(`del unreachable ${prefix}`);
  route(`del ${all}`);
  await becomes(far, 'NEXT_HOP_UNREACHABLE');
  // Ours lead nowhere by themselves, or a route would hold itself.
  const before = told;
  route(`add ${prefix} via ${gateway} proto bgp`);
  route(`add ${prefix} via ${other} proto static metric 30`);
  await becomes(far, 'routed 30');
  expect(told).toBeGreaterThanOrEqual(before);
});

test('a link without carrier leads nowhere, one that comes back does', async () => {
  ns.ip('n', 'route add 10.7.0.0/24 via 10.1.0.254 proto static');
  await becomes('10.7.0.9', 'routed 0');
  ns.ip('n', 'link set far1 down');
  await becomes('10.1.0.9', 'NEXT_HOP_LINK_DOWN');
  await becomes('10.7.0.9', 'NEXT_HOP_LINK_DOWN');
  ns.ip('n', 'link set far1 up');
  await becomes('10.1.0.9', 'connected 0');
  await becomes('10.7.0.9', 'routed 0');
  ns.ip('n', 'link set eth1 down');
  await becomes('10.7.0.9', 'NEXT_HOP_UNREACHABLE');
  await becomes('2001:db8:1::9', 'NEXT_HOP_UNREACHABLE');
});

test('a link-local next hop is where its session is; an address that comes makes its subnet connected', async () => {
  expect(how('fe80::9')).toBe('connected 0');
  ns.ip('n', 'address add 10.8.0.1/24 dev eth1');
  await becomes('10.8.0.9', 'connected 0');
  ns.ip('n', 'address del 10.8.0.1/24 dev eth1');
  await becomes('10.8.0.9', 'NEXT_HOP_UNREACHABLE');
});

test('a burst of changes is told of a few times', async () => {
  const before = told;
  for (let n = 0; n < 100; n++) ns.ip('n', `route add 10.7.${n}.0/24 via 10.1.0.254 proto static`);
  await becomes('10.7.99.1', 'routed 0');
  await until('told', () => told > before);
  expect(told - before).toBeLessThan(60);
  expect(how('10.7.0.1')).toBe('routed 0');
});

test('an address behind a gateway of ours leads where the gateway does, also when a better route of others leads there', async () => {
  nextHops.setGateways(new Map([[ip('10.7.0.9'), ip('10.1.0.254')]]));
  expect(how('10.7.0.9')).toBe('routed 0');
  expect(ways('10.7.0.9')).toEqual(['10.1.0.254 eth1']);
  await until('told', () => told > 0);
  ns.ip('n', 'link set far1 down');
  await becomes('10.7.0.9', 'NEXT_HOP_LINK_DOWN');
  nextHops.setGateways(new Map());
  expect(how('10.7.0.9')).toBe('NEXT_HOP_UNREACHABLE');
});
