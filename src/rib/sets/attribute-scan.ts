/** An attribute set's octets -> the few numbers that decisions need, in one pass and without an object. Pure, hot: a full table
 *  has 150,000 sets, and decoding them all took longer than everything else together.
 *
 *  The scan knows the usual. What is in any way out of the ordinary (a fault, an attribute that is unknown, comes twice, or must
 *  not come from such a peer, a set in a path, ...) is not judged here: the scan gives up, and the decoder of bgp-js does it, so
 *  that faults and what they cost are in one place. A property test holds the two together. RFC 4271 4.3, RFC 4456, RFC 4760 3 */
import { FLAG_EXTENDED, FLAG_OPTIONAL, FLAG_PARTIAL, FLAG_TRANSITIVE } from '../../bgp-js/attributes/attribute-row.ts';
import { MP_REACH } from '../../bgp-js/attributes/mp-reach.ts';
import { MAX_PATH_LENGTH } from '../choice/rank.ts';
import type { ClusterIds } from '../terms/cluster-ids.ts';

/** What the same octets may mean differently by. */
export interface ScanHow {
  readonly ibgp: boolean;
  /** Routes in the NLRI field have their next hop in NEXT_HOP; all others in MP_REACH_NLRI, of which only the head is there. */
  readonly inMpReach: boolean;
  /** AFI and SAFI of it. */
  readonly family: number;
  /** Counted in AS_PATH: our AS towards the peer, and this node's, where it is another. RFC 7705 3.3 */
  readonly localAsn: number;
  readonly nodeAsn: number;
  /** Looked for in CLUSTER_LIST. */
  readonly clusters: ClusterIds;
}

/** Bits of `marks`. */
export const HAS_MED = 1;
export const HAS_LOCAL_PREF = 2;
export const HAS_ORIGINATOR = 4;
export const HAS_CLUSTER_LIST = 8;
export const HAS_OTC = 16;
/** Communities of long-lived graceful restart. RFC 9494 */
export const IS_LLGR_STALE = 32;
export const IS_NO_LLGR = 64;
/** CLUSTER_LIST holds an identifier of ours. */
export const CLUSTER_IS_OURS = 128;

/** Filled anew for each set. */
export class ScannedSet {
  origin = 0;
  /** As the decision counts. RFC 4271 9.1.2.2 a */
  asPathLength = 0;
  /** 0: our own AS (an empty path), or one that a path beginning with a set does not tell. */
  neighbourAs = 0;
  /** How often our own AS stands in the path. */
  ownAs = 0;
  med = 0;
  localPref = DEFAULT_LOCAL_PREF;
  originatorId = 0;
  marks = 0;
  /** Where the next hop's octets are: 4 or 16 of them. */
  nextHopAt = 0;
  nextHopOctets = 0;
}

const DEFAULT_LOCAL_PREF = 100;

const TYPES = 36;
/** The flags that each type must have, but Extended Length; and which bits count. 0xff: not one of those we scan. */
const FLAGS = new Uint8Array(TYPES).fill(0xff);
const COUNTING = new Uint8Array(TYPES).fill(0xff & ~FLAG_EXTENDED);
for (const type of [1, 2, 3, 5, 6]) FLAGS[type] = FLAG_TRANSITIVE;
for (const type of [4, 9, 10, MP_REACH]) FLAGS[type] = FLAG_OPTIONAL;
for (const type of [7, 8, 16, 25, 32, 35]) {
  FLAGS[type] = FLAG_OPTIONAL | FLAG_TRANSITIVE;
  // Somebody on the way did not know it: that is passed on, and changes nothing.
  COUNTING[type] = 0xff & ~FLAG_EXTENDED & ~FLAG_PARTIAL;
}
const ORIGIN = 1 << 1;
const AS_PATH = 1 << 2;
const NEXT_HOP = 1 << 3;
const LOCAL_PREF = 1 << 5;
const REACH = 1 << MP_REACH;
const AS_SEQUENCE = 2;
/** More of them are compared elsewhere. */
const MAX_LARGE = 16;

const word = (b: Uint8Array, at: number): number =>
  ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;

/** True when bytes[start, end) is an ordinary set: then `into` says what it says. False: ask the decoder. AS numbers have four
 *  octets. */
