/** What has been seen of the target: per place, how often one message passes it, in steps. Pure. A message that passes a place
 *  as often as none before is worth keeping. */

/** Bits of a pass count: 1, 2, 3, 4-7, 8-15, 16-31, 32-127, 128 and more. */
const step = (count: number): number =>
  count < 4 ? 1 << (count - 1) : count < 8 ? 8 : count < 16 ? 16 : count < 32 ? 32 : count < 128 ? 64 : 128;

export class Coverage {
  private readonly seen: Uint8Array;
  /** Places passed at least once. */
  reached = 0;

  constructor(places: number) {
    this.seen = new Uint8Array(places);
  }
  /** Takes one message's counts and sets them to 0. `work` is how many places it passed, each as often as it did: a measure
   *  of time that no other process on the machine disturbs. */
  take(counts: Int32Array, touched: Int32Array, n: number): { readonly isNew: boolean; readonly work: number } {
    let isNew = false;
    let work = 0;
    for (let i = 0; i < n; i++) {
      const place = touched[i] as number;
      const count = counts[place] as number;
      counts[place] = 0;
      work += count;
      const bit = step(count);
      const before = this.seen[place] as number;
      if ((before & bit) !== 0) continue;
      if (before === 0) this.reached++;
      this.seen[place] = before | bit;
      isNew = true;
    }
    return { isNew, work };
  }
}
