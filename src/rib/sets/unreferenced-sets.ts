/** Sets that have lost their last reference, until some dozens can go together: what is known of them lies far apart, and asked for
 *  side by side it takes little longer than one. One that is referred to again before that stays what it is. Pure, hot. */
import type { SetRows } from './set-rows.ts';

const MANY = 64;

export class UnreferencedSets {
  /** Those that go, from take() until the next one. */
  readonly ids = new Int32Array(2 * MANY);
  /** While as many as there may be go, each may leave one more behind. */
  private readonly waiting = new Int32Array(2 * MANY);
  private count = 0;

  /** Answers whether they are many. */
  add(id: number): boolean {
    this.waiting[this.count++] = id;
    return this.count >= MANY;
  }

  /** Answers how many of them go now: `ids` has them, and each once. */
  take(rows: SetRows): number {
    const { waiting, ids, count } = this;
    let n = 0;
    for (let i = 0; i < count; i++) {
      const id = waiting[i]!;
      if (rows.refsOf(id) !== 0) continue;
      // It may have come back and lost its reference again: then it waits twice.
      rows.refer(id, -1);
      ids[n++] = id;
    }
    this.count = 0;
    return n;
  }
}
