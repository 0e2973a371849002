/** The Adj-RIBs-In as columns by path. Pure, hot. RFC 4271 3.2. All paths of a route are one short list through `next`; there is
 *  one path per route and source (ADD-PATH's path identifier is a column to come).
 *
 *    route | source | received set | used set, -1 rejected | epoch | since | next in route */
import { Int32Column } from '../base/columns.ts';

const NONE = -1;

export class PathTable {
  readonly route = new Int32Column(NONE);
  readonly source = new Int32Column(NONE);
  readonly received = new Int32Column(NONE);
  readonly used = new Int32Column(NONE);
  /** Older than the source's: stale. */
  readonly epoch = new Int32Column(0);
  /** Wall clock, seconds since 1970, of the last real change. */
  readonly since = new Int32Column(0);
  readonly next = new Int32Column(NONE);
  private freeHead = NONE;
  private given = 0;
  private live = 0;

  get size(): number {
    return this.live;
  }

  /** All ids ever given are below it; a free one has route -1. */
  get idBound(): number {
    return this.given;
  }

  /** Its source's id. */
  sourceOf(path: number): number {
    return this.source.at[path] as number;
  }

  /** As received; 0 without ADD-PATH. RFC 7911 3 */
  pathIdOf(_path: number): number {
    return 0;
  }

  /** The path of `source` in the list that begins at `first`, or -1. */
  find(first: number, source: number): number {
    const sources = this.source.at;
    const next = this.next.at;
    let path = first;
    while (path !== NONE && sources[path] !== source) path = next[path] as number;
    return path;
  }

  /** A new path, in front of the list `first`. */
  add(route: number, source: number, first: number): number {
    let path = this.freeHead;
    if (path === NONE) path = this.given++;
    else this.freeHead = this.next.at[path] as number;
    if (path >= this.route.at.length) this.grow(path);
    this.route.at[path] = route;
    this.source.at[path] = source;
    this.received.at[path] = NONE;
    this.used.at[path] = NONE;
    this.next.at[path] = first;
    this.live++;
    return path;
  }

  /** Takes the path out of the list `first` and answers the list's new first path. */
  remove(path: number, first: number): number {
    const next = this.next.at;
    const after = next[path] as number;
    let newFirst = first;
    if (first === path) {
      newFirst = after;
    } else {
      let at = first;
      while (next[at] !== path) at = next[at] as number;
      next[at] = after;
    }
    this.route.at[path] = NONE;
    next[path] = this.freeHead;
    this.freeHead = path;
    this.live--;
    return newFirst;
  }

  private grow(path: number): void {
    for (const column of [this.route, this.source, this.received, this.used, this.epoch, this.since, this.next]) {
      column.reach(path);
    }
  }
}
