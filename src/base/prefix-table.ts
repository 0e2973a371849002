/** A flat hash table from (address, length) to a stable id. Pure, hot: typed arrays only, and where `as number` follows an
 *  indexed access, the loop proves the bound.
 *
 *    slots     [address, (id + 1) << 6 | length]   8 bytes each, linear probing; 0 in the second word: free
 *    columns   address[id], length[id]             an id never moves, so others keep columns of their own by id
 *
 *  Slots move on growth and on delete (backward shift, so there are no tombstones); nobody outside ever holds one. The id of
 *  a deleted prefix is given out again: who keeps columns by id clears theirs before deleting. */
import { invariant } from './invariant.ts';
import { netmask } from './ipv4.ts';
import { prefixKey } from './prefix.ts';
import type { PrefixIndex } from './prefix-index.ts';

const ABSENT = -1;
/** In the length column: this id is in the free list, whose next id is in the address column. */
const UNUSED = 255;
/** 26 bits are left for an id beside the 6 of the length. */
const MAX_IDS = 2 ** 26 - 1;
const MIN_SLOTS = 16;

/** Mixes, so that neighbouring blocks (10.244.1.0/26, 10.244.1.64/26, ...) do not fall into one run of slots. */
function hash(address: number, length: number): number {
  let h = Math.imul(address ^ Math.imul(length, 0x9e3779b1), 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function powerOfTwo(atLeast: number): number {
  let n = MIN_SLOTS;
  while (n < atLeast) n *= 2;
  return n;
}

export class PrefixTable implements PrefixIndex<number> {
  private slots: Uint32Array;
  private mask: number;
  private addresses: Uint32Array;
  private lengths: Uint8Array;
  private freeHead = ABSENT;
  private used = 0;
  private idsGiven = 0;
  /** How many prefixes have each length: the lookup probes only lengths in use. */
  private readonly ofLength = new Uint32Array(33);

  /** `expected` prefixes fit without a rehash; more may come. */
  constructor(expected = 0) {
    const slots = powerOfTwo(Math.ceil(expected / 0.75));
    this.slots = new Uint32Array(slots * 2);
    this.mask = slots - 1;
    this.addresses = new Uint32Array(Math.max(MIN_SLOTS, expected));
    this.lengths = new Uint8Array(this.addresses.length);
  }

  get size(): number {
    return this.used;
  }

  /** All ids ever given are below it: the size for columns by id. */
  get idBound(): number {
    return this.idsGiven;
  }

  has(id: number): boolean {
    return id >= 0 && id < this.idsGiven && this.lengths[id] !== UNUSED;
  }

  addressOf(id: number): number {
    return this.addresses[id] as number;
  }

  lengthOf(id: number): number {
    return this.lengths[id] as number;
  }

  /** The id, or -1. The prefix must be canonical (no bit beyond its length). */
  find(address: number, length: number): number {
    const { slots, mask } = this;
    let slot = hash(address, length) & mask;
    for (;;) {
      const word = slots[slot * 2 + 1] as number;
      if (word === 0) return ABSENT;
      if ((word & 63) === length && slots[slot * 2] === address) return (word >>> 6) - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** The id of the prefix, which is added if it is not there. */
  insert(address: number, length: number): number {
    const found = this.find(address, length);
    if (found !== ABSENT) return found;
    if ((this.used + 1) * 4 > (this.mask + 1) * 3) this.rehash((this.mask + 1) * 2);
    const id = this.takeId();
    this.addresses[id] = address;
    this.lengths[id] = length;
    this.place(address, length, id);
    this.used++;
    this.ofLength[length] = (this.ofLength[length] as number) + 1;
    return id;
  }

  /** Frees the prefix and answers the id it had, or -1. */
  delete(address: number, length: number): number {
    const { slots, mask } = this;
    let gap = hash(address, length) & mask;
    let id: number;
    for (;;) {
      const word = slots[gap * 2 + 1] as number;
      if (word === 0) return ABSENT;
      id = (word >>> 6) - 1;
      if ((word & 63) === length && slots[gap * 2] === address) break;
      gap = (gap + 1) & mask;
    }
    for (let slot = (gap + 1) & mask; slots[slot * 2 + 1] !== 0; slot = (slot + 1) & mask) {
      const word = slots[slot * 2 + 1] as number;
      const home = hash(slots[slot * 2] as number, word & 63) & mask;
      // Only an entry whose home is not between the gap and itself may move back into the gap.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      slots[gap * 2] = slots[slot * 2] as number;
      slots[gap * 2 + 1] = word;
      gap = slot;
    }
    slots[gap * 2 + 1] = 0;
    this.used--;
    this.ofLength[length] = (this.ofLength[length] as number) - 1;
    this.addresses[id] = this.freeHead === ABSENT ? 0xffffffff : this.freeHead;
    this.lengths[id] = UNUSED;
    this.freeHead = id;
    return id;
  }

  deleteId(id: number): void {
    this.delete(this.addresses[id] as number, this.lengths[id] as number);
  }

  /** The id of the longest prefix that contains `address` and is no longer than `atMost`, or -1. Calling it again with the
   *  length found, less one, walks to the less specific ones. */
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
      if (this.has(id)) visit(id, this.addresses[id] as number, this.lengths[id] as number);
    }
  }

  /** prefixKey() of every prefix, by address and then shorter first. Made on demand: the table itself has no order. */
  sortedKeys(): Float64Array {
    const keys = new Float64Array(this.used);
    let n = 0;
    this.forEach((_, address, length) => {
      keys[n++] = prefixKey(address, length);
    });
    return keys.sort();
  }

  sortedIds(): Int32Array {
    const ids = new Int32Array(this.used);
    let n = 0;
    for (const key of this.sortedKeys()) ids[n++] = this.find(Math.floor(key / 64), key % 64);
    return ids;
  }

  private place(address: number, length: number, id: number): void {
    const { slots, mask } = this;
    let slot = hash(address, length) & mask;
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    slots[slot * 2] = address;
    slots[slot * 2 + 1] = ((id + 1) << 6) | length;
  }

  private rehash(slots: number): void {
    this.slots = new Uint32Array(slots * 2);
    this.mask = slots - 1;
    this.forEach((id, address, length) => {
      this.place(address, length, id);
    });
  }

  private takeId(): number {
    if (this.freeHead !== ABSENT) {
      const id = this.freeHead;
      const next = this.addresses[id] as number;
      this.freeHead = next === 0xffffffff ? ABSENT : next;
      return id;
    }
    invariant(this.idsGiven < MAX_IDS, `a prefix table holds at most ${MAX_IDS} prefixes`);
    const id = this.idsGiven++;
    if (id === this.addresses.length) {
      const addresses = new Uint32Array(id * 2);
      addresses.set(this.addresses);
      this.addresses = addresses;
      const lengths = new Uint8Array(id * 2);
      lengths.set(this.lengths);
      this.lengths = lengths;
    }
    // Until it is placed it counts as unused: a rehash in between must not see it.
    this.lengths[id] = UNUSED;
    return id;
  }
}
