/** Prefixes, their paths, attribute sets and sources: the state that Adj-RIB-In, decision and views share. Pure, hot.
 *  By route: first path, best path, what was last told to the feeds (set, source, next hops), and what it waits for. */
import type { IpAddress } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import { ipv6 } from '../../base/ipv6.ts';
import { Ipv6PrefixTable } from '../../base/ipv6-prefix-table.ts';
import type { PrefixIndex } from '../../base/prefix-index.ts';
import { PrefixTable } from '../../base/prefix-table.ts';
import { IPV4_UNICAST_KEY, IPV6_UNICAST_KEY } from '../../bgp-js/wire/family.ts';
import { NextHopGroups, NO_NEXT_HOPS } from '../choice/multipath.ts';
import { AttributeTable } from '../sets/attribute-table.ts';
import { ImportContexts, type OurSelf } from '../sets/import.ts';
import { ClusterIds } from '../terms/cluster-ids.ts';
import { NextHopTable } from '../terms/next-hops.ts';
import type { TableConfig } from '../terms/rib-config.ts';
import { LOCAL, Source, type SourceSpec } from '../terms/source.ts';
import { BestPaths } from './best-path.ts';
import { ChangeList } from './change-list.ts';
import { Leaving } from './leaving.ts';
import { NextHopTracker } from './next-hop-tracker.ts';
import { PathRounds } from './path-rounds.ts';
import { PathRuns } from './path-runs.ts';
import { PathTable } from './path-table.ts';
import { RouteJudge } from './route-judge.ts';
import { RouteQueue } from './route-queue.ts';
import {
  FIRST,
  MARKS_AT,
  MIXED_MED,
  PATHS,
  PLACE_AT,
  PREFIX_AT,
  QUEUED,
  ROW_BITS,
  RouteRows,
  SOURCE,
  TOLD_SET,
  TOLD_SOURCE,
  WALK,
} from './route-rows.ts';
import type { Tables } from './tables.ts';

const NONE = -1;
/** Routes that the memory is asked for side by side. */
export const AHEAD = 64;

export class RouteTable implements Tables {
  readonly family: 'ipv4' | 'ipv6';
  readonly us: OurSelf;
  readonly clusters: ClusterIds;
  /** The prefixes, of whichever family. */
  readonly index: PrefixIndex;
  readonly routes = new RouteRows();
  /** The same where it is IPv4, else empty; and where it is IPv6. */
  readonly prefixes = new PrefixTable({ rows: { cells: this.routes.cells, rowBits: ROW_BITS, at: PREFIX_AT } });
  readonly prefixes6 = new Ipv6PrefixTable();
  readonly paths = new PathTable();
  readonly nextHops = new NextHopTable();
  readonly sets: AttributeTable;
  readonly contexts: ImportContexts;
  /** Of what was told. */
  readonly changes = new ChangeList(this.routes.cells, ROW_BITS, PLACE_AT);
  /** Of usable paths, told or not: for ADD-PATH. */
  readonly pathChanges = new ChangeList();
  readonly rounds: PathRounds;
  readonly leaving: Leaving;
  readonly judge: RouteJudge = new RouteJudge(this);
  readonly tracker: NextHopTracker;
  readonly groups: NextHopGroups;
  readonly bestPaths: BestPaths;
  readonly runs: PathRuns;
  /** Routes to decide. */
  readonly queue = new RouteQueue();
  /** By source id; ids are given out again. Source 0 is this node. */
  readonly sources: (Source | undefined)[] = [];
  readonly local: Source;
  /** No id below it is free, but for 0. */
  private freeSource = 1;

  /** Sources whose routes may still be told somewhere. */
  private readonly retired: Source[] = [];
  private readonly onWork: () => void;
  private readonly ahead = new Int32Array(AHEAD);
  /** What was asked for ahead goes in here, or nobody would have to ask. */
  near = 0;

