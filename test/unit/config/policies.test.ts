/** `policies:` and `prefixLists:` of the node's file. */
import { describe, expect, test } from 'vitest';
import { parseIpPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { formatAsPath } from '../../../src/bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { formatCommunity } from '../../../src/bgp-js/attributes/communities.ts';
import { diffConfig } from '../../../src/config/diff.ts';
import { parseNodeConfig } from '../../../src/config/parse.ts';
import { decidedByText, type Policy } from '../../../src/model/policy.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';

const FILE = `
prefixLists:
  - name: pods
    prefixes: [10.244.0.0/16 le 26, 'fd00:10:244::/48 ge 64 le 122']
policies:
  - name: from-rack
    rules:
      - name: no-default
        match: { prefixes: [0.0.0.0/0, '::/0'] }
        action: reject
      - match:
          prefixLists: pods
          asPath: '^65000 .* 64512$'
          communities: { any: ['65000:*', 'rt:65000:*'], none: no-export }
        set: { localPref: 200, addMed: 10, addCommunities: [65001:7, '65001:1:2'], prepend: { asn: 65009, times: 2 } }
        action: accept
      - name: private
        match: { asPath: ['_[64512-65534]_'], med: 100-, source: ebgp }
        set: { removeMed: true, removeCommunities: '*:*' }
        action: next
    otherwise: next
  - name: rest
    otherwise: accept
neighbors:
  - { name: rack, address: 10.9.0.2, asn: 65000, import: [from-rack, rest], export: pods-only }
  - { name: rack2, address: 10.9.0.3, asn: 65000, import: [from-rack, rest] }
`.replace('pods-only', 'rest');

const parsed = parseNodeConfig(FILE, '/etc/gingham.yaml');
const peerOf = (name: string) => (parsed.ok ? parsed.value.neighbors.find((n) => n.name === name) : undefined);
const policy = peerOf('rack')?.importPolicy as Policy;
const attributes: PathAttributes = {
  origin: 'igp',
  asPath: [{ type: 'sequence', asns: [65000, 3, 64512] }],
  nextHop: ipv4(1),
  med: 200,
  communities: [65000 * 65536 + 1],
};
function verdict(prefix: string, more: Partial<PathAttributes> = {}) {
  const p = parseIpPrefix(prefix);
  if (p === undefined) throw new Error(prefix);
  return evaluate(policy, { ...p, attributes: { ...attributes, ...more }, source: 'ebgp' });
}

describe('policies of a file', () => {
  test('every rule says what it says, and verdicts name policy and rule', () => {
    expect(parsed).toMatchObject({ ok: true });
    expect(decidedByText(verdict('0.0.0.0/0').by)).toBe('from-rack#no-default');
    expect(verdict('0.0.0.0/0')).toMatchObject({ kind: 'reject', reason: { text: 'policy from-rack#no-default' } });
    const pod = verdict('10.244.3.0/26');
    expect(decidedByText(pod.by)).toBe('from-rack#2');
    const changed = pod.kind === 'accept' ? pod.attributes : attributes;
    expect(changed).toMatchObject({
      localPref: 200,
      med: 210,
      largeCommunities: [{ global: 65001, local1: 1, local2: 2 }],
    });
    expect(changed.communities?.map(formatCommunity)).toEqual(['65000:1', '65001:7']);
    expect(formatAsPath(changed.asPath)).toBe('65009 65009 65000 3 64512');
  });

  test('what the first policy leaves open the second decides, with what the first has done', () => {
    const other = verdict('192.0.2.0/24');
    expect(decidedByText(other.by)).toBe('rest');
    expect(other.kind === 'accept' && other.attributes).toEqual({
      origin: 'igp',
      asPath: attributes.asPath,
      nextHop: ipv4(1),
    });
    expect(decidedByText(verdict('10.244.3.0/26', { communities: [65000 * 65536 + 1, 0xffffff01] }).by)).toBe('rest');
    expect(decidedByText(verdict('fd00:10:244::/64').by)).toBe('from-rack#2');
    expect(decidedByText(verdict('fd00:10:244::/48').by)).toBe('rest');
  });

  test('neighbors with the same policies share one object', () => {
    expect(peerOf('rack2')?.importPolicy).toBe(policy);
  });

  test('gshut and blackhole are there without being written', () => {
    const file = parseNodeConfig(
      'neighbors: [{ address: 10.9.0.2, asn: 65000, import: [gshut, blackhole, none] }]',
      'a',
    );
    expect(file.ok && file.value.neighbors[0]?.importPolicy?.name).toBe('gshut, blackhole, reject-all');
  });
});

const faults = (text: string): readonly string[] => {
  const result = parseNodeConfig(text, 'a');
  return result.ok
    ? []
    : result.error.map((f) => `${f.path}: ${f.value ?? ''} ${f.text}. ${f.remedy}`.replace(':  ', ': '));
};
const RULE = (rule: string): string => `policies: [{ name: p, rules: [${rule}] }]`;

test.each([
  ['policies: [{ rules: [] }]', 'policies[0].name: is missing. Add it: name: from-rack.'],
  [
    'policies: [{ name: all }]',
    'policies[0].name: all has a meaning already. Choose another name than all, none, gshut, blackhole.',
  ],
  [
    'policies: [{ name: a }, { name: a }]',
    'policies[1].name: a is the name of policies[0] too. Choose another name for one of them.',
  ],
  [RULE('{}'), 'policies[0].rules[0].action: is missing. Write accept, reject or next.'],
  [
    RULE('{ action: allow }'),
    'policies[0].rules[0].action: allow is not known here. Write one of: accept, reject, next.',
  ],
  [
    RULE('{ match: { prefixes: [10.0.0.0/8 ge 4] }, action: accept }'),
    'policies[0].rules[0].match.prefixes[0]: 10.0.0.0/8 ge 4 has lengths 4 to 32, which no part of /8 has. Write 8 <= ge <= le <= 32.',
  ],
  [
    RULE('{ match: { prefixes: 10.0.0.1/8 }, action: accept }'),
    'policies[0].rules[0].match.prefixes: 10.0.0.1/8 is not a prefix. Write 10.244.0.0/16, or 10.244.0.0/16 ge 24 le 26; no bit set beyond its length.',
  ],
  [
    `prefixLists: [{ name: pods, prefixes: [10.0.0.0/8] }]\n${RULE('{ match: { prefixLists: [pod] }, action: accept }')}`,
    'policies[0].rules[0].match.prefixLists[0]: pod is no prefix list of this file. Did you mean pods?',
  ],
  ['prefixLists: [{ name: pods }]', 'prefixLists[0].prefixes: is missing. Add it: prefixes: [10.244.0.0/16].'],
  [
    RULE("{ match: { asPath: '[0-9]+' }, action: accept }"),
    `policies[0].rules[0].match.asPath: '[0-9]+' has [0-9], which is AS numbers 0 to 9 here, not a digit. Write . for any AS number, .* for any.`,
  ],
  [
    RULE('{ match: { communities: { any: [65536:1] } }, action: accept }'),
    'policies[0].rules[0].match.communities.any[0]: 65536:1 is not a community. Write 65001:7, 65001:*, 65001:1:*, rt:65001:*, or a name as no-export.',
  ],
  [
    RULE('{ match: { med: 5-3 }, action: accept }'),
    'policies[0].rules[0].match.med: 5-3 is an empty range. Write the smaller number first, at most 4294967295.',
  ],
  [
    RULE('{ set: { med: 3 }, action: reject }'),
    'policies[0].rules[0].set: has no meaning with action reject. Remove it.',
  ],
  [
    RULE('{ set: { nextHop: there }, action: accept }'),
    'policies[0].rules[0].set.nextHop: there is no next hop. Write self, discard, or an address.',
  ],
  [
    RULE('{ match: { comunities: {} }, action: accept }'),
    'policies[0].rules[0].match.comunities: is not a setting. Did you mean communities?',
  ],
  [
    'neighbors: [{ address: 10.9.0.2, asn: 65000, import: [from-rack] }]',
    'neighbors[0].import: from-rack is no policy of this file. Write one of: all, none, gshut, blackhole.',
  ],
])('%j: %s', (text, expected) => expect(faults(text)).toEqual([expected]));

test('a policy whose rules change is told as a change of those who use it, and costs no session', () => {
  const before = parseNodeConfig(FILE, 'a');
  const after = parseNodeConfig(FILE.replace('localPref: 200', 'localPref: 300'), 'a');
  if (!before.ok || !after.ok) throw new Error('does not parse');
  expect(diffConfig(before.value, after.value)).toEqual([
    {
      path: 'neighbors.rack.import',
      text: 'neighbor rack: import from-rack, rest: the policy has changed',
      needs: 'nothing',
      peers: ['rack'],
    },
    expect.objectContaining({ path: 'neighbors.rack2.import' }),
  ]);
});
