/** Work on all paths, in pieces: a table of a million is gone through between packets, not before them. Pure.
 *  A round visits every path that was there when it began. Paths that come meanwhile may be visited or not: whoever begins a
 *  round has arranged that new ones need no visit. */
import type { PathTable } from './path-table.ts';

export interface PathRound {
  /** The path is in use. It may be removed. */
  visit(path: number): void;
  /** Once, after the last one. */
  done(): void;
}

interface Running {
  readonly round: PathRound;
  readonly end: number;
  at: number;
}

const NONE = -1;

export class PathRounds {
  private readonly paths: PathTable;
  private readonly running: Running[] = [];

  constructor(paths: PathTable) {
    this.paths = paths;
  }

  get busy(): boolean {
    return this.running.length > 0;
  }

  begin(round: PathRound): void {
    this.running.push({ round, end: this.paths.idBound, at: 0 });
  }

  /** The next `count` places; false when nothing is left to do. */
  run(count: number): boolean {
    const current = this.running[0];
    if (current === undefined) return false;
    const { round } = current;
    const end = Math.min(current.at + count, current.end);
    for (let path = current.at; path < end; path++) if (this.paths.route.at[path] !== NONE) round.visit(path);
    current.at = end;
    if (end === current.end) {
      this.running.shift();
      round.done();
    }
    return true;
  }
}
