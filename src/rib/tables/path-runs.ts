/** Paths that come and go a run at a time. Pure, hot. Most need no comparison but of two numbers: what comes is alone, or its rank is
 *  another than that of the best path; what goes was alone. That it is so stands in the rows of route and path. All others go the
 *  long way, path by path (adj-rib-in.ts, best-path.ts), to the same state.
 *
 *  Here a route costs a few reads and writes in loops that fit into a page; there, two dozen calls. */
import type { Source } from '../terms/source.ts';
import type { BestPaths } from './best-path.ts';
import { BLOCK_BITS, NEXT, PATH_ROW_BITS, USED } from './path-table.ts';
import type { RouteQueue } from './route-queue.ts';
import { BEST, FIRST, MARKS_AT, QUEUED, ROW_BITS, TOLD_SOURCE } from './route-rows.ts';
import type { Tables } from './tables.ts';

const NONE = -1;
/** In place of a route that was done here. */
export const DONE = -2;
/** A run is no longer. */
export const LONGEST_RUN = 64;
/** In place of the first path, until the new one is: a route may stand in the run twice. */
const CLAIMED = -1;

export class PathRuns {
  private readonly table: Tables;
  private readonly bestPaths: BestPaths;
  private readonly queue: RouteQueue;
  private readonly onWork: () => void;
  private readonly routes = new Int32Array(LONGEST_RUN);
  private readonly paths = new Int32Array(LONGEST_RUN);
  /** By place in `routes`: the first path so far, plus 1; and whether the new one is the best. */
  private readonly firsts = new Int32Array(LONGEST_RUN);
  private readonly wins = new Uint8Array(LONGEST_RUN);

  constructor(table: Tables, bestPaths: BestPaths, queue: RouteQueue, onWork: () => void) {
    this.table = table;
    this.bestPaths = bestPaths;
    this.queue = queue;
    this.onWork = onWork;
  }

  /** Those of `routes` where the source has no path, and its new one is the best, or clearly not, get it, and their places are
   *  DONE. Answers how many. The source has room for all. */
  come(routes: Int32Array, count: number, source: Source, received: number, used: number, now: number): number {
    const n = this.claim(routes, count, source, used);
    if (n === 0) return 0;
    const { table, paths, wins } = this;
    const found = this.routes;
    table.paths.addAll(found, this.firsts, n, source.id, received, used, source.epoch, now, paths);
    const { at } = table.routes.cells;
    let best = 0;
    let waiting = 0;
    for (let i = 0; i < n; i++) {
      const route = found[i]!;
      const row = route << ROW_BITS;
      const path = paths[i]! + 1;
      at[row + FIRST] = path;
      if (wins[i] === 0) continue;
      const before = at[row + BEST]!;
      if (before !== 0) table.sourceOf(before - 1).used--;
      at[row + BEST] = path;
      best++;
      const word = at[row + TOLD_SOURCE]!;
      at[row + TOLD_SOURCE] = word | (QUEUED << MARKS_AT);
      found[waiting] = route;
      if (word >>> MARKS_AT === 0) waiting++;
    }
    source.received += n;
    source.used += best;
    table.sets.holdMany(received, n);
    table.sets.holdMany(used, n);
    this.wait(waiting);
    return n;
  }

  /** Gathers them; answers how many. */
  private claim(routes: Int32Array, count: number, source: Source, used: number): number {
    const { table, firsts, wins } = this;
    const { sets } = table;
    const { at } = table.routes.cells;
    const cells = table.paths.cells.at;
    const owners = table.paths.ownerOf.at;
    const byRoute = table.paths.byRouteOf(source.id)?.at;
    const found = this.routes;
    const owner = source.id + 1;
    const rank = sets.rankOf(used);
    let usable = false;
    let n = 0;
    for (let i = 0; i < count; i++) {
      const route = routes[i]!;
      const row = route << ROW_BITS;
      const first = at[row + FIRST]!;
      if (first === CLAIMED || at[row + TOLD_SOURCE]! >>> MARKS_AT > QUEUED) continue;
      const best = at[row + BEST]!;
      let isBest = true;
      if (first !== 0) {
        if (best === 0) continue;
        if (byRoute !== undefined) {
          if ((byRoute[route] ?? 0) !== 0) continue;
        } else if (
          cells[((first - 1) << PATH_ROW_BITS) + NEXT] !== NONE ||
          owners[(first - 1) >>> BLOCK_BITS] === owner
        )
          continue;
        const top = sets.rankOf(cells[((best - 1) << PATH_ROW_BITS) + USED]!);
        if (rank === top) continue;
        isBest = rank > top;
      } else if (best !== 0) continue;
      if (isBest && !usable) {
        usable = this.bestPaths.isUsable(used);
        // To ask may begin a watch over routes that lead to the next hop, and these may be among them: no run is taken.
        if (!this.bestPaths.comparesPairs) return this.giveBack(routes, count);
        if (!usable) return n;
      }
      at[row + FIRST] = CLAIMED;
      found[n] = route;
      firsts[n] = first;
      wins[n++] = isBest ? 1 : 0;
      routes[i] = DONE;
    }
    return n;
  }

