/** The Loc-RIB of one family: the best path of every prefix, decided in slices and told to feeds as changes. Pure: later turns of
 *  the event loop come from the scheduler passed in. RFC 4271 3.2, 9.1. The tables are route-table.ts, the steps decision.ts,
 *  what peers say comes in by adj-rib-in.ts and goes out by adj-rib-out.ts. */
import type { IpAddress, IpPrefix } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import type { Clock } from '../../base/ports.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import type { UpdateFrame } from '../../bgp-js/update/update-frame.ts';
import { RouteTable } from '../tables/route-table.ts';
import type { PathSource, RouteFeed } from '../terms/feed.ts';
import type { ReceiveOptions, TableConfig } from '../terms/rib-config.ts';
import type { Source, SourceSpec } from '../terms/source.ts';
import type { PrefixPath, RibCounts, RouteView, SourceCounts } from '../terms/views.ts';
import { AdjRibIn, type Received } from './adj-rib-in.ts';
import { Feeds, type Subscriber } from './feeds.ts';
import { longestUsed, matchesOf, type PageQuery, pages, pathsOfSource, routesOf, routeView } from './lookup.ts';
import type { OutPort } from './out-port.ts';
import { Telling } from './telling.ts';

export type { MaxPaths, ReceiveOptions } from '../terms/rib-config.ts';
export type { Subscriber } from './feeds.ts';

export interface LocRibConfig extends TableConfig {
  /** Runs `run` once, in a later turn of the event loop: setImmediate in the daemon, a queue in tests. */
  readonly schedule: (run: () => void) => void;
  /** Runs `run` once, still in this turn, when whoever calls now is done: queueMicrotask in the daemon. Absent: everything
   *  waits for a later turn. */
  readonly atOnce?: (run: () => void) => void;
  readonly clock: Clock;
  /** Routes decided per turn at most; default 4096. */
  readonly sliceRoutes?: number;
  /** A turn ends when it has taken so long; default 2. */
  readonly sliceMs?: number;
}

const NONE = -1;
const FOREVER = Number.POSITIVE_INFINITY;
const OURS: PathAttributes = { origin: 'igp', asPath: [], nextHop: ipv4(0) };
/** Routes, or places of a round over the paths, between two looks at the clock. */
const ROUTES_PER_LOOK = 128;
const PATHS_PER_LOOK = 2048;
/** So few are decided before anything else is read: a single route is not to wait for a turn of the event loop. */
const ROUTES_AT_ONCE = 32;
const QUIET_MS = 1;

export class LocRib {
  private readonly config: LocRibConfig;
  private readonly table: RouteTable;
  private readonly adjRibIn: AdjRibIn;
  private readonly feeds: Feeds;
  private readonly telling: Telling;
  private readonly pumps = new Set<() => void>();
  private scheduled = false;
  private deciding = false;
  private asking = false;
  private lastChangeAt: number | undefined;
  private lastSliceAt = Number.NEGATIVE_INFINITY;

  constructor(config: LocRibConfig) {
    this.config = config;
    this.table = new RouteTable(config, () => this.wake());
    this.adjRibIn = new AdjRibIn(this.table, () => Math.floor(config.clock.wall() / 1000));
    this.feeds = new Feeds(this.table);
    this.telling = new Telling(this.table, this.feeds);
  }

  get family(): 'ipv4' | 'ipv6' {
    return this.config.family;
  }

  /** Our own route; it beats every learned one. Again with other attributes replaces them. Next hop 0 means: us. */
  originate(prefix: IpPrefix, attributes: PathAttributes = OURS): void {
    const set = this.table.sets.internValue(attributes, this.table.contexts.local);
    this.adjRibIn.originate(prefix.address, prefix.length, set);
  }

  withdrawLocal(prefix: IpPrefix): void {
    this.adjRibIn.withdraw(this.table.local, prefix.address, prefix.length);
  }

  addSource(spec: SourceSpec): PathSource {
    return this.table.addSource(spec);
  }

  /** Drops its routes and forgets it. */
  removeSource(source: PathSource): void {
    const row = this.row(source);
    this.table.leaving.drop(row);
    this.table.retireSource(row);
  }

  /** Its session is up, with this BGP identifier (a tie-break). */
  identify(source: PathSource, bgpIdentifier: number): void {
    const row = this.row(source);
    if (row.bgpIdentifier === bgpIdentifier) return;
    row.bgpIdentifier = bgpIdentifier;
    if (row.received > 0) this.decideAgain((path) => this.retell(path), row.id);
  }

  /** Nothing of the path itself has changed, but a peer that it is reflected to hears of its ORIGINATOR_ID. RFC 4456 8 */
  private retell(path: number): true {
    const { table } = this;
    const route = table.paths.routeOf(path);
    if (table.routes.toldSourceOf(route) === table.paths.sourceOf(path)) table.changes.touch(route);
    table.pathChanges.touch(route);
    return true;
  }

