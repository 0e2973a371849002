/** What a peer has from us: a bit per route, and with ADD-PATH the paths of each route. Pure, hot. It names what is to be withdrawn,
 *  and nothing else: what a route is now decides what is sent. */
import { Int32Column } from '../../base/columns.ts';

const NONE = -1;

export class SentRoutes {
  /** A bit per route. */
  private readonly words = new Int32Column(0);
  count = 0;

  holds(route: number): boolean {
    return (((this.words.at[route >>> 5] ?? 0) >>> (route & 31)) & 1) === 1;
  }
  add(route: number): void {
    const word = route >>> 5;
    if (word >= this.words.at.length) this.words.reach(word);
    const before = this.words.at[word]!;
    const after = before | (1 << (route & 31));
    if (before === after) return;
    this.words.at[word] = after;
    this.count++;
  }
  /** The first `count` of `routes`. */
  addAll(routes: Int32Array, count: number): void {
    let most = 0;
    for (let i = 0; i < count; i++) if (routes[i]! > most) most = routes[i]!;
    this.words.reach(most >>> 5);
    const { at } = this.words;
    let added = 0;
    for (let i = 0; i < count; i++) {
      const route = routes[i]!;
      const before = at[route >>> 5]!;
      const after = before | (1 << (route & 31));
      if (before === after) continue;
      at[route >>> 5] = after;
      added++;
    }
    this.count += added;
  }
  /** The first `count` of `routes` go; those that were there are gathered at the front of `into`. Answers how many. */
  removeAll(routes: Int32Array, count: number, into: Int32Array): number {
    const { at } = this.words;
    let removed = 0;
    for (let i = 0; i < count; i++) {
      const route = routes[i]!;
      const word = route >>> 5;
      const before = word < at.length ? at[word]! : 0;
      if (((before >>> (route & 31)) & 1) === 0) continue;
      at[word] = before & ~(1 << (route & 31));
      into[removed++] = route;
    }
    this.count -= removed;
    return removed;
  }
  /** Whether it was there. */
  remove(route: number): boolean {
    if (!this.holds(route)) return false;
    const word = route >>> 5;
    this.words.at[word] = this.words.at[word]! & ~(1 << (route & 31));
    this.count--;
    return true;
  }
}

/** (route, path) pairs as chains by route. An id of a path is given out again, maybe to another route, before the peer was told
 *  that it left the first: a pair belongs to the route it was sent for. */
export class SentPaths {
  private readonly first = new Int32Column(NONE);
  /** By path: the route it was sent for, the next path of the chain, and the round that last confirmed it. */
  private readonly routeOf = new Int32Column(NONE);
  private readonly next = new Int32Column(NONE);
  private readonly seen = new Int32Column(0);
  private round = 0;
  count = 0;

  holds(route: number): boolean {
    return (this.first.at[route] ?? NONE) !== NONE;
  }

  has(route: number, path: number): boolean {
    return this.routeOf.at[path] === route;
  }

  /** From here to end(): confirm() names every path that the route is sent with now. */
  begin(): void {
    this.round++;
  }

  /** Answers the route that the path was sent for so far and must be withdrawn from, or -1. */
  confirm(route: number, path: number): number {
    for (const column of [this.routeOf, this.next, this.seen]) column.reach(path);
    this.first.reach(route);
    this.seen.at[path] = this.round;
    const before = this.routeOf.at[path] as number;
    if (before === route) return NONE;
    if (before !== NONE) this.unlink(before, path);
    this.routeOf.at[path] = route;
    this.next.at[path] = this.first.at[route] as number;
    this.first.at[route] = path;
    this.count++;
    return before;
  }

  /** Takes out what was not confirmed. */
  end(route: number, gone: (path: number) => void): void {
    let path = this.first.at[route] ?? NONE;
    while (path !== NONE) {
      const next = this.next.at[path] as number;
      if (this.seen.at[path] !== this.round) {
        this.unlink(route, path);
        gone(path);
      }
      path = next;
    }
  }

  private unlink(route: number, path: number): void {
    const next = this.next.at[path] as number;
    if (this.first.at[route] === path) this.first.at[route] = next;
    else {
      let at = this.first.at[route] as number;
      while (this.next.at[at] !== path) at = this.next.at[at] as number;
      this.next.at[at] = next;
    }
    this.routeOf.at[path] = NONE;
    this.count--;
  }
}
