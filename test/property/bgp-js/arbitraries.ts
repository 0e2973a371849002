/** Values of every kind of message, for the property tests: what a speaker may well send. */
import fc from 'fast-check';
import { type Ipv4, ipv4 } from '../../../src/base/ipv4.ts';
import { type Ipv6, ipv6 } from '../../../src/base/ipv6.ts';
import type { AsSegment, MpNextHop, Origin, PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import type { Message } from '../../../src/bgp-js/message.ts';
import type { UpdateContext } from '../../../src/bgp-js/update/update-context.ts';
import type { Nlri, Update } from '../../../src/bgp-js/update/update-types.ts';
import type { Capabilities } from '../../../src/bgp-js/wire/capability-types.ts';
import { bgpError } from '../../../src/bgp-js/wire/error.ts';
import type { Family } from '../../../src/bgp-js/wire/family.ts';

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const u64 = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_fffen });
const asn = fc.integer({ min: 1, max: 0xffffffff });
const address = u32.map(ipv4);
const host: fc.Arbitrary<Ipv4> = fc.integer({ min: 0x01000000, max: 0x7effffff }).map(ipv4);
const global6: fc.Arbitrary<Ipv6> = fc.bigInt({ min: 0x2n << 124n, max: (0x4n << 124n) - 1n }).map(ipv6);
const linkLocal: fc.Arbitrary<Ipv6> = fc
  .bigInt({ min: 1n, max: (1n << 64n) - 1n })
  .map((n) => ipv6((0xfe80n << 112n) | n));
