/** What the Loc-RIB knows of a route, in one row of eight words. Pure, hot.
 *
 *    first path | best path | told set | told source, marks | told next hops | place in the changes | address, length (IPv4)
 *
 *  A table of a million is far larger than any cache, and a change comes to its routes in no order: a look into a row is a wait of
 *  a hundred nanoseconds, the next one into the same row costs nothing. So all of a route lies together, its prefix and
 *  its place in the change list too, and a row never lies across two lines. Words hold ids plus 1: what was never written is "none". */
import { Int32Column } from '../../base/columns.ts';

export const ROW_BITS = 3;
/** The word of ChangeList, and the two of PrefixTable. */
export const PLACE_AT = 5;
export const PREFIX_AT = 6;
export const FIRST = 0;
export const BEST = 1;
export const TOLD_SET = 2;
/** Source ids have 16 bits; the marks lie above them. */
export const TOLD_SOURCE = 3;
export const MARKS_AT = 16;
export const SOURCE = (1 << MARKS_AT) - 1;
/** In `groups` of the table; without the 1. */
export const TOLD_GROUP = 4;

/** Marks. It waits in the queue: to be compared with what was told, or more. */
export const QUEUED = 1;
/** Its best path is not known: all its paths are looked at. */
export const WALK = 2;
/** Some usable path of it changed. */
export const PATHS = 4;
/** Paths of the best rank differ in MED: their group is looked at as a whole. Set by BestPaths. */
export const MIXED_MED = 8;

export class RouteRows {
  readonly cells = new Int32Column(0);

  /** A route with this id may come. */
  reach(route: number): void {
    const last = ((route + 1) << ROW_BITS) - 1;
    if (last >= this.cells.at.length) this.cells.reach(last);
  }

  /** The first of its paths, in a list that PathTable links; -1: it has none. */
  firstOf(route: number): number {
    return (this.cells.at[(route << ROW_BITS) + FIRST] as number) - 1;
  }
  setFirst(route: number, path: number): void {
    this.cells.at[(route << ROW_BITS) + FIRST] = path + 1;
  }

  bestOf(route: number): number {
    return (this.cells.at[(route << ROW_BITS) + BEST] as number) - 1;
  }
  setBest(route: number, path: number): void {
    this.cells.at[(route << ROW_BITS) + BEST] = path + 1;
  }

  /** The used set last told, with a reference of its own: it may outlive its path. -1: nothing told, or withdrawn. */
  toldSetOf(route: number): number {
    return (this.cells.at[(route << ROW_BITS) + TOLD_SET] as number) - 1;
  }
  /** The source of what was told; that of the last that was where nothing is. */
  toldSourceOf(route: number): number {
    return (this.cells.at[(route << ROW_BITS) + TOLD_SOURCE] as number) & SOURCE;
  }
  /** Its next hops, in the table's groups, with a reference. */
  toldGroupOf(route: number): number {
    return this.cells.at[(route << ROW_BITS) + TOLD_GROUP] as number;
  }
  tell(route: number, set: number, source: number, group: number): void {
    const row = route << ROW_BITS;
    const { at } = this.cells;
    at[row + TOLD_SET] = set + 1;
    at[row + TOLD_SOURCE] = ((at[row + TOLD_SOURCE] as number) & ~SOURCE) | (source & SOURCE);
    at[row + TOLD_GROUP] = group;
  }

  /** What it waits for, and what is known of it. */
  marksOf(route: number): number {
    return (this.cells.at[(route << ROW_BITS) + TOLD_SOURCE] as number) >>> MARKS_AT;
  }
  setMarks(route: number, marks: number): void {
    const at = (route << ROW_BITS) + TOLD_SOURCE;
    this.cells.at[at] = ((this.cells.at[at] as number) & SOURCE) | (marks << MARKS_AT);
  }
}
