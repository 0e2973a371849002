/** The heads of MP_REACH_NLRI and MP_UNREACH_NLRI: which family, whose next hop, where the NLRI begin. Pure; the offsets are
 *  asked for on the hot path, so they are numbers. RFC 4760 3 and 4; next hops RFC 2545 3, 4364 4.3.2, 4659 3.2.1, 8950 4.
 *
 *    MP_REACH:    AFI (2)  SAFI (1)  length (1)  next hop (length)  reserved (1)  NLRI ...
 *    MP_UNREACH:  AFI (2)  SAFI (1)  NLRI ...                                                        */
import type { Reader, Writer } from '../../base/bytes.ts';
import type { IpAddress } from '../../base/ip.ts';
import { formatIpv4, ipv4 } from '../../base/ipv4.ts';
import { formatIpv6, type Ipv6, ipv6, isLinkLocal6 } from '../../base/ipv6.ts';
import { err, ok, type Result } from '../../base/result.ts';
import {
  AFI_BGP_LS,
  AFI_IPV4,
  AFI_IPV6,
  familyKey,
  familyName,
  familyOfKey,
  IPV4_UNICAST_KEY,
  SAFI_BGP_LS_VPN,
  SAFI_FLOWSPEC,
  SAFI_FLOWSPEC_VPN,
  SAFI_L3VPN,
  SAFI_LABELED_UNICAST,
  SAFI_MULTICAST,
  SAFI_UNICAST,
} from '../wire/family.ts';
import type { AttributeParams } from './attribute-params.ts';
import { fault, type RowFault } from './attribute-row.ts';
import type { MpNextHop } from './attribute-types.ts';
import { noHost } from './basic-values.ts';

export const MP_REACH = 14;
export const MP_UNREACH = 15;

/** Octets of an MP_REACH value in front of its next hop. */
const HEAD = 4;

export const isNegotiated = (params: AttributeParams, family: number): boolean =>
  params.families === undefined ? family === IPV4_UNICAST_KEY : params.families.has(family);

/** The family of either attribute's value, which begins at `at` and has at least three octets. */
export const mpFamily = (bytes: Uint8Array, at: number): number =>
  (((bytes[at]! << 8) | bytes[at + 1]!) << 8) | bytes[at + 2]!;

export const nextHopStart = (valueStart: number): number => valueStart + HEAD;
export const nextHopEnd = (bytes: Uint8Array, valueStart: number): number =>
  valueStart + HEAD + bytes[valueStart + HEAD - 1]!;
/** Behind the reserved octet, which is ignored. */
export const reachNlriStart = (bytes: Uint8Array, valueStart: number): number => nextHopEnd(bytes, valueStart) + 1;
export const unreachNlriStart = (valueStart: number): number => valueStart + 3;

const IPV6_LENGTHS = [16, 32];
const IPV4_LENGTHS = [4];
/** By SAFI, for AFI 1 and 2. A VPN's addresses have eight octets of route distinguisher in front. */
const PLAIN_SAFIS = [SAFI_UNICAST, SAFI_MULTICAST, SAFI_LABELED_UNICAST];

/** The lengths a next hop of the family may have; undefined where it means nothing. */
function nextHopLengths(family: number, params: AttributeParams): readonly number[] | undefined {
  const { afi, safi } = familyOfKey(family);
  const extended = params.extendedNextHop?.has(family) === true;
  if (safi === SAFI_FLOWSPEC || safi === SAFI_FLOWSPEC_VPN) return undefined; // RFC 8955 4: 0, and ignored
  if (afi === AFI_IPV4 && PLAIN_SAFIS.includes(safi)) return extended ? [4, 16, 32] : IPV4_LENGTHS;
  if (afi === AFI_IPV6 && PLAIN_SAFIS.includes(safi)) return IPV6_LENGTHS;
  if (afi === AFI_IPV4 && safi === SAFI_L3VPN) return extended ? [12, 24, 48] : [12];
  if (afi === AFI_IPV6 && safi === SAFI_L3VPN) return [24, 48];
  if (afi === AFI_BGP_LS) return safi === SAFI_BGP_LS_VPN ? [12, 24] : [4, 16, 32]; // RFC 9552 5.5
  // EVPN and all others: any form that readForm() knows. What we cannot read we could not send on either.
  return [4, 12, 16, 24, 32, 48];
}

/** Undefined when the NLRI of an MP_REACH value in [start, end) can be found, else what is wrong. A next hop of a length that
 *  the family cannot have leaves the NLRI in doubt. RFC 7606 7.11 */
