/** The Loc-RIB: the best path of every prefix, decided in slices and told to feeds as changes. Pure: later turns of the event
 *  loop come from the scheduler passed in. RFC 4271 3.2, 9.1. The tables are route-table.ts, the steps decision.ts, what
 *  peers say comes in by adj-rib-in.ts and goes out by adj-rib-out.ts. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import type { Clock } from '../base/ports.ts';
import type { Ipv4Attributes, PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import type { UpdateFrame } from '../bgp-js/update/update-frame.ts';
import { AdjRibIn, type Received } from './adj-rib-in.ts';
import type { Cursor } from './change-list.ts';
import { bestOfEqualRank, type Candidate } from './decision.ts';
import type { BestPath, FeedNextHop, PathSource, RouteFeed } from './feed.ts';
import { matchesOf, pathsOfSource, routesOf, routeView } from './lookup.ts';
import type { NextHopResolver } from './next-hops.ts';
import { RouteTable } from './route-table.ts';
import type { Source, SourceSpec } from './source.ts';
import type { PrefixPath, RibCounts, RouteView, SourceCounts } from './views.ts';

/** How many paths that tie with the best through the interior cost are used beside it. 1: none. */
export interface MaxPaths {
  readonly ebgp: number;
  readonly ibgp: number;
}

/** What the session agreed on, as far as bytes are read by it. */
export interface ReceiveOptions {
  readonly fourOctetAs: boolean;
  /** Of this family, towards us. RFC 7911 */
  readonly addPath: boolean;
}

export interface LocRibConfig {
  readonly family: 'ipv4' | 'ipv6';
  /** Runs `run` once, in a later turn of the event loop: setImmediate in the daemon, a queue in tests. */
  readonly schedule: (run: () => void) => void;
  readonly clock: Clock;
  readonly bgpIdentifier: number;
  /** True for an address of this node: a next hop that is ours is never used. RFC 4271 5.1.3. See reevaluate(). */
  readonly isOurAddress: (address: IpAddress) => boolean;
  /** Absent: every next hop is reachable at cost 0. */
  readonly nextHops?: NextHopResolver;
  /** Default 1 and 1. */
  readonly maxPaths?: MaxPaths;
  /** Among eBGP paths that tie through the interior cost the one that is there longest wins: the order of arrival then
   *  matters, which it never does otherwise. Default off. */
  readonly preferOlder?: boolean;
  /** Of a reflector: default the BGP identifier. RFC 4456 7 */
  readonly clusterId?: number;
  /** Routes decided per turn; default 4096, a few milliseconds. */
  readonly sliceRoutes?: number;
}

/** The kernel hears of a change before watchers do, and both before peers: a packet must not come before its route. */
export type Subscriber = 'kernel' | 'watcher';

/** What Adj-RIB-Out reads: where it stands in the changes, and the tables. */
export interface OutPort {
  readonly cursor: Cursor;
  readonly table: RouteTable;
  /** Forgets what every reader has read. */
  trim(): void;
  close(): void;
}

const NONE = -1;
const OURS: Ipv4Attributes = { origin: 'igp', asPath: [], nextHop: ipv4(0) };

/** The one object that onBest is called with. */
class BestNow implements BestPath {
  address: IpAddress = ipv4(0);
  length = 0;
  attributes: PathAttributes = OURS;
  nextHops: readonly FeedNextHop[] = [];
  source: PathSource;
  stale = false;
  constructor(source: PathSource) {
    this.source = source;
  }
}

interface TableCandidate extends Candidate {
  path: number;
  attributes: PathAttributes;
  source: Source;
}

export class LocRib {
  private readonly config: LocRibConfig;
  private readonly table: RouteTable;
  private readonly adjRibIn: AdjRibIn;
  private readonly best: BestNow;
  private readonly feeds: { readonly feed: RouteFeed; readonly as: Subscriber }[] = [];
  private readonly pumps = new Set<() => void>();
  private readonly candidates: TableCandidate[] = [];
  private scheduled = false;
  private deciding = false;
  private told = 0;
  private lastChangeAt: number | undefined;

  constructor(config: LocRibConfig) {
    this.config = config;
    this.table = new RouteTable(config, () => this.wake());
    this.adjRibIn = new AdjRibIn(this.table, () => Math.floor(config.clock.wall() / 1000));
    this.best = new BestNow(this.table.local);
  }

  /** Our own route; it beats every learned one. Again with other attributes replaces them. Next hop 0 means: us. */
  originate(prefix: IpPrefix, attributes: PathAttributes = OURS): void {
    const set = this.table.sets.internValue(attributes as Ipv4Attributes, this.table.contexts.local);
    this.adjRibIn.originate(Number(prefix.address), prefix.length, set);
  }

