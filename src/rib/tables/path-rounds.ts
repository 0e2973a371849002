/** Work on all paths, in pieces: a table of a million is gone through between packets, not before them. Pure.
 *  A round visits every path that was there when it began. Paths that come meanwhile may be visited or not: whoever begins a
 *  round has arranged that new ones need no visit. Rounds follow each other; nobody waits for one but those behind it. */
import type { PathTable } from './path-table.ts';

export interface PathRound {
  /** The path is in use. It may be removed. */
  visit(path: number): void;
  /** Where a source's paths are visited: the routes of some dozens of them, before visit() is called. Those that it strikes off
   *  (below 0) are done. */
  visitRoutes?(routes: Int32Array, count: number): void;
  /** Once, after the last one. */
  done(): void;
}

interface Running {
  readonly round: PathRound;
  /** Only its paths; -1: all. */
  readonly source: number;
  readonly end: number;
  at: number;
}

const NONE = -1;
/** At most LONGEST_RUN of path-runs.ts. */
const AHEAD = 64;

/** The paths, and a way to bring routes near. */
interface Tables {
  readonly paths: PathTable;
  prefetch(routes: Int32Array, from: number, to: number): void;
}

export class PathRounds {
  private readonly table: Tables;
  private readonly ahead = new Int32Array(AHEAD);
  private readonly aheadRoutes = new Int32Array(AHEAD);
  private readonly onWork: () => void;
  private readonly running: Running[] = [];

  constructor(table: Tables, onWork: () => void) {
    this.table = table;
    this.onWork = onWork;
  }

  get busy(): boolean {
    return this.running.length > 0;
  }

  /** `source`: its paths only, which takes no longer than it has paths. */
  begin(round: PathRound, source = NONE): void {
    this.running.push({ round, source, end: this.table.paths.idBound, at: 0 });
    this.onWork();
  }

  /** The next `count` places; false when nothing is left to do. */
  run(count: number): boolean {
    const current = this.running[0];
    if (current === undefined) return false;
    if (current.source === NONE) this.all(current, count);
    else this.ofSource(current, count);
    if (current.at >= current.end) {
      this.running.shift();
      current.round.done();
    }
    return true;
  }

  private all(current: Running, count: number): void {
    const { round } = current;
    const end = Math.min(current.at + count, current.end);
    for (let path = current.at; path < end; path++) if (this.table.paths.routeOf(path) !== NONE) round.visit(path);
    current.at = end;
  }

  /** Visits come in order of path; routes lie in another, and are asked for side by side. */
  private ofSource(current: Running, count: number): void {
    const { ahead, aheadRoutes, table } = this;
    const { paths } = table;
    for (let left = count; left > 0; ) {
      let n = 0;
      let at = current.at;
      for (; n < AHEAD && n < left; n++) {
        const path = paths.nextOfSource(current.source, at);
        if (path === NONE || path >= current.end) {
          at = current.end;
          break;
        }
        at = path + 1;
        ahead[n] = path;
        aheadRoutes[n] = paths.routeOf(path);
      }
      current.at = at;
      table.prefetch(aheadRoutes, 0, n);
      current.round.visitRoutes?.(aheadRoutes, n);
      for (let i = 0; i < n; i++)
        if (aheadRoutes[i]! >= 0 && paths.routeOf(ahead[i]!) !== NONE) current.round.visit(ahead[i]!);
      if (at === current.end) return;
      left -= n;
    }
  }
}
