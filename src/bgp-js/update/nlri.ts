/** NLRI of all families. Pure, hot: over the receive slab, nothing allocated per route. RFC 4760 5, RFC 7911 3, RFC 7606 5.3.
 *  Prefixes are read; what we do not read is cut where its format says and otherwise left as it is. */
import {
  AFI_BGP_LS,
  AFI_IPV4,
  AFI_IPV6,
  AFI_L2VPN,
  familyKey,
  familyName,
  familyOfKey,
  SAFI_BGP_LS,
  SAFI_BGP_LS_VPN,
  SAFI_EVPN,
  SAFI_FLOWSPEC,
  SAFI_FLOWSPEC_VPN,
  SAFI_L3VPN,
  SAFI_LABELED_UNICAST,
  SAFI_MULTICAST,
  SAFI_ROUTE_TARGET,
  SAFI_UNICAST,
  SAFI_VPLS,
} from '../wire/family.ts';

/** How the length of an element is told. */
type Shape =
  | 'prefix' //     length in bits (1), prefix                                      RFC 4760 5
  | 'labeled' //    length in bits (1), labels (3 each), [distinguisher (8)], prefix  RFC 8277 2, RFC 4364 4.3.4
  | 'target' //     length in bits (1), 0 or 32 to 96 of them                       RFC 4684 4
  | 'flow' //       length (1, or 2 when it begins with f), value                   RFC 8955 4.1
  | 'typed' //      type (1), length (1), value                                     RFC 7432 7
  | 'tlv' //        type (2), length (2), value                                     RFC 9552 5.2
  | 'length16' //   length (2), value                                               RFC 4761 3.2.2
  | 'opaque'; //    all there is, as one

interface Format {
  readonly shape: Shape;
  /** Bits of the longest prefix, a route distinguisher included. */
  readonly most: number;
  /** Bits of the shortest, without labels. */
  readonly least: number;
}

const OPAQUE: Format = { shape: 'opaque', most: 0, least: 0 };
const flat = (shape: Shape): Format => ({ shape, most: 0, least: 0 });
const plain = (most: number): Format => ({ shape: 'prefix', most, least: 0 });
const labeled = (most: number, least: number): Format => ({ shape: 'labeled', most, least });
const SAFI_MCAST_VPN = 5; // RFC 6514 4

const FORMATS: ReadonlyMap<number, Format> = new Map([
  [familyKey(AFI_IPV4, SAFI_UNICAST), plain(32)],
  [familyKey(AFI_IPV4, SAFI_MULTICAST), plain(32)],
  [familyKey(AFI_IPV6, SAFI_UNICAST), plain(128)],
  [familyKey(AFI_IPV6, SAFI_MULTICAST), plain(128)],
  [familyKey(AFI_IPV4, SAFI_LABELED_UNICAST), labeled(32, 0)],
  [familyKey(AFI_IPV6, SAFI_LABELED_UNICAST), labeled(128, 0)],
  [familyKey(AFI_IPV4, SAFI_L3VPN), labeled(64 + 32, 64)],
  [familyKey(AFI_IPV6, SAFI_L3VPN), labeled(64 + 128, 64)],
  [familyKey(AFI_IPV4, SAFI_MCAST_VPN), flat('typed')],
  [familyKey(AFI_IPV6, SAFI_MCAST_VPN), flat('typed')],
  [familyKey(AFI_IPV4, SAFI_ROUTE_TARGET), { shape: 'target', most: 96, least: 32 }],
  [familyKey(AFI_IPV4, SAFI_FLOWSPEC), flat('flow')],
  [familyKey(AFI_IPV6, SAFI_FLOWSPEC), flat('flow')],
  [familyKey(AFI_IPV4, SAFI_FLOWSPEC_VPN), flat('flow')],
  [familyKey(AFI_IPV6, SAFI_FLOWSPEC_VPN), flat('flow')],
  [familyKey(AFI_L2VPN, SAFI_VPLS), flat('length16')],
  [familyKey(AFI_L2VPN, SAFI_EVPN), flat('typed')],
  [familyKey(AFI_BGP_LS, SAFI_BGP_LS), flat('tlv')],
  [familyKey(AFI_BGP_LS, SAFI_BGP_LS_VPN), flat('tlv')],
]);

const formatOf = (family: number): Format => FORMATS.get(family) ?? OPAQUE;

/** Bits of the longest prefix of a family of plain prefixes; 0 for all other families. */
export function prefixBits(family: number): number {
  const format = formatOf(family);
  return format.shape === 'prefix' ? format.most : 0;
}

/** One element: [at, end) without its path identifier, which is 0 where there is none. */
export type VisitNlri = (at: number, end: number, pathId: number) => void;

/** Octets of a path identifier. RFC 7911 3 */
const PATH_ID = 4;

/** Visits each element in [start, end) of a family (a familyKey number); answers `end`, or where the element at fault begins.
 *  The session has checked an UPDATE before onUpdate: there is no fault inside it. */
