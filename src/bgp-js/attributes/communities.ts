/** Communities of all kinds as text, and from text. Pure. RFC 1997, 4360, 5701, 8092; the registered names of RFC 1997 2,
 *  7999 5, 8326 4, 9494 3.2 and 3.3 and IANA's registry. The bytes are community-values.ts. */
import { formatIpv4, parseIpv4 } from '../../base/ipv4.ts';
import { formatIpv6, parseIpv6 } from '../../base/ipv6.ts';
import type { Ipv6ExtendedCommunity, LargeCommunity } from './attribute-types.ts';

/** The path is about to go: prefer any other. RFC 8326 4 */
export const GRACEFUL_SHUTDOWN = 0xffff0000;
/** A route of our own that came back by a route reflector may be taken. RFC 7611 4 */
export const ACCEPT_OWN = 0xffff0001;
/** Kept by long-lived graceful restart: least preferred. RFC 9494 3.2 */
export const LLGR_STALE = 0xffff0006;
/** Not to be kept by long-lived graceful restart. RFC 9494 3.3 */
export const NO_LLGR = 0xffff0007;
/** Traffic to the prefix is to be dropped. RFC 7999 5 */
export const BLACKHOLE = 0xffff029a;
/** Not beyond the AS or the confederation. RFC 1997 2 */
export const NO_EXPORT = 0xffffff01;
/** To no other BGP speaker. RFC 1997 2 */
export const NO_ADVERTISE = 0xffffff02;
/** Not beyond the AS or the member AS. RFC 1997 2 */
export const NO_EXPORT_SUBCONFED = 0xffffff03;
/** Not to bilateral peers. RFC 3765 2 */
export const NOPEER = 0xffffff04;

/** Name and number. */
export const WELL_KNOWN_COMMUNITIES: readonly (readonly [string, number])[] = [
  ['graceful-shutdown', GRACEFUL_SHUTDOWN],
  ['accept-own', ACCEPT_OWN],
  ['llgr-stale', LLGR_STALE],
  ['no-llgr', NO_LLGR],
  ['blackhole', BLACKHOLE],
  ['no-export', NO_EXPORT],
  ['no-advertise', NO_ADVERTISE],
  ['no-export-subconfed', NO_EXPORT_SUBCONFED],
  ['no-peer', NOPEER],
];
const NAME_OF = new Map(WELL_KNOWN_COMMUNITIES.map(([name, value]) => [value, name]));
/** People write the short name of RFC 8326, too. */
const VALUE_OF = new Map([...WELL_KNOWN_COMMUNITIES, ['gshut', GRACEFUL_SHUTDOWN] as const]);

/** A decimal without leading zeros, at most `most`. */
function decimal(text: string | undefined, most: number): number | undefined {
  if (text === undefined || !/^(?:0|[1-9][0-9]{0,9})$/.test(text)) return undefined;
  const n = Number(text);
  return n <= most ? n : undefined;
}

/** "65001:7", or its name. RFC 1997 */
export const formatCommunity = (value: number): string => NAME_OF.get(value) ?? `${value >>> 16}:${value & 0xffff}`;

/** Two 16-bit numbers, or a name in any case with '-' or '_' between words; undefined for all else. */
export function parseCommunity(text: string): number | undefined {
  const named = VALUE_OF.get(text.toLowerCase().replaceAll('_', '-'));
  if (named !== undefined) return named;
  const [high, low, ...more] = text.split(':');
  const [h, l] = [decimal(high, 0xffff), decimal(low, 0xffff)];
  return h === undefined || l === undefined || more.length > 0 ? undefined : h * 0x10000 + l;
}

/** "65001:1:2". RFC 8092 5: three decimals without leading zeros */
export const formatLargeCommunity = (c: LargeCommunity): string => `${c.global}:${c.local1}:${c.local2}`;

