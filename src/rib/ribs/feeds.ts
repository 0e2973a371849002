/** Who is told of best paths: the kernel before watchers. Pure. A subscriber's dump goes through the routes by id, and while it is
 *  on its way it hears changes only of what it was told already. */
import type { IpAddress } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import type { RouteTable } from '../tables/route-table.ts';
import type { BestPath, FeedNextHop, PathSource, RouteFeed } from '../terms/feed.ts';
import type { Source } from '../terms/source.ts';

/** The kernel hears of a change before watchers do, and both before peers: a packet must not come before its route. */
export type Subscriber = 'kernel' | 'watcher';

interface Entry {
  readonly feed: RouteFeed;
  /** Routes with a lower id were dumped. */
  at: number;
}

const NONE = -1;
const DUMPED = Number.POSITIVE_INFINITY;

/** The one object that onBest is called with. Attributes are read only when somebody asks: the kernel does not. */
class BestNow implements BestPath {
  address: IpAddress = ipv4(0);
  length = 0;
  set = NONE;
  nextHops: readonly FeedNextHop[] = [];
  source: PathSource;
  stale = false;
  private readonly table: RouteTable;

  constructor(table: RouteTable) {
    this.table = table;
    this.source = table.local;
  }
  get attributes(): PathAttributes {
    return this.table.sets.attributesOf(this.set);
  }
}

export class Feeds {
  private readonly table: RouteTable;
  private readonly best: BestNow;
  private readonly entries: Entry[] = [];
  private toldSome = false;

  constructor(table: RouteTable) {
    this.table = table;
    this.best = new BestNow(table);
  }

  /** Its dump is done by dump(). The answer ends it. */
  add(feed: RouteFeed, as: Subscriber): () => void {
    const entry: Entry = { feed, at: 0 };
    if (as === 'kernel') this.entries.unshift(entry);
    else this.entries.push(entry);
    return () => {
      const at = this.entries.indexOf(entry);
      if (at >= 0) this.entries.splice(at, 1);
    };
  }

  get dumping(): boolean {
    return this.entries.some(({ at }) => at !== DUMPED);
  }

  /** The next `count` routes for everyone whose dump is not done. */
  dump(count: number): void {
    const { index, routes } = this.table;
    for (const entry of [...this.entries]) {
      if (entry.at === DUMPED) continue;
      this.toldSome = true;
      const end = Math.min(entry.at + count, index.idBound);
      for (; entry.at < end; entry.at++) {
        if (index.has(entry.at) && routes.toldSetOf(entry.at) !== NONE) entry.feed.onBest(this.fill(entry.at));
      }
      if (end < index.idBound) continue;
      entry.at = DUMPED;
      entry.feed.onEndOfFeed();
    }
  }

  /** A route is told otherwise than before. */
  tell(route: number): void {
    if (this.entries.length === 0) return;
    this.toldSome = true;
    if (this.table.routes.toldSetOf(route) === NONE) {
      const address = this.table.addressOf(route);
      const length = this.table.index.lengthOf(route);
      for (const { feed, at } of this.entries) if (route < at) feed.onWithdraw(address, length);
    } else {
      const best = this.fill(route);
      for (const { feed, at } of this.entries) if (route < at) feed.onBest(best);
    }
  }

  /** What was told in this turn is all for now. */
  endSlice(): void {
    if (!this.toldSome) return;
    this.toldSome = false;
    for (const { feed } of this.entries) feed.onSlice?.();
  }

  private fill(route: number): BestPath {
    const { index, routes, sources, groups } = this.table;
    const { best } = this;
    best.address = this.table.addressOf(route);
    best.length = index.lengthOf(route);
    best.set = routes.toldSetOf(route);
    best.nextHops = groups.of(routes.toldGroupOf(route));
    best.source = sources[routes.toldSourceOf(route)] as Source;
    const path = this.table.routes.bestOf(route);
    best.stale = path !== NONE && this.table.isStale(path);
    return best;
  }
}
