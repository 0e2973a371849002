/** The Adj-RIBs-In as columns by path. Pure, hot. RFC 4271 3.2, RFC 7911. The key of a path is (route, source, path identifier).
 *
 *    by path    route | received set | used set, -1 rejected | epoch | since | previous, next in route | path identifier
 *    by block   source: a block is 64 path ids of one source
 *
 *  The paths of a route are a short list, those of one source side by side in it. A source with many routes among many sources
 *  has a column by route of its own, so that thirty peers with the same routes need not walk past each other; it is made when
 *  the walks have cost enough. Since ids come in blocks, all paths of a source are found without looking at those of others. */
import { Int32Column, Uint8Column, Uint16Column, Uint32Column } from '../../base/columns.ts';

const NONE = -1;
const BLOCK_BITS = 6;
const BLOCK = 1 << BLOCK_BITS;
const WITHIN = BLOCK - 1;
/** Steps in lists that a source takes before it gets a column of its own; each is a look into memory. */
const PATIENCE = 16_384;
/** Of them these are free: a list of few is what most routes have. */
const SHORT = 4;

/** What a source has beside its paths. */
interface Owner {
  /** A block with room, the head of a list of them. */
  open: number;
  /** By route: its first path there, plus 1. */
  byRoute: Int32Column | undefined;
  steps: number;
  paths: number;
}

export class PathTable {
  readonly route = new Int32Column(NONE);
  readonly received = new Int32Column(NONE);
  readonly used = new Int32Column(NONE);
  /** Older than the source's: stale, or dead. */
  readonly epoch = new Int32Column(0);
  /** Wall clock, seconds since 1970, of the last real change. */
  readonly since = new Uint32Column();
  readonly next = new Int32Column(NONE);
  private readonly previous = new Int32Column(NONE);
  private readonly pathIds = new Uint32Column();
  private withPathIds = false;
  /** By block: its source plus 1, 0 for none; how many of its ids are in use; its neighbours in the list of those with room. */
  private readonly ownerOf = new Uint16Column();
  private readonly usedIn = new Uint8Column();
  private readonly after = new Int32Column(NONE);
  private readonly before = new Int32Column(NONE);
  private readonly owners: (Owner | undefined)[] = [];
  private freeBlock = NONE;
  private blocks = 0;
  private live = 0;

  get size(): number {
    return this.live;
  }

  /** All ids ever given are below it; a free one has route -1. */
  get idBound(): number {
    return this.blocks << BLOCK_BITS;
  }

  /** Its source's id. */
  sourceOf(path: number): number {
    return (this.ownerOf.at[path >>> BLOCK_BITS] as number) - 1;
  }

  /** As received; 0 without ADD-PATH. RFC 7911 3 */
  pathIdOf(path: number): number {
    return this.withPathIds ? (this.pathIds.at[path] as number) : 0;
  }

  /** The first path of `source` for the route whose list begins at `first`, or -1. */
  firstOf(route: number, first: number, source: number): number {
    const owner = this.owners[source];
    if (owner === undefined) return NONE;
    if (owner.byRoute !== undefined) return (owner.byRoute.at[route] ?? 0) - 1;
    const next = this.next.at;
    const owners = this.ownerOf.at;
    let steps = 0;
    let path = first;
    while (path !== NONE && owners[path >>> BLOCK_BITS] !== source + 1) {
      path = next[path] as number;
      steps++;
    }
    if (steps > SHORT) this.walked(owner, source, steps);
    return path;
  }

  /** The path of `source` with this identifier for the route whose list begins at `first`, or -1. */
  find(route: number, first: number, source: number, pathId = 0): number {
    let path = this.firstOf(route, first, source);
    if (!this.withPathIds) return pathId === 0 ? path : NONE;
    while (path !== NONE && this.pathIds.at[path] !== pathId) {
      path = this.next.at[path] as number;
      if (path !== NONE && this.sourceOf(path) !== source) return NONE;
    }
    return path;
  }

  /** A new path, which find() has not found; answers it. The route's list begins at `headOf(path, first)` from now on. */
  add(route: number, source: number, first: number, pathId = 0): number {
    if (pathId !== 0 && !this.withPathIds) {
      this.withPathIds = true;
      this.pathIds.reach(this.idBound);
    }
    const beside = this.withPathIds ? this.firstOf(route, first, source) : NONE;
    const path = this.take(source);
    this.route.at[path] = route;
    this.received.at[path] = NONE;
    this.used.at[path] = NONE;
    if (this.withPathIds) this.pathIds.at[path] = pathId;
    if (beside === NONE) {
      // In front of all others.
      this.previous.at[path] = NONE;
      this.next.at[path] = first;
      if (first !== NONE) this.previous.at[first] = path;
      const byRoute = this.owners[source]?.byRoute;
      if (byRoute !== undefined) {
        byRoute.reach(route);
        byRoute.at[route] = path + 1;
      }
    } else {
      const after = this.next.at[beside] as number;
      this.previous.at[path] = beside;
      this.next.at[path] = after;
      this.next.at[beside] = path;
      if (after !== NONE) this.previous.at[after] = path;
    }
    this.live++;
    return path;
  }

