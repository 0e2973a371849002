/** Work on all paths, in pieces: a table of a million is gone through between packets, not before them. Pure.
 *  A round visits every path that was there when it began. Paths that come meanwhile may be visited or not: whoever begins a
 *  round has arranged that new ones need no visit. Rounds follow each other; nobody waits for one but those behind it. */
import type { PathTable } from './path-table.ts';

export interface PathRound {
  /** The path is in use. It may be removed. */
  visit(path: number): void;
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

export class PathRounds {
  private readonly paths: PathTable;
  private readonly onWork: () => void;
  private readonly running: Running[] = [];

  constructor(paths: PathTable, onWork: () => void) {
    this.paths = paths;
    this.onWork = onWork;
  }

  get busy(): boolean {
    return this.running.length > 0;
  }

  /** `source`: its paths only, which takes no longer than it has paths. */
  begin(round: PathRound, source = NONE): void {
    this.running.push({ round, source, end: this.paths.idBound, at: 0 });
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
    for (let path = current.at; path < end; path++) if (this.paths.routeOf(path) !== NONE) round.visit(path);
    current.at = end;
  }

  private ofSource(current: Running, count: number): void {
    for (let n = 0; n < count; n++) {
      const path = this.paths.nextOfSource(current.source, current.at);
      if (path === NONE || path >= current.end) {
        current.at = current.end;
        return;
      }
      current.at = path + 1;
      current.round.visit(path);
    }
  }
}
