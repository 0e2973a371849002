/** What people and views see of the tables: objects, made on demand, never kept by the tables. Pure: types. */
import type { Prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { Ipv4Attributes } from '../bgp-js/attributes/attribute-types.ts';
import type { PathSource } from './feed.ts';

/** Why a path is not the best: the first step at which it differs from the best, and both values. */
export interface LostAt {
  /** The step's name: 'LOCAL_PREF', 'AS_PATH length', 'ORIGIN', ... as in decision.ts. */
  readonly step: string;
  readonly best: string;
  readonly this: string;
}

export interface PathView {
  readonly source: PathSource;
  /** Absent when the attributes could not be decoded: then `rejected` says why. */
  readonly attributes?: Ipv4Attributes;
  readonly best: boolean;
  readonly stale: boolean;
  readonly rejected?: Reason;
  /** Wall clock, ms, of the last change of the path. */
  readonly since: number;
  readonly lostAt?: LostAt;
}

export interface RouteView {
  readonly prefix: Prefix;
  /** The best one first, then by rank, the rejected last. */
  readonly paths: readonly PathView[];
}

/** Counts of one source. `used` is how many best paths of the Loc-RIB are its. */
export interface SourceCounts {
  readonly received: number;
  readonly used: number;
  readonly rejected: number;
  readonly stale: number;
}

export interface RibCounts {
  /** Prefixes with a path, usable or not. */
  readonly routes: number;
  /** Prefixes with a best path. */
  readonly best: number;
  readonly paths: number;
  /** Distinct attribute sets. */
  readonly attributes: number;
  /** Routes that wait to be decided. */
  readonly waiting: number;
  /** Wall clock, ms, of the last change of a best path. */
  readonly lastChangeAt?: number;
}