  withdrawLocal(prefix: IpPrefix): void {
    this.adjRibIn.withdraw(this.table.local, Number(prefix.address), prefix.length);
  }

  addSource(spec: SourceSpec): PathSource {
    return this.table.addSource(spec);
  }

  /** Drops its routes and forgets it. */
  removeSource(source: PathSource): void {
    const row = this.row(source);
    this.adjRibIn.drop(row);
    this.table.retireSource(row);
  }

  /** Its session is up, with this BGP identifier (a tie-break). */
  identify(source: PathSource, bgpIdentifier: number): void {
    const row = this.row(source);
    if (row.bgpIdentifier === bgpIdentifier) return;
    row.bgpIdentifier = bgpIdentifier;
    this.adjRibIn.redecide(row);
  }

  /** Its settings are these from now on: what it announced is judged anew, and its session stays as it is. */
  changeSource(source: PathSource, spec: SourceSpec): void {
    const row = this.row(source);
    row.spec = spec;
    this.adjRibIn.reevaluate();
    this.adjRibIn.redecide(row);
  }

  receive(source: PathSource, update: UpdateFrame, options: ReceiveOptions): Received {
    return this.adjRibIn.receive(this.row(source), update, options.fourOctetAs);
  }

  /** All its paths are stale until announced again; those that were stale already go. Answers how many are stale now. */
  markStale(source: PathSource, already: 'go' | 'stay' = 'go'): number {
    this.adjRibIn.markStale(this.row(source), already);
    return this.row(source).stale;
  }

  /** What is stale stays beyond the restart time: marked LLGR_STALE, it loses to every other path, and says so where it is
   *  passed on. What carries NO_LLGR goes. Answers how many stay; sweepStale() ends it. RFC 9494 4.2 */
  keepLongLived(source: PathSource): number {
    return this.row(source).stale;
  }

  /** Deletes what is still stale; answers how many paths went. */
  sweepStale(source: PathSource): number {
    return this.adjRibIn.sweepStale(this.row(source));
  }

  /** Deletes all its paths; answers how many went. */
  dropSource(source: PathSource): number {
    return this.adjRibIn.drop(this.row(source));
  }

  /** The dump at once, then onEndOfFeed, then changes as they are decided. The answer ends it. */
  subscribe(feed: RouteFeed, as: Subscriber): () => void {
    this.settle();
    const { prefixes, toldSet } = this.table;
    for (let route = 0; route < prefixes.idBound; route++) {
      if (prefixes.has(route) && toldSet.at[route] !== NONE) feed.onBest(this.fillBest(route));
    }
    feed.onEndOfFeed();
    const entry = { feed, as };
    if (as === 'kernel') this.feeds.unshift(entry);
    else this.feeds.push(entry);
    return () => {
      const at = this.feeds.indexOf(entry);
      if (at >= 0) this.feeds.splice(at, 1);
    };
  }

  /** For Adj-RIB-Out: `pump` is called after each slice that the kernel was told of. `allPaths`: a reader of ADD-PATH, for whom
   *  every change of a usable path is one. */
  openOut(pump: () => void, _options: { readonly allPaths?: boolean } = {}): OutPort {
    const cursor = this.table.changes.open();
    this.pumps.add(pump);
    return {
      cursor,
      table: this.table,
      trim: () => this.trim(),
      close: () => {
        this.table.changes.close(cursor);
        this.pumps.delete(pump);
        this.trim();
      },
    };
  }

  /** Decides everything that waits now, instead of in slices. */
  settle(): void {
    if (this.deciding) return;
    while (this.table.waiting > 0) this.slice(this.table.waiting);
  }

  /** This node's addresses changed: next hops are judged anew. */
  reevaluate(): void {
    this.adjRibIn.reevaluate();
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
    return routeView(this.table, this.table.prefixes.find(Number(prefix.address), prefix.length));
  }

  /** All routes in order of prefix, as they are when the iterator comes to them. */
  routes(): IterableIterator<RouteView> {
    return routesOf(this.table);
  }

  /** What a source announced, in order of prefix; `rejected`: only what is rejected, or only what is not. */
  routesOf(source: PathSource, filter: { readonly rejected?: boolean } = {}): IterableIterator<PrefixPath> {
    return pathsOfSource(this.table, this.row(source), filter.rejected);
  }

  get counts(): RibCounts {
    return {
      routes: this.table.prefixes.size,
      best: this.told,
      paths: this.table.paths.size,
      attributes: this.table.sets.size,
      nextHops: 0,
      unreachableNextHops: 0,
      waiting: this.table.waiting,
      ...(this.lastChangeAt !== undefined && { lastChangeAt: this.lastChangeAt }),
    };
  }

