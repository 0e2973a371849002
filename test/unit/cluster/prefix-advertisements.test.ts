/** Communities that go out with prefixes. */
import { expect, test } from 'vitest';
import { parseIpPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { formatCommunity, formatLargeCommunity } from '../../../src/bgp-js/attributes/communities.ts';
import { prefixAdvertisements } from '../../../src/cluster/prefix-advertisements.ts';
import { evaluate } from '../../../src/policy/evaluate.ts';
import type { JsonObject, Resource } from '../../../src/store/port.ts';

const object = (spec: JsonObject, name = 'default'): Resource => ({ metadata: { name }, spec });
function sent(prefix: string, common: Resource | undefined, ofNode?: Resource): readonly string[] {
  const { policy } = prefixAdvertisements(common, ofNode);
  const route = parseIpPrefix(prefix);
  if (policy === undefined || route === undefined) return [];
  const attributes = { origin: 'igp', asPath: [], nextHop: ipv4(1) } as const;
  const verdict = evaluate(policy, { ...route, attributes, source: 'local' });
  if (verdict.kind === 'reject') throw new Error(verdict.reason.text);
  const { communities = [], largeCommunities = [] } = verdict.attributes;
  return [...communities.map(formatCommunity), ...largeCommunities.map(formatLargeCommunity)];
}
const SPEC = object({
  communities: [
    { name: 'pods', value: '65001:7' },
    { name: 'site', value: '65001:1:2' },
  ],
  prefixAdvertisements: [
    { cidr: '10.244.0.0/16', communities: ['pods', '65001:8'] },
    { cidr: '10.244.1.0/24', communities: ['site'] },
    { cidr: 'fd00::/8', communities: ['65001:9'] },
  ],
});

test.each([
  ['10.244.0.0/16', ['65001:7', '65001:8']],
  ['10.244.7.64/26', ['65001:7', '65001:8']],
  ['10.244.1.64/26', ['65001:7', '65001:8', '65001:1:2']],
  ['10.245.0.0/26', []],
  ['10.0.0.0/8', []],
  ['fd00:1::/122', ['65001:9']],
])('%s leaves with %j: by every entry that it lies in, as Calico has it', (prefix, communities) => {
  expect(sent(prefix, SPEC)).toEqual(communities);
});

test('what this node has of its own stands in the place of what all have', () => {
  const own = object({ prefixAdvertisements: [{ cidr: '10.244.0.0/16', communities: ['65001:99'] }] }, 'node.n1');
  expect(sent('10.244.1.64/26', SPEC, own)).toEqual(['65001:99']);
  expect(sent('10.244.7.64/26', SPEC, object({ listenPort: 1790 }, 'node.n1'))).toEqual(['65001:7', '65001:8']);
  // Its names are its own too.
  const named = object({ prefixAdvertisements: [{ cidr: '10.244.0.0/16', communities: ['pods'] }] }, 'node.n1');
  expect(prefixAdvertisements(SPEC, named).problems.map((p) => p.text)).toEqual([
    'bgpconfigurations "node.n1": prefixAdvertisements[0].communities[0] is "pods". Write 65001:7, 65001:1:2, or a name that communities of the same object has.',
  ]);
});

test.each<readonly [JsonObject, string]>([
  [{ prefixAdvertisements: 'all' }, 'prefixAdvertisements is "all". Write a list.'],
  [
    { prefixAdvertisements: [{ communities: ['1:1'] }] },
    'prefixAdvertisements[0].cidr is missing. Write a prefix, as 10.244.0.0/16.',
  ],
  [
    { prefixAdvertisements: [{ cidr: '10.0.0.0/33', communities: ['1:1'] }] },
    'prefixAdvertisements[0].cidr is "10.0.0.0/33". Write a prefix, as 10.244.0.0/16.',
  ],
  [
    { prefixAdvertisements: [{ cidr: '10.0.0.0/8', communities: [] }] },
    'prefixAdvertisements[0].communities is []. Write at least one.',
  ],
  [
    { prefixAdvertisements: [{ cidr: '10.0.0.0/8', communities: ['65536:1'] }] },
    'prefixAdvertisements[0].communities[0] is "65536:1". Write 65001:7, 65001:1:2, or a name that communities of the same object has.',
  ],
  [
    { prefixAdvertisements: [], communities: [{ name: 'a', value: 'b' }] },
    'communities[0] is {"name":"a","value":"b"}. Write name and value: { name: rack, value: "65001:7" }.',
  ],
])('%j is told with field, value and remedy', (spec, text) => {
  expect(prefixAdvertisements(object(spec), undefined).problems.map((p) => p.text)).toEqual([
    `bgpconfigurations "default": ${text}`,
  ]);
});

test('an entry that cannot be used takes nothing from the others', () => {
  const spec = object({
    prefixAdvertisements: [
      { cidr: 'x', communities: ['1:1'] },
      { cidr: '10.0.0.0/8', communities: ['1:2'] },
    ],
  });
  expect(sent('10.1.0.0/16', spec)).toEqual(['1:2']);
});
