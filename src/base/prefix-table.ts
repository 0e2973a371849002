/** A flat hash table from (address, length) to a stable id. Pure, hot: typed arrays only, and where `as number` follows an
 *  indexed access, the loop proves the bound.
 *
 *    slots     [address, (id + 1) << 6 | length]   8 bytes each, linear probing; 0 in the second word: free
 *    prefixes  [address, length]                    by id: an id never moves, so others keep columns of their own by it, or
 *                                                   have these two words in rows of theirs
 *
 *  Slots move on growth and on delete (backward shift, so there are no tombstones); nobody outside ever holds one. The id of
 *  a deleted prefix is given out again: who keeps columns by id clears theirs before deleting.
 *
 *  Growth is no pause: the slots of the smaller array move over a few at a time, with each insertion, and until the last one has,
 *  what is not found in the larger is looked for in the smaller. A slot is the first bits of the hash, not the last ones: what
 *  stood in order stands in order again in an array of twice the size, and moving reads and writes straight ahead. */
import { Int32Column } from './columns.ts';
import { fixedMemory, leaveMemory } from './growing-memory.ts';
import { sortByWord } from './id-sort.ts';
import { invariant } from './invariant.ts';
import { netmask } from './ipv4.ts';
import { prefixKey } from './prefix.ts';
import type { PrefixIndex } from './prefix-index.ts';

const ABSENT = -1;
/** As length: this id is in the free list, whose next id is in place of the address. */
const UNUSED = 255;
const END_OF_FREE = 0xffffffff;
/** 26 bits are left for an id beside the 6 of the length. */
const MAX_IDS = 2 ** 26 - 1;
const MIN_SLOTS = 16;
/** In the second word of a slot of the smaller array: moved or deleted. No prefix has this length, and it is not free. */
const MOVED = 63;
/** Old slots that one insertion moves: growth is over long before the larger array is full. */
const STEP = 16;

/** Mixes well in its first bits, so that neighbouring blocks (10.244.1.0/26, 10.244.1.64/26, ...) do not fall into one run of
 *  slots. */
