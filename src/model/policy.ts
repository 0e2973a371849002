/** Filters as data. Pure: types and a few constants. A policy is a list of rules, the first that accepts or rejects decides,
 *  and what none decides, `otherwise` does. It says everything that Calico's BGPFilter says, and what routers say beside it.
 *
 *    Policy "BGPFilter/only-pools"
 *      rule "1": match { prefixes, communities, asPaths, ... } -> operations, then accept | reject | next
 *      rule "2": ...                                              what accepts or rejects is named "BGPFilter/only-pools#2"
 *      otherwise: accept | reject | next policy of the chain
 *
 *  A new condition is a field of Match and a row of CONDITIONS in policy/conditions.ts; a new operation is a field of Operations
 *  and a row of OPERATIONS in policy/operations.ts. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import type { LargeCommunity, Origin } from '../bgp-js/attributes/attribute-types.ts';
import type { AsPathPattern } from './as-path-pattern.ts';
import type { CommunityPattern } from './community-pattern.ts';

/** A prefix, and how long a match may be: `ge` and `le` as in every router's prefix list. Neither: exactly this prefix; `ge`
 *  alone opens the range up to a host's. A route of the other family never matches. */
export interface PrefixMatch {
  readonly address: IpAddress;
  readonly length: number;
  readonly ge?: number;
  readonly le?: number;
}

/** Where a route came from. */
export type RouteSource = 'local' | 'ibgp' | 'ebgp';

/** What IPAM says of a route's origin: block-origin.ts of cluster/. */
export type BlockOrigin = 'valid' | 'invalid' | 'unknown';

/** any: one community of the route is one of the patterns'; all: each pattern is met; exact: as all, and the route has no other
 *  community of the patterns' kinds; none: not any. */
export interface CommunityMatch {
  readonly mode: 'any' | 'all' | 'exact' | 'none';
  readonly patterns: readonly CommunityPattern[];
}

/** Both ends belong to it; absent: open. */
export interface NumberRange {
  readonly from?: number;
  readonly to?: number;
}

/** All that are present must hold; none present matches everything. An empty list holds never. */
export interface Match {
  /** The route is one of these. */
  readonly prefixes?: readonly PrefixMatch[];
  /** The route is none of these. */
  readonly notPrefixes?: readonly PrefixMatch[];
  readonly family?: 'ipv4' | 'ipv6';
  readonly sources?: readonly RouteSource[];
  /** Name of the device the route goes out by; '*' stands for any characters, '?' for one. A route without a known device does
   *  not match. */
  readonly interface?: string;
  /** Each of them holds. */
  readonly communities?: readonly CommunityMatch[];
  /** AS_PATH is one of these. */
  readonly asPaths?: readonly AsPathPattern[];
  /** The AS that sent the path is one of these: the first number of a leading sequence. */
  readonly neighbourAs?: readonly number[];
  /** As the decision process counts: a set one. */
  readonly asPathLength?: NumberRange;
  /** The next hop's address is in one of these. */
  readonly nextHops?: readonly IpPrefix[];
  /** A learned path without LOCAL_PREF has 100. */
  readonly localPref?: NumberRange;
  /** A path without MED does not match. */
  readonly med?: NumberRange;
  readonly origins?: readonly Origin[];
  /** Calico's units: 2147483647 less LOCAL_PREF; a local route without LOCAL_PREF has 1024. */
  readonly priority?: number;
  readonly blockOrigins?: readonly BlockOrigin[];
}

/** What can be done to a route, by name. */
export interface Operations {
  readonly setLocalPref: { readonly value: number };
  readonly setMed: { readonly value: number };
  /** Signed; the result stays within 32 bits, a path without MED counts as 0. */
  readonly addMed: { readonly value: number };
  readonly removeMed: Readonly<Record<never, never>>;
  /** The first of them ends up in front. */
  readonly prepend: { readonly asns: readonly number[] };
  /** Each once. */
  readonly addCommunities: {
    readonly standard?: readonly number[];
    readonly extended?: readonly bigint[];
    readonly large?: readonly LargeCommunity[];
  };
  readonly removeCommunities: { readonly patterns: readonly CommunityPattern[] };
  /** self: our end of the session, on export. discard: all zeros, which no peer can send: packets are to be dropped (RFC 7999).
   *  An address of the other family does nothing. */
  readonly setNextHop: { readonly to: 'self' | 'discard' | IpAddress };
  readonly setOrigin: { readonly value: Origin };
  /** Whatever its attributes: valid goes before all others of the prefix, invalid behind them. On import, from policies that
   *  ask for the origin: other ones judge a whole attribute set at once, and it is not part of that. */
  readonly standAs: { readonly origin: BlockOrigin };
}
export type OperationName = keyof Operations;

/** What a rule does to a route, in order. Rules behind it see the route as changed. */
export type Operation<K extends OperationName = OperationName> = {
  [P in K]: { readonly do: P } & Operations[P];
}[K];

export interface Rule {
  /** "1", or what the file calls it. */
  readonly name: string;
  readonly match: Match;
  readonly operations?: readonly Operation[];
  /** next: the operations are done, and the next rule is asked. */
  readonly action: 'accept' | 'reject' | 'next';
  /** Of a rejection; `origin`: the reason of PolicyInput.originReason. Default: POLICY_REJECTED with policy and rule. */
  readonly because?: Reason | 'origin';
  /** The policy it stood in before policies were chained. */
  readonly of?: string;
}

export interface Policy {
  /** "BGPFilter/only-pools" */
  readonly name: string;
  readonly rules: readonly Rule[];
  /** next: the next policy of the chain; accept where there is none. */
  readonly otherwise: 'accept' | 'reject' | 'next';
  /** Said of what no rule accepts; default: that no rule does. */
  readonly because?: Reason;
}

/** Who decided: "BGPFilter/only-pools#2". Rule absent: the policy's `otherwise`. */
export interface DecidedBy {
  readonly policy: string;
  readonly rule?: string;
}

/** The one question that block origin validation answers; wired into the Adj-RIB-In by the daemon. */
export interface OriginValidator {
  /** `peer` is the name of the peer that sent the route. */
  originOf(address: IpAddress, length: number, nextHop: IpAddress, peer: string): BlockOrigin;
  /** Why it is not valid: ORIGIN_INVALID, ORIGIN_UNKNOWN. */
  reasonOf(address: IpAddress, length: number, nextHop: IpAddress, peer: string): Reason | undefined;
}

/** "BGPFilter/only-pools#2" */
export const decidedByText = ({ policy, rule }: DecidedBy): string =>
  rule === undefined ? policy : `${policy}#${rule}`;

/** The default of mesh and configured neighbours, both directions. */
export const ACCEPT_ALL: Policy = { name: 'accept-all', rules: [], otherwise: 'accept' };
export const REJECT_ALL: Policy = { name: 'reject-all', rules: [], otherwise: 'reject' };
/** What RFC 8212 puts in the place of a policy that nobody wrote. */
export const EBGP_WITHOUT_POLICY: Policy = {
  name: 'none',
  rules: [],
  otherwise: 'reject',
  because: {
    code: 'NO_EBGP_POLICY',
    text: 'this eBGP neighbor has no policy, and ebgpRequiresPolicy is set (RFC 8212). Give it import and export.',
  },
};