  /** Nothing was claimed. */
  private giveBack(routes: Int32Array, count: number): 0 {
    const { at } = this.table.routes.cells;
    let n = 0;
    for (let i = 0; i < count; i++) {
      if (routes[i] !== DONE) continue;
      const route = this.routes[n]!;
      routes[i] = route;
      at[(route << ROW_BITS) + FIRST] = this.firsts[n++]!;
    }
    return 0;
  }

  /** Those of `routes` (-1: none) whose only path is this source's, of an epoch from `oldest` to `newest`, and not rejected, lose
   *  it, and their places are DONE. Answers how many. How many the source has is the caller's to count. */
  go(routes: Int32Array, count: number, source: Source, oldest: number, newest: number): number {
    const { table } = this;
    const { at } = table.routes.cells;
    const cells = table.paths.cells.at;
    const owners = table.paths.ownerOf.at;
    const owner = source.id + 1;
    const found = this.routes;
    const { paths } = this;
    let n = 0;
    for (let i = 0; i < count; i++) {
      const route = routes[i]!;
      if (route === NONE) continue;
      const row = route << ROW_BITS;
      const first = at[row + FIRST]!;
      if (first === 0 || first !== at[row + BEST] || at[row + TOLD_SOURCE]! >>> MARKS_AT > QUEUED) continue;
      const path = first - 1;
      const epoch = table.paths.epochOf(path);
      if (owners[path >>> BLOCK_BITS] !== owner || epoch < oldest || epoch > newest) continue;
      if (cells[(path << PATH_ROW_BITS) + NEXT] !== NONE || table.paths.pathIdOf(path) !== 0) continue;
      at[row + FIRST] = 0;
      at[row + BEST] = 0;
      found[n] = route;
      paths[n++] = path;
      routes[i] = DONE;
    }
    this.remove(n, source);
    return n;
  }

  /** The first `n` of `paths`, which are those of `routes`, and of which these know no more. */
  private remove(n: number, source: Source): void {
    if (n === 0) return;
    const { table, routes, paths } = this;
    const { at } = table.routes.cells;
    source.used -= n;
    let waiting = 0;
    let set = NONE;
    let held = 0;
    for (let i = 0; i < n; i++) {
      const route = routes[i]!;
      const row = route << ROW_BITS;
      const word = at[row + TOLD_SOURCE]!;
      at[row + TOLD_SOURCE] = word | (QUEUED << MARKS_AT);
      routes[waiting] = route;
      if (word >>> MARKS_AT === 0) waiting++;
    }
    for (let i = 0; i < n; i++) {
      const used = table.paths.usedOf(paths[i]!);
      const received = table.paths.receivedOf(paths[i]!);
      if (used === set && received === set) {
        held += 2;
        continue;
      }
      if (held > 0) table.sets.releaseMany(set, held);
      set = used;
      held = 1;
      if (received === set) held = 2;
      else table.sets.release(received);
    }
    table.sets.releaseMany(set, held);
    table.paths.removeAlone(paths, n);
    this.wait(waiting);
  }

  /** The first of `routes` wait to be decided, and what was compared before is of no use. */
  private wait(count: number): void {
    this.bestPaths.reorder();
    if (count === 0) return;
    this.queue.pushAll(this.routes, count);
    this.onWork();
  }
}
