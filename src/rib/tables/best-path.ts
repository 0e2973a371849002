/** The best path of each route, kept right on the tables' numbers: no object per path. Pure, hot. RFC 4271 9.1.2.2.
 *
 *  The steps are those of decision.ts, in its order; a property test holds the two together. A path that comes is compared with
 *  the best one only. All paths of a route are walked when the best one worsens or goes, when paths of the best rank differ in
 *  MED (then their groups decide, not a pair), and with several paths per route (ECMP), when one of the best rank changes.
 *
 *  Between changes: where a route is not marked for a walk, its best path is right, and -1 says that no path is usable. */
import { compareIp } from '../../base/ip.ts';
import type { DecisionSettings } from '../choice/decision.ts';
import { NO_NEXT_HOPS } from '../choice/multipath.ts';
import { LOCAL_RANK } from '../choice/rank.ts';
import { UNKNOWN } from '../terms/next-hops.ts';
import type { MaxPaths } from '../terms/rib-config.ts';
import type { Source } from '../terms/source.ts';
import { MIXED_MED } from './route-rows.ts';
import type { Tables } from './tables.ts';
import { UNLIKE, WalkMemo } from './walk-memo.ts';

export interface BestPathSettings extends DecisionSettings {
  readonly maxPaths: MaxPaths;
}

const NONE = -1;

export class BestPaths {
  private readonly table: Tables;
  readonly settings: BestPathSettings;
  /** Several paths of a route may be used together. */
  readonly multipath: boolean;
  private readonly memo: WalkMemo;
  /** Costs or identifiers have changed under paths that are not marked yet: nothing is compared, all is walked. */
  unsettled = 0;
  /** Walks of all paths of a route since the start. */
  walks = 0;
  /** Paths of the best rank, of the walk at hand. */
  private readonly tied: number[] = [];
  private readonly wayOut: number[] = [];
  private readonly hops: number[] = [];
  private readonly leastMed = new Map<number, number>();
  private topPath = NONE;
  private topSet = NONE;
  private topIsEbgp = false;
  private topCost = 0;
  private topIdentifier = 0;
  /** Next hops of the last walk's best paths, in `groups`; only with ECMP. */
  private group = NO_NEXT_HOPS;

  constructor(table: Tables, settings: BestPathSettings) {
    this.table = table;
    this.settings = settings;
    this.memo = new WalkMemo(table.paths);
    this.multipath = settings.maxPaths.ebgp > 1 || settings.maxPaths.ibgp > 1;
  }

  /** The path was used with the set `old` and is with `used`; -1 each: not at all. */
  changed(route: number, path: number, old: number, used: number): void {
    const { table } = this;
    this.memo.forget();
    if (table.watchesPaths) table.markPaths(route);
    const best = table.routes.bestOf(route);
    if (this.unsettled > 0 || table.needsWalk(route)) {
      if (best === path && used === NONE) this.setBest(route, NONE);
      table.markDirty(route);
    } else if (best === path) this.bestChanged(route, path, old, used);
    else if (best !== NONE) this.otherChanged(route, best, path, old, used);
    else if (used !== NONE && this.isUsable(used)) this.take(route, path);
  }

  /** The best path came with other attributes, or is used no more. */
  private bestChanged(route: number, path: number, old: number, used: number): void {
    const { table } = this;
    if (used !== NONE && old !== NONE && this.isUsable(used) && this.staysBest(route, path, old, used)) {
      table.markChanged(route);
      return;
    }
    if (used === NONE) {
      this.setBest(route, NONE);
      if (table.routes.firstOf(route) === path && table.paths.nextOf(path) === NONE) {
        this.setMixed(route, false);
        table.markChanged(route);
        return;
      }
    }
    table.markDirty(route);
  }

  /** A path that is not the best. */
  private otherChanged(route: number, best: number, path: number, old: number, used: number): void {
    const { table } = this;
    const { sets } = table;
    const bestSet = table.paths.usedOf(best);
    const top = sets.rankOf(bestSet);
    const asGroup = this.multipath || this.isMixed(route);
    if (asGroup && old !== NONE && sets.rankOf(old) === top) {
      table.markDirty(route);
      return;
    }
    if (used === NONE) return;
    const rank = sets.rankOf(used);
    if (rank < top || !this.isUsable(used)) return;
    if (rank > top) this.take(route, path);
    else if (asGroup || sets.medOf(used) !== sets.medOf(bestSet)) table.markDirty(route);
    else if (this.compare(path, used, best, bestSet) < 0) {
      this.setBest(route, path);
      table.markChanged(route);
    }
  }

  /** It is alone at the top. */
  private take(route: number, path: number): void {
    this.setBest(route, path);
    this.setMixed(route, false);
    this.table.markChanged(route);
  }

