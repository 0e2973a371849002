/** The table of IPv6 prefixes: prefix-table.ts with addresses of four words. Pure, hot by octets as on the wire; bigints are for
 *  the edges.
 *
 *    slots     [hash, (id + 1) << 8 | length]   8 bytes each, linear probing; 0 in the second word: free
 *    columns   four words of address[id], side by side: one line of the cache; length[id]
 *
 *  Stable ids and growth a few slots at a time are as there; a deletion frees its slot at once (backward shift). */
import { Uint8Column, Uint32Column } from './columns.ts';
import { fixedMemory, leaveMemory } from './growing-memory.ts';
import { IdPool } from './id-pool.ts';
import { sortByWord } from './id-sort.ts';
import { invariant } from './invariant.ts';
import type { PrefixIndex } from './prefix-index.ts';

const ABSENT = -1;
const UNUSED = 255;
/** 24 bits are left for an id beside the 8 of the length. */
const MAX_IDS = 2 ** 24 - 1;
const MIN_SLOTS = 16;
/** No prefix has this length. */
const MOVED = 255;
const STEP = 16;
const LOW_32 = 0xffff_ffffn;

/** A mask for word `index` (0..3) of a prefix of this length; signed. */
function wordMask(length: number, index: number): number {
  const bits = length - index * 32;
  return bits >= 32 ? -1 : bits <= 0 ? 0 : -1 << (32 - bits);
}

/** Of prefixes nothing is random but what a registry gave out: all words go in, each well mixed. */
function hash(a: number, b: number, c: number, d: number, length: number): number {
  let h = Math.imul(a ^ Math.imul(length, 0x9e3779b1), 0x85ebca6b);
  h = Math.imul((h ^ (h >>> 15)) + b, 0xc2b2ae35);
  h = Math.imul((h ^ (h >>> 13)) + c, 0x27d4eb2f);
  h = Math.imul((h ^ (h >>> 15)) + d, 0x165667b1);
  return (h ^ (h >>> 16)) >>> 0;
}

export class Ipv6PrefixTable implements PrefixIndex<bigint> {
  private slots = new Uint32Array(MIN_SLOTS * 2);
  private mask = MIN_SLOTS - 1;
  private old: Uint32Array | undefined;
  private moved = 0;
  private readonly words = new Uint32Column();
  private readonly lengths = new Uint8Column();
  private readonly ids = new IdPool();
  private used = 0;
  private readonly ofLength = new Uint32Array(129);
  // The prefix at hand: fields, and not five arguments everywhere.
  private a = 0;
  private b = 0;
  private c = 0;
  private d = 0;
  private bits = 0;
  private hashed = 0;

  get size(): number {
    return this.used;
  }

  get idBound(): number {
    return this.ids.bound;
  }

  has(id: number): boolean {
    return id >= 0 && id < this.ids.bound && this.lengths.at[id] !== UNUSED;
  }

  addressOf(id: number): bigint {
    let address = 0n;
    for (let i = 0; i < 4; i++) address = (address << 32n) | BigInt(this.wordOf(id, i));
    return address;
  }

  /** One of the four words of the address of an id that is in use, the highest first. */
  wordOf(id: number, index: number): number {
    return this.words.at[id * 4 + index] as number;
  }

  lengthOf(id: number): number {
    return this.lengths.at[id] as number;
  }

  find(address: bigint, length: number): number {
    this.take(address, length);
    return this.findTaken();
  }

  insert(address: bigint, length: number): number {
    this.take(address, length);
    return this.insertTaken();
  }

  delete(address: bigint, length: number): number {
    this.take(address, length);
    return this.deleteTaken();
  }

  deleteId(id: number): void {
    const { at } = this.words;
    this.set(at[id * 4]!, at[id * 4 + 1]!, at[id * 4 + 2]!, at[id * 4 + 3]!, this.lengths.at[id]!);
    this.deleteTaken();
  }

  /** The id of the prefix whose octets, (length + 7) >> 3 of them, are at `at` of `slab`; bits beyond the length do not count. */
  findOctets(slab: Uint8Array, at: number, length: number): number {
    this.takeOctets(slab, at, length);
    return this.findTaken();
  }

  insertOctets(slab: Uint8Array, at: number, length: number): number {
    this.takeOctets(slab, at, length);
    return this.insertTaken();
  }

  longestMatch(address: bigint, atMost = 128): number {
    this.take(address, 128);
    const { a, b, c, d } = this;
    for (let length = atMost; length >= 0; length--) {
      if (this.ofLength[length] === 0) continue;
      this.set(
        a & wordMask(length, 0),
        b & wordMask(length, 1),
        c & wordMask(length, 2),
        d & wordMask(length, 3),
        length,
      );
      const id = this.findTaken();
      if (id !== ABSENT) return id;
    }
    return ABSENT;
  }

  forEach(visit: (id: number, address: bigint, length: number) => void): void {
    for (let id = 0; id < this.ids.bound; id++) {
      if (this.has(id)) visit(id, this.addressOf(id), this.lengths.at[id] as number);
    }
  }

  sortedIds(): Int32Array {
    const ids = new Int32Array(this.used);
    let n = 0;
    for (let id = 0; id < this.ids.bound; id++) if (this.lengths.at[id] !== UNUSED) ids[n++] = id;
    const spare = new Int32Array(this.used);
    let sorted = sortByWord(ids, spare, this.lengths.at, 1, 0, 8);
    for (let word = 3; word >= 0; word--)
      sorted = sortByWord(sorted, sorted === ids ? spare : ids, this.words.at, 4, word, 32);
    return sorted;
  }