export function reachFault(bytes: Uint8Array, start: number, end: number, params: AttributeParams): string | undefined {
  if (end - start < HEAD + 1) return `MP_REACH_NLRI of ${end - start} octets, not at least 5 (RFC 7606 7.11)`;
  const length = bytes[start + HEAD - 1]!;
  const family = mpFamily(bytes, start);
  if (start + HEAD + length + 1 > end)
    return `MP_REACH_NLRI: a next hop of ${length} octets runs past its end (RFC 7606 7.11)`;
  if (!isNegotiated(params, family)) return undefined;
  const lengths = nextHopLengths(family, params);
  if (lengths === undefined || lengths.includes(length)) return undefined;
  return `MP_REACH_NLRI: a next hop of ${length} octets for ${familyName(familyOfKey(family))}, not ${lengths.join(' or ')} (RFC 7606 7.11)`;
}

export const unreachFault = (start: number, end: number): string | undefined =>
  end - start < 3 ? `MP_UNREACH_NLRI of ${end - start} octets, not at least 3 (RFC 7606 7.12)` : undefined;

const u128 = (r: Reader): Ipv6 =>
  ipv6([r.u32(), r.u32(), r.u32(), r.u32()].reduce((n, w) => (n << 32n) | BigInt(w), 0n));
const u64 = (r: Reader): bigint => (BigInt(r.u32()) << 32n) | BigInt(r.u32());

/** The length tells the form; undefined for one that holds no address (FlowSpec's 0). */
function readForm(r: Reader): MpNextHop | undefined {
  switch (r.left) {
    case 4:
      return { address: ipv4(r.u32()) };
    case 16:
      return { address: u128(r) };
    case 32:
      return withLinkLocal({ address: u128(r) }, u128(r));
    case 12:
      return { rd: u64(r), address: ipv4(r.u32()) };
    case 24:
      return { rd: u64(r), address: u128(r) };
    case 48: {
      const first = { rd: u64(r), address: u128(r) };
      u64(r); // the same distinguisher again
      return withLinkLocal(first, u128(r));
    }
    default:
      return undefined;
  }
}

/** What is no link-local address in the second place means nothing. RFC 2545 3 */
const withLinkLocal = (hop: MpNextHop, second: Ipv6): MpNextHop =>
  isLinkLocal6(second) ? { ...hop, linkLocal: second } : hop;

/** RFC 4271 6.3 for both families: no unspecified, loopback or multicast address; [::, link-local] is what some send on
 *  unnumbered links. */
function semanticFault(hop: MpNextHop): string | undefined {
  const { address } = hop;
  const bad =
    typeof address === 'number'
      ? noHost(address)
      : (address === 0n && hop.linkLocal === undefined) || address === 1n || address >> 120n === 0xffn;
  return bad ? `${formatAddress(address)} is no host's address` : undefined;
}

const formatAddress = (address: IpAddress): string =>
  typeof address === 'bigint' ? formatIpv6(address) : formatIpv4(address);

/** The next hop of an MP_REACH value; the NLRI are left to update/nlri.ts. */
export function readMpReach(r: Reader, params: AttributeParams): Result<MpNextHop | undefined, RowFault> {
  const text = reachFault(r.bytes, r.position, r.end, params);
  if (text !== undefined) return fault(text);
  const family = familyKey(r.u16(), r.u8());
  const nextHop = r.sub(r.u8());
  r.view(r.left);
  if (!isNegotiated(params, family)) return err(notNegotiated(family));
  const hop = readForm(nextHop);
  if (hop === undefined) return ok(undefined);
  const semantic = semanticFault(hop);
  return semantic === undefined ? ok(hop) : err({ text: `next hop ${semantic} (RFC 4271 6.3)`, action: 'withdraw' });
}

export function readMpUnreach(r: Reader, params: AttributeParams): Result<undefined, RowFault> {
  const text = unreachFault(r.position, r.end);
  if (text !== undefined) return fault(text);
  const family = mpFamily(r.bytes, r.position);
  r.view(r.left);
  return isNegotiated(params, family) ? ok(undefined) : err(notNegotiated(family));
}

/** A speaker may only send what both offered, and what it sends beyond that concerns no table of ours: no RFC asks for the
 *  session's end. RFC 4760 8 */
const notNegotiated = (family: number): RowFault => ({
  text: `${familyName(familyOfKey(family))} was not negotiated; its routes are ignored (RFC 4760 8)`,
  action: 'discard',
});

/** The next hop as it stands in MP_REACH, without its length. */
export function writeMpNextHop(w: Writer, hop: MpNextHop): void {
  writeOne(w, hop.rd, hop.address);
  if (hop.linkLocal !== undefined) writeOne(w, hop.rd, hop.linkLocal);
}

function writeOne(w: Writer, rd: bigint | undefined, address: IpAddress): void {
  if (rd !== undefined) write64(w, rd);
  if (typeof address === 'number') w.u32(address);
  else {
    write64(w, address >> 64n);
    write64(w, address);
  }
}

function write64(w: Writer, value: bigint): void {
  w.u32(Number((value >> 32n) & 0xffff_ffffn));
  w.u32(Number(value & 0xffff_ffffn));
}
