/** The walk before, remembered: peers that announce the same table give one route after the other the same paths, set by set, and
 *  what won there wins here. Pure, hot. Good as long as no set, cost or identifier has changed: forget() says that one may have. */
import type { PathTable } from './path-table.ts';

const NONE = -1;
/** What known() answers for another list of paths. */
export const UNLIKE = -2;
/** Longer lists are rare, and not worth the memory. */
const MOST = 1024;

export class WalkMemo {
  private readonly paths: PathTable;
  private readonly sets = new Int32Array(MOST);
  private readonly sources = new Int32Array(MOST);
  private count = NONE;
  /** Where in the list the best path was; -1: none was usable. */
  private bestAt = NONE;
  mixed = false;
  group = 0;

  constructor(paths: PathTable) {
    this.paths = paths;
  }

  forget(): void {
    this.count = NONE;
  }

  /** The best path of the list that begins at `first`, by the walk before. */
  known(first: number): number {
    const { count, bestAt, sets, sources, paths } = this;
    if (count === NONE) return UNLIKE;
    let best = NONE;
    let at = 0;
    for (let path = first; path !== NONE; path = paths.nextOf(path)) {
      if (at === count || paths.usedOf(path) !== sets[at] || paths.sourceOf(path) !== sources[at]) return UNLIKE;
      if (at === bestAt) best = path;
      at++;
    }
    return at === count ? best : UNLIKE;
  }

  /** This was the walk. */
  keep(first: number, best: number, mixed: boolean, group: number): void {
    const { paths, sets, sources } = this;
    this.count = NONE;
    this.bestAt = NONE;
    let at = 0;
    for (let path = first; path !== NONE; path = paths.nextOf(path)) {
      const source = paths.sourceOf(path);
      // Several paths of one source may differ in nothing but their identifiers, which are not looked at here.
      if (at === MOST || (at > 0 && sources[at - 1] === source)) return;
      if (path === best) this.bestAt = at;
      sets[at] = paths.usedOf(path);
      sources[at] = source;
      at++;
    }
    this.mixed = mixed;
    this.group = group;
    this.count = at;
  }
}
