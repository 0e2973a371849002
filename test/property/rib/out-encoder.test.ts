/** Export by octets says what export by values says: on random sets, sources and peers of every kind. The octets are judged by the
 *  decoder. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type IpAddress, parseIp } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { ipv6 } from '../../../src/base/ipv6.ts';
import { hasConfederation } from '../../../src/bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { decodeAttributesOf, encodeAttributes } from '../../../src/bgp-js/attributes/attributes.ts';
import {
  BLACKHOLE,
  GRACEFUL_SHUTDOWN,
  LLGR_STALE,
  NO_ADVERTISE,
  NO_EXPORT,
  NO_EXPORT_SUBCONFED,
} from '../../../src/bgp-js/attributes/communities.ts';
import { PLAIN_CONTEXT } from '../../../src/bgp-js/update/update-context.ts';
import type { Operation, Policy } from '../../../src/model/policy.ts';
import { type ExportTarget, exportTo } from '../../../src/rib/out/export.ts';
import { OutArena } from '../../../src/rib/out/out-arena.ts';
import { maxAttributesLength, OutEncoder, type OutFormat } from '../../../src/rib/out/out-encoder.ts';
import { hopOctets } from '../../../src/rib/out/out-hop.ts';
import { type OutSets, octetsOfSet } from '../../../src/rib/out/out-policy.ts';
import type { PathSource } from '../../../src/rib/terms/feed.ts';
import { cidr } from '../../support/rib.ts';
import { attributesFor } from '../bgp-js/arbitraries.ts';

const ip = (text: string): IpAddress => {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const v4 = (text: string) => ipv4(Number(ip(text)));
const v6 = (text: string) => ipv6(BigInt(ip(text)));
const US = v4('10.9.0.1');

/** One set, as the tables have it. */
function table(attributes: PathAttributes): OutSets {
  const bytes = octetsOfSet(attributes);
  return {
    size: 1,
    generationOf: () => 0,
    attributesOf: () => attributes,
    octetsOf: () => ({ bytes, start: 0, end: bytes.length }),
  };
}

const inside = attributesFor({ ...PLAIN_CONTEXT, ibgp: true, allowAsSets: true });
const outside = attributesFor({ ...PLAIN_CONTEXT, ibgp: false, allowAsSets: true });
const hops4 = fc.constantFrom('10.9.0.4', '10.9.0.7', '192.0.2.1', '0.0.0.0').map(v4);
const hops6 = fc.constantFrom('2001:db8::4', '2001:db8::7', 'fd00::1', 'fe80::7', '::').map(v6);
const mp = hops6.chain((address) =>
  fc.option(fc.constant(v6('fe80::99')), { nil: undefined }).map((linkLocal) => ({
    mpNextHop: linkLocal === undefined || address === 0n ? { address } : { address, linkLocal },
  })),
);
const marks = fc.subarray([NO_EXPORT, NO_ADVERTISE, NO_EXPORT_SUBCONFED, BLACKHOLE, LLGR_STALE, GRACEFUL_SHUTDOWN], {
  maxLength: 2,
});
const privatePath = fc.array(fc.constantFrom(64512, 65001, 64600, 4_200_000_000, 3356, 65535), {
  minLength: 1,
  maxLength: 6,
});
const confederation = fc.option(fc.constant({ type: 'confed-sequence' as const, asns: [65500] }), {
  nil: undefined,
  freq: 3,
});

const source = fc.record({
  id: fc.constant(3),
  name: fc.constant('x'),
  kind: fc.constantFrom('local' as const, 'ibgp' as const, 'ebgp' as const),
  address: fc.constant(v4('10.9.0.7')),
  bgpIdentifier: fc.constantFrom(0x0a090007, 0xffffffff),
  client: fc.boolean(),
});

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.constantFrom<Operation>(
    { do: 'setMed', value: 5 },
    { do: 'setLocalPref', value: 7 },
    { do: 'removeMed' },
    { do: 'prepend', asns: [65001, 65001] },
    { do: 'setNextHop', to: 'self' },
    { do: 'setNextHop', to: 'discard' },
    { do: 'setNextHop', to: v4('10.9.0.4') },
    { do: 'setNextHop', to: v6('2001:db8::55') },
    { do: 'addCommunities', standard: [NO_EXPORT], large: [{ global: 1, local1: 2, local2: 3 }] },
  ),
);
const policy: fc.Arbitrary<Policy> = fc
  .record({
    operations: fc.array(operation, { maxLength: 3 }),
    within: fc.boolean(),
    otherwise: fc.constantFrom('accept' as const, 'reject' as const),
  })
  .map(({ operations, within, otherwise }) => ({
    name: 'p',
    rules: [
      {
        name: '1',
        match: within ? { prefixes: [{ ...cidr('10.244.0.0/16'), le: 32 }] } : {},
        operations,
        action: 'accept' as const,
      },
    ],
    otherwise,
  }));