  private set(a: number, b: number, c: number, d: number, length: number): void {
    this.a = a >>> 0;
    this.b = b >>> 0;
    this.c = c >>> 0;
    this.d = d >>> 0;
    this.bits = length;
    this.hashed = hash(a, b, c, d, length);
  }

  private take(address: bigint, length: number): void {
    const word = (shift: bigint): number => Number((address >> shift) & LOW_32);
    this.set(word(96n), word(64n), word(32n), word(0n), length);
  }

  /** Octets beyond the prefix belong to the neighbour and may lie outside the slab: the mask and `|` make both nothing. */
  private takeOctets(slab: Uint8Array, at: number, length: number): void {
    const a = ((slab[at]! << 24) | (slab[at + 1]! << 16) | (slab[at + 2]! << 8) | slab[at + 3]!) & wordMask(length, 0);
    let b = 0;
    let c = 0;
    let d = 0;
    if (length > 32) {
      b = ((slab[at + 4]! << 24) | (slab[at + 5]! << 16) | (slab[at + 6]! << 8) | slab[at + 7]!) & wordMask(length, 1);
      if (length > 64) {
        c = (slab[at + 8]! << 24) | (slab[at + 9]! << 16) | (slab[at + 10]! << 8) | slab[at + 11]!;
        c &= wordMask(length, 2);
        if (length > 96) {
          d = (slab[at + 12]! << 24) | (slab[at + 13]! << 16) | (slab[at + 14]! << 8) | slab[at + 15]!;
          d &= wordMask(length, 3);
        }
      }
    }
    this.set(a, b, c, d, length);
  }

  /** Whether the slot's prefix is the one at hand; `word` is its second word. */
  private isTaken(word: number): boolean {
    const { at } = this.words;
    const from = ((word >>> 8) - 1) * 4;
    return (
      (word & 255) === this.bits &&
      at[from] === this.a &&
      at[from + 1] === this.b &&
      at[from + 2] === this.c &&
      at[from + 3] === this.d
    );
  }

  /** Of the prefix at hand; -1: not there. */
  private slotIn(slots: Uint32Array): number {
    const mask = (slots.length >>> 1) - 1;
    const { hashed } = this;
    let slot = hashed & mask;
    for (;;) {
      const word = slots[slot * 2 + 1] as number;
      if (word === 0) return ABSENT;
      if (slots[slot * 2] === hashed && this.isTaken(word)) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private findTaken(): number {
    let slot = this.slotIn(this.slots);
    if (slot !== ABSENT) return ((this.slots[slot * 2 + 1] as number) >>> 8) - 1;
    if (this.old === undefined) return ABSENT;
    slot = this.slotIn(this.old);
    return slot === ABSENT ? ABSENT : ((this.old[slot * 2 + 1] as number) >>> 8) - 1;
  }

  private insertTaken(): number {
    if (this.old !== undefined) this.move(this.old);
    const known = this.findTaken();
    if (known !== ABSENT) return known;
    const id = this.takeId();
    const { at } = this.words;
    at[id * 4] = this.a;
    at[id * 4 + 1] = this.b;
    at[id * 4 + 2] = this.c;
    at[id * 4 + 3] = this.d;
    this.lengths.at[id] = this.bits;
    this.place(this.hashed, ((id + 1) << 8) | this.bits);
    this.used++;
    this.ofLength[this.bits] = (this.ofLength[this.bits] as number) + 1;
    if (this.used * 4 > (this.mask + 1) * 3) this.grow();
    return id;
  }

  private deleteTaken(): number {
    const { slots, mask } = this;
    let gap = this.slotIn(slots);
    if (gap === ABSENT) return this.deleteOld();
    const id = ((slots[gap * 2 + 1] as number) >>> 8) - 1;
    for (let slot = (gap + 1) & mask; slots[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      const home = (slots[slot * 2] as number) & mask;
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap * 2] = slots[slot * 2] as number;
      slots[gap * 2 + 1] = slots[slot * 2 + 1] as number;
      gap = slot;
    }
    slots[gap * 2 + 1] = 0;
    this.freeId(id);
    return id;
  }

  private deleteOld(): number {
    const { old } = this;
    const slot = old === undefined ? ABSENT : this.slotIn(old);
    if (old === undefined || slot === ABSENT) return ABSENT;
    const id = ((old[slot * 2 + 1] as number) >>> 8) - 1;
    old[slot * 2 + 1] = MOVED;
    this.freeId(id);
    return id;
  }

  private place(hashed: number, word: number): void {
    const { slots, mask } = this;
    let slot = hashed & mask;
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    slots[slot * 2] = hashed;
    slots[slot * 2 + 1] = word;
  }

  private grow(): void {
    while (this.old !== undefined) this.move(this.old);
    this.old = this.slots;
    this.moved = 0;
    this.slots = new Uint32Array(fixedMemory(this.old.length * 8));
    this.mask = this.old.length - 1;
  }

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

  private takeId(): number {
    const id = this.ids.take();
    invariant(id < MAX_IDS, `an IPv6 prefix table holds at most ${MAX_IDS} prefixes`);
    this.words.reach(id * 4 + 3);
    this.lengths.reach(id);
    return id;
  }

  private freeId(id: number): void {
    const length = this.lengths.at[id] as number;
    this.used--;
    this.ofLength[length] = (this.ofLength[length] as number) - 1;
    this.lengths.at[id] = UNUSED;
    this.ids.give(id);
  }
}
