import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../src/base/ip.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { BLACKHOLE, GRACEFUL_SHUTDOWN, LLGR_STALE, NOPEER } from '../../../src/bgp-js/attributes/communities.ts';
import type { Policy } from '../../../src/model/policy.ts';
import { type Exported, type ExportTarget, exportTo } from '../../../src/rib/out/export.ts';
import { prepend } from '../../../src/rib/out/export-path.ts';
import type { PathSource } from '../../../src/rib/terms/feed.ts';
import { address, attributes, cidr } from '../../support/rib.ts';

const US = address('10.9.0.1');
const PEER = address('10.9.0.4');
const ip6 = (text: string) => v6(text);
const v6 = (text: string) => {
  const parsed = parseIp(text);
  if (typeof parsed !== 'bigint') throw new Error(text);
  return parsed;
};
const target = (more: Partial<ExportTarget> = {}): ExportTarget => ({
  kind: 'ibgp',
  address: PEER,
  peerAsn: 65001,
  localAddress: US,
  localAsn: 64512,
  localPref: 2147482623,
  nextHop: 'keep',
  transit: true,
  ...more,
});
const ebgp = (more: Partial<ExportTarget> = {}): ExportTarget => target({ kind: 'ebgp', ...more });
const from = (kind: PathSource['kind'], more: Partial<PathSource> = {}): PathSource => ({
  id: 1,
  name: 'x',
  kind,
  address: address('10.9.0.9'),
  bgpIdentifier: address('10.9.0.9'),
  client: false,
  ...more,
});
const exported = (
  a: PathAttributes,
  source: PathSource['kind'] | PathSource,
  to: ExportTarget,
  prefix = '10.244.1.0/26',
) => exportTo({ ...cidr(prefix), attributes: a, source: typeof source === 'string' ? from(source) : source }, to, US);
const exported6 = (a: PathAttributes, source: PathSource['kind'], to: ExportTarget) =>
  exportTo({ address: ip6('fd00:10:244::'), length: 64, attributes: a, source: from(source) }, to, US);
const sent = (e: Exported) => ('send' in e ? e.send : e.not.code);
const ours = { origin: 'igp', asPath: [], nextHop: address('0.0.0.0') } as const;
const sequence = (...asns: number[]) => ({ type: 'sequence' as const, asns });