  /** Its settings are these from now on: what it announced is judged anew, and its session stays as it is. */
  changeSource(source: PathSource, spec: SourceSpec): void {
    const row = this.row(source);
    row.spec = spec;
    this.adjRibIn.changeSource(row);
  }

  receive(source: PathSource, update: UpdateFrame, options: ReceiveOptions): Received {
    return this.adjRibIn.receive(this.row(source), update, options);
  }

  /** All its paths are stale until announced again; those that were stale already go. Answers how many are stale now. */
  markStale(source: PathSource, already: 'go' | 'stay' = 'go'): number {
    return this.table.leaving.markStale(this.row(source), already);
  }

  /** What is stale stays beyond the restart time: marked LLGR_STALE, it loses to every other path, and says so where it is
   *  passed on. What carries NO_LLGR goes. Answers how many were stale; sweepStale() ends it. RFC 9494 4.2 */
  keepLongLived(source: PathSource): number {
    return this.table.leaving.keepLongLived(this.row(source));
  }

  /** Deletes what is still stale; answers how many paths go. */
  sweepStale(source: PathSource): number {
    return this.table.leaving.sweepStale(this.row(source));
  }

  /** Deletes all its paths; answers how many go. */
  dropSource(source: PathSource): number {
    return this.table.leaving.drop(this.row(source));
  }

  /** The dump at once, then onEndOfFeed, then changes as they are decided. `inSlices`: a dump of a large table comes in later
   *  turns, with the changes of what was told already. The answer ends it. */
  subscribe(feed: RouteFeed, as: Subscriber, options: { readonly inSlices?: boolean } = {}): () => void {
    if (options.inSlices !== true) this.settle();
    const end = this.feeds.add(feed, as);
    if (options.inSlices === true) this.wake();
    else while (this.feeds.dumping) this.feeds.dump(this.table.index.idBound);
    return end;
  }

  /** `listener` is called after each slice that the kernel was told of: what goes to peers follows. */
  onSlice(listener: () => void): void {
    this.pumps.add(listener);
  }

  /** A place in the changes, for Adj-RIB-Out. `allPaths`: a reader of ADD-PATH, for whom every change of a usable path is one. */
  openOut(options: { readonly allPaths?: boolean } = {}): OutPort {
    const changes = options.allPaths === true ? this.table.pathChanges : this.table.changes;
    const cursor = changes.open();
    return {
      cursor,
      table: this.table,
      changes,
      schedule: this.config.schedule,
      clock: this.config.clock,
      trim: () => this.trim(),
      close: () => {
        changes.close(cursor);
        this.trim();
      },
    };
  }

  /** Decides everything that waits now, instead of in slices. */
  settle(): void {
    if (this.deciding) return;
    while (this.table.busy) this.slice(FOREVER, FOREVER);
  }

  /** This node's addresses changed, or `address` alone came or went: next hops are judged anew. */
  reevaluate(address?: IpAddress): void {
    this.adjRibIn.reevaluate(address);
  }

  /** Cluster identifiers that single sessions reflect with, beside the configured one: what has passed there is a loop. */
  setClusterIds(ids: Iterable<number>): void {
    if (this.table.clusters.setOthers(ids)) this.adjRibIn.reevaluate();
  }

  /** IPAM says something else of what lies in these prefixes: policies that ask for it judge the routes there anew. */
  reevaluateWithin(within: readonly IpPrefix[]): void {
    this.adjRibIn.reevaluateWithin(within);
  }

  longestMatch(address: IpAddress): RouteView | undefined {
    return matchesOf(this.table, address).next().value ?? undefined;
  }

  /** The longest match, then the less specific ones. */
  matches(address: IpAddress): IterableIterator<RouteView> {
    return matchesOf(this.table, address);
  }

  /** All paths with reasons; undefined for a prefix without any. */
  pathsOf(prefix: IpPrefix): RouteView | undefined {
    return routeView(this.table, this.table.find(prefix.address, prefix.length));
  }

  /** All routes in order of prefix, as they are when the iterator comes to them. */
  routes(): IterableIterator<RouteView> {
    return routesOf(this.table);
  }

  /** The same in pages, each made in a few milliseconds at most; some are empty, for sorting is work too. Whoever has a million to
   *  show takes one page per turn of the event loop. */
  pages(query: PageQuery = {}): IterableIterator<readonly RouteView[]> {
    return pages(this.table, query);
  }

  /** What a source announced, in order of prefix; `rejected`: only what is not usable, or only what is. */
  routesOf(source: PathSource, filter: { readonly rejected?: boolean } = {}): IterableIterator<PrefixPath> {
    return pathsOfSource(this.table, this.row(source), filter.rejected);
  }

