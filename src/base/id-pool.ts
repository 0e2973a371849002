/** Small numbers given out, the lowest free one first. Pure, hot.
 *
 *  Who keeps columns by id reads them in order where ids that come together are neighbours. Ids come back in no order, and a list of
 *  them would give them out in none: a table that was emptied and filled again would lie scattered over its own memory for good.
 *
 *    level 0    a bit per id: it came back
 *    level n    a bit per word of the level below: that is not 0 */
import { Int32Column } from './columns.ts';

const NONE = -1;

export class IdPool {
  private readonly levels = [new Int32Column(0, 1)];
  /** A word of level 0 with an id in it, none before it; or -1: no id is free below `bound`. */
  private lowest = NONE;
  /** All ids ever given are below it. */
  bound = 0;

  take(): number {
    const { lowest } = this;
    if (lowest === NONE) return this.bound++;
    const { at } = this.levels[0]!;
    const word = at[lowest]!;
    const left = word & (word - 1);
    at[lowest] = left;
    if (left === 0) this.lowest = this.emptied(lowest);
    return lowest * 32 + lowestBit(word);
  }

  /** It was given out, and may be again. */
  give(id: number): void {
    const index = id >>> 5;
    const { levels } = this;
    const ids = levels[0]!;
    if (index >= ids.at.length) ids.reach(index);
    const word = ids.at[index]!;
    ids.at[index] = word | (1 << (id & 31));
    if (word !== 0) return;
    if (this.lowest === NONE || index < this.lowest) this.lowest = index;
    this.fill(index);
  }

  /** Word `index` of level 0 is not 0 any more. */
  private fill(index: number): void {
    const { levels } = this;
    for (let level = 1, i = index; i > 0 || level < levels.length; level++) {
      if (level === levels.length) this.grow();
      const column = levels[level]!;
      const bit = 1 << (i & 31);
      i >>>= 5;
      column.reach(i);
      const word = column.at[i]!;
      column.at[i] = word | bit;
      if (word !== 0) return;
    }
  }

  /** One level more on top, which so far has the first word below it to tell of. */
  private grow(): void {
    const column = new Int32Column(0, 1);
    if (this.levels.at(-1)!.at[0] !== 0) column.at[0] = 1;
    this.levels.push(column);
  }

  /** Word `index` of level 0, the first, is 0 now. Answers the next one that is not, or -1. */
  private emptied(index: number): number {
    const { levels } = this;
    let i = index;
    for (let level = 1; level < levels.length; level++) {
      const { at } = levels[level]!;
      const word = at[i >>> 5]! & ~(1 << (i & 31));
      i >>>= 5;
      at[i] = word;
      if (word === 0) continue;
      // Down again, on the left-most way.
      for (; level > 0; level--) i = i * 32 + lowestBit(levels[level]!.at[i]!);
      return i;
    }
    return NONE;
  }
}

const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);
