/** Path attributes as JSON: one row of ROWS per type, which shows the value as it is on the wire. Pure. What is wrong with it
 *  is told by the faults beside it; a value that cannot be read is hex. A new attribute is a new row. */
import { Reader, ShortRead } from '../../base/bytes.ts';
import { formatIp, type IpAddress } from '../../base/ip.ts';
import { formatIpv4, ipv4 } from '../../base/ipv4.ts';
import { ipv6 } from '../../base/ipv6.ts';
import type { Result } from '../../base/result.ts';
import { formatAsPath, readAsPath } from '../attributes/as-path.ts';
import {
  FLAG_EXTENDED,
  FLAG_OPTIONAL,
  FLAG_PARTIAL,
  FLAG_TRANSITIVE,
  type RowFault,
} from '../attributes/attribute-row.ts';
import { readOrigin } from '../attributes/basic-values.ts';
import {
  formatCommunity,
  formatExtendedCommunity,
  formatIpv6ExtendedCommunity,
  formatLargeCommunity,
} from '../attributes/communities.ts';
import { readAigp, readExtendedCommunities, readIpv6ExtendedCommunities } from '../attributes/community-values.ts';
import { familyName } from '../wire/family.ts';
import { toHex } from './hex.ts';
import type { AttributeJson, AttributesJson } from './json-types.ts';
import { rdText } from './nlri-json.ts';
import { eachAttribute, type WalkedAttribute } from './walk.ts';

/** How the octets are to be read. */
export interface AttributeView {
  readonly fourOctetAs: boolean;
  /** RIB entries of MRT files have MP_REACH_NLRI without family and NLRI. RFC 6396 4.3.4 */
  readonly abbreviatedReach?: boolean;
}

/** Undefined: the octets make no value of this type. */
type Show = (r: Reader, view: AttributeView) => unknown;

const value = <T, U>(read: Result<T, RowFault | string>, show: (value: T) => U): U | undefined =>
  read.ok ? show(read.value) : undefined;
const exactly = (r: Reader, octets: number): boolean => r.left === octets;
const address = (r: Reader): string => formatIpv4(r.u32());
const u128 = (r: Reader): bigint => [r.u32(), r.u32(), r.u32(), r.u32()].reduce((n, w) => (n << 32n) | BigInt(w), 0n);
const u32: Show = (r) => (exactly(r, 4) ? r.u32() : undefined);
const ipv4Text: Show = (r) => (exactly(r, 4) ? address(r) : undefined);
const listOf =
  (octets: number, show: (r: Reader) => string): Show =>
  (r) =>
    r.left > 0 && r.left % octets === 0 ? Array.from({ length: r.left / octets }, () => show(r)) : undefined;
const path = (r: Reader, fourOctetAs: boolean): unknown =>
  value(readAsPath(r, fourOctetAs), (segments) => ({ text: formatAsPath(segments), segments }));
const aggregator = (r: Reader, fourOctetAs: boolean): unknown =>
  exactly(r, fourOctetAs ? 8 : 6) ? { asn: fourOctetAs ? r.u32() : r.u16(), address: address(r) } : undefined;

/** Name, and how its value is shown; without that it is hex. IANA's registry. */
const ROWS: Readonly<Record<number, readonly [string, Show?]>> = {
  1: ['origin', (r) => value(readOrigin(r), (origin) => origin)],
  2: ['asPath', (r, view) => path(r, view.fourOctetAs)],
  3: ['nextHop', ipv4Text],
  4: ['med', u32],
  5: ['localPref', u32],
  6: ['atomicAggregate', (r) => (exactly(r, 0) ? true : undefined)],
  7: ['aggregator', (r, view) => aggregator(r, view.fourOctetAs)],
  8: ['communities', listOf(4, (r) => formatCommunity(r.u32()))],
  9: ['originatorId', ipv4Text],
  10: ['clusterList', listOf(4, address)],
  14: ['mpReach', mpReach],
  15: ['mpUnreach', (r) => (r.left < 3 ? undefined : { family: familyName({ afi: r.u16(), safi: r.u8() }) })],
  16: ['extendedCommunities', (r) => value(readExtendedCommunities(r), (list) => list.map(formatExtendedCommunity))],
  17: ['as4Path', (r) => path(r, true)],
  18: ['as4Aggregator', (r) => aggregator(r, true)],
  22: ['pmsiTunnel'],
  23: ['tunnelEncapsulation'],
  24: ['trafficEngineering'],
  25: [
    'ipv6ExtendedCommunities',
    (r) => value(readIpv6ExtendedCommunities(r), (list) => list.map(formatIpv6ExtendedCommunity)),
  ],
  26: [
    'aigp',
    (r) => value(readAigp(r), ({ metric, rest }) => ({ metric: String(metric), ...(rest && { rest: toHex(rest) }) })),
  ],
  27: ['peDistinguisherLabels'],
  29: ['bgpLs'],
  32: [
    'largeCommunities',
    listOf(12, (r) => formatLargeCommunity({ global: r.u32(), local1: r.u32(), local2: r.u32() })),
  ],
  33: ['bgpsecPath'],
  35: ['onlyToCustomer', u32],
  36: ['domainPath'],
  37: ['sfp'],
  38: ['bfdDiscriminator'],
  40: ['prefixSid'],
  128: ['attributeSet'],
};