  constructor(config: TableConfig, onWork: () => void) {
    this.family = config.family;
    this.clusters = new ClusterIds(config.bgpIdentifier, config.clusterId);
    this.us = { ...config, clusters: this.clusters };
    this.onWork = onWork;
    this.rounds = new PathRounds(this, onWork);
    this.index = config.family === 'ipv4' ? this.prefixes : this.prefixes6;
    this.contexts = new ImportContexts(this.us, config.family === 'ipv4' ? IPV4_UNICAST_KEY : IPV6_UNICAST_KEY);
    this.sets = new AttributeTable(this.us, this.nextHops, this.contexts);
    this.tracker = new NextHopTracker(this.nextHops, config.nextHops, this.covering(), config.family, onWork);
    this.groups = new NextHopGroups(this.nextHops, (id) => this.tracker.wayOf(id));
    this.bestPaths = new BestPaths(this, {
      maxPaths: config.maxPaths ?? { ebgp: 1, ibgp: 1 },
      preferOlder: config.preferOlder === true,
    });
    this.runs = new PathRuns(this, this.bestPaths, this.queue, onWork);
    this.leaving = new Leaving(this, this.bestPaths, this.runs);
    this.local = new Source(0, LOCAL);
    this.sources.push(this.local);
  }

  addressOf(route: number): IpAddress {
    const address = this.index.addressOf(route);
    return typeof address === 'bigint' ? ipv6(address) : ipv4(address);
  }

  /** The route, or -1: also for a prefix of the other family. */
  find(address: IpAddress, length: number): number {
    return (typeof address === 'bigint') === (this.family === 'ipv6') ? this.index.find(address, length) : NONE;
  }

  addSource(spec: SourceSpec): Source {
    let id = this.freeSource;
    while (this.sources[id] !== undefined) id++;
    this.freeSource = id + 1;
    const source = new Source(id, spec);
    this.sources[id] = source;
    return source;
  }

  /** Its paths are on their way out. The id is free again only when they are gone and no route is told as from it. */
  retireSource(source: Source): void {
    this.retired.push(source);
    this.freeRetired();
  }

  private freeRetired(): void {
    if (this.retired.length === 0 || this.queue.waiting > 0 || this.rounds.busy) return;
    for (const source of this.retired.splice(0)) {
      this.sources[source.id] = undefined;
      this.freeSource = Math.min(this.freeSource, source.id);
    }
  }

  sourceOf(path: number): Source {
    return this.sources[this.paths.sourceOf(path)] as Source;
  }

  isStale(path: number): boolean {
    const { epoch, deadEpoch } = this.sourceOf(path);
    const of = this.paths.epochOf(path);
    return of !== epoch && of > deadEpoch;
  }

  /** Its source has dropped it, and a round is on the way to remove it. */
  isDead(path: number): boolean {
    return this.paths.epochOf(path) <= this.sourceOf(path).deadEpoch;
  }

  /** The source has just announced the path: it is neither stale nor dead. */
  freshen(path: number, source: Source): void {
    const of = this.paths.epochOf(path);
    if (of === source.epoch) return;
    if (of > source.deadEpoch) source.stale--;
    else source.received++;
    this.paths.setEpoch(path, source.epoch);
  }

  /** The route of a prefix of this family, made if it is not there. */
  routeOf(address: IpAddress, length: number): number {
    const route = this.index.insert(address, length);
    this.routes.reach(route);
    return route;
  }

  /** Something is left to be done in a later turn. */
  get busy(): boolean {
    return this.queue.waiting > 0 || this.rounds.busy || this.tracker.busy;
  }

  /** Somebody wants to know of every usable path, best or not. */
  get watchesPaths(): boolean {
    return this.pathChanges.hasReaders || this.tracker.watching;
  }

  /** The best path is known, and may differ from what was told. */
  markChanged(route: number): void {
    this.mark(route, QUEUED);
  }

  /** The best path is not known: all paths are to be looked at. */
  markDirty(route: number): void {
    // With a limit of paths to send, their order counts too.
    this.mark(route, this.watchesPaths ? QUEUED | WALK | PATHS : QUEUED | WALK);
  }

  markPaths(route: number): void {
    this.mark(route, QUEUED | PATHS);
  }

  needsWalk(route: number): boolean {
    return (this.routes.marksOf(route) & WALK) !== 0;
  }

  private mark(route: number, flags: number): void {
    const state = this.routes.marksOf(route);
    this.routes.setMarks(route, state | flags);
    if ((state & QUEUED) !== 0) return;
    this.queue.push(route);
    this.onWork();
  }

  /** Asks the memory for the rows of routes [from, to) of a list; see nlri-run.ts. */
  prefetch(list: Int32Array, from: number, to: number): void {
    let near = 0;
    for (let i = from; i < to; i++) near ^= this.routes.marksOf(list[i]!);
    this.near ^= near;
  }

