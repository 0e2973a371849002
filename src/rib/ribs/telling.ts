/** The end of a decision: what a route is now is compared with what was told, and a difference is told, to feeds at once and to
 *  peers by way of the change lists. Pure, hot. Which path is the best is best-path.ts. */
import { NO_NEXT_HOPS } from '../choice/multipath.ts';
import { BLOCK_BITS, PATH_ROW_BITS, USED } from '../tables/path-table.ts';
import {
  BEST,
  MARKS_AT,
  MIXED_MED,
  QUEUED,
  ROW_BITS,
  SOURCE,
  TOLD_GROUP,
  TOLD_SET,
  TOLD_SOURCE,
} from '../tables/route-rows.ts';
import { AHEAD, type RouteTable } from '../tables/route-table.ts';
import type { Feeds } from './feeds.ts';

const NONE = -1;

export class Telling {
  private readonly table: RouteTable;
  private readonly feeds: Feeds;
  private readonly routes = new Int32Array(AHEAD);
  /** Routes that are told as something now. */
  told = 0;
  /** Something was told since whoever asks has set it back. */
  changed = false;

  constructor(table: RouteTable, feeds: Feeds) {
    this.table = table;
    this.feeds = feeds;
  }

  /** Decides the next routes that wait, at most so many; answers how many. */
  decide(most: number): number {
    const { table, routes } = this;
    let left = most;
    while (left > 0) {
      const count = table.takeDirty(routes, left);
      if (count === 0) break;
      this.tellAll(count);
      left -= count;
    }
    return most - left;
  }

  /** Nobody wants to know more of a route than its best path's set and source. */
  private get tellsAlike(): boolean {
    return !this.table.watchesPaths && !this.table.bestPaths.multipath;
  }

  /** The first of `routes`. Those whose best path is known, and all there is to know, here and together; the others one by
   *  one. */
  private tellAll(count: number): void {
    const { table, routes } = this;
    const { sets, groups } = table;
    const { at } = table.routes.cells;
    const cells = table.paths.cells.at;
    const owners = table.paths.ownerOf.at;
    // What was told loses a reference below.
    let near = 0;
    for (let i = 0; i < count; i++) {
      const told = at[(routes[i]! << ROW_BITS) + TOLD_SET]!;
      if (told !== 0) near ^= sets.prefetch(told - 1);
    }
    table.near ^= near;
    let alike = this.tellsAlike;
    let changed = 0;
    let came = 0;
    let lastSet = NONE;
    let lastSource = 0;
    let lastGroup = NO_NEXT_HOPS;
    for (let i = 0; i < count; i++) {
      const route = routes[i]!;
      const row = route << ROW_BITS;
      const word = at[row + TOLD_SOURCE]!;
      if (!alike || (word >>> MARKS_AT) & ~(QUEUED | MIXED_MED)) {
        this.tell(route);
        // A walk may ask for a next hop, and then others watch.
        alike = this.tellsAlike;
        continue;
      }
      const best = at[row + BEST]! - 1;
      const oldSet = at[row + TOLD_SET]! - 1;
      let set = NONE;
      let source = word & SOURCE;
      let group = NO_NEXT_HOPS;
      if (best !== NONE) {
        set = cells[(best << PATH_ROW_BITS) + USED]!;
        source = owners[best >>> BLOCK_BITS]! - 1;
        if (set !== lastSet || source !== lastSource) {
          lastSet = set;
          lastSource = source;
          lastGroup = source === 0 ? NO_NEXT_HOPS : groups.single(sets.nextHopOf(set));
        }
        group = lastGroup;
      }
      at[row + TOLD_SOURCE] = (word & (MIXED_MED << MARKS_AT)) | source;
      const oldGroup = at[row + TOLD_GROUP]!;
      if (set === oldSet && group === oldGroup && source === (word & SOURCE)) {
        if (set === NONE) table.freeIfUnused(route);
        continue;
      }
      at[row + TOLD_SET] = set + 1;
      at[row + TOLD_GROUP] = group;
      if (set !== NONE) {
        sets.hold(set);
        groups.hold(group);
        came++;
      }
      if (oldSet !== NONE) {
        sets.release(oldSet);
        groups.release(oldGroup);
        came--;
      }
      routes[changed++] = route;
    }
    if (changed === 0) return;
    this.told += came;
    this.changed = true;
    table.changes.touchAll(routes, changed);
    for (let i = 0; i < changed; i++) this.feeds.tell(routes[i]!);
    if (!table.changes.hasReaders) for (let i = 0; i < changed; i++) table.freeIfUnused(routes[i]!);
  }

  private tell(route: number): void {
    const { table } = this;
    const { sets, groups, routes } = table;
    const walked = table.needsWalk(route);
    if (walked) table.bestPaths.walk(route);
    const pathsChanged = table.unmark(route);

    const best = table.routes.bestOf(route);
    const set = best === NONE ? NONE : table.paths.usedOf(best);
    const source = best === NONE ? NONE : table.paths.sourceOf(best);
    const oldSet = routes.toldSetOf(route);
    const oldGroup = routes.toldGroupOf(route);
    const group = table.bestPaths.nextHopsOf(route, walked, oldGroup);
    const same = set === oldSet && group === oldGroup && (set === NONE || source === routes.toldSourceOf(route));
    // A best path that is another one may change which paths a limited reader of all paths is sent.
    if (pathsChanged || !same) table.pathChanges.touch(route);
    if (table.tracker.watching && (pathsChanged || !same)) {
      table.tracker.routeChanged(table.addressOf(route), table.index.lengthOf(route));
    }
    if (!same) {
      if (set !== NONE) sets.hold(set);
      groups.hold(group);
      routes.tell(route, set, source, group);
      this.told += (set === NONE ? 0 : 1) - (oldSet === NONE ? 0 : 1);
      this.changed = true;
      table.changes.touch(route);
      this.feeds.tell(route);
      if (oldSet !== NONE) sets.release(oldSet);
      groups.release(oldGroup);
    }
    table.freeIfUnused(route);
  }
}