/** "64512:1:2"; undefined for what is none. RFC 8092 5 */
export function parseLargeCommunity(text: string): LargeCommunity | undefined {
  const [global, local1, local2, ...more] = text.split(':').map((part) => decimal(part, 0xffffffff));
  return global === undefined || local1 === undefined || local2 === undefined || more.length > 0
    ? undefined
    : { global, local1, local2 };
}

/** What the first two octets of an extended community say. The high one has 0x40 for non-transitive. RFC 4360 2 and 3 */
const NON_TRANSITIVE = 0x40;
const TWO_OCTET_AS = 0x00;
const IPV4_ADDRESS = 0x01;
const FOUR_OCTET_AS = 0x02; // RFC 5668
const OPAQUE = 0x03;
const ROUTE_TARGET = 0x02; // RFC 4360 4
const ROUTE_ORIGIN = 0x03; // RFC 4360 5
const LINK_BANDWIDTH = 0x04; // draft-ietf-idr-link-bandwidth 2: non-transitive two-octet AS
const COLOR = 0x0b; // RFC 9012 4.3
const ENCAPSULATION = 0x0c; // RFC 9012 4.1

const KINDS: readonly (readonly [string, number])[] = [
  ['rt', ROUTE_TARGET],
  ['soo', ROUTE_ORIGIN],
];

/** It goes to other ASes. RFC 4360 2 and 6 */
export const isTransitive = (community: bigint): boolean => (Number(community >> 56n) & NON_TRANSITIVE) === 0;

/** Those that may be sent to another AS; undefined when none is left. RFC 4360 6 */
export function transitiveCommunities(list: readonly bigint[] | undefined): readonly bigint[] | undefined {
  const kept = list?.filter(isTransitive);
  return kept === undefined || kept.length === 0 ? undefined : kept;
}

/** "rt:65001:100", "soo:192.0.2.1:7", "link-bandwidth:65001:125000000" (octets per second), "color:0:100", "encap:8",
 *  "opaque:0306:…", or "0x" and sixteen digits. A number above 65535 in front is a 4-octet
 *  AS; a smaller one that has four octets all the same is marked: "rt:65001L:7". */
export function formatExtendedCommunity(community: bigint): string {
  const high = Number(community >> 56n);
  const sub = Number((community >> 48n) & 0xffn);
  const value = community & 0xffff_ffff_ffffn;
  const kind = KINDS.find(([, code]) => code === sub)?.[0];
  if (kind !== undefined && high === TWO_OCTET_AS) return `${kind}:${value >> 32n}:${value & 0xffff_ffffn}`;
  if (kind !== undefined && high === IPV4_ADDRESS)
    return `${kind}:${formatIpv4(Number(value >> 16n))}:${value & 0xffffn}`;
  if (kind !== undefined && high === FOUR_OCTET_AS)
    return `${kind}:${value >> 16n}${value >> 16n > 0xffffn ? '' : 'L'}:${value & 0xffffn}`;
  if (high === (TWO_OCTET_AS | NON_TRANSITIVE) && sub === LINK_BANDWIDTH) {
    const rate = floatOf(Number(value & 0xffff_ffffn));
    // What is no plain number would not come back the same.
    if (Number.isFinite(rate) && rate >= 0 && !Object.is(rate, -0)) return `link-bandwidth:${value >> 32n}:${rate}`;
  }
  if (high === OPAQUE && sub === COLOR) return `color:${value >> 32n}:${value & 0xffff_ffffn}`;
  if (high === OPAQUE && sub === ENCAPSULATION && value <= 0xffffn) return `encap:${value}`;
  const digits = community.toString(16).padStart(16, '0');
  return (high & ~NON_TRANSITIVE) === OPAQUE ? `opaque:${digits.slice(0, 4)}:${digits.slice(4)}` : `0x${digits}`;
}

