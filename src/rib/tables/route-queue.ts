/** Routes that wait to be decided, in the order in which they were marked. Pure, hot. Whoever marks a route sees to it that it waits
 *  once. They leave in order, so "decided >= marked then" means "all of then are done". */

const FIRST = 1024;

export class RouteQueue {
  private list = new Int32Array(FIRST);
  private head = 0;
  private tail = 0;
  /** How many ever came, and how many have left. */
  marked = 0;
  decided = 0;

  get waiting(): number {
    return this.tail - this.head;
  }

  push(route: number): void {
    if (this.tail === this.list.length) this.makeRoom(1);
    this.list[this.tail++] = route;
    this.marked++;
  }

  /** The first `count` of `routes`. */
  pushAll(routes: Int32Array, count: number): void {
    if (this.tail + count > this.list.length) this.makeRoom(count);
    const { list, tail } = this;
    for (let i = 0; i < count; i++) list[tail + i] = routes[i]!;
    this.tail += count;
    this.marked += count;
  }

  /** The next `most` at most; answers how many. */
  take(into: Int32Array, most: number): number {
    const { list, head } = this;
    const count = Math.min(most, this.tail - head);
    for (let i = 0; i < count; i++) into[i] = list[head + i]!;
    this.head += count;
    this.decided += count;
    if (this.head === this.tail) {
      this.head = 0;
      this.tail = 0;
    }
    return count;
  }

  private makeRoom(count: number): void {
    const waiting = this.list.subarray(this.head, this.tail);
    let room = this.list.length;
    while ((waiting.length + count) * 2 > room) room *= 2;
    const moved = new Int32Array(room);
    moved.set(waiting);
    this.tail = waiting.length;
    this.head = 0;
    this.list = moved;
  }
}