  /** The most specific route with a best path that contains the address: what packets follow. */
  route(address: IpAddress): RouteView | undefined {
    return longestUsed(this.table, address);
  }

  get counts(): RibCounts {
    const { table } = this;
    return {
      routes: table.index.size,
      best: this.telling.told,
      paths: table.paths.size,
      attributes: table.sets.size,
      nextHops: table.nextHops.size,
      unreachableNextHops: table.tracker.unreachable,
      nextHopGroups: table.groups.size,
      walks: table.bestPaths.walks,
      waiting: table.queue.waiting,
      ...(this.lastChangeAt !== undefined && { lastChangeAt: this.lastChangeAt }),
    };
  }

  countsOf(source: PathSource): SourceCounts {
    const { received, used, rejected, stale, leftOut } = this.row(source);
    return { received, used, rejected, stale, leftOut };
  }

  private row(source: PathSource): Source {
    return source as Source; // the only implementation; addSource gave it out
  }

  /** Few routes at once, but only after some quiet: nobody starves, and what comes in many reads is sent in few writes. */
  private wake(): void {
    if (this.scheduled) return;
    this.scheduleSlice();
    this.config.atOnce?.(() => {
      const { queue, rounds } = this.table;
      if (queue.waiting === 0 || queue.waiting > ROUTES_AT_ONCE || rounds.busy || this.feeds.dumping) return;
      if (this.config.clock.now() - this.lastSliceAt >= QUIET_MS) this.timedSlice();
    });
  }

  private scheduleSlice(): void {
    this.scheduled = true;
    this.config.schedule(() => {
      if (this.hasWork) this.timedSlice();
      this.scheduled = false;
      if (this.hasWork) this.scheduleSlice();
    });
  }

  private get hasWork(): boolean {
    return this.table.busy || this.feeds.dumping;
  }

  private timedSlice(): void {
    const { sliceRoutes = 4096, sliceMs = 2, clock } = this.config;
    this.slice(sliceRoutes, clock.now() + sliceMs);
    this.lastSliceAt = clock.now();
  }

  /** Decides what waits first, so that one route does not wait for a round over all paths. */
  private slice(routes: number, until: number): void {
    this.deciding = true;
    const { clock } = this.config;
    let left = routes;
    for (;;) {
      const some = Math.min(left, ROUTES_PER_LOOK);
      const n = this.telling.decide(some);
      left -= n;
      if (n < some && !this.otherWork()) break;
      if (left === 0 || (until !== FOREVER && clock.now() >= until)) break;
    }
    if (this.telling.changed) this.lastChangeAt = clock.wall();
    this.telling.changed = false;
    this.deciding = false;
    this.feeds.endSlice();
    for (const pump of this.pumps) pump();
    this.table.sets.dropUnreferenced();
  }

  private trim(): void {
    this.table.dropRead(this.table.changes);
    this.table.dropRead(this.table.pathChanges);
  }

  /** A piece of what is not deciding: next hops, rounds over the paths, dumps. False when nothing is left. */
  private otherWork(): boolean {
    const { table } = this;
    if (table.tracker.busy) this.askNextHops();
    table.rounds.run(PATHS_PER_LOOK);
    if (this.feeds.dumping) this.feeds.dump(ROUTES_PER_LOOK);
    return this.hasWork;
  }

  /** Costs change from the first answer on: until every path of a changed next hop is marked, no two paths are compared. */
  private askNextHops(): void {
    const { tracker, bestPaths, groups, sets, paths } = this.table;
    if (!this.asking) bestPaths.unsettled++;
    this.asking = true;
    bestPaths.reorder();
    const changed = tracker.run();
    if (changed === undefined) return;
    this.asking = false;
    const isChanged = new Uint8Array(this.table.nextHops.idBound);
    for (const id of changed) {
      groups.retire(id);
      isChanged[id] = 1;
    }
    if (changed.size > 0) {
      this.decideAgain((path) => {
        const used = paths.usedOf(path);
        return used !== NONE && isChanged[sets.nextHopOf(used)] === 1;
      });
    }
    bestPaths.unsettled--;
  }

  /** Walks the routes of these paths, whose order may have changed. */
  private decideAgain(isConcerned: (path: number) => boolean, source?: number): void {
    const { bestPaths, paths, rounds } = this.table;
    bestPaths.unsettled++;
    bestPaths.reorder();
    const visit = (path: number): void => {
      if (isConcerned(path)) this.table.markDirty(paths.routeOf(path));
    };
    const done = (): void => {
      bestPaths.unsettled--;
    };
    rounds.begin({ visit, done }, source);
  }
}
