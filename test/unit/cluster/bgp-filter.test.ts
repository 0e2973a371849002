/** BGPFilters: rules and faults; what stands around them; the mesh's own. */
import { describe, expect, test } from 'vitest';
import { parseIpPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { formatAsPath } from '../../../src/bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { filterPolicy, lastWhole, readBgpFilter } from '../../../src/cluster/bgp-filter.ts';
import { calicoExport } from '../../../src/cluster/calico-defaults.ts';
import { FilterSet, MESH_FILTERS, meshFilterNames } from '../../../src/cluster/peer-policies.ts';
import { blockOriginPolicy } from '../../../src/model/built-in-policies.ts';
import { decidedByText, type Policy } from '../../../src/model/policy.ts';
import { evaluate, type PolicyInput } from '../../../src/policy/evaluate.ts';
import type { JsonObject, Resource } from '../../../src/store/port.ts';

const filter = (spec: JsonObject, name = 'only-pools'): Resource => ({ metadata: { name }, spec });
const attributes: PathAttributes = {
  origin: 'igp',
  asPath: [{ type: 'sequence', asns: [65001, 65002] }],
  nextHop: ipv4(1),
};
function verdict(policy: Policy | undefined, route: string, more: Partial<PolicyInput> = {}) {
  const prefix = parseIpPrefix(route);
  if (prefix === undefined || policy === undefined) throw new Error(`${route} ${policy?.name}`);
  return evaluate(policy, { ...prefix, attributes, source: 'ibgp', ...more });
}
const said = (policy: Policy | undefined, route: string, more: Partial<PolicyInput> = {}): string => {
  const v = verdict(policy, route, more);
  return `${v.kind} ${decidedByText(v.by)}${v.kind === 'reject' ? ` ${v.reason.code}` : ''}`;
};

const POOLS = {
  exportV4: [
    { cidr: '10.244.0.0/16', matchOperator: 'In', prefixLength: { max: 26 }, peerType: 'eBGP', action: 'Accept' },
    { action: 'Reject' },
  ],
  importV6: [{ cidr: '::/0', matchOperator: 'Equal', action: 'Reject' }],
};

describe('rules', () => {
  const read = readBgpFilter(filter(POOLS));
  test('a verdict names filter and rule, by the number that the rule has in the object, whatever peerType takes away', () => {
    const external = filterPolicy(read, 'export', 'ebgp');
    expect(said(external, '10.244.1.0/26')).toBe('accept BGPFilter/only-pools#1');
    expect(said(external, '10.244.1.7/32')).toBe('reject BGPFilter/only-pools#2 POLICY_REJECTED');
    expect(said(filterPolicy(read, 'export', 'ibgp'), '10.244.1.0/26')).toBe(
      'reject BGPFilter/only-pools#2 POLICY_REJECTED',
    );
  });
  test('a rule of one family says nothing of the other', () => {
    expect(said(filterPolicy(read, 'export', 'ebgp'), 'fd00::/64')).toBe('accept BGPFilter/only-pools');
    expect(said(filterPolicy(read, 'import', 'ebgp'), '::/0')).toBe('reject BGPFilter/only-pools#1 POLICY_REJECTED');
    expect(said(filterPolicy(read, 'import', 'ebgp'), '0.0.0.0/0')).toBe('accept BGPFilter/only-pools');
  });
  test('operations are done in order: communities, AS numbers in front, priority as LOCAL_PREF', () => {
    const operations = [
      { addCommunity: { value: '65001:7' } },
      { addCommunity: { value: '65001:1:2' } },
      { prependASPath: { prefix: [65009, '65010'] } },
      { setPriority: { value: 512 } },
    ];
    const policy = filterPolicy(
      readBgpFilter(filter({ importV4: [{ action: 'Accept', operations }] })),
      'import',
      'ibgp',
    );
    const v = verdict(policy, '10.0.0.0/8');
    const changed = v.kind === 'accept' ? v.attributes : attributes;
    expect(formatAsPath(changed.asPath)).toBe('65009 65010 65001 65002');
    expect(changed).toMatchObject({
      localPref: 2147483647 - 512,
      communities: [65001 * 65536 + 7],
      largeCommunities: [{ global: 65001, local1: 1, local2: 2 }],
    });
  });
  test.each<readonly [JsonObject, string, Partial<PolicyInput>, boolean]>([
    [{ source: 'RemotePeers' }, '10.0.0.0/8', { source: 'local' }, false],
    [{ source: 'RemotePeers' }, '10.0.0.0/8', {}, true],
    [{ interface: 'eth*' }, '10.0.0.0/8', { interface: 'eth0' }, true],
    [{ interface: 'eth*' }, '10.0.0.0/8', {}, false],
    [{ asPathPrefix: [65001, 65002] }, '10.0.0.0/8', {}, true],
    [{ asPathPrefix: ['65002'] }, '10.0.0.0/8', {}, false],
    [{ priority: 1024 }, '10.0.0.0/8', { source: 'local' }, true],
    [{ priority: 1024 }, '10.0.0.0/8', {}, false],
    [{ cidr: '10.0.0.0/8', matchOperator: 'NotIn', prefixLength: { min: 9, max: 24 } }, '10.0.0.0/8', {}, true],
    [{ cidr: '10.0.0.1/8', matchOperator: 'Equal' }, '10.0.0.0/8', {}, true],
    [{ cidr: '10.0.0.0/8', matchOperator: 'NotEqual' }, '10.0.0.0/8', {}, false],
    [{ cidr: '10.0.0.0/24', matchOperator: 'In', prefixLength: { max: 16 } }, '10.0.0.0/24', {}, false],
  ])('%j holds for %s with %j: %j', (rule, route, more, holds) => {
    const policy = filterPolicy(readBgpFilter(filter({ importV4: [{ ...rule, action: 'Reject' }] })), 'import', 'ibgp');
    expect(verdict(policy, route, more).kind).toBe(holds ? 'reject' : 'accept');
  });
});

describe('faults', () => {
  test('nothing passes from the faulty rule on, and the reason names object, field, value and remedy', () => {
    const read = readBgpFilter(
      filter({
        importV4: [
          { cidr: '10.1.0.0/16', matchOperator: 'In', action: 'Accept' },
          { cidr: '10.2.0.0/33', matchOperator: 'In', action: 'Accept' },
          { action: 'Accept' },
        ],
      }),
    );
    const text =
      'bgpfilters "only-pools": importV4[1].cidr is "10.2.0.0/33". Write an IPv4 prefix, as 10.244.0.0/16. Nothing passes that gets so far.';
    expect(read.problems).toEqual([
      { code: 'BGP_FILTER_INVALID', text, about: expect.objectContaining({ name: 'only-pools' }) },
    ]);
    const policy = filterPolicy(read, 'import', 'ibgp');
    expect(said(policy, '10.1.0.0/24')).toBe('accept BGPFilter/only-pools#1');
    expect(verdict(policy, '10.9.0.0/16')).toMatchObject({
      kind: 'reject',
      reason: { code: 'BGP_FILTER_INVALID', text },
    });
    expect(said(policy, 'fd00::/64')).toBe('accept BGPFilter/only-pools');
    expect(said(filterPolicy(read, 'export', 'ibgp'), '10.9.0.0/16')).toBe('accept BGPFilter/only-pools');
  });
  test('what the object said before stays in force, a fault is told all the same, and a deleted one is forgotten', () => {
    const good = filter({ importV4: [{ cidr: '10.1.0.0/16', matchOperator: 'In', action: 'Reject' }] });
    const faulty = filter({ importV4: [{ cidr: '10.1.0.0/33', matchOperator: 'In', action: 'Reject' }] });
    const kept = lastWhole([faulty], lastWhole([good], new Map()));
    const set = new FilterSet([faulty], { importFirst: [], exportLast: [] }, kept);
    expect(set.problems.map((p) => p.text)).toEqual([
      'bgpfilters "only-pools": importV4[0].cidr is "10.1.0.0/33". Write an IPv4 prefix, as 10.244.0.0/16. What it said before stays in force.',
    ]);
    const { importPolicy } = set.policies(['only-pools'], 'ibgp');
    expect(said(importPolicy, '10.1.5.0/24')).toBe('reject BGPFilter/only-pools#1 POLICY_REJECTED');
    expect(said(importPolicy, '10.9.0.0/16')).toBe('accept BGPFilter/only-pools');
    expect([...lastWhole([], kept)]).toEqual([]);
    expect([...lastWhole([good], kept).values()]).toEqual([good]);
  });
  test.each<readonly [unknown, string]>([
    [[{}], 'importV4[0].action is missing. Use Accept or Reject.'],
    [[{ action: 'Allow' }], 'importV4[0].action is "Allow". Use Accept or Reject.'],
    [{ action: 'Accept' }, 'importV4 is {"action":"Accept"}. Write a list of rules.'],
    [
      [{ action: 'Accept', cidr: '10.0.0.0/8' }],
      'importV4[0].matchOperator is missing. Use Equal, NotEqual, In or NotIn.',
    ],
    [
      [{ action: 'Accept', matchOperator: 'In' }],
      'importV4[0].cidr is missing. matchOperator needs it: add it, or remove both.',
    ],
    [
      [{ action: 'Accept', cidr: '10.0.0.0/8', matchOperator: 'In', prefixLength: { min: 40 } }],
      'importV4[0].prefixLength.min is 40. Write 0 to 32.',
    ],
    [
      [{ action: 'Accept', cidr: 'fd00::/8', matchOperator: 'In' }],
      'importV4[0].cidr is "fd00::/8". Write an IPv4 prefix, as 10.244.0.0/16.',
    ],
    [
      [{ action: 'Accept', communities: { values: ['65536:1'] } }],
      'importV4[0].communities.values[0] is "65536:1". Write 65001:7 or 65001:1:2.',
    ],
    [
      [{ action: 'Accept', asPathPrefix: [0] }],
      'importV4[0].asPathPrefix[0] is 0. Write an AS number, 1 to 4294967295.',
    ],
    [[{ action: 'Accept', priority: 0 }], 'importV4[0].priority is 0. Write 1 to 2147483646.'],
    [
      [{ action: 'Reject', operations: [{ setPriority: { value: 5 } }] }],
      'importV4[0].operations is [{"setPriority":{"value":5}}]. They are for action Accept: remove them.',
    ],
    [
      [{ action: 'Accept', operations: [{ setPriority: { value: 5 }, addCommunity: { value: '1:1' } }] }],
      'importV4[0].operations[0] is {"setPriority":{"value":5},"addCommunity":{"value":"1:1"}}. Write exactly one of addCommunity, prependASPath, setPriority.',
    ],
    [
      [{ action: 'Accept', nextHop: '10.0.0.1' }],
      'importV4[0].nextHop is "10.0.0.1". This version of Gingham does not know it: remove it.',
    ],
    [[{ action: 'Accept', source: 'Local' }], 'importV4[0].source is "Local". Use RemotePeers.'],
  ])('%j', (importV4, text) => {
    const { problems } = readBgpFilter(filter({ importV4 } as JsonObject));
    expect(problems.map((p) => p.text)).toEqual([`bgpfilters "only-pools": ${text} Nothing passes that gets so far.`]);
  });
});

const prefix = (text: string) => parseIpPrefix(text) ?? { address: ipv4(0), length: 0 };
const DEFAULTS = calicoExport({
  silent: [{ name: 'quiet', cidr: prefix('10.50.0.0/16') }],
  pools: [prefix('10.244.0.0/16')],
  blocks: [prefix('10.244.1.0/26'), prefix('10.244.9.9/32')],
});

test.each<readonly [string, Partial<PolicyInput>, string]>([
  ['10.244.1.0/26', { source: 'local' }, 'accept calico-defaults#own-block'],
  ['10.244.1.7/32', { source: 'local' }, 'reject calico-defaults#aggregated AGGREGATED'],
  [
    '10.244.1.7/32',
    { source: 'local', attributes: { ...attributes, localPref: 2147483647 - 512 } },
    'accept calico-defaults#elevated',
  ],
  ['10.244.9.9/32', { source: 'local' }, 'accept calico-defaults#own-block'],
  ['10.244.2.0/26', {}, 'accept calico-defaults#pool'],
  ['10.244.2.7/32', { source: 'local' }, 'accept calico-defaults#own'],
  ['10.50.1.0/26', { source: 'local' }, 'reject calico-defaults#disableBGPExport quiet BGP_EXPORT_DISABLED'],
  ['10.96.0.0/12', { source: 'local' }, 'accept calico-defaults#own'],
  ['192.0.2.0/24', {}, 'reject calico-defaults OUTSIDE_POOLS'],
])('Calico’s own rules: %s %j: %s', (route, more, expected) => expect(said(DEFAULTS, route, more)).toBe(expected));

describe('what a peer has', () => {
  const invalid = { origin: 'invalid', originReason: { code: 'ORIGIN_INVALID', text: 'not its' } } as const;
  const set = new FilterSet([filter(POOLS), filter({ importV4: [{ action: 'Reject' }] }, 'nothing')], {
    importFirst: [blockOriginPolicy('reject') ?? DEFAULTS],
    exportLast: [DEFAULTS],
  });
  test('filters are asked in order, then Calico’s rules; validation comes before them', () => {
    const { importPolicy, exportPolicy } = set.policies(['only-pools', 'nothing'], 'ebgp');
    expect(said(exportPolicy, '10.244.2.0/26')).toBe('accept BGPFilter/only-pools#1');
    expect(said(importPolicy, '10.244.2.0/26')).toBe('reject BGPFilter/nothing#1 POLICY_REJECTED');
    expect(said(importPolicy, '10.244.2.0/26', invalid)).toBe('reject block-origin#invalid ORIGIN_INVALID');
    const plain = set.policies([], 'ibgp');
    expect(said(plain.exportPolicy, '192.0.2.0/24')).toBe('reject calico-defaults OUTSIDE_POOLS');
    expect(said(plain.importPolicy, '10.244.2.0/26')).toMatch(/^accept/);
  });
  test('peers with the same filters share the policies', () => {
    expect(set.policies(['nothing'], 'ibgp').importPolicy).toBe(set.policies(['nothing'], 'ibgp').importPolicy);
  });
  test('another AS that announces its shutdown is believed: LOCAL_PREF 0 (RFC 8326 4.2)', () => {
    const leaving = { source: 'ebgp', attributes: { ...attributes, communities: [0xffff0000] } } as const;
    const v = verdict(set.policies([], 'ebgp').importPolicy, '192.0.2.0/24', leaving);
    expect(v.kind === 'accept' && v.attributes.localPref).toBe(0);
  });
  test('a filter that is not there is left out, and named', () => {
    expect(set.missing(['only-pools', 'gone'])).toEqual(['gone']);
    expect(said(set.policies(['gone'], 'ibgp').importPolicy, '192.0.2.0/24')).toMatch(/^accept/);
  });
});

test('the mesh’s filters are named by an annotation, where kubectl and where Calico’s tools put it', () => {
  const named = (annotations: Record<string, string>) =>
    meshFilterNames({ metadata: { name: 'default', annotations } });
  expect(named({ [MESH_FILTERS]: 'a, b,' })).toEqual(['a', 'b']);
  expect(named({ 'projectcalico.org/metadata': JSON.stringify({ annotations: { [MESH_FILTERS]: 'c' } }) })).toEqual([
    'c',
  ]);
  expect(named({ 'projectcalico.org/metadata': '{' })).toEqual([]);
  expect(meshFilterNames(undefined)).toEqual([]);
});
