/** What the parts of a RouteTable see of the whole: the tables, and what may be said of a route or a path. Pure: types. */
import type { IpAddress } from '../../base/ip.ts';
import type { Ipv6PrefixTable } from '../../base/ipv6-prefix-table.ts';
import type { PrefixIndex } from '../../base/prefix-index.ts';
import type { PrefixTable } from '../../base/prefix-table.ts';
import type { NextHopGroups } from '../choice/multipath.ts';
import type { AttributeTable } from '../sets/attribute-table.ts';
import type { OurSelf } from '../sets/import.ts';
import type { NextHopTable } from '../terms/next-hops.ts';
import type { Source } from '../terms/source.ts';
import type { NextHopTracker } from './next-hop-tracker.ts';
import type { PathRounds } from './path-rounds.ts';
import type { PathTable } from './path-table.ts';
import type { RouteRows } from './route-rows.ts';

export interface Tables {
  readonly family: 'ipv4' | 'ipv6';
  readonly us: OurSelf;
  readonly index: PrefixIndex;
  readonly prefixes: PrefixTable;
  readonly prefixes6: Ipv6PrefixTable;
  readonly routes: RouteRows;
  readonly paths: PathTable;
  readonly sets: AttributeTable;
  readonly nextHops: NextHopTable;
  readonly groups: NextHopGroups;
  readonly tracker: NextHopTracker;
  readonly rounds: PathRounds;
  addressOf(route: number): IpAddress;
  sourceOf(path: number): Source;
  isStale(path: number): boolean;
  isDead(path: number): boolean;
  /** Somebody reads changes of paths that are not the best. */
  readonly watchesPaths: boolean;
  /** What was told may be wrong. */
  markChanged(route: number): void;
  /** All its paths are to be looked at. */
  markDirty(route: number): void;
  /** Some usable path changed, and the best one did not. */
  markPaths(route: number): void;
  needsWalk(route: number): boolean;
  /** `used`: the set it is used with from now on, -1: none. */
  use(path: number, used: number): void;
  removePath(path: number): void;
}