/** Undoes formatExtendedCommunity; undefined for what is none of its forms. */
export function parseExtendedCommunity(text: string): bigint | undefined {
  const raw = /^(?:0x([0-9a-f]{16})|opaque:([0-9a-f]{4}):([0-9a-f]{12}))$/i.exec(text);
  if (raw !== null) return BigInt(`0x${raw[1] ?? `${raw[2]}${raw[3]}`}`);
  const [kind, first, second, ...more] = text.toLowerCase().split(':');
  if (kind === undefined || first === undefined || more.length > 0) return undefined;
  if (kind === 'encap' && second === undefined) {
    const tunnel = decimal(first, 0xffff);
    return tunnel === undefined ? undefined : build(OPAQUE, ENCAPSULATION, BigInt(tunnel));
  }
  if (second === undefined) return undefined;
  if (kind === 'color') return pair(OPAQUE, COLOR, decimal(first, 0xffff), 32n, decimal(second, 0xffffffff));
  if (kind === 'link-bandwidth') {
    const rate = /^\d+(?:\.\d+)?(?:e[+-]?\d+)?$/.test(second) ? bitsOf(Number(second)) : undefined;
    return pair(TWO_OCTET_AS | NON_TRANSITIVE, LINK_BANDWIDTH, decimal(first, 0xffff), 32n, rate);
  }
  const sub = KINDS.find(([name]) => name === kind)?.[1];
  return sub === undefined ? undefined : administered(sub, first, second);
}

/** RFC 4360 3.1 and 3.2, RFC 5668: the form of the administrator chooses the type. */
function administered(sub: number, first: string, second: string): bigint | undefined {
  const address = parseIpv4(first);
  if (address !== undefined) return pair(IPV4_ADDRESS, sub, address, 16n, decimal(second, 0xffff));
  const short = decimal(first, 0xffff);
  if (short !== undefined) return pair(TWO_OCTET_AS, sub, short, 32n, decimal(second, 0xffffffff));
  return pair(FOUR_OCTET_AS, sub, decimal(first.replace(/l$/, ''), 0xffffffff), 16n, decimal(second, 0xffff));
}

function pair(
  high: number,
  sub: number,
  first: number | undefined,
  shift: bigint,
  second: number | undefined,
): bigint | undefined {
  return first === undefined || second === undefined
    ? undefined
    : build(high, sub, (BigInt(first) << shift) | BigInt(second));
}

const build = (high: number, sub: number, value: bigint): bigint =>
  (BigInt(high) << 56n) | (BigInt(sub) << 48n) | value;

/** IEEE 754 single precision, network order. */
const FLOAT = new DataView(new ArrayBuffer(4));
function floatOf(bits: number): number {
  FLOAT.setUint32(0, bits);
  return FLOAT.getFloat32(0);
}
function bitsOf(value: number): number | undefined {
  FLOAT.setFloat32(0, value);
  return Number.isFinite(FLOAT.getFloat32(0)) ? FLOAT.getUint32(0) : undefined;
}

/** "rt:[2001:db8::1]:7", or with the type in hex in front, "000b:[2001:db8::1]:7". RFC 5701 2 */
export function formatIpv6ExtendedCommunity({ type, address, local }: Ipv6ExtendedCommunity): string {
  const kind = KINDS.find(([, sub]) => sub === type)?.[0] ?? type.toString(16).padStart(4, '0');
  return `${kind}:[${formatIpv6(address)}]:${local}`;
}

/** Undoes formatIpv6ExtendedCommunity(); undefined for what is none. */
export function parseIpv6ExtendedCommunity(text: string): Ipv6ExtendedCommunity | undefined {
  const [, kind, host, number] = /^([0-9a-z]+):\[([0-9a-f:.]+)\]:(\d+)$/i.exec(text) ?? [];
  if (kind === undefined || host === undefined) return undefined;
  const named = KINDS.find(([name]) => name === kind.toLowerCase())?.[1];
  const type = named ?? (/^[0-9a-f]{4}$/i.test(kind) ? Number.parseInt(kind, 16) : undefined);
  const address = parseIpv6(host);
  const local = decimal(number, 0xffff);
  return type === undefined || address === undefined || local === undefined ? undefined : { type, address, local };
}