export const attributeKey = (type: number): string => ROWS[type]?.[0] ?? `attribute${type}`;

/** The next hop, by its length, and the family. RFC 4760 3, RFC 2545 3, RFC 4364 4.3.2, RFC 8950 4 */
function mpReach(r: Reader, view: AttributeView): unknown {
  if (view.abbreviatedReach === true) {
    // Some write the whole attribute all the same: then it does not begin with the length of what follows.
    const length = r.left > 0 ? (r.bytes[r.position] as number) : 0;
    if (length === r.left - 1) return nextHop(r.sub(r.u8() && r.left));
  }
  if (r.left < 5) return undefined;
  const family = familyName({ afi: r.u16(), safi: r.u8() });
  return { family, ...nextHop(r.sub(r.u8())) };
}

function nextHop(r: Reader): { nextHop?: string; linkLocal?: string; rd?: string; hex?: string } {
  const ip = (long: boolean): IpAddress => (long ? ipv6(u128(r)) : ipv4(r.u32()));
  const withRd = (long: boolean) => ({ rd: rdText(r.view(8), 0), nextHop: formatIp(ip(long)) });
  switch (r.left) {
    case 0:
      return {};
    case 4:
    case 16:
      return { nextHop: formatIp(ip(r.left === 16)) };
    case 32:
      return { nextHop: formatIp(ip(true)), linkLocal: formatIp(ip(true)) };
    case 12:
    case 24:
      return withRd(r.left === 24);
    case 48: {
      const first = withRd(true);
      r.view(8); // the same distinguisher again
      return { ...first, linkLocal: formatIp(ip(true)) };
    }
    default:
      return { hex: toHex(r.view(r.left)) };
  }
}

const FLAGS: readonly (readonly [number, string])[] = [
  [FLAG_OPTIONAL, 'optional'],
  [FLAG_TRANSITIVE, 'transitive'],
  [FLAG_PARTIAL, 'partial'],
  [FLAG_EXTENDED, 'extended'],
];
/** By the upper four bits: a table of a million routes asks for them often. */
const FLAG_NAMES: readonly (readonly string[])[] = Array.from({ length: 16 }, (_, upper) =>
  FLAGS.flatMap(([bit, name]) => ((upper << 4) & bit ? [name] : [])),
);

function attributeJson(
  bytes: Uint8Array,
  { type, flags, from, to }: WalkedAttribute,
  view: AttributeView,
): AttributeJson {
  const head = { type, flags: FLAG_NAMES[flags >>> 4] ?? [], length: to - from };
  const shown = show(ROWS[type]?.[1], new Reader(bytes, from, to), view);
  return shown === undefined ? { ...head, hex: toHex(bytes, from, to) } : { ...head, value: shown };
}

function show(how: Show | undefined, r: Reader, view: AttributeView): unknown {
  try {
    return how?.(r, view);
  } catch (error) {
    if (error instanceof ShortRead) return undefined;
    throw error;
  }
}

export interface ShownAttributes {
  readonly attributes: AttributesJson;
  readonly repeated: readonly AttributeJson[];
  /** Where the walk stopped: the end, or the attribute that runs past it. */
  readonly stopped: number;
  /** Those of a type we know whose octets make no value of it. */
  readonly malformed: readonly WalkedAttribute[];
}

/** A block, attribute by attribute, in the order of the wire. */
export function attributesJson(bytes: Uint8Array, start: number, end: number, view: AttributeView): ShownAttributes {
  const attributes: Record<string, AttributeJson> = {};
  const repeated: AttributeJson[] = [];
  const malformed: WalkedAttribute[] = [];
  const stopped = eachAttribute(bytes, start, end, (walked) => {
    const key = attributeKey(walked.type);
    const shown = attributeJson(bytes, walked, view);
    if (shown.hex !== undefined && ROWS[walked.type]?.[1] !== undefined) malformed.push(walked);
    if (key in attributes) repeated.push(shown);
    else attributes[key] = shown;
  });
  return { attributes, repeated, stopped, malformed };
}