  /** A path that comes or goes is a matter between it and the best one: nothing is on its way that would have all paths of a route
   *  looked at, and nobody wants to know of the others. */
  get comparesPairs(): boolean {
    return this.unsettled === 0 && !this.table.watchesPaths;
  }

  /** Costs or identifiers are others. */
  reorder(): void {
    this.memo.forget();
  }

  /** After it the best path is right. */
  walk(route: number): void {
    this.walks++;
    const { memo } = this;
    const first = this.table.routes.firstOf(route);
    const known = memo.known(first);
    if (known !== UNLIKE) {
      this.group = memo.group;
      this.setMixed(route, memo.mixed);
      this.setBest(route, known);
      return;
    }
    this.walkAll(route, first);
    // Where age counts, no two routes are alike.
    if (!this.settings.preferOlder) memo.keep(first, this.table.routes.bestOf(route), this.isMixed(route), this.group);
  }

  private walkAll(route: number, first: number): void {
    const { table, tied } = this;
    const { paths, sets } = table;
    let top = -1;
    let count = 0;
    let med = 0;
    let mixed = false;
    let best = NONE;
    for (let path = first; path !== NONE; path = paths.nextOf(path)) {
      const used = paths.usedOf(path);
      if (used === NONE) continue;
      const rank = sets.rankOf(used);
      if (rank < top) continue;
      const cost = rank < LOCAL_RANK ? this.costOf(used) : 0;
      if (cost < 0) continue;
      if (rank > top) {
        top = rank;
        count = 0;
        med = sets.medOf(used);
        mixed = false;
        best = path;
        this.remember(path, used, cost);
      } else {
        mixed ||= sets.medOf(used) !== med;
        if (!mixed && this.isBetter(path, used, cost)) {
          best = path;
          this.remember(path, used, cost);
        }
      }
      tied[count++] = path;
    }
    if (mixed) {
      count = this.keepLeastMed(count);
      best = this.first(count);
    }
    this.setMixed(route, mixed);
    this.setBest(route, best);
    this.group = this.multipath && best !== NONE ? this.groupOf(best, count) : NO_NEXT_HOPS;
  }

  /** What the first steps behind MED compare of the walk's best path so far. */
  private remember(path: number, set: number, cost: number): void {
    const source = this.table.sourceOf(path);
    this.topPath = path;
    this.topSet = set;
    this.topIsEbgp = source.isEbgp;
    this.topCost = cost;
    this.topIdentifier = this.identifierOf(source, set);
  }

  /** compare() with the path of remember(), the first steps by what is known already. */
  private isBetter(path: number, set: number, cost: number): boolean {
    const source = this.table.sourceOf(path);
    if (source.isEbgp !== this.topIsEbgp) return source.isEbgp;
    if (cost !== this.topCost) return cost < this.topCost;
    if (!this.settings.preferOlder) {
      const identifier = this.identifierOf(source, set);
      if (identifier !== this.topIdentifier) return identifier < this.topIdentifier;
    }
    return this.compare(path, set, this.topPath, this.topSet) < 0;
  }

  /** The next hops of the route's best path or paths, in `groups`, without a reference. `walked`: right after walk(). `told` is
   *  what stays where nothing that matters here has changed. */
  nextHopsOf(route: number, walked: boolean, told: number): number {
    const best = this.table.routes.bestOf(route);
    if (best === NONE || this.table.paths.sourceOf(best) === 0) return NO_NEXT_HOPS;
    if (this.multipath) {
      if (walked) return this.group;
      const { routes, paths } = this.table;
      if (routes.toldSetOf(route) === paths.usedOf(best) && routes.toldSourceOf(route) === paths.sourceOf(best))
        return told;
    }
    return this.table.groups.single(this.table.sets.nextHopOf(this.table.paths.usedOf(best)));
  }

  /** Below 0 when a is better. Both have the same rank and MED does not tell them apart. Zero only for one path. */
  private compare(a: number, setA: number, b: number, setB: number): number {
    const { table } = this;
    const from = table.sourceOf(a);
    const other = table.sourceOf(b);
    const cost = this.compareToCost(from, setA, other, setB);
    if (cost !== 0) return cost;
    if (this.settings.preferOlder && from.kind === 'ebgp') {
      const age = table.paths.sinceOf(a) - table.paths.sinceOf(b);
      if (age !== 0) return age;
    }
    const { sets } = table;
    const identifier = this.identifierOf(from, setA) - this.identifierOf(other, setB);
    if (identifier !== 0) return identifier;
    return (
      sets.clusterLengthOf(setA) - sets.clusterLengthOf(setB) ||
      compareIp(from.address, other.address) ||
      table.paths.pathIdOf(a) - table.paths.pathIdOf(b) ||
      from.id - other.id
    );
  }

