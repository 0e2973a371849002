/** Paths of a source that go, or are marked, all at once: stale marks and sweeps, the end of a session, LLGR. Pure. RFC 4724 4.2,
 *  RFC 9494 4.2. When to call them is peer/stale-keeper.ts.
 *
 *  What goes is gone by one number: paths with an epoch up to the source's deadEpoch are dead. A round then takes them out of the
 *  tables in pieces; one that the source announces before the round comes by lives on. */
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { LLGR_STALE, NO_LLGR } from '../../bgp-js/attributes/communities.ts';
import type { Source } from '../terms/source.ts';
import type { BestPaths } from './best-path.ts';
import type { PathRuns } from './path-runs.ts';
import type { Tables } from './tables.ts';

const NONE = -1;
/** Epochs count up from 0. */
const ANY_EPOCH = -1;

export class Leaving {
  private readonly table: Tables;
  private readonly bestPaths: BestPaths;
  private readonly runs: PathRuns;

  constructor(table: Tables, bestPaths: BestPaths, runs: PathRuns) {
    this.table = table;
    this.bestPaths = bestPaths;
    this.runs = runs;
  }

  /** All paths are stale until announced again; those that were so already go, or stay. */
  markStale(source: Source, already: 'go' | 'stay'): number {
    if (already === 'go') this.sweepStale(source);
    source.epoch++;
    source.stale = source.received;
    return source.stale;
  }

  /** What is stale goes; answers how much that is. */
  sweepStale(source: Source): number {
    source.longLived = false;
    const went = source.stale;
    if (went === 0) return 0;
    source.received -= went;
    source.stale = 0;
    source.deadEpoch = source.epoch - 1;
    this.sweep(source);
    return went;
  }

  /** All paths go. */
  drop(source: Source): number {
    const went = source.received;
    source.longLived = false;
    source.received = 0;
    source.stale = 0;
    source.deadEpoch = source.epoch++;
    if (went > 0) this.sweep(source);
    return went;
  }

  /** What is stale stays, marked; what carries NO_LLGR goes at once. */
  keepLongLived(source: Source): number {
    if (source.stale === 0) return 0;
    source.longLived = true;
    const { table } = this;
    const visit = (path: number): void => {
      if (!table.isStale(path) || !source.longLived) return;
      if (this.mayLiveLong(path)) this.markLongLived(path);
      else table.removePath(path);
    };
    table.rounds.begin({ visit, done: () => {} }, source.id);
    return source.stale;
  }

  /** The used set of a path of this source, which may be long-lived stale, as it is to be used. Takes over the reference to
   *  `used` and answers one. */
  asUsed(source: Source, path: number, used: number): number {
    if (used === NONE || !source.longLived || !this.table.isStale(path)) return used;
    const { sets } = this.table;
    const marked = sets.internValue(withLlgrStale(sets.attributesOf(used)), this.contextOf(used));
    sets.release(used);
    return marked;
  }

  private mayLiveLong(path: number): boolean {
    const used = this.table.paths.usedOf(path);
    return used === NONE || this.table.sets.attributesOf(used).communities?.includes(NO_LLGR) !== true;
  }

  private markLongLived(path: number): void {
    const { paths, sets } = this.table;
    const old = paths.usedOf(path);
    if (old === NONE) return;
    const attributes = sets.attributesOf(old);
    const marked = withLlgrStale(attributes);
    if (marked === attributes) return;
    this.table.use(path, sets.internValue(marked, this.contextOf(old)));
    sets.release(old);
  }

  private contextOf(set: number): Parameters<Tables['sets']['internValue']>[1] {
    const context = this.table.sets.contextOf(set);
    return context.derived?.[context.standing] ?? context;
  }

  private sweep(source: Source): void {
    this.table.rounds.begin(
      {
        visitRoutes: (routes, count) => {
          if (this.bestPaths.comparesPairs) this.runs.go(routes, count, source, ANY_EPOCH, source.deadEpoch);
        },
        visit: (path) => {
          if (this.table.isDead(path)) this.table.removePath(path);
        },
        done: () => {},
      },
      source.id,
    );
  }
}

function withLlgrStale(attributes: PathAttributes): PathAttributes {
  const { communities = [] } = attributes;
  return communities.includes(LLGR_STALE) ? attributes : { ...attributes, communities: [...communities, LLGR_STALE] };
}