  headOf(path: number, first: number): number {
    return this.previous.at[path] === NONE ? path : first;
  }

  /** Takes the path out of the list `first` and answers the list's new first path. */
  remove(path: number, first: number): number {
    const source = this.sourceOf(path);
    const owner = this.owners[source] as Owner;
    const previous = this.previous.at[path] as number;
    const after = this.next.at[path] as number;
    if (previous !== NONE) this.next.at[previous] = after;
    if (after !== NONE) this.previous.at[after] = previous;
    if (owner.byRoute !== undefined) {
      const route = this.route.at[path] as number;
      if (owner.byRoute.at[route] === path + 1)
        owner.byRoute.at[route] = after !== NONE && this.sourceOf(after) === source ? after + 1 : 0;
    }
    this.route.at[path] = NONE;
    this.giveBack(path, source, owner);
    this.live--;
    return previous === NONE ? after : first;
  }

  /** The first path of the source whose id is not below `from`, or -1: for a walk that others may interrupt. */
  nextOfSource(source: number, from: number): number {
    const owners = this.ownerOf.at;
    const routes = this.route.at;
    let path = from;
    for (let block = from >>> BLOCK_BITS; block < this.blocks; path = ++block << BLOCK_BITS) {
      if (owners[block] !== source + 1) continue;
      for (const end = (block + 1) << BLOCK_BITS; path < end; path++) if (routes[path] !== NONE) return path;
    }
    return NONE;
  }

  /** Walking has cost a source too much: from now on it looks its paths up. */
  private walked(owner: Owner, source: number, steps: number): void {
    owner.steps += steps;
    if (owner.steps < PATIENCE + owner.paths) return;
    const byRoute = new Int32Column(0);
    for (let path = this.nextOfSource(source, 0); path !== NONE; path = this.nextOfSource(source, path + 1)) {
      const previous = this.previous.at[path] as number;
      if (previous !== NONE && this.sourceOf(previous) === source) continue;
      const route = this.route.at[path] as number;
      byRoute.reach(route);
      byRoute.at[route] = path + 1;
    }
    owner.byRoute = byRoute;
  }

  /** An id in a block of the source. */
  private take(source: number): number {
    let owner = this.owners[source];
    if (owner === undefined) {
      owner = { open: NONE, byRoute: undefined, steps: 0, paths: 0 };
      this.owners[source] = owner;
    }
    if (owner.open === NONE) this.openBlock(owner, source);
    const block = owner.open;
    const used = (this.usedIn.at[block] as number) + 1;
    this.usedIn.at[block] = used;
    owner.paths++;
    let path = (block << BLOCK_BITS) + used - 1;
    if (this.route.at[path] !== NONE) {
      path = block << BLOCK_BITS;
      while (this.route.at[path] !== NONE) path++;
    }
    if (used === BLOCK) {
      const after = this.after.at[block] as number;
      owner.open = after;
      if (after !== NONE) this.before.at[after] = NONE;
    }
    return path;
  }

  private openBlock(owner: Owner, source: number): void {
    let block = this.freeBlock;
    if (block === NONE) block = this.newBlock();
    else this.freeBlock = this.after.at[block] as number;
    this.ownerOf.at[block] = source + 1;
    this.usedIn.at[block] = 0;
    this.after.at[block] = NONE;
    this.before.at[block] = NONE;
    owner.open = block;
  }

  private newBlock(): number {
    const block = this.blocks++;
    for (const column of [this.ownerOf, this.usedIn, this.after, this.before]) column.reach(block);
    const last = (block << BLOCK_BITS) | WITHIN;
    const { route, received, used, epoch, since, next, previous } = this;
    for (const column of [route, received, used, epoch, since, next, previous]) column.reach(last);
    if (this.withPathIds) this.pathIds.reach(last);
    return block;
  }

  private giveBack(path: number, source: number, owner: Owner): void {
    const block = path >>> BLOCK_BITS;
    const used = (this.usedIn.at[block] as number) - 1;
    this.usedIn.at[block] = used;
    owner.paths--;
    if (used === BLOCK - 1) {
      // It has room again.
      this.before.at[block] = NONE;
      this.after.at[block] = owner.open;
      if (owner.open !== NONE) this.before.at[owner.open] = block;
      owner.open = block;
    }
    if (used > 0) return;
    const before = this.before.at[block] as number;
    const after = this.after.at[block] as number;
    if (before === NONE) owner.open = after;
    else this.after.at[before] = after;
    if (after !== NONE) this.before.at[after] = before;
    this.ownerOf.at[block] = 0;
    this.after.at[block] = this.freeBlock;
    this.freeBlock = block;
    if (owner.paths === 0) this.owners[source] = undefined;
  }
}