  /** The steps behind MED that paths used together must tie in: d and e. */
  private compareToCost(from: Source, setA: number, other: Source, setB: number): number {
    if (from.isEbgp !== other.isEbgp) return from.isEbgp ? -1 : 1;
    return this.costOf(setA) - this.costOf(setB);
  }

  private identifierOf(source: Source, set: number): number {
    const originator = this.table.sets.originatorIdOf(set);
    return originator === NONE ? source.bgpIdentifier : originator;
  }

  /** Of a set that is usable. */
  private costOf(set: number): number {
    const id = this.table.sets.nextHopOf(set);
    const cost = this.table.nextHops.cost.at[id] as number;
    return cost === UNKNOWN ? this.table.tracker.resolve(id) : cost;
  }

  /** Its next hop leads somewhere, or it is our own. */
  isUsable(set: number): boolean {
    return this.table.sets.rankOf(set) >= LOCAL_RANK || this.costOf(set) >= 0;
  }

  /** The best path came again with other attributes. */
  private staysBest(route: number, path: number, old: number, used: number): boolean {
    const { sets } = this.table;
    const rank = sets.rankOf(used) - sets.rankOf(old);
    if (rank > 0) this.setMixed(route, false);
    if (rank !== 0) return rank > 0;
    // With preferOlder it is younger now than the others.
    if (this.multipath || this.isMixed(route) || this.settings.preferOlder) return false;
    return sets.medOf(used) === sets.medOf(old) && this.isUsable(old) && this.compare(path, used, path, old) <= 0;
  }

  /** Of the first `count` tied paths those stay whose MED is the least among the paths from their neighbouring AS. */
  private keepLeastMed(count: number): number {
    const { tied, leastMed } = this;
    const { paths, sets } = this.table;
    leastMed.clear();
    for (let i = 0; i < count; i++) {
      const set = paths.usedOf(tied[i] as number);
      const as = sets.neighbourAsOf(set);
      const med = sets.medOf(set);
      const least = leastMed.get(as);
      if (least === undefined || med < least) leastMed.set(as, med);
    }
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const path = tied[i] as number;
      const set = paths.usedOf(path);
      if (sets.medOf(set) === leastMed.get(sets.neighbourAsOf(set))) tied[kept++] = path;
    }
    return kept;
  }

  /** The best of the first `count` tied paths, in the steps behind MED. */
  private first(count: number): number {
    const { paths } = this.table;
    let best = this.tied[0] as number;
    for (let i = 1; i < count; i++) {
      const path = this.tied[i] as number;
      if (this.compare(path, paths.usedOf(path), best, paths.usedOf(best)) < 0) best = path;
    }
    return best;
  }

  /** The next hops of those of the first `count` tied paths that may be used beside the best. */
  private groupOf(best: number, count: number): number {
    const { tied, wayOut, table } = this;
    const { paths } = table;
    wayOut.length = 0;
    wayOut.push(best);
    const source = table.sourceOf(best);
    if (source.kind === 'local') return NO_NEXT_HOPS;
    const most = source.isEbgp ? this.settings.maxPaths.ebgp : this.settings.maxPaths.ibgp;
    if (most > 1) {
      const bestSet = paths.usedOf(best);
      for (let i = 0; i < count; i++) {
        const path = tied[i] as number;
        const set = paths.usedOf(path);
        if (path !== best && this.compareToCost(table.sourceOf(path), set, source, bestSet) === 0)
          this.insert(path, most);
      }
    }
    const { hops } = this;
    hops.length = 0;
    for (const path of wayOut) hops.push(table.sets.nextHopOf(paths.usedOf(path)));
    return table.groups.group(hops);
  }

  /** Into wayOut, in order, which keeps the first `most`. */
  private insert(path: number, most: number): void {
    const { wayOut } = this;
    const { paths } = this.table;
    const set = paths.usedOf(path);
    let at = wayOut.length;
    for (; at > 0; at--) {
      const other = wayOut[at - 1] as number;
      if (this.compare(path, set, other, paths.usedOf(other)) > 0) break;
      if (at < most) wayOut[at] = other;
    }
    if (at < most) wayOut[at] = path;
  }

  private setBest(route: number, path: number): void {
    const { routes } = this.table;
    const before = routes.bestOf(route);
    if (before === path) return;
    if (before !== NONE) this.table.sourceOf(before).used--;
    if (path !== NONE) this.table.sourceOf(path).used++;
    routes.setBest(route, path);
  }

  private isMixed(route: number): boolean {
    return (this.table.routes.marksOf(route) & MIXED_MED) !== 0;
  }

  private setMixed(route: number, mixed: boolean): void {
    const { routes } = this.table;
    const marks = routes.marksOf(route);
    if (mixed !== ((marks & MIXED_MED) !== 0)) routes.setMarks(route, marks ^ MIXED_MED);
  }
}
