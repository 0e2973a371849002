/** The Adj-RIBs-In as rows by path. Pure, hot. RFC 4271 3.2, RFC 7911. The key of a path is (route, source, path identifier).
 *
 *    by path    a row of four words, so that a path costs one look into memory:
 *               route | used set, -1 rejected | next, previous in route
 *               and beside it: since; what few have: received set where it is another than the used one | epoch | path identifier
 *    by block   source: a block is 64 path ids of one source
 *
 *  The paths of a route are a short list, those of one source side by side in it. A source with many routes among many sources
 *  has a column by route of its own, so that thirty peers with the same routes need not walk past each other; it is made when
 *  the walks have cost enough. Since ids come in blocks, all paths of a source are found without looking at those of others. */
import { Int32Column, SparseColumn, Uint8Column, Uint16Column, Uint32Column } from '../../base/columns.ts';
import { IdPool } from '../../base/id-pool.ts';

const NONE = -1;
export const PATH_ROW_BITS = 2;
const ROUTE = 0;
export const USED = 1;
export const NEXT = 2;
const PREVIOUS = 3;

export const BLOCK_BITS = 6;
const BLOCK = 1 << BLOCK_BITS;
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
  readonly cells = new Int32Column(0);
  /** The received set plus 1; 0: it is the used one. */
  private readonly received = new SparseColumn();
  private readonly epochs = new SparseColumn();
  private readonly since = new Uint32Column();
  private readonly pathIds = new SparseColumn();
  private withPathIds = false;
  /** By block: its source plus 1, 0 for none; how many of its ids are in use; its neighbours in the list of those with room. */
  readonly ownerOf = new Uint16Column();
  private readonly usedIn = new Uint8Column();
  private readonly after = new Int32Column(NONE);
  private readonly before = new Int32Column(NONE);
  private readonly owners: (Owner | undefined)[] = [];
  private readonly blocks = new IdPool();
  private live = 0;

  get size(): number {
    return this.live;
  }

  /** All ids ever given are below it; a free one has route -1. */
  get idBound(): number {
    return this.blocks.bound << BLOCK_BITS;
  }

  /** Asks the memory for what is known of the path; see base/prefix-table.ts. */
  prefetch(path: number): number {
    return this.routeOf(path) ^ this.epochs.get(path);
  }

  /** -1: this id is free. */
  routeOf(path: number): number {
    return this.cells.at[(path << PATH_ROW_BITS) + ROUTE] as number;
  }

  receivedOf(path: number): number {
    const other = this.received.get(path);
    return other === 0 ? this.usedOf(path) : other - 1;
  }

  /** -1: it is rejected. */
  usedOf(path: number): number {
    return this.cells.at[(path << PATH_ROW_BITS) + USED] as number;
  }
  setReceived(path: number, set: number): void {
    this.received.set(path, set === this.usedOf(path) ? 0 : set + 1);
  }
  setUsed(path: number, set: number): void {
    const received = this.receivedOf(path);
    this.cells.at[(path << PATH_ROW_BITS) + USED] = set;
    this.setReceived(path, received);
  }

  /** It has neither. */
  clearSets(path: number): void {
    this.received.set(path, 0);
    this.cells.at[(path << PATH_ROW_BITS) + USED] = NONE;
  }

  /** The next path of the same route, or -1. */
  nextOf(path: number): number {
    return this.cells.at[(path << PATH_ROW_BITS) + NEXT] as number;
  }

  /** Older than the source's: stale, or dead. */
  epochOf(path: number): number {
    return this.epochs.get(path);
  }
  setEpoch(path: number, epoch: number): void {
    this.epochs.set(path, epoch);
  }

  /** Wall clock, seconds since 1970, of the last real change. */
  sinceOf(path: number): number {
    return this.since.at[path] as number;
  }
  setSince(path: number, seconds: number): void {
    this.since.at[path] = seconds;
  }

  /** Its source's id. */
  sourceOf(path: number): number {
    return (this.ownerOf.at[path >>> BLOCK_BITS] as number) - 1;
  }

  /** As received; 0 without ADD-PATH. RFC 7911 3 */
  pathIdOf(path: number): number {
    return this.pathIds.get(path) >>> 0;
  }

  /** The first path of `source` for the route whose list begins at `first`, or -1. */
  firstOf(route: number, first: number, source: number): number {
    const owner = this.owners[source];
    if (owner === undefined) return NONE;
    if (owner.byRoute !== undefined) return (owner.byRoute.at[route] ?? 0) - 1;
    const owners = this.ownerOf.at;
    let steps = 0;
    let path = first;
    while (path !== NONE && owners[path >>> BLOCK_BITS] !== source + 1) {
      path = this.nextOf(path);
      steps++;
    }
    if (steps > SHORT) this.walked(owner, source, steps);
    return path;
  }

  /** The path of `source` with this identifier for the route whose list begins at `first`, or -1. */
  find(route: number, first: number, source: number, pathId = 0): number {
    let path = this.firstOf(route, first, source);
    if (!this.withPathIds) return pathId === 0 ? path : NONE;
    while (path !== NONE && this.pathIdOf(path) !== pathId) {
      path = this.nextOf(path);
      if (path !== NONE && this.sourceOf(path) !== source) return NONE;
    }
    return path;
  }

  /** A new path, which find() has not found; answers it. The route's list begins at `headOf(path, first)` from now on. */
  add(route: number, source: number, first: number, pathId = 0): number {
    if (pathId !== 0) this.withPathIds = true;
    const beside = this.withPathIds ? this.firstOf(route, first, source) : NONE;
    const path = this.take(source);
    const row = path << PATH_ROW_BITS;
    const { at } = this.cells;
    at[row + ROUTE] = route;
    at[row + USED] = NONE;
    this.received.set(path, 0);
    this.epochs.set(path, 0);
    this.pathIds.set(path, pathId);
    if (beside === NONE) {
      // In front of all others.
      at[row + PREVIOUS] = NONE;
      at[row + NEXT] = first;
      if (first !== NONE) at[(first << PATH_ROW_BITS) + PREVIOUS] = path;
      const byRoute = this.owners[source]?.byRoute;
      if (byRoute !== undefined) {
        byRoute.reach(route);
        byRoute.at[route] = path + 1;
      }
    } else {
      const after = this.nextOf(beside);
      at[row + PREVIOUS] = beside;
      at[row + NEXT] = after;
      at[(beside << PATH_ROW_BITS) + NEXT] = path;
      if (after !== NONE) at[(after << PATH_ROW_BITS) + PREVIOUS] = path;
    }
    this.live++;
    return path;
  }

  /** By route: this source's first path there, plus 1; undefined where it has no such column, as most have not. */
  byRouteOf(source: number): Int32Column | undefined {
    return this.owners[source]?.byRoute;
  }

  /** New paths without an identifier, each in front of those that its route has so far (`firsts`: the first of them plus 1), none
   *  of which is this source's. `into` gets them. */
  addAll(
    routes: Int32Array,
    firsts: Int32Array,
    count: number,
    source: number,
    received: number,
    used: number,
    epoch: number,
    since: number,
    into: Int32Array,
  ): void {
    const owner = this.ownerFor(source);
    const other = received === used ? 0 : received + 1;
    for (let i = 0; i < count; ) {
      const block = this.openOf(owner, source);
      const start = block << BLOCK_BITS;
      const inUse = this.usedIn.at[block]!;
      const { at } = this.cells;
      const sinces = this.since.at;
      const before = i;
      // Mostly the lower ids are those in use; else it is looked for again from the first one.
      for (let path = this.routeOf(start + inUse) === NONE ? start + inUse : start; path < start + BLOCK; path++) {
        const row = path << PATH_ROW_BITS;
        if (at[row + ROUTE] !== NONE) continue;
        at[row + ROUTE] = routes[i]!;
        at[row + USED] = used;
        at[row + NEXT] = firsts[i]! - 1;
        at[row + PREVIOUS] = NONE;
        sinces[path] = since;
        this.received.set(path, other);
        this.epochs.set(path, epoch);
        this.pathIds.set(path, 0);
        if (firsts[i] !== 0) at[((firsts[i]! - 1) << PATH_ROW_BITS) + PREVIOUS] = path;
        into[i++] = path;
        if (i === count) break;
      }
      this.use(owner, block, i - before);
    }
    this.live += count;
    const { byRoute } = owner;
    if (byRoute === undefined) return;
    for (let i = 0; i < count; i++) {
      byRoute.reach(routes[i]!);
      byRoute.at[routes[i]!] = into[i]! + 1;
    }
  }

  headOf(path: number, first: number): number {
    return this.previousOf(path) === NONE ? path : first;
  }

  /** Takes the path out of the list `first` and answers the list's new first path. */
  remove(path: number, first: number): number {
    const source = this.sourceOf(path);
    const owner = this.owners[source] as Owner;
    const { at } = this.cells;
    const row = path << PATH_ROW_BITS;
    const previous = at[row + PREVIOUS] as number;
    const after = at[row + NEXT] as number;
    if (previous !== NONE) at[(previous << PATH_ROW_BITS) + NEXT] = after;
    if (after !== NONE) at[(after << PATH_ROW_BITS) + PREVIOUS] = previous;
    if (owner.byRoute !== undefined) {
      const route = at[row + ROUTE] as number;
      if (owner.byRoute.at[route] === path + 1)
        owner.byRoute.at[route] = after !== NONE && this.sourceOf(after) === source ? after + 1 : 0;
    }
    at[row + ROUTE] = NONE;
    this.giveBack(path, source, owner);
    this.live--;
    return previous === NONE ? after : first;
  }

  /** Paths that are the only ones of their routes go. */
  removeAlone(paths: Int32Array, count: number): void {
    const { at } = this.cells;
    for (let i = 0; i < count; i++) {
      const path = paths[i]!;
      const source = this.sourceOf(path);
      const owner = this.owners[source] as Owner;
      const row = path << PATH_ROW_BITS;
      if (owner.byRoute !== undefined) owner.byRoute.at[at[row + ROUTE]!] = 0;
      at[row + ROUTE] = NONE;
      this.giveBack(path, source, owner);
    }
    this.live -= count;
  }

  /** The first path of the source whose id is not below `from`, or -1: for a walk that others may interrupt. */
  nextOfSource(source: number, from: number): number {
    const owners = this.ownerOf.at;
    let path = from;
    for (let block = from >>> BLOCK_BITS; block < this.blocks.bound; path = ++block << BLOCK_BITS) {
      if (owners[block] !== source + 1) continue;
      for (const end = (block + 1) << BLOCK_BITS; path < end; path++) if (this.routeOf(path) !== NONE) return path;
    }
    return NONE;
  }

  private previousOf(path: number): number {
    return this.cells.at[(path << PATH_ROW_BITS) + PREVIOUS] as number;
  }

  /** Walking has cost a source too much: from now on it looks its paths up. */
  private walked(owner: Owner, source: number, steps: number): void {
    owner.steps += steps;
    if (owner.steps < PATIENCE + owner.paths) return;
    const byRoute = new Int32Column(0);
    for (let path = this.nextOfSource(source, 0); path !== NONE; path = this.nextOfSource(source, path + 1)) {
      const previous = this.previousOf(path);
      if (previous !== NONE && this.sourceOf(previous) === source) continue;
      const route = this.routeOf(path);
      byRoute.reach(route);
      byRoute.at[route] = path + 1;
    }
    owner.byRoute = byRoute;
  }

  private ownerFor(source: number): Owner {
    let owner = this.owners[source];
    if (owner === undefined) {
      owner = { open: NONE, byRoute: undefined, steps: 0, paths: 0 };
      this.owners[source] = owner;
    }
    return owner;
  }

  /** A block of the source with room. */
  private openOf(owner: Owner, source: number): number {
    if (owner.open === NONE) this.openBlock(owner, source);
    return owner.open;
  }

  /** So many more of the ids of the source's open block are in use. */
  private use(owner: Owner, block: number, count: number): void {
    const used = this.usedIn.at[block]! + count;
    this.usedIn.at[block] = used;
    owner.paths += count;
    if (used < BLOCK) return;
    const after = this.after.at[block]!;
    owner.open = after;
    if (after !== NONE) this.before.at[after] = NONE;
  }

  /** An id in a block of the source. */
  private take(source: number): number {
    const owner = this.ownerFor(source);
    const block = this.openOf(owner, source);
    let path = (block << BLOCK_BITS) + this.usedIn.at[block]!;
    if (this.routeOf(path) !== NONE) {
      path = block << BLOCK_BITS;
      while (this.routeOf(path) !== NONE) path++;
    }
    this.use(owner, block, 1);
    return path;
  }

  private openBlock(owner: Owner, source: number): void {
    const { bound } = this.blocks;
    const block = this.blocks.take();
    if (block === bound) this.reach(block);
    this.ownerOf.at[block] = source + 1;
    this.usedIn.at[block] = 0;
    this.after.at[block] = NONE;
    this.before.at[block] = NONE;
    owner.open = block;
  }

  /** A block that never was. */
  private reach(block: number): void {
    for (const column of [this.ownerOf, this.usedIn, this.after, this.before]) column.reach(block);
    const first = block << BLOCK_BITS;
    this.cells.reach(((first + BLOCK) << PATH_ROW_BITS) - 1);
    this.since.reach(first + BLOCK - 1);
    for (let path = first; path < first + BLOCK; path++) this.cells.at[(path << PATH_ROW_BITS) + ROUTE] = NONE;
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
    this.blocks.give(block);
    if (owner.paths === 0) this.owners[source] = undefined;
  }
}