  countsOf(source: PathSource): SourceCounts {
    const { received, used, rejected, stale } = this.row(source);
    return { received, used, rejected, stale };
  }

  private row(source: PathSource): Source {
    return source as Source; // the only implementation; addSource gave it out
  }

  private wake(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.config.schedule(() => {
      this.scheduled = false;
      this.slice(this.config.sliceRoutes ?? 4096);
      if (this.table.waiting > 0) this.wake();
    });
  }

  private slice(routes: number): void {
    this.deciding = true;
    for (let n = 0; n < routes; n++) {
      const route = this.table.takeDirty();
      if (route === NONE) break;
      this.decide(route);
    }
    this.deciding = false;
    for (const pump of this.pumps) pump();
  }

  private trim(): void {
    this.table.changes.trim((route) => this.table.freeIfUnused(route));
  }

  private decide(route: number): void {
    const { paths, sets, best, toldSet, toldSource } = this.table;
    let winner = NONE;
    let top = -1;
    let ties = 0;
    for (let path = this.table.first.at[route] as number; path !== NONE; path = paths.next.at[path] as number) {
      const used = paths.used.at[path] as number;
      if (used === NONE) continue;
      const rank = sets.rankOf(used);
      if (rank > top) {
        top = rank;
        winner = path;
        ties = 1;
      } else if (rank === top) {
        ties++;
      }
    }
    if (ties > 1) winner = this.breakTie(route, top);

    const before = best.at[route] as number;
    if (before !== winner) {
      if (before !== NONE) this.table.sourceOf(before).used--;
      if (winner !== NONE) this.table.sourceOf(winner).used++;
      best.at[route] = winner;
    }
    const set = winner === NONE ? NONE : (paths.used.at[winner] as number);
    const source = winner === NONE ? NONE : (paths.source.at[winner] as number);
    const old = toldSet.at[route] as number;
    if (set !== old || (set !== NONE && source !== toldSource.at[route])) {
      if (set !== NONE) sets.hold(set);
      toldSet.at[route] = set;
      toldSource.at[route] = source;
      this.told += (set === NONE ? 0 : 1) - (old === NONE ? 0 : 1);
      this.tell(route);
      if (old !== NONE) sets.release(old);
    }
    this.table.freeIfUnused(route);
  }

  private breakTie(route: number, rank: number): number {
    const { paths, sets } = this.table;
    let count = 0;
    for (let path = this.table.first.at[route] as number; path !== NONE; path = paths.next.at[path] as number) {
      const used = paths.used.at[path] as number;
      if (used === NONE || sets.rankOf(used) !== rank) continue;
      const attributes = sets.attributesOf(used);
      const source = this.table.sourceOf(path);
      const candidate = this.candidates[count];
      if (candidate === undefined) {
        this.candidates.push({ path, attributes, source });
      } else {
        candidate.path = path;
        candidate.attributes = attributes;
        candidate.source = source;
      }
      count++;
    }
    return bestOfEqualRank(this.candidates, count)?.path ?? NONE;
  }

  private tell(route: number): void {
    this.lastChangeAt = this.config.clock.wall();
    this.table.changes.touch(route);
    if (this.feeds.length === 0) return;
    if (this.table.toldSet.at[route] === NONE) {
      const address = ipv4(this.table.prefixes.addressOf(route));
      const length = this.table.prefixes.lengthOf(route);
      for (const { feed } of this.feeds) feed.onWithdraw(address, length);
    } else {
      const best = this.fillBest(route);
      for (const { feed } of this.feeds) feed.onBest(best);
    }
  }

  private fillBest(route: number): BestPath {
    const { prefixes, sets, toldSet, toldSource, sources, best } = this.table;
    this.best.address = ipv4(prefixes.addressOf(route));
    this.best.length = prefixes.lengthOf(route);
    this.best.attributes = sets.attributesOf(toldSet.at[route] as number);
    this.best.nextHops = nextHopsOf(this.best.attributes);
    this.best.source = sources[toldSource.at[route] as number] as Source;
    const path = best.at[route] as number;
    this.best.stale = path !== NONE && this.table.isStale(path);
    return this.best;
  }
}

const NO_NEXT_HOPS: readonly FeedNextHop[] = [];
const made = new WeakMap<PathAttributes, readonly FeedNextHop[]>();

/** For now one, as BGP says it. */
function nextHopsOf(attributes: PathAttributes): readonly FeedNextHop[] {
  const address = attributes.mpNextHop?.address ?? attributes.nextHop;
  if (address === undefined || Number(address) === 0) return NO_NEXT_HOPS;
  const known = made.get(attributes);
  if (known) return known;
  const nextHops = [{ address, gateway: address }];
  made.set(attributes, nextHops);
  return nextHops;
}
