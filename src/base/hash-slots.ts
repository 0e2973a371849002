/** Open addressing for those who keep what they look for in columns of their own: a slot is a hash and a number. Pure, hot. The
 *  caller compares; slots of equal hash are walked with first() and after(). Growth moves a few slots with each addition and is
 *  no pause; in between a walk goes through both arrays.
 *
 *    [hash, number + 1]   0 in the second word: free; a deleted one leaves a gap that growth, or a run's end, closes
 *
 *  Hashes are signed: a number above 2^31 would be an object wherever it is handed on. */

import { fixedMemory, leaveMemory } from './growing-memory.ts';

const NONE = -1;
const MIN_SLOTS = 64;
const STEP = 16;
/** In the second word: was in use; a walk goes on. */
const GONE = -1;
/** Added to the places of the smaller array. */
const OLD = 2 ** 30;

export class HashSlots {
  private slots = new Int32Array(MIN_SLOTS * 2);
  private mask = MIN_SLOTS - 1;
  private old: Int32Array | undefined;
  private moved = 0;
  /** In use or gone, of the larger array. */
  private taken = 0;
  private live = 0;

  /** Asks the memory for the place; see prefix-table.ts. */
  prefetch(hash: number): number {
    return this.slots[(hash & this.mask) * 2 + 1]!;
  }

  /** The first place with this hash, or -1. */
  first(hash: number): number {
    const at = this.scan(hash & this.mask, hash);
    return at !== NONE || this.old === undefined ? at : this.firstOld(this.old, hash);
  }

  /** The next one behind `at`. */
  after(at: number, hash: number): number {
    if (at >= OLD) return this.old === undefined ? NONE : this.scanOld(this.old, at - OLD + 1, hash);
    const next = this.scan((at + 1) & this.mask, hash);
    return next !== NONE || this.old === undefined ? next : this.firstOld(this.old, hash);
  }

  numberAt(at: number): number {
    const word = at >= OLD ? (this.old as Int32Array)[(at - OLD) * 2 + 1] : this.slots[at * 2 + 1];
    return (word as number) - 1;
  }

  /** Places found before are void. */
  add(hash: number, number: number): void {
    if (this.old !== undefined) this.move(this.old);
    if ((this.taken + 1) * 4 > (this.mask + 1) * 3) this.grow();
    this.place(hash, number + 1);
    this.live++;
  }

  /** Takes out the pair, which is there. */
  remove(hash: number, number: number): void {
    let at = this.first(hash);
    while (this.numberAt(at) !== number) at = this.after(at, hash);
    this.live--;
    if (at >= OLD) {
      (this.old as Int32Array)[(at - OLD) * 2 + 1] = GONE;
      return;
    }
    const { slots, mask } = this;
    slots[at * 2 + 1] = GONE;
    if (slots[((at + 1) & mask) * 2 + 1] !== 0) return;
    // The run ends here: what is gone at its end is free again.
    for (; slots[at * 2 + 1] === GONE; at = (at - 1) & mask) {
      slots[at * 2 + 1] = 0;
      this.taken--;
    }
  }

  private scan(from: number, hash: number): number {
    const { slots, mask } = this;
    let slot = from;
    for (;;) {
      const word = slots[slot * 2 + 1]!;
      if (word === 0) return NONE;
      if (slots[slot * 2] === hash && word !== GONE) return slot;
      slot = (slot + 1) & mask;
    }
  }

  private firstOld(old: Int32Array, hash: number): number {
    return this.scanOld(old, hash & ((old.length >>> 1) - 1), hash);
  }

  private scanOld(old: Int32Array, from: number, hash: number): number {
    const mask = (old.length >>> 1) - 1;
    let slot = from & mask;
    for (;;) {
      const word = old[slot * 2 + 1]!;
      if (word === 0) return NONE;
      if (old[slot * 2] === hash && word !== GONE) return slot + OLD;
      slot = (slot + 1) & mask;
    }
  }

  private place(hash: number, word: number): void {
    const { slots, mask } = this;
    let slot = hash & mask;
    while (slots[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    slots[slot * 2] = hash;
    slots[slot * 2 + 1] = word;
    this.taken++;
  }

  private grow(): void {
    while (this.old !== undefined) this.move(this.old);
    this.old = this.slots;
    this.moved = 0;
    // Many gaps and few in use: the same size does.
    const length = this.live * 3 > this.mask + 1 ? this.old.length * 2 : this.old.length;
    this.slots = new Int32Array(fixedMemory(length * 4));
    this.mask = (length >>> 1) - 1;
    this.taken = 0;
  }

  private move(old: Int32Array): void {
    const end = Math.min(this.moved + STEP, old.length >>> 1);
    for (let from = this.moved; from < end; from++) {
      const word = old[from * 2 + 1]!;
      if (word === 0 || word === GONE) continue;
      this.place(old[from * 2]!, word);
      old[from * 2 + 1] = GONE;
    }
    this.moved = end;
    if (end < old.length >>> 1) return;
    this.old = undefined;
    leaveMemory(old);
  }
}
