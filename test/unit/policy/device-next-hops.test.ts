/** The condition `interface` as one on next hops. */
import { expect, test } from 'vitest';
import { formatIpPrefix, type IpAddress, isIpv6, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import type { Match, Policy } from '../../../src/model/policy.ts';
import { DeviceNextHops, type LinkSubnet } from '../../../src/policy/device-next-hops.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';

const prefix = (text: string) => {
  const found = parseIpPrefix(text);
  if (found === undefined) throw new Error(text);
  return found;
};
const LINKS: readonly LinkSubnet[] = [
  { device: 'eth0', ...prefix('10.0.0.0/24') },
  { device: 'eth1', ...prefix('10.9.0.0/16') },
  { device: 'br0', ...prefix('10.9.3.0/24') },
  { device: 'eth1', ...prefix('fd00:9::/64') },
  { device: 'eth0', ...prefix('10.77.0.1/32') },
];
const policy = (match: Match): Policy => ({
  name: 'p',
  rules: [{ name: '1', match, action: 'reject' }],
  otherwise: 'accept',
});
function meets(match: Match, nextHop: string, session?: string): boolean {
  const hop = parseIp(nextHop) as IpAddress;
  const attributes: PathAttributes = {
    origin: 'igp',
    asPath: [],
    ...(isIpv6(hop) ? { mpNextHop: { address: hop } } : { nextHop: hop }),
  };
  const bound = new DeviceNextHops(LINKS).bind(policy(match), session);
  const verdict = evaluate(bound, {
    ...prefix(isIpv6(hop) ? '2001:db8::/32' : '192.0.2.0/24'),
    attributes,
    source: 'ebgp',
  });
  if (verdict.kind === 'reject') expect(verdict.by).toEqual({ policy: 'p', rule: '1' });
  return verdict.kind === 'reject';
}

test.each([
  ['eth0', '10.0.0.7', true],
  ['eth0', '10.9.0.7', false],
  ['eth?', '10.0.0.7', true],
  ['eth?', '10.9.255.7', true],
  ['eth1', '10.9.4.0', true],
  ['eth1', '10.9.3.9', false],
  ['br*', '10.9.3.9', true],
  ['*', '10.9.3.9', true],
  ['*', '172.16.0.1', false],
  ['*', '10.77.0.1', false],
  ['eth1', 'fd00:9::1', true],
  ['br0', 'fd00:9::1', false],
])('out of %s goes what %s is the next hop of: %s', (device, nextHop, isMet) => {
  expect(meets({ interface: device }, nextHop)).toBe(isMet);
});

test('a link-local next hop is on the link of its session', () => {
  expect(meets({ interface: 'eth1' }, 'fe80::1', 'eth1')).toBe(true);
  expect(meets({ interface: 'eth0' }, 'fe80::1', 'eth1')).toBe(false);
  expect(meets({ interface: 'eth1' }, 'fe80::1')).toBe(false);
});

test('beside a condition on next hops both must hold', () => {
  const match: Match = { interface: 'eth1', nextHops: [prefix('10.9.8.0/22'), prefix('10.0.0.0/8')] };
  expect(meets(match, '10.9.8.1')).toBe(true);
  expect(meets(match, '10.0.0.1')).toBe(false);
  expect(meets({ interface: 'eth1', nextHops: [prefix('10.9.8.0/22')] }, '10.9.4.1')).toBe(false);
});

test('a hole in a subnet is cut out of it and nothing else', () => {
  const [rule] = new DeviceNextHops(LINKS).bind(policy({ interface: 'eth1', family: 'ipv4' }), undefined).rules;
  expect(rule?.match.nextHops?.map(formatIpPrefix)).toEqual([
    '10.9.128.0/17',
    '10.9.64.0/18',
    '10.9.32.0/19',
    '10.9.16.0/20',
    '10.9.8.0/21',
    '10.9.4.0/22',
    '10.9.0.0/23',
    '10.9.2.0/24',
    'fd00:9::/64',
  ]);
});

test('peers that share a policy go on sharing it, and a policy that asks for no device stays itself', () => {
  const links = new DeviceNextHops(LINKS);
  const [asks, plain] = [policy({ interface: 'eth0' }), policy({ family: 'ipv4' })];
  expect(links.bind(asks, undefined)).toBe(links.bind(asks, undefined));
  expect(links.bind(asks, 'eth0')).not.toBe(links.bind(asks, undefined));
  expect(links.bind(plain, 'eth0')).toBe(plain);
});
