/** Columns that grow: a typed array by id. Pure, hot. Growth doubles by one copy of memory, about 1 ms per 4 MB; what is slow in a growing
 *  table is the rehash, not this. New places hold `fill`. */

/** Signed 32-bit numbers: ids, where -1 is none. */
export class Int32Column {
  at: Int32Array;
  readonly fill: number;

  constructor(fill: number, capacity = 64) {
    this.fill = fill;
    this.at = new Int32Array(capacity).fill(fill);
  }
  /** After it, `at[id]` exists. `at` may be a new array: hold it no longer than until the next call. */
  reach(id: number): void {
    if (id < this.at.length) return;
    const grown = new Int32Array(Math.max(this.at.length * 2, id + 1));
    grown.set(this.at);
    grown.fill(this.fill, this.at.length);
    this.at = grown;
  }
}

export class Uint8Column {
  at = new Uint8Array(64);

  reach(id: number): void {
    if (id < this.at.length) return;
    const grown = new Uint8Array(Math.max(this.at.length * 2, id + 1));
    grown.set(this.at);
    this.at = grown;
  }
}

/** One bit by id. Reading beyond the end is false. */
export class BitColumn {
  private words = new Uint32Array(4);
  count = 0;

  get(id: number): boolean {
    return (((this.words[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
  }
  set(id: number): void {
    if (this.get(id)) return;
    const word = id >>> 5;
    if (word >= this.words.length) {
      const grown = new Uint32Array(Math.max(this.words.length * 2, word + 1));
      grown.set(this.words);
      this.words = grown;
    }
    this.words[word] = (this.words[word] as number) | (1 << (id & 31));
    this.count++;
  }
  clear(id: number): void {
    if (!this.get(id)) return;
    this.words[id >>> 5] = (this.words[id >>> 5] as number) & ~(1 << (id & 31));
    this.count--;
  }
  clearAll(): void {
    this.words.fill(0);
    this.count = 0;
  }
}
