/** A flat hash table from (address, length) to a stable id. Pure, hot: typed arrays only, and where `as number` follows an
 *  indexed access, the loop proves the bound.
 *
 *    slots     [address, (id + 1) << 6 | length]   8 bytes each, linear probing; 0 in the second word: free
 *    prefixes  [address, length]                    by id: an id never moves, so others keep columns of their own by it, or
 *                                                   have these two words in rows of theirs
 *
 *  Slots move; nobody outside ever holds one. The id of a deleted prefix is given out again: who keeps columns by id clears theirs
 *  before deleting.
 *
 *  A deleted prefix is a bit that is gone, and no more: its slot is somewhere in megabytes, and a table that goes as a whole would
 *  wait for each. When half of the slots in use are of such, a walk along the slots takes them out, a few with each deletion
 *  (backward shift, so there are no tombstones). One that comes back before that has its slot and its id again.
 *
 *  Growth is no pause: the slots of the smaller array move over a few at a time, with each insertion, and until the last one has,
 *  what is not found in the larger is looked for in the smaller. A slot is the first bits of the hash, not the last ones: what
 *  stood in order stands in order again in an array of twice the size, and moving reads and writes straight ahead. */
import { BitColumn, Int32Column } from './columns.ts';
import { fixedMemory, leaveMemory } from './growing-memory.ts';
import { IdPool } from './id-pool.ts';
import { sortByWord } from './id-sort.ts';
import { invariant } from './invariant.ts';
import { netmask } from './ipv4.ts';
import { prefixKey } from './prefix.ts';
import type { PrefixIndex } from './prefix-index.ts';