const absent = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const target = fc
  .record({
    kind: fc.constantFrom('ibgp' as const, 'ebgp' as const),
    peerAsn: fc.constantFrom(65001, 64600),
    localAddress: fc.constantFrom<IpAddress>(US, v6('2001:db8::1'), v6('fe80::1')),
    localIpv4: absent(fc.constant(US)),
    localIpv6: absent(fc.constant(v6('2001:db8::2'))),
    linkLocal: absent(fc.constant(v6('fe80::2'))),
    extendedNextHop: absent(fc.boolean()),
    nextHop: fc.constantFrom('self' as const, 'keep' as const, 'auto' as const),
    sharedSubnets: absent(fc.constant([cidr('10.9.0.0/24'), { address: v6('2001:db8::'), length: 64 }])),
    localAsn: fc.constant(64512),
    localAs: absent(fc.boolean().map((replaceAs) => ({ nodeAsn: 64999, replaceAs }))),
    removePrivateAs: absent(fc.constantFrom('all' as const, 'replace' as const)),
    localPref: fc.constant(2_147_482_623),
    transit: fc.boolean().map((no) => !no || true),
    policy: absent(policy),
    client: absent(fc.boolean()),
    clusterId: absent(fc.constant(0x01020304)),
    med: absent(fc.constantFrom('auto' as const, 'keep' as const, 'drop' as const)),
    withhold: absent(fc.record({ standard: fc.boolean(), extended: fc.boolean(), large: fc.boolean() })),
    role: absent(
      fc.constantFrom('provider' as const, 'customer' as const, 'peer' as const, 'rs' as const, 'rs-client' as const),
    ),
    longLived: absent(fc.boolean()),
    blackhole: absent(fc.boolean()),
    gracefulShutdown: absent(fc.boolean()),
  })
  .map((fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)))
  .map((fields) => ({ ...fields, address: v4('203.0.113.1') }) as unknown as ExportTarget);

const setOf = (kind: PathSource['kind'], family: 'ipv4' | 'ipv6'): fc.Arbitrary<PathAttributes> =>
  fc
    .tuple(
      kind === 'ebgp' ? outside : inside,
      family === 'ipv6'
        ? mp
        : fc.oneof({ arbitrary: hops4.map((nextHop) => ({ nextHop })), weight: 4 }, { arbitrary: mp, weight: 1 }),
      marks,
      absent(privatePath),
      confederation,
      fc.boolean(),
    )
    .map(([base, hop, extra, asns, member, keepsOtc]) => {
      const { onlyToCustomer, communities, ...rest } = base;
      const all = [...(communities ?? []), ...extra];
      const path = asns === undefined ? rest.asPath : [{ type: 'sequence' as const, asns }];
      return {
        ...rest,
        ...hop,
        ...(all.length > 0 && { communities: all }),
        ...(keepsOtc && onlyToCustomer !== undefined && { onlyToCustomer }),
        asPath: member === undefined ? path : [member, ...path],
      };
    });

test('octets that are sent decode to what export says, and what export keeps back is not sent', () => {
  let sentOnes = 0;
  fc.assert(
    fc.property(
      fc
        .tuple(source, fc.constantFrom('ipv4' as const, 'ipv6' as const))
        .chain(([from, family]) => fc.tuple(fc.constant(from), fc.constant(family), setOf(from.kind, family))),
      target,
      fc.boolean(),
      fc.constantFrom('10.244.1.0/26', '192.0.2.0/24'),
      fc.boolean(),
      ([from, family, attributes], to, fourOctetAs, prefix, addPath) => {
        const format: OutFormat = { target: to, family, fourOctetAs, addPath, maxMessageLength: 4096 };
        const encoder = new OutEncoder(format, table(attributes), US);
        const at = family === 'ipv4' ? cidr(prefix) : { address: v6('2001:db8:5::'), length: 48 };
        const wanted = exportTo({ ...at, attributes, source: from }, to, US);
        const arena = new OutArena();
        arena.put(Uint8Array.of(1, 2, 3), 0, 3);
        const prefixClass = encoder.policy?.judge.readsPrefix ? encoder.policy.judge.classOf(at.address, at.length) : 0;
        // Twice: the second time a policy answers from memory.
        if (!encoder.refuses(from)) encoder.encode(0, from, prefixClass, new OutArena());
        const sends = !encoder.refuses(from) && encoder.encode(0, from, prefixClass, arena);
        if ('not' in wanted) {
          expect({ sends, not: wanted.not.code }).toEqual({ sends: false, not: wanted.not.code });
          return;
        }
        const octets = encodeAttributes(wanted.send, { fourOctetAs });
        const hop = wanted.send.mpNextHop === undefined ? new Uint8Array(0) : hopOctets(wanted.send.mpNextHop);
        const fits = octets.length <= maxAttributesLength(format, hop.length);
        expect(sends).toBe(fits);
        if (!sends) return;
        sentOnes++;
        const start = 3 + encoder.hopLength;
        expect(arena.bytes.slice(3, start)).toEqual(hop);
        expect(arena.at).toBe(start + encoder.length);
        const decoded = decodeAttributesOf(
          arena.bytes,
          start,
          arena.at,
          { fourOctetAs, ibgp: to.kind === 'ibgp', confederation: to.kind === 'ibgp', allowAsSets: true },
          encoder.hopLength === 0 ? 'nlri' : 'mp',
        );
        expect(decoded.faults).toEqual([]);
        const { mpNextHop: _, ...plain } = wanted.send;
        // Segments of a confederation behind others are no part of AS4_PATH: two octets cannot say them. RFC 6793 4.2.2
        if (!fourOctetAs && hasConfederation(plain.asPath)) return;
        expect(decoded.attributes).toEqual(plain);
      },
    ),
    { numRuns: 1000 },
  );
  expect(sentOnes).toBeGreaterThan(300);
});