describe('exportTo', () => {
  test('our own route to iBGP: our end as next hop, the configured LOCAL_PREF (RFC 4271 5.1.3, 5.1.5)', () => {
    expect(sent(exported(ours, 'local', target()))).toEqual({ ...ours, nextHop: US, localPref: 2147482623 });
  });

  test('our own route to eBGP: our AS, our end as next hop, MED kept, no LOCAL_PREF', () => {
    expect(sent(exported({ ...ours, med: 5, localPref: 7 }, 'local', ebgp()))).toEqual({
      origin: 'igp',
      asPath: [sequence(64512)],
      nextHop: US,
      med: 5,
    });
  });

  test('a learned route to eBGP: MED, ORIGINATOR_ID and CLUSTER_LIST stay behind (5.1.4, RFC 4456 8)', () => {
    const learned = attributes('10.9.0.2', { med: 5, originatorId: PEER, clusterList: [PEER] });
    expect(sent(exported(learned, 'ibgp', ebgp()))).toEqual({
      origin: 'igp',
      asPath: [sequence(64512)],
      nextHop: address('10.9.0.2'),
    });
    expect(sent(exported(learned, 'ibgp', ebgp({ nextHop: 'self' })))).toMatchObject({ nextHop: US });
  });

  test('from eBGP to iBGP nothing changes but a missing LOCAL_PREF', () => {
    const { localPref: _, ...learned } = attributes('10.9.0.2', { med: 5, asPath: [sequence(65001)] });
    expect(sent(exported(learned, 'ebgp', target()))).toEqual({ ...learned, localPref: 100 });
  });

  test('what is not sent says why', () => {
    const a = attributes('10.9.0.2');
    const cases: readonly (readonly [string, PathAttributes, PathSource['kind'], ExportTarget])[] = [
      ['IBGP_SPLIT_HORIZON', a, 'ibgp', target()],
      ['NO_TRANSIT', a, 'ebgp', target({ transit: false })],
      ['NO_TRANSIT', a, 'ibgp', ebgp({ transit: false })],
      ['NO_ADVERTISE', { ...a, communities: [0xffffff02] }, 'ebgp', target()],
      ['NO_EXPORT', { ...a, communities: [0xffffff01] }, 'ebgp', ebgp()],
      ['NO_EXPORT', { ...a, communities: [0xffffff03] }, 'local', ebgp()],
      ['BLACKHOLE', { ...a, communities: [BLACKHOLE] }, 'ebgp', ebgp()],
      ['LLGR_STALE', { ...a, communities: [LLGR_STALE] }, 'ebgp', target()],
      ['ROUTE_LEAK', { ...a, onlyToCustomer: 65009 }, 'ebgp', ebgp({ role: 'customer' })],
      ['NEXT_HOP_IS_THE_PEER', attributes('10.9.0.4'), 'ebgp', target()],
      ['NOT_OF_THE_POOLS', a, 'ebgp', ebgp({ transitWithin: [cidr('10.245.0.0/16')] })],
    ];
    for (const [code, value, source, to] of cases) expect(sent(exported(value, source, to)), code).toBe(code);
  });

  test('and what only looks as if it were not sent, is', () => {
    const a = attributes('10.9.0.2');
    const goes = (value: PathAttributes, source: PathSource['kind'], to: ExportTarget) =>
      expect(exported(value, source, to)).toHaveProperty('send');
    goes({ ...a, communities: [0xffffff01] }, 'ebgp', target());
    goes({ ...a, communities: [NOPEER] }, 'ebgp', ebgp());
    goes({ ...a, communities: [BLACKHOLE] }, 'ebgp', target());
    goes({ ...a, communities: [BLACKHOLE] }, 'local', ebgp());
    goes({ ...a, communities: [BLACKHOLE] }, 'ebgp', ebgp({ blackhole: true }));
    goes({ ...a, communities: [LLGR_STALE] }, 'ebgp', ebgp({ longLived: true }));
    goes({ ...a, onlyToCustomer: 65009 }, 'ebgp', ebgp({ role: 'provider' }));
    goes(a, 'local', ebgp({ transit: false, transitWithin: [] }));
  });

  test('a reflector reflects between clients and others, and says for whom (RFC 4456 6 and 8)', () => {
    const a = attributes('10.9.0.2');
    const client = from('ibgp', { client: true });
    const marks = { originatorId: client.bgpIdentifier, clusterList: [US] };
    expect(sent(exported(a, client, target()))).toEqual({ ...a, ...marks });
    expect(sent(exported(a, 'ibgp', target({ client: true })))).toEqual({ ...a, ...marks });
    expect(sent(exported(a, client, target({ client: true, clusterId: 7 })))).toEqual({
      ...a,
      ...marks,
      clusterList: [7],
    });
    const again = { ...a, originatorId: PEER, clusterList: [PEER] };
    expect(sent(exported(again, client, target()))).toEqual({ ...again, clusterList: [US, PEER] });
    expect(sent(exported(a, 'ebgp', target({ client: true })))).toEqual(a);
    expect(sent(exported(a, client, ebgp()))).not.toHaveProperty('originatorId');
  });

  test('next hop auto: ours to another AS, but for one of a link that is shared; as it is within ours (RFC 4271 5.1.3)', () => {
    const a = attributes('10.9.0.2');
    const subnets = { sharedSubnets: [cidr('10.9.0.0/24')] };
    expect(sent(exported(a, 'ebgp', ebgp({ nextHop: 'auto' })))).toMatchObject({ nextHop: US });
    expect(sent(exported(a, 'ebgp', ebgp({ nextHop: 'auto', ...subnets })))).toMatchObject({ nextHop: a.nextHop });
    expect(sent(exported(attributes('10.8.0.2'), 'ebgp', ebgp({ nextHop: 'auto', ...subnets })))).toMatchObject({
      nextHop: US,
    });
    expect(sent(exported(a, 'ebgp', target({ nextHop: 'auto' })))).toMatchObject({ nextHop: a.nextHop });
    expect(sent(exported(a, 'ebgp', target({ nextHop: 'self' })))).toMatchObject({ nextHop: US });
  });

  test('IPv6: our global address, the link-local one beside it on a shared link, or it alone (RFC 2545 3)', () => {
    const a: PathAttributes = { origin: 'igp', asPath: [], mpNextHop: { address: ip6('2001:db8::2') } };
    const session = { address: ip6('2001:db8::9'), localAddress: ip6('2001:db8::1') };
    const linkLocal = ip6('fe80::1');
    expect(sent(exported6(ours, 'local', ebgp(session)))).toMatchObject({
      mpNextHop: { address: session.localAddress },
    });
    expect(sent(exported6(ours, 'local', ebgp({ ...session, linkLocal })))).toMatchObject({
      mpNextHop: { address: session.localAddress, linkLocal },
    });
    expect(sent(exported6(ours, 'local', ebgp({ address: ip6('fe80::2'), localAddress: linkLocal })))).toMatchObject({
      mpNextHop: { address: linkLocal },
    });
    expect(sent(exported6(ours, 'local', ebgp()))).toBe('NO_NEXT_HOP');
    expect(sent(exported6(ours, 'local', ebgp({ localIpv6: ip6('2001:db8::7') })))).toMatchObject({
      mpNextHop: { address: ip6('2001:db8::7') },
    });
    const kept = sent(
      exported6({ ...a, mpNextHop: { address: ip6('2001:db8::2'), linkLocal } }, 'ebgp', target(session)),
    );
    expect(kept).toEqual({ ...a, localPref: 100 });
    // A link-local next hop alone means nothing elsewhere: ours takes its place.
    expect(sent(exported6({ ...a, mpNextHop: { address: linkLocal } }, 'ebgp', target(session)))).toMatchObject({
      mpNextHop: { address: session.localAddress },
    });
    expect(sent(exported6({ ...a, mpNextHop: { address: session.address } }, 'ebgp', target(session)))).toBe(
      'NEXT_HOP_IS_THE_PEER',
    );
  });

  test('IPv4 routes over IPv6: an IPv4 next hop, or an IPv6 one where both know RFC 8950', () => {
    const session = { address: ip6('fe80::2'), localAddress: ip6('fe80::1') };
    expect(sent(exported(ours, 'local', ebgp({ ...session, localIpv4: US })))).toMatchObject({ nextHop: US });
    expect(sent(exported(ours, 'local', ebgp(session)))).toBe('NO_NEXT_HOP');
    const extended = sent(exported(ours, 'local', ebgp({ ...session, localIpv4: US, extendedNextHop: true })));
    expect(extended).toEqual({
      origin: 'igp',
      asPath: [sequence(64512)],
      mpNextHop: { address: session.localAddress },
    });
    const learned: PathAttributes = { origin: 'igp', asPath: [], mpNextHop: { address: ip6('2001:db8::2') } };
    expect(sent(exported(learned, 'ebgp', target()))).toMatchObject({ nextHop: US });
    expect(sent(exported(learned, 'ebgp', target({ extendedNextHop: true })))).toMatchObject({
      mpNextHop: learned.mpNextHop,
    });
  });

  test('an AS of our past stands in front of ours, or hides it (RFC 7705 3.3)', () => {
    const a = attributes('10.9.0.2', { asPath: [sequence(65009)] });
    const localAs = (replaceAs: boolean) => ebgp({ localAsn: 65100, localAs: { nodeAsn: 64512, replaceAs } });
    expect(sent(exported(a, 'ibgp', localAs(false)))).toMatchObject({ asPath: [sequence(65100, 64512, 65009)] });
    expect(sent(exported(a, 'ibgp', localAs(true)))).toMatchObject({ asPath: [sequence(65100, 65009)] });
  });

  test("private AS numbers do not leave, but the peer's own, by which it finds loops (RFC 6996 4)", () => {
    const path = [sequence(64600, 3356, 4_200_000_001), { type: 'set' as const, asns: [64601] }, sequence(65001)];
    const a = attributes('10.9.0.2', { asPath: path });
    expect(sent(exported(a, 'ibgp', ebgp({ removePrivateAs: 'all' })))).toMatchObject({
      asPath: [sequence(64512, 3356), sequence(65001)],
    });
    expect(sent(exported(a, 'ibgp', ebgp({ removePrivateAs: 'replace' })))).toMatchObject({
      asPath: [sequence(64512, 64512, 3356, 64512), { type: 'set', asns: [64512] }, sequence(65001)],
    });
    expect(sent(exported(a, 'ebgp', target({ removePrivateAs: 'all' })))).toMatchObject({ asPath: path });
  });

  test('MED of others stays behind unless it is kept, or a policy set it; drop takes ours too', () => {
    const a = attributes('10.9.0.2', { med: 5 });
    const policy: Policy = {
      name: 'p',
      rules: [{ name: '1', match: {}, operations: [{ do: 'setMed', value: 5 }], action: 'accept' }],
      otherwise: 'reject',
    };
    expect(sent(exported(a, 'ebgp', ebgp({ med: 'keep' })))).toMatchObject({ med: 5 });
    expect(sent(exported(a, 'ebgp', ebgp({ policy })))).toMatchObject({ med: 5 });
    expect(sent(exported(a, 'ebgp', ebgp()))).not.toHaveProperty('med');
    expect(sent(exported(a, 'local', ebgp({ med: 'drop' })))).not.toHaveProperty('med');
    expect(sent(exported(a, 'ebgp', target({ med: 'drop' })))).not.toHaveProperty('med');
  });

  test('communities: kinds that are withheld, non-transitive ones, GRACEFUL_SHUTDOWN when we go (RFC 4360 6, RFC 8326 4)', () => {
    const large = { global: 1, local1: 2, local2: 3 };
    const a = attributes('10.9.0.2', {
      communities: [1],
      extendedCommunities: [1n, 1n << 62n],
      largeCommunities: [large],
    });
    const out = sent(exported(a, 'ebgp', ebgp({ withhold: { standard: true, large: true } })));
    expect(out).toMatchObject({ extendedCommunities: [1n] });
    expect(out).not.toHaveProperty('communities');
    expect(out).not.toHaveProperty('largeCommunities');
    expect(sent(exported(a, 'ebgp', target({ withhold: { extended: true } })))).not.toHaveProperty(
      'extendedCommunities',
    );
    const going = { gracefulShutdown: true };
    // Our own word goes out where others' are withheld.
    const withheld = sent(exported(a, 'ebgp', ebgp({ ...going, withhold: { standard: true } })));
    expect(withheld).toMatchObject({ communities: [GRACEFUL_SHUTDOWN] });
    expect(sent(exported(a, 'ebgp', ebgp(going)))).toMatchObject({ communities: [1, GRACEFUL_SHUTDOWN] });
    expect(sent(exported(ours, 'local', target(going)))).toMatchObject({
      communities: [GRACEFUL_SHUTDOWN],
      localPref: 0,
    });
  });

  test('to a customer, a peer or an RS-client a route goes marked (RFC 9234 5)', () => {
    for (const role of ['provider', 'peer', 'rs'] as const)
      expect(sent(exported(ours, 'local', ebgp({ role })))).toMatchObject({ onlyToCustomer: 64512 });
    expect(sent(exported(ours, 'local', ebgp({ role: 'customer' })))).not.toHaveProperty('onlyToCustomer');
    expect(sent(exported(ours, 'local', target({ role: 'provider' })))).not.toHaveProperty('onlyToCustomer');
  });

  test('a policy judges by prefix too, and what it sets is sent', () => {
    const policy: Policy = {
      name: 'p',
      rules: [
        {
          name: '1',
          match: { prefixes: [{ ...cidr('10.244.0.0/16'), le: 26 }] },
          operations: [
            { do: 'setNextHop', to: address('10.9.0.77') },
            { do: 'prepend', asns: [65005] },
          ],
          action: 'accept',
        },
      ],
      otherwise: 'reject',
    };
    const a = attributes('10.9.0.2');
    const to = ebgp({ policy, nextHop: 'self' });
    expect(sent(exported(a, 'ebgp', to))).toMatchObject({
      nextHop: address('10.9.0.77'),
      asPath: [sequence(64512, 65005)],
    });
    expect(sent(exported(a, 'ebgp', to, '10.245.0.0/26'))).toBe('POLICY_REJECTED');
  });

  test('our AS goes into a leading sequence with room, else before it (5.1.2)', () => {
    const full = sequence(...Array.from({ length: 255 }, () => 1));
    expect(prepend([full], [9])).toEqual([sequence(9), full]);
    expect(prepend([{ type: 'set', asns: [1] }], [9])).toEqual([sequence(9), { type: 'set', asns: [1] }]);
    expect(prepend([sequence(1)], [8, 9])).toEqual([sequence(8, 9, 1)]);
  });

  test('with transitWithin the fabric hears of pods and of nothing else that the mesh knows', () => {
    const to = ebgp({ transitWithin: [cidr('10.244.0.0/16'), cidr('10.245.0.0/24')] });
    const goes = (prefix: string, kind: PathSource['kind'] = 'ibgp', t = to) =>
      'send' in exported(attributes('10.9.0.2'), kind, t, prefix);
    expect(goes('10.244.1.0/26')).toBe(true);
    expect(goes('10.245.0.64/26')).toBe(true);
    expect(goes('10.244.0.0/15')).toBe(false);
    expect(goes('10.245.1.0/26')).toBe(false);
    expect(goes('0.0.0.0/0', 'ebgp')).toBe(false);
    expect(goes('192.0.2.0/24', 'local')).toBe(true);
    expect(goes('10.244.1.0/26', 'ibgp', ebgp({ transitWithin: [] }))).toBe(false);
    expect(goes('0.0.0.0/0', 'ibgp', ebgp())).toBe(true);
  });
});