const ABSENT = -1;
/** 26 bits are left for an id beside the 6 of the length. */
const MAX_IDS = 2 ** 26 - 1;
const MIN_SLOTS = 16;
/** In the second word of a slot of the smaller array: moved, or dead and left behind. No prefix has this length, and it is not free. */
const MOVED = 63;
/** Old slots that one insertion moves: growth is over long before the larger array is full. */
const STEP = 16;
/** Slots that are swept with one deletion: a walk leaves no more dead behind than die while it goes on. */
const SWEEP_STEP = 4;
/** So few that are dead are not worth a walk. */
const FEW_DEAD = 16;

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
  private readonly ids = new IdPool();
  /** By id: its prefix is in the table. */
  private readonly live = new BitColumn();
  /** Slots in use, the dead among them. */
  private taken = 0;
  /** The next slot of the walk that takes out the dead; -1: there is none. */
  private sweepAt = ABSENT;
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
    return this.live.count;
  }

  get idBound(): number {
    return this.ids.bound;
  }

  has(id: number): boolean {
    return id >= 0 && this.live.get(id);
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
    const id = this.findLiveOrDead(address, length);
    return id !== ABSENT && this.live.get(id) ? id : ABSENT;
  }

  /** The same, but of a deleted prefix maybe the id that it had: for who sees by the id what there is, and saves a look. */
  findLiveOrDead(address: number, length: number): number {
    const { slots, mask } = this;
    let slot = hash(address, length) >>> this.shift;
    for (;;) {
      const word = slots[slot * 2 + 1] as number;
      if (word === 0) break;
      if ((word & 63) === length && slots[slot * 2] === address) return (word >>> 6) - 1;
      slot = (slot + 1) & mask;
    }
    return this.old === undefined ? ABSENT : this.oldIdOf(this.old, address, length);
  }

  insert(address: number, length: number): number {
    if (this.old !== undefined) this.move(this.old);
    const { slots, mask } = this;
    let slot = hash(address, length) >>> this.shift;
    for (;;) {
      const word = slots[slot * 2 + 1] as number;
      if (word === 0) break;
      if ((word & 63) === length && slots[slot * 2] === address) return this.enliven((word >>> 6) - 1, length);
      slot = (slot + 1) & mask;
    }
    if (this.old !== undefined) {
      const known = this.oldIdOf(this.old, address, length);
      if (known !== ABSENT) return this.enliven(known, length);
    }
    const id = this.takeId();
    this.cells.at[(id << this.rowBits) + this.at] = address;
    this.cells.at[(id << this.rowBits) + this.at + 1] = length;
    slots[slot * 2] = address;
    slots[slot * 2 + 1] = ((id + 1) << 6) | length;
    if (++this.taken * 4 > (mask + 1) * 3) this.grow();
    return this.enliven(id, length);
  }

  delete(address: number, length: number): number {
    const id = this.find(address, length);
    if (id !== ABSENT) this.deleteId(id);
    return id;
  }

  deleteId(id: number): void {
    if (!this.live.get(id)) return;
    const length = this.lengthOf(id);
    this.ofLength[length] = (this.ofLength[length] as number) - 1;
    this.live.clear(id);
    this.tidy();
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
    for (let id = 0; id < this.ids.bound; id++) {
      if (this.has(id)) visit(id, this.addressOf(id), this.lengthOf(id));
    }
  }

  sortedIds(): Int32Array {
    const ids = new Int32Array(this.size);
    let n = 0;
    for (let id = 0; id < this.ids.bound; id++) if (this.live.get(id)) ids[n++] = id;
    const spare = new Int32Array(this.size);
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

  /** The id's prefix is in the table from now on, if it was not. */
  private enliven(id: number, length: number): number {
    if (this.live.get(id)) return id;
    this.live.set(id);
    this.ofLength[length] = (this.ofLength[length] as number) + 1;
    return id;
  }

  /** In the smaller array; -1 where the prefix is not, or no longer, there. */
  private oldIdOf(old: Uint32Array, address: number, length: number): number {
    const mask = (old.length >>> 1) - 1;
    let slot = hash(address, length) >>> (this.shift + 1);
    for (;;) {
      const word = old[slot * 2 + 1] as number;
      if (word === 0) return ABSENT;
      if ((word & 63) === length && old[slot * 2] === address) return (word >>> 6) - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** A step towards a table without the dead: growth leaves them behind, and else there is the walk. */
  private tidy(): void {
    if (this.old !== undefined) {
      this.move(this.old);
      return;
    }
    const dead = this.taken - this.live.count;
    if (this.sweepAt === ABSENT && dead > FEW_DEAD && dead * 2 > this.taken) this.sweepAt = 0;
    if (this.sweepAt !== ABSENT) this.sweep();
  }

  /** Takes the dead out of the next few slots. */
  private sweep(): void {
    const { slots, mask, live } = this;
    let at = this.sweepAt;
    for (let i = 0; i < SWEEP_STEP; i++) {
      const word = slots[at * 2 + 1] as number;
      if (word !== 0 && !live.get((word >>> 6) - 1)) {
        this.close(at);
        this.leave(word);
        continue; // what lies there now was not looked at
      }
      at = (at + 1) & mask;
      if (at === 0) {
        this.sweepAt = ABSENT;
        return;
      }
    }
    this.sweepAt = at;
  }

  /** Nothing is in this slot any more. */
  private close(at: number): void {
    const { slots, mask } = this;
    let gap = at;
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
  }

  /** A dead id has no slot any more. */
  private leave(word: number): void {
    this.taken--;
    this.ids.give((word >>> 6) - 1);
  }

  private grow(): void {
    // The last growth is over by now, but for a table that is tiny.
    while (this.old !== undefined) this.move(this.old);
    this.old = this.slots;
    this.moved = 0;
    this.sweepAt = ABSENT;
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
      if (this.live.get((word >>> 6) - 1)) this.place(old[from * 2] as number, word);
      else this.leave(word);
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
    const id = this.ids.take();
    invariant(id < MAX_IDS, `a prefix table holds at most ${MAX_IDS} prefixes`);
    this.cells.reach(((id + 1) << this.rowBits) - 1);
    return id;
  }
}