export function scanSet(bytes: Uint8Array, start: number, end: number, how: ScanHow, into: ScannedSet): boolean {
  into.ownAs = 0;
  into.marks = 0;
  into.med = 0;
  into.localPref = DEFAULT_LOCAL_PREF;
  let seenLow = 0;
  let seenHigh = 0;
  let at = start;
  while (at < end) {
    if (end - at < 3) return false;
    const flags = bytes[at]!;
    const type = bytes[at + 1]!;
    if (type >= TYPES || (flags & COUNTING[type]!) !== FLAGS[type]) return false;
    let value = at + 3;
    let length = bytes[at + 2]!;
    if ((flags & FLAG_EXTENDED) !== 0) {
      if (end - at < 4) return false;
      length = (length << 8) | bytes[at + 3]!;
      value++;
    }
    const next = value + length;
    if (next > end) return false;
    if (type < 32) {
      if ((seenLow & (1 << type)) !== 0) return false;
      seenLow |= 1 << type;
    } else {
      if ((seenHigh & (1 << (type - 32))) !== 0) return false;
      seenHigh |= 1 << (type - 32);
    }
    switch (type) {
      case 1:
        if (length !== 1 || bytes[value]! > 2) return false;
        into.origin = bytes[value]!;
        break;
      case 2:
        if (!scanPath(bytes, value, next, how, into)) return false;
        break;
      case 3: {
        const first = bytes[value]!;
        if (how.inMpReach || length !== 4 || first === 0 || first === 127 || first >= 224) return false;
        into.nextHopAt = value;
        into.nextHopOctets = 4;
        break;
      }
      case 4:
        if (length !== 4) return false;
        into.med = word(bytes, value);
        into.marks |= HAS_MED;
        break;
      case 5:
        if (length !== 4 || !how.ibgp) return false;
        into.localPref = word(bytes, value);
        into.marks |= HAS_LOCAL_PREF;
        break;
      case 6:
        if (length !== 0) return false;
        break;
      case 7:
        if (length !== 8 || word(bytes, value) === 0) return false;
        break;
      case 8:
        if (length === 0 || (length & 3) !== 0) return false;
        for (let i = value; i < next; i += 4) {
          if (bytes[i] !== 0xff || bytes[i + 1] !== 0xff || bytes[i + 2] !== 0) continue;
          if (bytes[i + 3] === 6) into.marks |= IS_LLGR_STALE;
          else if (bytes[i + 3] === 7) into.marks |= IS_NO_LLGR;
        }
        break;
      case 9:
        if (length !== 4 || !how.ibgp) return false;
        into.originatorId = word(bytes, value);
        into.marks |= HAS_ORIGINATOR;
        break;
      case 10:
        if (length === 0 || (length & 3) !== 0 || !how.ibgp) return false;
        into.marks |= HAS_CLUSTER_LIST;
        for (let i = value; i < next; i += 4) {
          if (how.clusters.has(word(bytes, i))) into.marks |= CLUSTER_IS_OURS;
        }
        break;
      case MP_REACH:
        if (!how.inMpReach || !scanReach(bytes, value, length, how.family, into)) return false;
        break;
      case 16:
        if (length === 0 || (length & 7) !== 0) return false;
        break;
      case 25:
        if (length === 0 || length % 20 !== 0) return false;
        break;
      case 32:
        if (length === 0 || length % 12 !== 0 || repeats(bytes, value, next)) return false;
        break;
      default: // 35, OTC
        if (length !== 4) return false;
        into.marks |= HAS_OTC;
    }
    at = next;
  }
  const wanted = ORIGIN | AS_PATH | (how.inMpReach ? REACH : NEXT_HOP) | (how.ibgp ? LOCAL_PREF : 0);
  return (seenLow & wanted) === wanted;
}

/** Sequences only, each with one to 255 members and none of them 0. RFC 4271 4.3 b, RFC 7607 2, RFC 9774 3 */
function scanPath(bytes: Uint8Array, start: number, end: number, how: ScanHow, into: ScannedSet): boolean {
  const { localAsn, nodeAsn } = how;
  let length = 0;
  let at = start;
  into.neighbourAs = 0;
  while (at < end) {
    if (end - at < 6 || bytes[at] !== AS_SEQUENCE) return false;
    const count = bytes[at + 1]!;
    const next = at + 2 + count * 4;
    if (count === 0 || next > end) return false;
    for (let i = at + 2; i < next; i += 4) {
      const asn = word(bytes, i);
      if (asn === 0) return false;
      if (asn === localAsn || asn === nodeAsn) into.ownAs++;
    }
    if (at === start) into.neighbourAs = word(bytes, at + 2);
    length += count;
    at = next;
  }
  into.asPathLength = length < MAX_PATH_LENGTH ? length : MAX_PATH_LENGTH;
  return true;
}

/** An IPv6 next hop, with or without a link-local one behind it; the family is the one whose routes these are. RFC 2545 3 */
function scanReach(bytes: Uint8Array, value: number, length: number, family: number, into: ScannedSet): boolean {
  const octets = bytes[value + 3]!;
  if (length !== octets + 5 || (octets !== 16 && octets !== 32)) return false;
  if (((((bytes[value]! << 8) | bytes[value + 1]!) << 8) | bytes[value + 2]!) !== family) return false;
  const at = value + 4;
  // ::, ::1, multicast, and the like of ::ffff:a.b.c.d: whoever sends such an address may be judged at leisure.
  if (bytes[at] === 0 || bytes[at] === 0xff) return false;
  into.nextHopAt = at;
  into.nextHopOctets = 16;
  return true;
}

/** A large community that comes twice is dropped once: that is the decoder's. RFC 8092 3 */
function repeats(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > MAX_LARGE * 12) return true;
  for (let i = start + 12; i < end; i += 12)
    for (let k = start; k < i; k += 12) {
      let same = 0;
      while (same < 12 && bytes[i + same] === bytes[k + same]) same++;
      if (same === 12) return true;
    }
  return false;
}
