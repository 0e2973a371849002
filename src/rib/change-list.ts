/** One list of changed routes for all peers, with a cursor per peer. Pure, hot. A route is in the list at most once: changing
 *  again moves it to the end, so that a slow peer is told only the last state, and memory does not grow with peers.
 *
 *     head -> r7 -> r2 -> r9 -> END          r7 is behind every cursor: the next trim frees it
 *                   ^A          ^B           A has r2 and r9 before it, B is done */
import { Int32Column, Uint8Column } from '../base/columns.ts';

const NONE = -1;
/** Where a cursor stands that has read everything. */
const END = -1;

export interface Cursor {
  next: number;
}

export class ChangeList {
  private readonly after = new Int32Column(NONE);
  private readonly before = new Int32Column(NONE);
  private readonly inList = new Uint8Column();
  /** How many cursors stand at this route; the list of cursors is searched only where it is not 0. */
  private readonly standing = new Int32Column(0);
  private readonly cursors = new Set<Cursor>();
  private atEnd = 0;
  /** Routes below it have room in every column; columns of different widths grow by different numbers of places. */
  private room = 0;
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
    return this.inList.at[route] === 1;
  }

  isDone(cursor: Cursor): boolean {
    return cursor.next === END;
  }

  /** Notes a change; nothing where nobody reads. */
  touch(route: number): void {
    if (this.cursors.size === 0) return;
    if (route >= this.room) this.grow(route);
    if (this.inList.at[route] === 1) {
      if (this.tail === route) {
        // Already the last one; but who has read it must read it again.
        this.moveCursors(END, route);
        return;
      }
      this.moveCursors(route, this.after.at[route] as number);
      this.unlink(route);
    }
    this.before.at[route] = this.tail;
    this.after.at[route] = NONE;
    if (this.tail === NONE) this.head = route;
    else this.after.at[this.tail] = route;
    this.tail = route;
    this.inList.at[route] = 1;
    this.moveCursors(END, route);
  }

  /** The next changed route for this reader, or -1. */
  take(cursor: Cursor): number {
    const route = cursor.next;
    if (route === END) return NONE;
    this.leave(route);
    cursor.next = this.after.at[route] as number;
    this.stand(cursor.next);
    return route;
  }

  /** Stands where another reader stands, who has read the same until now. */
  follow(cursor: Cursor, other: Cursor): void {
    this.leave(cursor.next);
    cursor.next = other.next;
    this.stand(cursor.next);
  }

  /** Drops what everybody has read, telling of each. */
  trim(onGone: (route: number) => void): void {
    while (this.head !== NONE && this.standing.at[this.head] === 0) {
      const route = this.head;
      this.unlink(route);
      onGone(route);
    }
  }

  private unlink(route: number): void {
    const before = this.before.at[route] as number;
    const after = this.after.at[route] as number;
    if (before === NONE) this.head = after;
    else this.after.at[before] = after;
    if (after === NONE) this.tail = before;
    else this.before.at[after] = before;
    this.inList.at[route] = 0;
  }

  private stand(at: number): void {
    if (at === END) this.atEnd++;
    else this.standing.at[at] = (this.standing.at[at] as number) + 1;
  }

  private leave(at: number): void {
    if (at === END) this.atEnd--;
    else this.standing.at[at] = (this.standing.at[at] as number) - 1;
  }

  private moveCursors(from: number, to: number): void {
    if (from === END ? this.atEnd === 0 : this.standing.at[from] === 0) return;
    for (const cursor of this.cursors) {
      if (cursor.next !== from) continue;
      this.leave(from);
      cursor.next = to;
      this.stand(to);
    }
  }

  private grow(route: number): void {
    for (const column of [this.after, this.before, this.inList, this.standing]) column.reach(route);
    this.room = Math.min(this.after.at.length, this.inList.at.length);
  }
}
