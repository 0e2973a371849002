/** What people and views see of the tables: objects, made on demand, never kept by the tables. Pure: types. */
import type { IpAddress, IpPrefix } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import type { PathSource } from './feed.ts';

/** Why a path is not the best: the first step at which it differs from the best, and both values. */
export interface LostAt {
  /** The step's name: 'LOCAL_PREF', 'AS_PATH length', 'ORIGIN', ... as in decision.ts. */
  readonly step: string;
  readonly best: string;
  readonly this: string;
}

/** One step of the walk to the best path. */
export interface StepView {
  readonly name: string;
  /** `took`: some paths lost here; `tie`: none did; `not asked`: one path was left before. */
  readonly outcome: 'took' | 'tie' | 'not asked';
  /** The best path's value. */
  readonly value: string;
  /** How many paths lost here, and were left behind it. */
  readonly lost: number;
  readonly left: number;
}

/** Where a path's next hop leads. */
export interface NextHopView {
  readonly address: IpAddress;
  readonly reachable: boolean;
  /** Of a reachable one: where packets are handed to, at what cost, and through which BGP routes, outermost first. */
  readonly gateway?: IpAddress;
  /** The device that a link-local gateway is on, where the session tells it. */
  readonly link?: string;
  readonly metric?: number;
  readonly through?: readonly IpPrefix[];
  /** Of an unreachable one. */
  readonly reason?: Reason;
}

export interface PathView {
  readonly source: PathSource;
  /** Path identifier that it came with. RFC 7911 */
  readonly pathId?: number;
  /** As used, or as received when the path is rejected. Absent when they could not be decoded: then `rejected` says why. */
  readonly attributes?: PathAttributes;
  /** As received, where import changed them. */
  readonly received?: PathAttributes;
  readonly best: boolean;
  /** Used beside the best for the same prefix. */
  readonly multipath: boolean;
  readonly stale: boolean;
  /** Kept beyond the restart time, and beaten by every other path. RFC 9494 */
  readonly longLived: boolean;
  /** Absent for our own routes. */
  readonly nextHop?: NextHopView;
  readonly rejected?: Reason;
  /** Wall clock, ms, of the last change of the path. */
  readonly since: number;
  readonly lostAt?: LostAt;
}

export interface RouteView {
  readonly prefix: IpPrefix;
  /** The best one first, then by rank, the rejected last. */
  readonly paths: readonly PathView[];
  /** How the best one was found; empty where there is none, and in lists. */
  readonly steps: readonly StepView[];
}

/** A path by itself, as `routes --received` shows them. */
export interface PrefixPath {
  readonly prefix: IpPrefix;
  readonly path: PathView;
}

/** Counts of one source. `used` is how many best paths of the Loc-RIB are its. */
export interface SourceCounts {
  readonly received: number;
  readonly used: number;
  readonly rejected: number;
  readonly stale: number;
  /** Announcements above its limit that were not taken. */
  readonly leftOut: number;
}

export interface RibCounts {
  /** Prefixes with a path, usable or not. */
  readonly routes: number;
  /** Prefixes with a best path. */
  readonly best: number;
  readonly paths: number;
  /** Distinct attribute sets. */
  readonly attributes: number;
  /** Next hops in use, and those of them that lead nowhere. */
  readonly nextHops: number;
  readonly unreachableNextHops: number;
  /** Distinct next hops, or several together (ECMP), that routes were told with; that of our own routes included. */
  readonly nextHopGroups: number;
  /** How often all paths of a route were looked at since the start, instead of a new one and the best. */
  readonly walks: number;
  /** Routes that wait to be decided. */
  readonly waiting: number;
  /** Wall clock, ms, of the last change of a best path. */
  readonly lastChangeAt?: number;
}
