/** Next hops that one route uses together, interned: what a route was told with is one number, and a change of it is a comparison.
 *  Pure. Several next hops of a route are ECMP; most routes have one. A group is a chain of cells, so that it is found without
 *  a key that would have to be made:
 *
 *    [] <- [10.9.0.2] <- [10.9.0.2, 10.9.0.3]        a cell is (cell before, next hop), in order of address and link
 *
 *  A next hop that is resolved otherwise than before gets new cells: routes that use it are then told again. */
import { Int32Column } from '../../base/columns.ts';
import { compareIp } from '../../base/ip.ts';
import type { FeedNextHop } from '../terms/feed.ts';
import type { NextHopTable } from '../terms/next-hops.ts';

const NONE = -1;
/** The group without any: our own routes. */
export const NO_NEXT_HOPS = 0;

export class NextHopGroups {
  private readonly nextHops: NextHopTable;
  private readonly wayOf: (nextHop: number) => FeedNextHop;
  private readonly feeds: (readonly FeedNextHop[])[] = [[]];
  private readonly before = new Int32Column(NONE);
  private readonly last = new Int32Column(NONE);
  private readonly refs = new Int32Column(0);
  private readonly cells = new Map<number, number>();
  /** By next hop: the group of it alone. */
  private readonly alone = new Int32Column(NONE);
  private readonly free: number[] = [];
  private readonly scratch: number[] = [];
  /** The last question that group() was asked, and the answer. */
  private readonly asked: number[] = [];
  private lastGroup = NO_NEXT_HOPS;

  constructor(nextHops: NextHopTable, wayOf: (nextHop: number) => FeedNextHop) {
    this.nextHops = nextHops;
    this.wayOf = wayOf;
  }

  /** Groups in use, the empty one included. */
  get size(): number {
    return this.feeds.length - this.free.length;
  }

  /** For feeds: in order of address and link, each gateway once. */
  of(group: number): readonly FeedNextHop[] {
    return this.feeds[group] as readonly FeedNextHop[];
  }

  /** The next hop of the group that comes first, which is never the empty one. */
  firstOf(group: number): number {
    let cell = group;
    while (this.before.at[cell] !== NO_NEXT_HOPS) cell = this.before.at[cell] as number;
    return this.last.at[cell] as number;
  }

  /** One next hop alone. Without a reference: hold() what is kept. */
  single(nextHop: number): number {
    this.alone.reach(nextHop);
    const known = this.alone.at[nextHop] as number;
    return known === NONE ? this.behind(NO_NEXT_HOPS, nextHop) : known;
  }

  /** These, among which one may be more than once. Without a reference. */
  group(nextHops: readonly number[]): number {
    if (this.isLast(nextHops)) return this.lastGroup;
    const { scratch } = this;
    scratch.length = 0;
    for (const nextHop of nextHops) {
      if (!scratch.includes(nextHop)) scratch.push(nextHop);
    }
    scratch.sort((a, b) => this.order(a, b));
    let group = NO_NEXT_HOPS;
    for (const nextHop of scratch) {
      const { gateway, link } = this.wayOf(nextHop);
      if (!this.of(group).some((n) => n.gateway === gateway && n.link === link)) group = this.behind(group, nextHop);
    }
    this.lastGroup = group;
    this.asked.length = 0;
    this.asked.push(...nextHops);
    return group;
  }

  /** The same question as the last time: routes come in runs. */
  private isLast(nextHops: readonly number[]): boolean {
    const { asked } = this;
    if (asked.length === 0 || asked.length !== nextHops.length) return false;
    for (let i = 0; i < asked.length; i++) if (asked[i] !== nextHops[i]) return false;
    return true;
  }

  hold(group: number): void {
    if (group !== NO_NEXT_HOPS) this.refs.at[group] = (this.refs.at[group] as number) + 1;
  }

  release(group: number): void {
    if (group === NO_NEXT_HOPS) return;
    const left = (this.refs.at[group] as number) - 1;
    this.refs.at[group] = left;
    if (left > 0) return;
    if (group === this.lastGroup) this.asked.length = 0;
    const before = this.before.at[group] as number;
    const nextHop = this.last.at[group] as number;
    this.forget(group, before, nextHop);
    this.feeds[group] = [];
    this.free.push(group);
    this.nextHops.release(nextHop);
    this.release(before);
  }

  /** The next hop leads elsewhere now: groups with it are found no more, and live until nobody is told with them. */
  retire(nextHop: number): void {
    this.asked.length = 0;
    for (const group of [...this.cells.values()]) {
      for (let cell = group; cell !== NO_NEXT_HOPS; cell = this.before.at[cell] as number) {
        if (this.last.at[cell] !== nextHop) continue;
        this.forget(group, this.before.at[group] as number, this.last.at[group] as number);
        break;
      }
    }
  }

  private order(a: number, b: number): number {
    const { nextHops } = this;
    const by = compareIp(nextHops.addressOf(a), nextHops.addressOf(b));
    return by !== 0 ? by : compareText(nextHops.linkOf(a) ?? '', nextHops.linkOf(b) ?? '');
  }

  private behind(before: number, nextHop: number): number {
    const key = before * 2 ** 26 + nextHop;
    const known = this.cells.get(key);
    if (known !== undefined) return known;
    const group = this.free.pop() ?? this.feeds.length;
    for (const column of [this.before, this.last, this.refs]) column.reach(group);
    this.feeds[group] = [...this.of(before), this.wayOf(nextHop)];
    this.before.at[group] = before;
    this.last.at[group] = nextHop;
    this.refs.at[group] = 0;
    this.cells.set(key, group);
    if (before === NO_NEXT_HOPS) {
      this.alone.reach(nextHop);
      this.alone.at[nextHop] = group;
    }
    this.hold(before);
    this.nextHops.hold(nextHop);
    return group;
  }

  private forget(group: number, before: number, nextHop: number): void {
    const key = before * 2 ** 26 + nextHop;
    if (this.cells.get(key) !== group) return;
    this.cells.delete(key);
    if (before === NO_NEXT_HOPS) this.alone.at[nextHop] = NONE;
  }
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