const octets = fc.uint8Array({ maxLength: 300 });
const family: fc.Arbitrary<Family> = fc.record({ afi: u16, safi: u8 });
const yes = fc.constant(true as const);
const list = <T>(item: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> =>
  fc.array(item, { minLength: 1, maxLength });

/** Absent is absent: no field is there with undefined in it. */
const optional = <T extends object>(fields: { [K in keyof T]-?: fc.Arbitrary<NonNullable<T[K]>> }): fc.Arbitrary<T> =>
  fc.record(fields, { requiredKeys: [] }) as unknown as fc.Arbitrary<T>;

const segment = (...types: AsSegment['type'][]): fc.Arbitrary<AsSegment> =>
  fc.record({ type: fc.constantFrom(...types), asns: list(asn, 255) });
const path = fc.array(segment('sequence', 'set'), { maxLength: 3 });
/** Confederation segments stand in front; over the border of a member AS a sequence does. RFC 5065 5 and 5.3 */
const confederationPath = (border: boolean): fc.Arbitrary<AsSegment[]> =>
  fc
    .tuple(
      fc.array(segment('confed-sequence'), { minLength: border ? 1 : 0, maxLength: 1 }),
      fc.array(segment('confed-sequence', 'confed-set'), { maxLength: 1 }),
      path,
    )
    .map((parts) => parts.flat());

const unknown = fc
  .uniqueArray(fc.record({ type: fc.integer({ min: 40, max: 255 }), flags: fc.constant(0xe0), value: octets }), {
    minLength: 1,
    maxLength: 4,
    selector: (raw) => raw.type,
  })
  .map((raws) => raws.sort((a, b) => a.type - b.type));

/** All but next hops, which the routes decide. */
export const attributesFor = (context: UpdateContext): fc.Arbitrary<PathAttributes> =>
  fc
    .tuple(
      fc.record({
        origin: fc.constantFrom<Origin>('igp', 'egp', 'incomplete'),
        asPath: context.confederation === true ? confederationPath(!context.ibgp) : path,
        ...(context.ibgp ? { localPref: u32 } : {}),
      }),
      optional<PathAttributes>({
        med: u32,
        atomicAggregate: yes,
        aggregator: fc.record({ asn: fc.integer({ min: 24_000, max: 0xffffffff }), address }),
        communities: list(u32, 60),
        extendedCommunities: list(u64, 20),
        ipv6ExtendedCommunities: list(fc.record({ type: u16, address: global6, local: u16 }), 5),
        largeCommunities: fc.uniqueArray(fc.record({ global: u32, local1: u32, local2: u32 }), {
          minLength: 1,
          maxLength: 10,
          selector: (c) => `${c.global}:${c.local1}:${c.local2}`,
        }),
        onlyToCustomer: asn,
        unknown,
      } as never),
      context.ibgp
        ? optional<PathAttributes>({
            originatorId: address,
            clusterList: list(address, 5),
            aigp: fc.record({ metric: u64 }),
          } as never)
        : fc.constant({}),
    )
    .map(([must, may, inside]) => ({ ...must, ...may, ...inside }));

const masked = (bits: Uint8Array, length: number): Uint8Array => {
  const bytes = bits.slice(0, (length + 7) >> 3);
  const last = bytes.length - 1;
  if (length % 8 !== 0) bytes[last] = (bytes[last] as number) & (0xff << (8 - (length % 8)));
  return bytes;
};
const prefixOf = (longest: number): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(fc.integer({ min: 0, max: longest }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
    .map(([length, bits]) => Uint8Array.of(length, ...masked(bits, length)));
/** Type, length and that much: EVPN. */
const typed = fc
  .tuple(u8, fc.uint8Array({ maxLength: 40 }))
  .map(([type, value]) => Uint8Array.of(type, value.length, ...value));
const flowSpec = fc
  .uint8Array({ minLength: 1, maxLength: 300 })
  .map((value) =>
    value.length < 240
      ? Uint8Array.of(value.length, ...value)
      : Uint8Array.of(0xf0 | (value.length >> 8), value.length & 255, ...value),
  );
const tlv = fc
  .tuple(u16, fc.uint8Array({ maxLength: 60 }))
  .map(([type, value]) => Uint8Array.of(type >> 8, type & 255, 0, value.length, ...value));

interface FamilyCase {
  readonly family: Family;
  readonly nlri: fc.Arbitrary<Uint8Array>;
  /** Undefined: the next hop is NEXT_HOP. */
  readonly nextHop: fc.Arbitrary<MpNextHop | undefined> | 'old';
}
const hop6: fc.Arbitrary<MpNextHop> = fc.oneof(
  fc.record({ address: global6 }),
  fc.record({ address: global6, linkLocal }),
);
export const FAMILIES: readonly FamilyCase[] = [
  { family: { afi: 1, safi: 1 }, nlri: prefixOf(32), nextHop: 'old' },
  { family: { afi: 1, safi: 1 }, nlri: prefixOf(32), nextHop: hop6 }, // RFC 8950
  { family: { afi: 2, safi: 1 }, nlri: prefixOf(128), nextHop: hop6 },
  { family: { afi: 1, safi: 2 }, nlri: prefixOf(32), nextHop: fc.record({ address: host }) },
  { family: { afi: 25, safi: 70 }, nlri: typed, nextHop: fc.record({ address: host }) },
  { family: { afi: 1, safi: 133 }, nlri: flowSpec, nextHop: fc.constant(undefined) },
  { family: { afi: 16388, safi: 71 }, nlri: tlv, nextHop: fc.record({ address: host }) },
];
export const ALL_FAMILIES: ReadonlySet<number> = new Set(FAMILIES.map(({ family: f }) => f.afi * 256 + f.safi));

export const context: fc.Arbitrary<UpdateContext> = fc
  .record({
    fourOctetAs: fc.boolean(),
    ibgp: fc.boolean(),
    addPath: fc.boolean(),
    long: fc.boolean(),
    confederation: fc.boolean(),
  })
  .map(({ fourOctetAs, ibgp, addPath, long, confederation }) => ({
    fourOctetAs,
    ibgp,
    // AS4_PATH holds no confederation segments, so that over 2 octets they come back as AS_TRANS. RFC 6793 3
    confederation: confederation && fourOctetAs,
    families: ALL_FAMILIES,
    addPath: addPath ? ALL_FAMILIES : new Set<number>(),
    extendedNextHop: new Set([257]),
    maxMessageLength: long ? 65535 : 4096,
    allowAsSets: true,
    aigp: true,
  }));

const routes = (of: FamilyCase, addPath: boolean, maxLength: number): fc.Arbitrary<Nlri[]> =>
  fc.uniqueArray(
    fc
      .record({ bytes: of.nlri, pathId: u32 })
      .map(({ bytes, pathId }) => ({ family: of.family, bytes, ...(addPath ? { pathId } : {}) })),
    { maxLength, selector: (n) => `${n.pathId} ${n.bytes}` },
  );

/** An UPDATE of one family's routes, and withdrawals of another's. */
export const updateIn = (agreed: UpdateContext): fc.Arbitrary<Update> =>
  fc.tuple(fc.constantFrom(...FAMILIES), fc.constantFrom(...FAMILIES)).chain(([there, gone]) => {
    const addPath = agreed.addPath.size > 0;
    const nextHop: fc.Arbitrary<object> =
      there.nextHop === 'old'
        ? host.map((h) => ({ nextHop: h }))
        : there.nextHop.map((mpNextHop) => (mpNextHop === undefined ? {} : { mpNextHop }));
    return fc
      .tuple(routes(gone, addPath, 200), routes(there, addPath, 400), attributesFor(agreed), nextHop)
      .map(([withdrawn, announced, attributes, hop]) => ({
        withdrawn,
        announced,
        ...(announced.length > 0 ? { attributes: { ...attributes, ...hop } } : {}),
      }));
  });

const capabilities: fc.Arbitrary<Capabilities> = optional<Capabilities>({
  multiprotocol: fc.uniqueArray(family, { minLength: 1, maxLength: 8, selector: (f) => `${f.afi}/${f.safi}` }),
  routeRefresh: yes,
  extendedNextHop: list(fc.record({ afi: u16, safi: u8, nextHopAfi: u16 }), 4),
  extendedMessages: yes,
  roles: fc.uniqueArray(u8, { minLength: 1, maxLength: 2 }),
  gracefulRestart: fc.record({
    restartTimeSec: fc.integer({ min: 0, max: 4095 }),
    restarting: fc.boolean(),
    notification: fc.boolean(),
    families: fc.array(fc.record({ afi: u16, safi: u8, forwarding: fc.boolean() }), { maxLength: 8 }),
  }),
  fourOctetAsn: u32,
  addPath: list(
    fc
      .record({ afi: u16, safi: u8, receive: fc.boolean(), send: fc.boolean() })
      .map((f) => (f.receive || f.send ? f : { ...f, send: true })),
    8,
  ),
  enhancedRouteRefresh: yes,
  longLivedGracefulRestart: list(
    fc.record({ afi: u16, safi: u8, forwarding: fc.boolean(), staleTimeSec: fc.integer({ min: 0, max: 0xffffff }) }),
    8,
  ),
  unknown: list(fc.record({ code: fc.integer({ min: 130, max: 255 }), value: fc.uint8Array({ maxLength: 100 }) }), 5),
} as never);

const open: fc.Arbitrary<Message> = fc
  .record({ myAs: u16, holdTimeSec: u16, bgpIdentifier: address, capabilities })
  .map((value) => ({ type: 'open' as const, open: value }));
const notification: fc.Arbitrary<Message> = fc
  .tuple(u8, u8, octets)
  .map(([code, subcode, data]) => ({ type: 'notification' as const, error: bgpError(code, subcode, '', data) }));
const refresh: fc.Arbitrary<Message> = fc
  .tuple(family, u8, fc.option(fc.uint8Array({ minLength: 1, maxLength: 50 }), { nil: undefined }))
  .map(([of, subtype, orf]) => ({
    type: 'route-refresh' as const,
    // BoRR and EoRR have no filters. RFC 7313 5
    refresh: { family: of, subtype, ...(orf === undefined || subtype === 1 || subtype === 2 ? {} : { orf }) },
  }));

/** Any message but an UPDATE. */
export const plainMessage: fc.Arbitrary<Message> = fc.oneof(
  open,
  notification,
  refresh,
  fc.constant({ type: 'keepalive' as const }),
);
