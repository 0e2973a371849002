/** An encoded attribute set -> the one that is sent on: bytes to bytes, without an object between. Pure, hot: a full table has
 *  150,000 sets, and decoding them only to encode them again costs twenty times as much. RFC 4271 5.1 and 9.
 *  The set has been decoded once without a fault that costs its routes: lengths are trusted here. AS numbers have 4 octets. */
import type { Ipv4 } from '../../base/ipv4.ts';
import { FLAG_EXTENDED, FLAG_OPTIONAL, FLAG_PARTIAL, FLAG_TRANSITIVE } from './attribute-row.ts';
import { ATTRIBUTES } from './attribute-table.ts';

const AS_PATH = 2;
const NEXT_HOP = 3;
const EXTENDED_COMMUNITIES = 16;
const NON_TRANSITIVE = 0x40;
const AS_SEQUENCE = 2;
const MAX_SEGMENT = 255;

/** What becomes of an attribute; the index is its type. */
const KEEP = 0;
const DROP = 1;
const PREPEND = 2;
const REPLACE = 3;
/** By its flags: passed on with the partial bit, or not at all. RFC 4271 5 */
const UNKNOWN = 4;
/** Extended communities: only those that may leave the AS. RFC 4360 6 */
const FILTER = 5;

/** How sets change on their way to one kind of peer. Made once, used for all sets. */
export interface Rewrite {
  readonly actions: Uint8Array;
  readonly nextHop: number;
  /** 0: AS_PATH stays. */
  readonly asn: number;
}

/** Never beyond the AS they were made in, each by its own section: MULTI_EXIT_DISC (RFC 4271 5.1.4: of a neighbour's, not to
 *  other neighbours), LOCAL_PREF (5.1.5), ORIGINATOR_ID and CLUSTER_LIST (RFC 4456 8), AIGP (RFC 7311 3.3). */
const WITHIN_AN_AS = [4, 5, 9, 10, 26];
/** Of the 2-octet way, and the routes of the message itself. */
const NOT_OF_A_SET = [14, 15, 17, 18];

/** To a peer in another AS: our AS number in front, our address as next hop. Not for a member of a confederation, which would
 *  take the confederation's segments out first (RFC 5065 4.1). */
export function ebgpRewrite(nextHop: Ipv4, localAsn: number): Rewrite {
  const actions = new Uint8Array(256).fill(UNKNOWN);
  for (const { type } of ATTRIBUTES) actions[type] = KEEP;
  for (const type of [...WITHIN_AN_AS, ...NOT_OF_A_SET]) actions[type] = DROP;
  actions[AS_PATH] = PREPEND;
  actions[EXTENDED_COMMUNITIES] = FILTER;
  actions[NEXT_HOP] = REPLACE;
  return { actions, nextHop, asn: localAsn };
}

/** Within the AS: the path stays as it is, our address is the next hop ("next-hop-self"). LOCAL_PREF and the rest stay. */
export function nextHopRewrite(nextHop: Ipv4): Rewrite {
  const actions = new Uint8Array(256).fill(UNKNOWN);
  for (const { type } of ATTRIBUTES) actions[type] = KEEP;
  for (const type of NOT_OF_A_SET) actions[type] = DROP;
  actions[NEXT_HOP] = REPLACE;
  return { actions, nextHop, asn: 0 };
}

/** Most that a set can grow: a new segment in front, and a length of two octets. */
export const REWRITE_GROWTH = 8;

/** Writes the set [start, end) of `from`, changed, at `at` of `into`; answers where it ends there. The caller has made room for
 *  end - start + REWRITE_GROWTH octets. */
export function rewriteAttributes(
  from: Uint8Array,
  start: number,
  end: number,
  how: Rewrite,
  into: Uint8Array,
  at: number,
): number {
  const { actions } = how;
  let out = at;
  let next = start;
  while (next < end) {
    const here = next;
    const flags = from[here]!;
    const long = (flags & FLAG_EXTENDED) !== 0;
    const value = here + (long ? 4 : 3);
    next = value + (long ? (from[here + 2]! << 8) | from[here + 3]! : from[here + 2]!);
    switch (actions[from[here + 1]!]) {
      case DROP:
        continue;
      case PREPEND:
        out = prepend(from, here, value, next, how.asn, into, out);
        continue;
      case FILTER:
        out = transitiveOnly(from, here, value, next, into, out);
        continue;
      case REPLACE: {
        const { nextHop } = how;
        into[out] = flags;
        into[out + 1] = NEXT_HOP;
        into[out + 2] = 4;
        into[out + 3] = nextHop >>> 24;
        into[out + 4] = nextHop >>> 16;
        into[out + 5] = nextHop >>> 8;
        into[out + 6] = nextHop;
        out += 7;
        continue;
      }
      case UNKNOWN:
        if ((flags & (FLAG_OPTIONAL | FLAG_TRANSITIVE)) !== (FLAG_OPTIONAL | FLAG_TRANSITIVE)) continue;
        into[out] = flags | FLAG_PARTIAL;
        break;
      default:
        into[out] = flags;
    }
    for (let i = here + 1; i < next; i++) into[out + i - here] = from[i]!;
    out += next - here;
  }
  return out;
}

/** An attribute of which nothing is left is left out. */
function transitiveOnly(
  from: Uint8Array,
  here: number,
  value: number,
  end: number,
  into: Uint8Array,
  at: number,
): number {
  const head = value - here;
  let out = at + head;
  for (let i = value; i < end; i += 8) {
    if ((from[i]! & NON_TRANSITIVE) !== 0) continue;
    for (let k = 0; k < 8; k++) into[out + k] = from[i + k]!;
    out += 8;
  }
  const length = out - at - head;
  if (length === 0) return at;
  into[at] = from[here]!;
  into[at + 1] = EXTENDED_COMMUNITIES;
  if (head === 4) into[at + 2] = length >>> 8;
  into[out - length - 1] = length;
  return out;
}

/** Into the leading sequence where it has room, else as a segment of its own. RFC 4271 5.1.2 b */
function prepend(
  from: Uint8Array,
  here: number,
  value: number,
  end: number,
  asn: number,
  into: Uint8Array,
  at: number,
): number {
  const joins = value < end && from[value] === AS_SEQUENCE && from[value + 1]! < MAX_SEGMENT;
  const length = end - value + (joins ? 4 : 6);
  const long = length > 255;
  into[at] = long ? from[here]! | FLAG_EXTENDED : from[here]! & ~FLAG_EXTENDED;
  into[at + 1] = AS_PATH;
  let out = at + 2;
  if (long) into[out++] = length >>> 8;
  into[out++] = length;
  into[out++] = AS_SEQUENCE;
  into[out++] = joins ? from[value + 1]! + 1 : 1;
  into[out++] = asn >>> 24;
  into[out++] = asn >>> 16;
  into[out++] = asn >>> 8;
  into[out++] = asn;
  for (let i = joins ? value + 2 : value; i < end; i++) into[out++] = from[i]!;
  return out;
}