  /** The next routes to decide, `most` and AHEAD at most; answers how many. Their marks stay until unmark(). */
  takeDirty(into: Int32Array, most: number): number {
    const count = this.queue.take(into, Math.min(most, AHEAD));
    if (count === 0) this.freeRetired();
    else this.prefetch(into, 0, count);
    return count;
  }

  /** It is decided; answers whether usable paths of it had changed. */
  unmark(route: number): boolean {
    const state = this.routes.marksOf(route);
    this.routes.setMarks(route, state & MIXED_MED);
    return (state & PATHS) !== 0;
  }

  /** Forgets a route that nothing refers to any more: no path, nothing told, not waiting, in nobody's change list. */
  freeIfUnused(route: number): void {
    if (this.routes.firstOf(route) !== NONE || this.routes.toldSetOf(route) !== NONE) return;
    if ((this.routes.marksOf(route) & QUEUED) !== 0) return;
    if (this.changes.holds(route) || this.pathChanges.holds(route)) return;
    this.routes.setMarks(route, 0);
    this.index.deleteId(route);
  }

  /** Lets go of changes that everyone has read, and of routes that were only there for them. */
  dropRead(changes: ChangeList): void {
    const { ahead } = this;
    for (let dropped = AHEAD; dropped === AHEAD; ) {
      dropped = changes.dropSome(ahead, AHEAD);
      this.freeUnused(dropped);
    }
  }

  /** freeIfUnused() for the first of `ahead`. */
  private freeUnused(count: number): void {
    const { ahead, routes, pathChanges } = this;
    const { at } = routes.cells;
    let unused = 0;
    for (let i = 0; i < count; i++) {
      const route = ahead[i]!;
      const row = route << ROW_BITS;
      if (at[row + FIRST] !== 0 || at[row + TOLD_SET] !== 0) continue;
      if ((at[row + TOLD_SOURCE]! >>> MARKS_AT) & QUEUED || at[row + PLACE_AT] !== 0) continue;
      if (pathChanges.holds(route)) continue;
      at[row + TOLD_SOURCE] = at[row + TOLD_SOURCE]! & SOURCE;
      ahead[unused++] = route;
    }
    for (let i = 0; i < unused; i++) this.index.deleteId(ahead[i]!);
  }

  /** The path is used with this set from now on, -1: not at all. References to sets are the caller's: the old one is still
   *  there. */
  use(path: number, used: number): void {
    const old = this.paths.usedOf(path);
    this.paths.setUsed(path, used);
    this.bestPaths.changed(this.paths.routeOf(path), path, old, used);
  }

  /** Removes a path and its references. */
  removePath(path: number): void {
    const { paths } = this;
    const route = paths.routeOf(path);
    const source = this.sourceOf(path);
    const used = paths.usedOf(path);
    const received = paths.receivedOf(path);
    if (!this.isDead(path)) {
      source.received--;
      if (this.isStale(path)) source.stale--;
    }
    if (used === NONE) source.rejected--;
    else {
      // Not use(): the received set would become another than the used one, and get a place of its own, for a moment.
      paths.clearSets(path);
      this.bestPaths.changed(route, path, used, NONE);
      this.sets.release(used);
    }
    this.sets.release(received);
    this.routes.setFirst(route, paths.remove(path, this.routes.firstOf(route)));
    this.freeIfUnused(route);
  }

  /** What the tracker asks of this table. */
  private covering(): ConstructorParameters<typeof NextHopTracker>[2] {
    const bits = this.family === 'ipv4' ? 32 : 128;
    return {
      longestMatch: (address, atMost) =>
        (typeof address === 'bigint') === (bits === 128)
          ? this.index.longestMatch(address, Math.min(atMost, bits))
          : NONE,
      prefixOf: (route) => ({ address: this.addressOf(route), length: this.index.lengthOf(route) }),
      someNextHop: (route, visit) => {
        const { paths } = this;
        for (let path = this.routes.firstOf(route); path !== NONE; path = paths.nextOf(path)) {
          const used = paths.usedOf(path);
          if (used !== NONE && paths.sourceOf(path) !== 0 && visit(this.sets.nextHopOf(used))) return true;
        }
        return false;
      },
      toldNextHop: (route) => {
        if (this.routes.toldSetOf(route) === NONE) return undefined;
        const group = this.routes.toldGroupOf(route);
        return group === NO_NEXT_HOPS ? NONE : this.groups.firstOf(group);
      },
    };
  }
}
