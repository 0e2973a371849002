/** What the tables ask of an attribute set, in one row of eight words, and its rank beside it. Pure, hot.
 *
 *    references | next hop | used as | where its octets are | generation | MED | neighbouring AS | verdict, marks, round of judging
 *
 *  A full table has 150,000 sets, which come and go in no order: what lies in one line of memory is one wait and not eight. The ranks
 *  are what whole lists of paths are compared by, and lie together. */
import { Float64Column, Int32Column } from '../../base/columns.ts';

export const SET_ROW_BITS = 3;
/** The word of SetStore. */
export const RUN_AT = 3;
const REFS = 0;
const NEXT_HOP = 1;
const USED_AS = 2;
const GENERATION = 4;
const MED = 5;
const NEIGHBOUR = 6;
const BITS = 7;
const MARKS_AT = 8;
const JUDGED_AT = 16;
const OCTET = 0xff;

const NONE = -1;

export class SetRows {
  readonly cells = new Int32Column(0);
  private readonly ranks = new Float64Column();

  /** A set with this id may come. */
  reach(id: number): void {
    this.cells.reach(((id + 1) << SET_ROW_BITS) - 1);
    this.ranks.reach(id);
  }

  /** Of a set that has just come: nobody holds it, and nothing is known of it. */
  begin(id: number): void {
    const { at } = this.cells;
    const row = id << SET_ROW_BITS;
    at[row + REFS] = 0;
    at[row + NEXT_HOP] = NONE;
    at[row + USED_AS] = NONE;
  }

  refsOf(id: number): number {
    return this.cells.at[(id << SET_ROW_BITS) + REFS] as number;
  }
  /** Answers how many references there are now. */
  refer(id: number, more: number): number {
    const at = (id << SET_ROW_BITS) + REFS;
    const refs = (this.cells.at[at] as number) + more;
    this.cells.at[at] = refs;
    return refs;
  }

  /** See rank.ts. */
  rankOf(id: number): number {
    return this.ranks.at[id] as number;
  }

  nextHopOf(id: number): number {
    return this.cells.at[(id << SET_ROW_BITS) + NEXT_HOP] as number;
  }
  setNextHop(id: number, nextHop: number): void {
    this.cells.at[(id << SET_ROW_BITS) + NEXT_HOP] = nextHop;
  }

  /** The set that this one is used as: its own id, another, or -1. */
  usedAsOf(id: number): number {
    return this.cells.at[(id << SET_ROW_BITS) + USED_AS] as number;
  }

  generationOf(id: number): number {
    return this.cells.at[(id << SET_ROW_BITS) + GENERATION] as number;
  }
  age(id: number): void {
    const at = (id << SET_ROW_BITS) + GENERATION;
    this.cells.at[at] = (this.cells.at[at] as number) + 1;
  }

  medOf(id: number): number {
    return (this.cells.at[(id << SET_ROW_BITS) + MED] as number) >>> 0;
  }

  neighbourAsOf(id: number): number {
    return (this.cells.at[(id << SET_ROW_BITS) + NEIGHBOUR] as number) >>> 0;
  }

  verdictOf(id: number): number {
    return (this.cells.at[(id << SET_ROW_BITS) + BITS] as number) & OCTET;
  }
  marksOf(id: number): number {
    return ((this.cells.at[(id << SET_ROW_BITS) + BITS] as number) >>> MARKS_AT) & OCTET;
  }
  /** The round of judging that the verdict is from; it wraps, and a verdict that old is of no use to anybody. */
  judgedIn(id: number): number {
    return ((this.cells.at[(id << SET_ROW_BITS) + BITS] as number) >>> JUDGED_AT) & OCTET;
  }

  /** What the octets say. */
  describe(id: number, rank: number, med: number, neighbourAs: number, marks: number): void {
    const { at } = this.cells;
    const row = id << SET_ROW_BITS;
    this.ranks.at[id] = rank;
    at[row + MED] = med;
    at[row + NEIGHBOUR] = neighbourAs;
    at[row + BITS] = ((at[row + BITS] as number) & ~(OCTET << MARKS_AT)) | (marks << MARKS_AT);
  }

  /** What import makes of it. */
  conclude(id: number, verdict: number, usedAs: number, judgedIn: number): void {
    const { at } = this.cells;
    const row = id << SET_ROW_BITS;
    at[row + USED_AS] = usedAs;
    at[row + BITS] = ((at[row + BITS] as number) & (OCTET << MARKS_AT)) | verdict | (judgedIn << JUDGED_AT);
  }
}
