/** One list of changed routes for all peers, with a cursor per peer. Pure, hot. A route is in the list at most once: changing
 *  again moves it to the end, so that a slow peer is told only the last state, and memory does not grow with peers.
 *
 *     head -> r7 -> r2 -> r9 -> END          r7 is behind every cursor: the next drop frees it
 *                   ^A          ^B           A has r2 and r9 before it, B is done
 *
 *  What is known of a route lies together, so that a route costs one look into memory: the one after it, the one before it, and
 *  its marks. Links mean something only while the route is in the list. */
import { Int32Column } from '../../base/columns.ts';

const NONE = -1;
/** Where a cursor stands that has read everything. */
const END = -1;

/** Places of a route: 16 octets, which no cache line cuts in two. */
const STRIDE_BITS = 2;
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
  private readonly cells = new Int32Column(0);
  private readonly cursors = new Set<Cursor>();
  private atEnd = 0;
  private head = NONE;
  private tail = NONE;

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
    const at = (route << STRIDE_BITS) + MARKS;
    return at < this.cells.at.length && ((this.cells.at[at] as number) & LISTED) !== 0;
  }

  isDone(cursor: Cursor): boolean {
    return cursor.next === END;
  }

  /** Notes a change; nothing where nobody reads. */
  touch(route: number): void {
    if (this.cursors.size === 0) return;
    const row = route << STRIDE_BITS;
    if (row + MARKS >= this.cells.at.length) this.cells.reach(row + MARKS);
    const cells = this.cells.at;
    if (((cells[row + MARKS] as number) & LISTED) !== 0) {
      if (this.tail === route) {
        // Already the last one; but who has read it must read it again.
        this.moveCursors(END, route);
        return;
      }
      this.moveCursors(route, cells[row] as number);
      this.unlink(route);
    }
    cells[row + BEFORE] = this.tail;
    cells[row] = NONE;
    if (this.tail === NONE) this.head = route;
    else cells[this.tail << STRIDE_BITS] = route;
    this.tail = route;
    cells[row + MARKS] = (cells[row + MARKS] as number) | LISTED;
    if (this.atEnd > 0) this.moveCursors(END, route);
  }

  /** The next changed route for this reader, or -1. */
  take(cursor: Cursor): number {
    const route = cursor.next;
    if (route === END) return NONE;
    this.leave(route);
    cursor.next = this.cells.at[route << STRIDE_BITS] as number;
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
    const row = route << STRIDE_BITS;
    if ((cells[row + MARKS] as number) >= STANDING) return NONE;
    const after = cells[row] as number;
    this.head = after;
    if (after === NONE) this.tail = NONE;
    else cells[(after << STRIDE_BITS) + BEFORE] = NONE;
    cells[row + MARKS] = 0;
    return route;
  }

  private unlink(route: number): void {
    const cells = this.cells.at;
    const row = route << STRIDE_BITS;
    const after = cells[row] as number;
    const before = cells[row + BEFORE] as number;
    if (before === NONE) this.head = after;
    else cells[before << STRIDE_BITS] = after;
    if (after === NONE) this.tail = before;
    else cells[(after << STRIDE_BITS) + BEFORE] = before;
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
    const at = (route << STRIDE_BITS) + MARKS;
    this.cells.at[at] = (this.cells.at[at] as number) + by;
  }

  private moveCursors(from: number, to: number): void {
    const standing = from === END ? this.atEnd : (this.cells.at[(from << STRIDE_BITS) + MARKS] as number) >> 1;
    if (standing === 0) return;
    for (const cursor of this.cursors) {
      if (cursor.next !== from) continue;
      this.leave(from);
      cursor.next = to;
      this.stand(to);
    }
  }
}