function hash(address: number, length: number): number {
  let h = Math.imul(address ^ Math.imul(length, 0x9e3779b1), 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

const slotsOf = (count: number): Uint32Array => new Uint32Array(fixedMemory(count * 8));

const shiftFor = (slots: number): number => Math.clz32(slots) + 1;

function powerOfTwo(atLeast: number): number {
  let n = MIN_SLOTS;
  while (n < atLeast) n *= 2;
  return n;
}

export interface PrefixTableOptions {
  /** So many prefixes fit without growth; more may come. */
  readonly expected?: number;
  /** Where the prefixes are kept: in rows of 1 << rowBits words by id, the words `at` and the next one. The table makes them as long
   *  as they must be. */
  readonly rows?: { readonly cells: Int32Column; readonly rowBits: number; readonly at: number };
}

export class PrefixTable implements PrefixIndex<number> {
  private slots: Uint32Array;
  private mask: number;
  /** A hash without its last so many bits is a slot. */
  private shift: number;
  /** While growing: the smaller array, and how many of its slots have been moved. */
  private old: Uint32Array | undefined;
  private moved = 0;
  private readonly cells: Int32Column;
  private readonly rowBits: number;
  private readonly at: number;
  private freeHead = ABSENT;
  private used = 0;
  /** What was asked for ahead goes in here, or nobody would have to ask. */
  private near = 0;
  private idsGiven = 0;
  /** How many prefixes have each length: the lookup probes only lengths in use. */
  private readonly ofLength = new Uint32Array(33);

  constructor({ expected = 0, rows }: PrefixTableOptions = {}) {
    const slots = powerOfTwo(Math.ceil(expected / 0.75));
    this.slots = slotsOf(slots);
    this.mask = slots - 1;
    this.shift = shiftFor(slots);
    this.cells = rows?.cells ?? new Int32Column(0, Math.max(MIN_SLOTS, expected) * 2);
    this.rowBits = rows?.rowBits ?? 1;
    this.at = rows?.at ?? 0;
  }

  get size(): number {
    return this.used;
  }

  get idBound(): number {
    return this.idsGiven;
  }

  has(id: number): boolean {
    return id >= 0 && id < this.idsGiven && this.lengthOf(id) !== UNUSED;
  }

  addressOf(id: number): number {
    return (this.cells.at[(id << this.rowBits) + this.at] as number) >>> 0;
  }

  lengthOf(id: number): number {
    return this.cells.at[(id << this.rowBits) + this.at + 1] as number;
  }

  /** Asks the memory for the slot, and waits for nothing: whoever is about to look up many says so for all of them first, and they
   *  come side by side. The answer is of no use but to be used, or the read would be left out. */
  prefetch(address: number, length: number): number {
    return this.slots[(hash(address, length) >>> this.shift) * 2 + 1] as number;
  }

  find(address: number, length: number): number {
    const { slots, mask } = this;
    let slot = hash(address, length) >>> this.shift;
    for (;;) {
      const word = slots[slot * 2 + 1] as number;
      if (word === 0) break;
      if ((word & 63) === length && slots[slot * 2] === address) return (word >>> 6) - 1;
      slot = (slot + 1) & mask;
    }
    return this.old === undefined ? ABSENT : this.idAt(this.old, this.oldSlotOf(this.old, address, length));
  }

  insert(address: number, length: number): number {
    if (this.old !== undefined) this.move(this.old);
    const { slots, mask } = this;
    let slot = hash(address, length) >>> this.shift;
    for (;;) {
      const word = slots[slot * 2 + 1] as number;
      if (word === 0) break;
      if ((word & 63) === length && slots[slot * 2] === address) return (word >>> 6) - 1;
      slot = (slot + 1) & mask;
    }
    if (this.old !== undefined) {
      const known = this.idAt(this.old, this.oldSlotOf(this.old, address, length));
      if (known !== ABSENT) return known;
    }
    const id = this.takeId();
    this.cells.at[(id << this.rowBits) + this.at] = address;
    this.cells.at[(id << this.rowBits) + this.at + 1] = length;
    slots[slot * 2] = address;
    slots[slot * 2 + 1] = ((id + 1) << 6) | length;
    this.used++;
    this.ofLength[length] = (this.ofLength[length] as number) + 1;
    if (this.used * 4 > (mask + 1) * 3) this.grow();
    return id;
  }

  delete(address: number, length: number): number {
    const { slots, mask } = this;
    let gap = hash(address, length) >>> this.shift;
    for (;;) {
      const word = slots[gap * 2 + 1] as number;
      if (word === 0) return this.deleteOld(address, length);
      if ((word & 63) === length && slots[gap * 2] === address) break;
      gap = (gap + 1) & mask;
    }
    const id = this.idAt(slots, gap);
    for (let slot = (gap + 1) & mask; slots[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      const word = slots[slot * 2 + 1] as number;
      const home = hash(slots[slot * 2] as number, word & 63) >>> this.shift;
      // Only an entry whose home is not between the gap and itself may move back into the gap.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap * 2] = slots[slot * 2] as number;
      slots[gap * 2 + 1] = word;
      gap = slot;
    }
    slots[gap * 2 + 1] = 0;
    this.freeId(id, length);
    return id;
  }

  /** The same for the slot of an id in use; its prefix is best asked for a while before, by addressOf(). */
  prefetchId(id: number): number {
    return this.prefetch(this.addressOf(id), this.lengthOf(id));
  }

  deleteId(id: number): void {
    this.delete(this.addressOf(id), this.lengthOf(id));
  }

  /** The first `count` of `ids`, all of them in use. Their slots are asked for before the first is freed, and come side by side. */
  deleteIds(ids: Int32Array, count: number): void {
    let near = 0;
    for (let i = 0; i < count; i++) near ^= this.prefetchId(ids[i]!);
    this.near ^= near;
    for (let i = 0; i < count; i++) this.deleteId(ids[i]!);
  }

  longestMatch(address: number, atMost = 32): number {
    for (let length = atMost; length >= 0; length--) {
      if (this.ofLength[length] === 0) continue;
      const id = this.find((address & netmask(length)) >>> 0, length);
      if (id !== ABSENT) return id;
    }
    return ABSENT;
  }

  forEach(visit: (id: number, address: number, length: number) => void): void {
    for (let id = 0; id < this.idsGiven; id++) {
      if (this.has(id)) visit(id, this.addressOf(id), this.lengthOf(id));
    }
  }

  sortedIds(): Int32Array {
    const ids = new Int32Array(this.used);
    let n = 0;
    for (let id = 0; id < this.idsGiven; id++) if (this.lengthOf(id) !== UNUSED) ids[n++] = id;
    const spare = new Int32Array(this.used);
    const byLength = sortByWord(ids, spare, this.cells.at, 1 << this.rowBits, this.at + 1, 6);
    return sortByWord(byLength, byLength === ids ? spare : ids, this.cells.at, 1 << this.rowBits, this.at, 32);
  }

  /** prefixKey() of every prefix, in the order of sortedIds(). */
  sortedKeys(): Float64Array {
    const ids = this.sortedIds();
    const keys = new Float64Array(ids.length);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i] as number;
      keys[i] = prefixKey(this.addressOf(id), this.lengthOf(id));
    }
    return keys;
  }

  /** -1 for no slot. */
  private idAt(slots: Uint32Array, slot: number): number {
    return slot === ABSENT ? ABSENT : ((slots[slot * 2 + 1] as number) >>> 6) - 1;
  }

  /** Of the smaller array; -1 where the prefix is not, or no longer, there. */
  private oldSlotOf(old: Uint32Array, address: number, length: number): number {
    const mask = (old.length >>> 1) - 1;
    let slot = hash(address, length) >>> (this.shift + 1);
    for (;;) {
      const word = old[slot * 2 + 1] as number;
      if (word === 0) return ABSENT;
      if ((word & 63) === length && old[slot * 2] === address) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private deleteOld(address: number, length: number): number {
    const { old } = this;
    const slot = old === undefined ? ABSENT : this.oldSlotOf(old, address, length);
    if (old === undefined || slot === ABSENT) return ABSENT;
    const id = this.idAt(old, slot);
    old[slot * 2 + 1] = MOVED;
    this.freeId(id, length);
    return id;
  }

  private grow(): void {
    // The last growth is over by now, but for a table that is tiny.
    while (this.old !== undefined) this.move(this.old);
    this.old = this.slots;
    this.moved = 0;
    this.slots = slotsOf(this.old.length);
    this.mask = this.old.length - 1;
    this.shift--;
  }

  /** The next few slots of the smaller array. */
  private move(old: Uint32Array): void {
    const end = Math.min(this.moved + STEP, old.length >>> 1);
    for (let from = this.moved; from < end; from++) {
      const word = old[from * 2 + 1] as number;
      if (word === 0 || word === MOVED) continue;
      this.place(old[from * 2] as number, word);
      old[from * 2 + 1] = MOVED;
    }
    this.moved = end;
    if (end < old.length >>> 1) return;
    this.old = undefined;
    leaveMemory(old);
  }

  private place(address: number, word: number): void {
    const { slots, mask } = this;
    let slot = hash(address, word & 63) >>> this.shift;
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    slots[slot * 2] = address;
    slots[slot * 2 + 1] = word;
  }

  private takeId(): number {
    if (this.freeHead !== ABSENT) {
      const id = this.freeHead;
      const next = this.addressOf(id);
      this.freeHead = next === END_OF_FREE ? ABSENT : next;
      return id;
    }
    invariant(this.idsGiven < MAX_IDS, `a prefix table holds at most ${MAX_IDS} prefixes`);
    const id = this.idsGiven++;
    this.cells.reach(((id + 1) << this.rowBits) - 1);
    return id;
  }

  private freeId(id: number, length: number): void {
    this.used--;
    this.ofLength[length] = (this.ofLength[length] as number) - 1;
    this.cells.at[(id << this.rowBits) + this.at] = this.freeHead === ABSENT ? END_OF_FREE : this.freeHead;
    this.cells.at[(id << this.rowBits) + this.at + 1] = UNUSED;
    this.freeHead = id;
  }
}
