/** Columns that grow: a typed array by id. Pure, hot. Growth copies nothing that is large (growing-memory.ts); new places hold
 *  `fill`. After `reach(id)`, `at[id]` exists, and `at` may be a new array whose predecessor is void: hold none across a call
 *  that may add ids. */
import { GrowingMemory } from './growing-memory.ts';

const FIRST = 64;

/** Signed 32-bit numbers: ids, where -1 is none. */
export class Int32Column {
  at: Int32Array;
  readonly fill: number;
  private readonly memory: GrowingMemory;

  constructor(fill: number, capacity = FIRST) {
    this.fill = fill;
    this.memory = new GrowingMemory(capacity * 4);
    this.at = new Int32Array(this.memory.buffer);
    if (fill !== 0) this.at.fill(fill);
  }
  reach(id: number): void {
    const had = this.at.length;
    if (id < had) return;
    this.memory.reach((id + 1) * 4);
    this.at = new Int32Array(this.memory.buffer);
    if (this.fill !== 0) this.at.fill(this.fill, had);
  }
}

/** Unsigned 32-bit numbers; 0 where nothing was written. */
export class Uint32Column {
  at: Uint32Array;
  private readonly memory: GrowingMemory;

  constructor(capacity = FIRST) {
    this.memory = new GrowingMemory(capacity * 4);
    this.at = new Uint32Array(this.memory.buffer);
  }
  reach(id: number): void {
    if (id < this.at.length) return;
    this.memory.reach((id + 1) * 4);
    this.at = new Uint32Array(this.memory.buffer);
  }
}

export class Float64Column {
  at: Float64Array;
  private readonly memory: GrowingMemory;

  constructor(capacity = FIRST) {
    this.memory = new GrowingMemory(capacity * 8);
    this.at = new Float64Array(this.memory.buffer);
  }
  reach(id: number): void {
    if (id < this.at.length) return;
    this.memory.reach((id + 1) * 8);
    this.at = new Float64Array(this.memory.buffer);
  }
}

export class Uint16Column {
  at: Uint16Array;
  private readonly memory: GrowingMemory;

  constructor(capacity = FIRST) {
    this.memory = new GrowingMemory(capacity * 2);
    this.at = new Uint16Array(this.memory.buffer);
  }
  reach(id: number): void {
    if (id < this.at.length) return;
    this.memory.reach((id + 1) * 2);
    this.at = new Uint16Array(this.memory.buffer);
  }
}

export class Uint8Column {
  at: Uint8Array;
  private readonly memory: GrowingMemory;

  constructor(capacity = FIRST) {
    this.memory = new GrowingMemory(capacity);
    this.at = new Uint8Array(this.memory.buffer);
  }
  reach(id: number): void {
    if (id < this.at.length) return;
    this.memory.reach(id + 1);
    this.at = new Uint8Array(this.memory.buffer);
  }
}

/** Signed 32-bit numbers for ids of which few have one: 0 where nothing was written, and memory only up to the last id that has
 *  another number. */
export class SparseColumn {
  private readonly column = new Int32Column(0, 0);

  get(id: number): number {
    const { at } = this.column;
    return id < at.length ? at[id]! : 0;
  }
  set(id: number, value: number): void {
    const { column } = this;
    if (id >= column.at.length) {
      if (value === 0) return;
      column.reach(id);
    }
    column.at[id] = value;
  }
}

/** One bit by id. Reading beyond the end is false. */
export class BitColumn {
  private readonly words = new Int32Column(0, 4);
  count = 0;

  get(id: number): boolean {
    const { at } = this.words;
    const word = id >>> 5;
    return word < at.length && ((at[word]! >>> (id & 31)) & 1) === 1;
  }
  set(id: number): void {
    if (this.get(id)) return;
    const word = id >>> 5;
    this.words.reach(word);
    this.words.at[word] = (this.words.at[word] as number) | (1 << (id & 31));
    this.count++;
  }
  clear(id: number): void {
    if (!this.get(id)) return;
    this.words.at[id >>> 5] = (this.words.at[id >>> 5] as number) & ~(1 << (id & 31));
    this.count--;
  }
  clearAll(): void {
    this.words.at.fill(0);
    this.count = 0;
  }
}
