/** The log of changed routes for all peers, with a cursor per peer. Pure, hot. A route stands in it at most once: changing again it
 *  moves to the end, unless nobody has read it yet, so that a slow peer is told only the last state.
 *
 *     place    12   13   14   15   16         head is 12, tail 17; the ring is as long as a power of two
 *     route    r7    -   r2   r9   r4         r4 stood at 13 and changed again
 *                        ^A        ^B         A has r2, r9 and r4 before it; r7 is behind every cursor: the next drop frees it
 *
 *  The place of a route lies in its row, which whoever changes it has at hand. Readers go through the log in order, and the
 *  memory ahead of them comes by itself, which no list of links can say. Places count up and wrap; 0 is none. */
import { Int32Column } from '../../base/columns.ts';

const NONE = -1;
const FIRST = 1024;

export interface Cursor {
  /** The place of the next change. */
  next: number;
}

export class ChangeList {
  private readonly cells: Int32Column;
  private readonly rowBits: number;
  private readonly at: number;
  private readonly cursors = new Set<Cursor>();
  private log = new Int32Array(FIRST);
  private head: number;
  private tail: number;
  private live = 0;
  /** No cursor stands behind it. */
  private furthest: number;
  /** No cursor stands before it. */
  private least: number;

  /** In rows of 1 << rowBits words the word `at` is the log's; it is 0 when a route comes for the first time. `from`: the
   *  first place. */
  constructor(cells: Int32Column = new Int32Column(0), rowBits = 0, at = 0, from = 1) {
    this.cells = cells;
    this.rowBits = rowBits;
    this.at = at;
    this.head = from;
    this.tail = from;
    this.furthest = from;
    this.least = from;
  }

  /** Places that the log has memory for. */
  get room(): number {
    return this.log.length;
  }

  /** Stands behind all changes so far. */
  open(): Cursor {
    const cursor = { next: this.tail };
    this.cursors.add(cursor);
    this.furthest = this.tail;
    return cursor;
  }

  close(cursor: Cursor): void {
    this.cursors.delete(cursor);
  }

  get hasReaders(): boolean {
    return this.cursors.size > 0;
  }

  holds(route: number): boolean {
    const at = (route << this.rowBits) + this.at;
    return at < this.cells.at.length && this.cells.at[at] !== 0;
  }

  isDone(cursor: Cursor): boolean {
    return cursor.next === this.tail;
  }

  /** Notes a change; nothing where nobody reads. */
  touch(route: number): void {
    if (this.cursors.size === 0) return;
    const at = (route << this.rowBits) + this.at;
    if (at >= this.cells.at.length) this.cells.reach(at);
    const place = this.cells.at[at] as number;
    if (place !== 0) {
      if (((place - this.furthest) | 0) >= 0) return; // still ahead of everyone
      this.log[place & (this.log.length - 1)] = NONE;
      this.live--;
    }
    if (((this.tail - this.head) | 0) >= this.log.length) this.makeRoom();
    this.log[this.tail & (this.log.length - 1)] = route;
    this.cells.at[at] = this.tail;
    this.tail = after(this.tail);
    this.live++;
  }

  /** The same for the first `count` of `routes`. */
  touchAll(routes: Int32Array, count: number): void {
    if (this.cursors.size === 0) return;
    const { rowBits } = this;
    if (((this.tail - this.head) | 0) + count > this.log.length) {
      for (let i = 0; i < count; i++) this.touch(routes[i]!);
      return;
    }
    let last = 0;
    for (let i = 0; i < count; i++) if (routes[i]! > last) last = routes[i]!;
    this.cells.reach((last << rowBits) + this.at);
    const { at } = this.cells;
    const { log, furthest } = this;
    const mask = log.length - 1;
    let { tail, live } = this;
    for (let i = 0; i < count; i++) {
      const cell = (routes[i]! << rowBits) + this.at;
      const place = at[cell]!;
      if (place !== 0) {
        if (((place - furthest) | 0) >= 0) continue;
        log[place & mask] = NONE;
        live--;
      }
      log[tail & mask] = routes[i]!;
      at[cell] = tail;
      tail = after(tail);
      live++;
    }
    this.tail = tail;
    this.live = live;
  }

  /** The next changed routes for this reader, at most so many; answers how many. */
  takeSome(cursor: Cursor, into: Int32Array, most: number): number {
    const { log, tail } = this;
    const mask = log.length - 1;
    let place = cursor.next;
    let count = 0;
    while (count < most && place !== tail) {
      const route = log[place & mask]!;
      place = after(place);
      if (route !== NONE) into[count++] = route;
    }
    cursor.next = place;
    if (((place - this.furthest) | 0) > 0) this.furthest = place;
    return count;
  }

  /** Stands where another reader stands, who has read the same until now. */
  follow(cursor: Cursor, other: Cursor): void {
    cursor.next = other.next;
  }

  /** Drops routes that everybody has read, at most so many; answers how many. */
  dropSome(into: Int32Array, most: number): number {
    const { log, rowBits } = this;
    const { at } = this.cells;
    const mask = log.length - 1;
    let count = 0;
    while (count < most && (this.head !== this.least || this.moveLeast())) {
      const route = log[this.head & mask]!;
      this.head = after(this.head);
      if (route === NONE) continue;
      at[(route << rowBits) + this.at] = 0;
      into[count++] = route;
    }
    this.live -= count;
    return count;
  }

  /** False: somebody has not read what comes next, or nothing does. */
  private moveLeast(): boolean {
    let least = this.tail;
    for (const { next } of this.cursors) if (((next - least) | 0) < 0) least = next;
    this.least = least;
    return this.head !== least;
  }

  /** The log is full. Where most of it are places that were left, the others move together: once in so many changes, and only while
   *  somebody is slow. */
  private makeRoom(): void {
    const { log, cells, head, tail } = this;
    const length = this.live * 2 > log.length ? log.length * 2 : log.length;
    const into = new Int32Array(length);
    const slow = [...this.cursors].sort((a, b) => (a.next - b.next) | 0);
    let moved = 0;
    let to = head;
    for (let from = head; from !== tail; from = after(from)) {
      for (; slow[moved]?.next === from; moved++) (slow[moved] as Cursor).next = to;
      const route = log[from & (log.length - 1)] as number;
      if (route === NONE) continue;
      into[to & (length - 1)] = route;
      cells.at[(route << this.rowBits) + this.at] = to;
      to = after(to);
    }
    for (; moved < slow.length; moved++) (slow[moved] as Cursor).next = to;
    this.log = into;
    this.tail = to;
    this.least = head;
    this.furthest = slow.at(-1)?.next ?? to;
  }
}

/** The place behind this one; there is no place 0. */
function after(place: number): number {
  return (place + 1) | 0 || 1;
}