export function forEachNlri(
  slab: Uint8Array,
  start: number,
  end: number,
  family: number,
  addPath: boolean,
  visit: VisitNlri,
): number {
  const format = formatOf(family);
  const most = format.shape === 'prefix' ? format.most : -1;
  let at = start;
  while (at < end) {
    let body = at;
    let pathId = 0;
    if (addPath) {
      body += PATH_ID;
      if (body >= end) return at;
      pathId = ((slab[at]! << 24) | (slab[at + 1]! << 16) | (slab[at + 2]! << 8) | slab[at + 3]!) >>> 0;
    }
    let next: number;
    if (most >= 0) {
      const length = slab[body]!;
      if (length > most) return at;
      next = body + 1 + ((length + 7) >>> 3);
    } else next = elementEnd(slab, body, end, format);
    if (next > end || next < 0) return at;
    visit(body, next, pathId);
    at = next;
  }
  return end;
}

const nothing: VisitNlri = () => {};

/** Undefined when [start, end) is whole elements, else what is wrong with the first that is not. */
export function checkNlri(
  slab: Uint8Array,
  start: number,
  end: number,
  family: number,
  addPath: boolean,
): string | undefined {
  const at = forEachNlri(slab, start, end, family, addPath, nothing);
  return at === end ? undefined : nlriFault(slab, at, end, family, addPath);
}

function nlriFault(slab: Uint8Array, at: number, end: number, family: number, addPath: boolean): string {
  const name = familyName(familyOfKey(family));
  const body = at + (addPath ? PATH_ID : 0);
  if (body >= end) return `the last ${name} route is cut off in its path identifier (RFC 7606 5.3)`;
  const { shape, most } = formatOf(family);
  const bits = slab[body]!;
  if (shape === 'prefix' && bits > most) return `${name}: a prefix of length ${bits} (RFC 7606 5.3)`;
  if ((shape === 'labeled' || shape === 'target') && body + 1 + ((bits + 7) >>> 3) <= end)
    return `${name}: a route of length ${bits} (RFC 7606 5.3)`;
  return `the last ${name} route is cut off (RFC 7606 5.3)`;
}

/** Where the element at `at` ends by its own length, which may be beyond `end`; -1 for a length that it cannot have. */
function elementEnd(slab: Uint8Array, at: number, end: number, format: Format): number {
  switch (format.shape) {
    case 'prefix':
    case 'target': {
      const bits = slab[at]!;
      const legal = bits <= format.most && (bits >= format.least || bits === 0);
      return legal ? at + 1 + ((bits + 7) >>> 3) : -1;
    }
    case 'labeled':
      return labeledEnd(slab, at, end, format);
    case 'flow': {
      const first = slab[at]!;
      if (first < 0xf0) return at + 1 + first;
      return at + 2 > end ? -1 : at + 2 + (((first & 0x0f) << 8) | slab[at + 1]!);
    }
    case 'typed':
      return at + 2 > end ? -1 : at + 2 + slab[at + 1]!;
    case 'tlv':
      return at + 4 > end ? -1 : at + 4 + ((slab[at + 2]! << 8) | slab[at + 3]!);
    case 'length16':
      return at + 2 > end ? -1 : at + 2 + ((slab[at]! << 8) | slab[at + 1]!);
    case 'opaque':
      return end;
  }
}

/** The length counts the labels too, so what is left without them is judged. The stack ends with its bottom bit; a withdrawal
 *  has one field of any content, by custom 800000 or 0. RFC 8277 2.1 and 2.4 */
function labeledEnd(slab: Uint8Array, at: number, end: number, format: Format): number {
  const bits = slab[at]!;
  const next = at + 1 + ((bits + 7) >>> 3);
  if (bits < 24 + format.least) return -1;
  if (next > end) return next;
  let labels = 24;
  for (let label = at + 1; (slab[label + 2]! & 1) === 0; label += 3) {
    const none = slab[label + 1] === 0 && slab[label + 2] === 0 && (slab[label] === 0x80 || slab[label] === 0);
    if (labels + 24 > bits || none) {
      // No bottom: then it is one field and not a stack.
      if (!none) labels = 24;
      break;
    }
    labels += 24;
  }
  const left = bits - labels;
  return left >= format.least && left <= format.most ? next : -1;
}

/** The four 32-bit words of an address in a plain IPv4 or IPv6 prefix at [at, end): bits beyond the length are zero. RFC 4271 4.3 */
export function prefixWord(slab: Uint8Array, at: number, end: number, index: number): number {
  const length = slab[at]! - index * 32;
  if (length <= 0) return 0;
  const from = at + 1 + index * 4;
  const word =
    (slab[from]! << 24) |
    ((from + 1 < end ? slab[from + 1]! : 0) << 16) |
    ((from + 2 < end ? slab[from + 2]! : 0) << 8) |
    (from + 3 < end ? slab[from + 3]! : 0);
  return length >= 32 ? word >>> 0 : (word & (-1 << (32 - length))) >>> 0;
}
