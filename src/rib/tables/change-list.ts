/** One list of changed routes for all peers, with a cursor per peer. Pure, hot. A route is in the list at most once: changing
 *  again moves it to the end, so that a slow peer is told only the last state, and memory does not grow with peers.
 *
 *     head -> r7 -> r2 -> r9 -> END          r7 is behind every cursor: the next drop frees it
 *                   ^A          ^B           A has r2 and r9 before it, B is done
 *
 *  What is known of a route lies together, so that a route costs one look into memory: the one after it, the one before it, and
 *  its marks; in rows that the list may share with others. Links mean something only while the route is in the list. */
import { Int32Column } from '../../base/columns.ts';

const NONE = -1;
/** Where a cursor stands that has read everything. */
const END = -1;

/** Words of a route, and where a list has them alone: rows of four, which no cache line cuts in two. */
const AFTER = 0;
const BEFORE = 1;
const MARKS = 2;
/** In the marks: it is in the list. Above that bit is counted how many cursors stand at it, and the list of cursors is searched
 *  only where that is not 0. */
const LISTED = 1;
const STANDING = 2;

export interface Cursor {
  next: number;
}

export class ChangeList {
  private readonly cells: Int32Column;
  private readonly rowBits: number;
  private readonly at: number;
  private readonly cursors = new Set<Cursor>();
  private atEnd = 0;
  private head = NONE;
  private tail = NONE;

  /** In rows of 1 << rowBits words the words from `at` on are the list's. They are 0 when a route comes for the first time. */
  constructor(cells: Int32Column, rowBits: number, at: number) {
    this.cells = cells;
    this.rowBits = rowBits;
    this.at = at;
  }

  static ofItsOwn(): ChangeList {
    return new ChangeList(new Int32Column(0), 2, 0);
  }

  /** Stands behind all changes so far. */
  open(): Cursor {
    const cursor = { next: END };
    this.cursors.add(cursor);
    this.atEnd++;
    return cursor;
  }

  close(cursor: Cursor): void {
    this.cursors.delete(cursor);
    this.leave(cursor.next);
  }

  get hasReaders(): boolean {
    return this.cursors.size > 0;
  }

  holds(route: number): boolean {
    const at = this.rowOf(route) + MARKS;
    return at < this.cells.at.length && ((this.cells.at[at] as number) & LISTED) !== 0;
  }

  isDone(cursor: Cursor): boolean {
    return cursor.next === END;
  }

  /** Notes a change; nothing where nobody reads. */
  touch(route: number): void {
    if (this.cursors.size === 0) return;
    const row = this.rowOf(route);
    if (row + MARKS >= this.cells.at.length) this.cells.reach(row + MARKS);
    const cells = this.cells.at;
    if (((cells[row + MARKS] as number) & LISTED) !== 0) {
      if (this.tail === route) {
        // Already the last one; but who has read it must read it again.
        this.moveCursors(END, route);
        return;
      }
      this.moveCursors(route, cells[row + AFTER] as number);
      this.unlink(route);
    }
    cells[row + BEFORE] = this.tail;
    cells[row + AFTER] = NONE;
    if (this.tail === NONE) this.head = route;
    else cells[this.rowOf(this.tail) + AFTER] = route;
    this.tail = route;
    cells[row + MARKS] = (cells[row + MARKS] as number) | LISTED;
    if (this.atEnd > 0) this.moveCursors(END, route);
  }

  /** The next changed route for this reader, or -1. */
  take(cursor: Cursor): number {
    const route = cursor.next;
    if (route === END) return NONE;
    this.leave(route);
    cursor.next = this.cells.at[this.rowOf(route) + AFTER] as number;
    this.stand(cursor.next);
    return route;
  }

  /** Stands where another reader stands, who has read the same until now. */
  follow(cursor: Cursor, other: Cursor): void {
    this.leave(cursor.next);
    cursor.next = other.next;
    this.stand(cursor.next);
  }

  /** Drops a route that everybody has read, and answers it; -1 when there is none. */
  drop(): number {
    const route = this.head;
    if (route === NONE) return NONE;
    const cells = this.cells.at;
    const row = this.rowOf(route);
    if ((cells[row + MARKS] as number) >= STANDING) return NONE;
    const after = cells[row + AFTER] as number;
    this.head = after;
    if (after === NONE) this.tail = NONE;
    else cells[this.rowOf(after) + BEFORE] = NONE;
    cells[row + MARKS] = 0;
    return route;
  }

  private rowOf(route: number): number {
    return (route << this.rowBits) + this.at;
  }

  private unlink(route: number): void {
    const cells = this.cells.at;
    const row = this.rowOf(route);
    const after = cells[row + AFTER] as number;
    const before = cells[row + BEFORE] as number;
    if (before === NONE) this.head = after;
    else cells[this.rowOf(before) + AFTER] = after;
    if (after === NONE) this.tail = before;
    else cells[this.rowOf(after) + BEFORE] = before;
    cells[row + MARKS] = (cells[row + MARKS] as number) & ~LISTED;
  }

  private stand(at: number): void {
    if (at === END) this.atEnd++;
    else this.count(at, STANDING);
  }

  private leave(at: number): void {
    if (at === END) this.atEnd--;
    else this.count(at, -STANDING);
  }

  private count(route: number, by: number): void {
    const at = this.rowOf(route) + MARKS;
    this.cells.at[at] = (this.cells.at[at] as number) + by;
  }

  private moveCursors(from: number, to: number): void {
    const standing = from === END ? this.atEnd : (this.cells.at[this.rowOf(from) + MARKS] as number) >> 1;
    if (standing === 0) return;
    for (const cursor of this.cursors) {
      if (cursor.next !== from) continue;
      this.leave(from);
      cursor.next = to;
      this.stand(to);
    }
  }
}
