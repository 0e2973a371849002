/** Each condition and each operation by itself. */
import { describe, expect, test } from 'vitest';
import { parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import { type Ipv4, ipv4 } from '../../../src/base/ipv4.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { parseAsPathPattern } from '../../../src/model/as-path-text.ts';
import { BLACKHOLE_POLICY, blockOriginPolicy } from '../../../src/model/built-in-policies.ts';
import { parseCommunityPattern } from '../../../src/model/community-text.ts';
import type { Match, Operation, Policy } from '../../../src/model/policy.ts';
import { evaluate, type PolicyInput, type Verdict } from '../../../src/policy/evaluate.ts';

const address = (text: string) => parseIp(text) ?? ipv4(0);
const prefix = (text: string) => parseIpPrefix(text) ?? { address: ipv4(0), length: 0 };
const asPath = (text: string) => {
  const parsed = parseAsPathPattern(text);
  if (!parsed.ok) throw new Error(parsed.error.text);
  return parsed.value;
};
const community = (text: string) => {
  const parsed = parseCommunityPattern(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const attributes: PathAttributes = {
  origin: 'egp',
  asPath: [{ type: 'sequence', asns: [65001, 65002] }],
  nextHop: address('10.9.0.2') as Ipv4,
  med: 20,
  communities: [1],
};
const INPUT: PolicyInput = { ...prefix('10.244.1.0/26'), attributes, source: 'ebgp' };
const judged = (match: Match, more: Partial<PolicyInput> = {}): boolean => {
  const policy: Policy = { name: 'p', rules: [{ name: '1', match, action: 'accept' }], otherwise: 'reject' };
  return evaluate(policy, { ...INPUT, ...more }).kind === 'accept';
};

test.each<readonly [string, Match, Partial<PolicyInput>, Partial<PolicyInput>]>([
  ['prefixes', { prefixes: [{ ...prefix('10.244.0.0/16'), ge: 24, le: 26 }] }, {}, prefix('10.244.1.7/32')],
  [
    'ge alone',
    { prefixes: [{ ...prefix('10.244.0.0/16'), ge: 24 }] },
    prefix('10.244.1.7/32'),
    prefix('10.244.0.0/16'),
  ],
  ['IPv6 prefixes', { prefixes: [{ ...prefix('fd00::/8'), le: 64 }] }, prefix('fd00:1::/64'), {}],
  ['an empty list', {}, {}, { source: 'local', attributes, ...prefix('10.244.1.0/26') }],
  ['notPrefixes', { notPrefixes: [prefix('10.244.1.0/26')] }, prefix('10.244.2.0/26'), {}],
  ['family', { family: 'ipv6' }, prefix('fd00::/64'), {}],
  ['sources', { sources: ['ebgp'] }, {}, { source: 'local' }],
  ['interface', { interface: 'eth*' }, { interface: 'eth1' }, {}],
  [
    'communities',
    { communities: [{ mode: 'any', patterns: [community('0:1')] }] },
    {},
    { attributes: { ...attributes, communities: [2] } },
  ],
  ['asPaths', { asPaths: [asPath('^65001')] }, {}, { attributes: { ...attributes, asPath: [] } }],
  [
    'neighbourAs',
    { neighbourAs: [65001] },
    {},
    { attributes: { ...attributes, asPath: [{ type: 'set', asns: [65001] }] } },
  ],
  ['asPathLength', { asPathLength: { from: 2, to: 3 } }, {}, { attributes: { ...attributes, asPath: [] } }],
  ['nextHops', { nextHops: [prefix('10.9.0.0/24')] }, {}, { attributes: { ...attributes, nextHop: ipv4(1) } }],
  ['localPref', { localPref: { to: 100 } }, {}, { attributes: { ...attributes, localPref: 101 } }],
  ['med', { med: { from: 20 } }, {}, { attributes: { ...attributes, med: 19 } }],
  ['origins', { origins: ['egp'] }, {}, { attributes: { ...attributes, origin: 'igp' } }],
  ['priority', { priority: 1024 }, { source: 'local' }, {}],
  ['blockOrigins', { blockOrigins: ['unknown'] }, {}, { origin: 'valid' }],
])('%s', (name, match, holds, fails) => {
  expect(judged(match, holds)).toBe(true);
  if (name !== 'an empty list') expect(judged(match, fails)).toBe(false);
  else expect(judged({ prefixes: [] })).toBe(false);
});

const outcome = (operation: Operation, more: Partial<PolicyInput> = {}): Verdict =>
  evaluate(
    { name: 'p', rules: [{ name: '1', match: {}, operations: [operation], action: 'accept' }], otherwise: 'reject' },
    { ...INPUT, ...more },
  );
const changed = (operation: Operation, more: Partial<PolicyInput> = {}): PathAttributes => {
  const v = outcome(operation, more);
  if (v.kind === 'reject') throw new Error(v.reason.text);
  return v.attributes;
};

describe('operations', () => {
  test.each<readonly [Operation, Partial<PathAttributes>]>([
    [{ do: 'setLocalPref', value: 300 }, { localPref: 300 }],
    [{ do: 'setMed', value: 5 }, { med: 5 }],
    [{ do: 'addMed', value: -30 }, { med: 0 }],
    [{ do: 'addMed', value: 4294967295 }, { med: 4294967295 }],
    [{ do: 'prepend', asns: [7, 8] }, { asPath: [{ type: 'sequence', asns: [7, 8, 65001, 65002] }] }],
    [
      { do: 'addCommunities', standard: [1, 2], extended: [3n] },
      { communities: [1, 2], extendedCommunities: [3n] },
    ],
    [{ do: 'setNextHop', to: ipv4(0x0a090009) }, { nextHop: ipv4(0x0a090009) }],
    [{ do: 'setNextHop', to: 'discard' }, { nextHop: ipv4(0) }],
    [{ do: 'setOrigin', value: 'incomplete' }, { origin: 'incomplete' }],
  ])('%o', (operation, expected) => expect(changed(operation)).toEqual({ ...attributes, ...expected }));

  test('what goes is gone, not empty', () => {
    expect('med' in changed({ do: 'removeMed' })).toBe(false);
    expect('communities' in changed({ do: 'removeCommunities', patterns: [community('*:*')] })).toBe(false);
  });

  test.each<Operation>([
    { do: 'setMed', value: 20 },
    { do: 'addMed', value: 0 },
    { do: 'prepend', asns: [] },
    { do: 'addCommunities', standard: [1] },
    { do: 'removeCommunities', patterns: [community('0:2')] },
    { do: 'setNextHop', to: attributes.nextHop ?? ipv4(0) },
    { do: 'setNextHop', to: address('fd00::1') },
    { do: 'setNextHop', to: 'self' },
    { do: 'setOrigin', value: 'egp' },
  ])('$do changes nothing here, and the attributes are the same object', (operation) =>
    expect(changed(operation)).toBe(attributes),
  );

  test('next hop self is our end where it is known, and otherwise said to whoever knows it', () => {
    expect(changed({ do: 'setNextHop', to: 'self' }, { localAddress: ipv4(0x0a0000fe) }).nextHop).toBe(0x0a0000fe);
    expect(outcome({ do: 'setNextHop', to: 'self' })).toMatchObject({ nextHop: 'self' });
    expect(outcome({ do: 'setNextHop', to: ipv4(5) })).toMatchObject({ nextHop: 'set' });
  });
});

test('BLACKHOLE is for hosts, of either family: discarded here, and told to nobody (RFC 7999 3)', () => {
  const asked = { attributes: { ...attributes, communities: [0xffff029a] } };
  const host = evaluate(BLACKHOLE_POLICY, { ...INPUT, ...prefix('192.0.2.1/32'), ...asked });
  expect(host).toMatchObject({
    kind: 'accept',
    by: { policy: 'blackhole', rule: 'discard' },
    attributes: { nextHop: 0, communities: [0xffff029a, 0xffffff02] },
  });
  const host6 = evaluate(BLACKHOLE_POLICY, {
    ...INPUT,
    ...prefix('2001:db8::1/128'),
    attributes: { ...asked.attributes, mpNextHop: { address: address('fd00::1') } },
  });
  expect(host6.kind === 'accept' && host6.attributes.mpNextHop).toEqual({ address: 0n });
  const net = evaluate(BLACKHOLE_POLICY, { ...INPUT, ...asked });
  expect(net.kind === 'accept' && net.attributes).toBe(asked.attributes);
});

test('block origins: warn leaves routes alone, prefer makes them the last resort, reject says IPAM’s reason', () => {
  const reason = { code: 'ORIGIN_INVALID', text: 'IPAM says block 10.244.0.0/26 belongs to worker1, not to worker3' };
  const invalid = { ...INPUT, origin: 'invalid', originReason: reason } as const;
  expect(blockOriginPolicy('off')).toBeUndefined();
  const warn = blockOriginPolicy('warn') as Policy;
  expect(evaluate(warn, invalid)).toEqual({ kind: 'accept', attributes, by: { policy: 'block-origin' } });
  const [prefer, reject] = [blockOriginPolicy('prefer') as Policy, blockOriginPolicy('reject') as Policy];
  expect(evaluate(prefer, invalid)).toMatchObject({ kind: 'accept', attributes, standing: 'invalid' });
  expect(evaluate(prefer, { ...INPUT, origin: 'valid' })).toMatchObject({ attributes, standing: 'valid' });
  expect(evaluate(prefer, { ...INPUT, origin: 'unknown' })).not.toHaveProperty('standing');
  expect(evaluate(reject, invalid)).toMatchObject({ kind: 'reject', reason });
  expect(evaluate(reject, { ...INPUT, origin: 'unknown' }).kind).toBe('accept');
});
