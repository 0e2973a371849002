/** How attribute sets change on their way to one kind of peer: made once, used for all sets. Pure. The work is rewrite.ts. */
import type { Ipv4 } from '../../base/ipv4.ts';
import { FLAG_OPTIONAL, FLAG_TRANSITIVE } from './attribute-row.ts';
import { ATTRIBUTES } from './attribute-table.ts';

const AS_PATH = 2;
const NEXT_HOP = 3;
export const EXTENDED_COMMUNITIES = 16;

/** What becomes of an attribute; the index is its type. */
export const KEEP = 0;
export const DROP = 1;
/** AS_PATH, as `path` says. */
export const PATH = 2;
/** What `additions` has in its place. */
export const REPLACE = 3;
/** By its flags: passed on with the partial bit, or not at all. RFC 4271 5 */
export const UNKNOWN = 4;
/** Extended communities: only those that may leave the AS. RFC 4360 6 */
export const FILTER = 5;
/** The four octets of the addition stand in front of the list. */
export const FRONT = 6;
/** They stand behind it, unless the list has them. */
export const BACK = 7;

/** An attribute of at most 255 octets. */
export interface Addition {
  readonly type: number;
  readonly flags: number;
  readonly value: Uint8Array;
  /** A set without such an attribute gets it. */
  readonly whereMissing: boolean;
}

export interface PathRewrite {
  /** In this order in front. */
  readonly prepend: readonly number[];
  /** Private AS numbers: left out, or `prepend[0]` in their place; `keepAsn` stays as it is. RFC 6996 */
  readonly privateAsns: 'keep' | 'remove' | 'replace';
  readonly keepAsn: number;
  /** Segments of the confederation do not leave it. RFC 5065 4.1 */
  readonly leavesConfederation: boolean;
}

/** What becomes of each attribute, what is added, and how far a set can grow by it. */
export interface Rewrite {
  readonly actions: Uint8Array;
  /** Ascending by type. */
  readonly additions: readonly Addition[];
  /** Some of them where the set has none. */
  readonly adds: boolean;
  readonly path: PathRewrite;
  /** Most octets that a set can grow by. */
  readonly growth: number;
}

/** Never beyond the AS they were made in, each by its own section: MULTI_EXIT_DISC (RFC 4271 5.1.4: of a neighbour's, not to
 *  other neighbours), LOCAL_PREF (5.1.5), ORIGINATOR_ID and CLUSTER_LIST (RFC 4456 8), AIGP (RFC 7311 3.3). */
export const WITHIN_AN_AS: readonly number[] = [4, 5, 9, 10, 26];
/** Of the 2-octet way, and the routes of the message itself. */
const NOT_OF_A_SET = [14, 15, 17, 18];

export const PATH_STAYS: PathRewrite = { prepend: [], privateAsns: 'keep', keepAsn: 0, leavesConfederation: false };

/** Everything that we know and that is of the set stays. */
export function keepAll(): Uint8Array {
  const actions = new Uint8Array(256).fill(UNKNOWN);
  for (const { type } of ATTRIBUTES) actions[type] = KEEP;
  for (const type of NOT_OF_A_SET) actions[type] = DROP;
  return actions;
}

const FLAGS = new Map(ATTRIBUTES.map(({ type, flags }) => [type, flags]));

/** An attribute of four octets, with the flags that its row says. */
export function addition(type: number, value: number, whereMissing = true): Addition {
  const bytes = Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
  return { type, flags: FLAGS.get(type) ?? FLAG_OPTIONAL | FLAG_TRANSITIVE, value: bytes, whereMissing };
}

/** Out of its parts; `additions` in any order. */
export function rewriteOf(actions: Uint8Array, additions: readonly Addition[], path: PathRewrite): Rewrite {
  // A new segment, and two octets of length, for AS_PATH; four octets and one more of length for a list.
  const added = additions.reduce((sum, { value }) => sum + 4 + value.length, 0);
  const prepended = path.prepend.length === 0 ? 0 : 4 * path.prepend.length + 3;
  return {
    actions,
    additions: [...additions].sort((a, b) => a.type - b.type),
    adds: additions.some(({ whereMissing }) => whereMissing),
    path,
    growth: added + prepended,
  };
}

/** To a peer in another AS: our AS number in front, our address as next hop. Not for a member of a confederation, whose own
 *  number stands in segments of another kind (RFC 5065 4.1). */
export function ebgpRewrite(nextHop: Ipv4, localAsn: number): Rewrite {
  const actions = keepAll();
  for (const type of WITHIN_AN_AS) actions[type] = DROP;
  actions[AS_PATH] = PATH;
  actions[EXTENDED_COMMUNITIES] = FILTER;
  actions[NEXT_HOP] = REPLACE;
  return rewriteOf(actions, [addition(NEXT_HOP, nextHop, false)], {
    prepend: [localAsn],
    privateAsns: 'keep',
    keepAsn: 0,
    leavesConfederation: false,
  });
}

/** Within the AS: the path stays as it is, our address is the next hop ("next-hop-self"). LOCAL_PREF and the rest stay. */
export function nextHopRewrite(nextHop: Ipv4): Rewrite {
  const actions = keepAll();
  actions[NEXT_HOP] = REPLACE;
  return rewriteOf(actions, [addition(NEXT_HOP, nextHop, false)], PATH_STAYS);
}
