/** Many short runs of octets in few large arrays, read and compared as 32-bit words. Pure, hot. An object of its own for each run
 *  would cost more than what is in it; octets one by one would cost four times as much to compare.
 *
 *    a run:  two words of the owner's | the octets, filled up with zeros to whole words | to a multiple of 8 octets
 *
 *  Runs do not move. The octets are those that came, whatever the machine's byte order. */

const CHUNK_BITS = 17;
/** 1 MiB: a run's number is the chunk's, and the pair of words in it. */
const PAIRS = 1 << CHUNK_BITS;
const WITHIN = PAIRS - 1;
const HEAD = 2;
const LITTLE_ENDIAN = new Uint8Array(Int32Array.of(1).buffer)[0] === 1;

/** Where a run lies; it stays there until it is given back. */
export type WordRun = number;

export class WordStore {
  private readonly chunks: Int32Array[] = [];
  private readonly octets: Uint8Array[] = [];
  private tail = PAIRS;
  /** Given back, by size in pairs. */
  private readonly free: WordRun[][] = [];
  /** What load() has read. */
  private readonly loaded = new Int32Array(16384 + 1);
  private count = 0;

  /** Reads bytes[start, end), at most 64 KiB, which the next calls are about; answers a hash of them, signed. Four octets at a
   *  time: a multiplication for each took longer than the look-up behind it. */
  load(bytes: Uint8Array, start: number, end: number): number {
    const { loaded } = this;
    let h = (end - start) ^ 0x9e3779b9;
    let at = start;
    let n = 0;
    for (const last = end - 3; at < last; at += 4) {
      const word = LITTLE_ENDIAN
        ? bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
        : (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
      loaded[n++] = word;
      h = Math.imul(h ^ word, 0x85ebca6b);
      h ^= h >>> 15;
    }
    if (at < end) {
      let word = 0;
      for (let shift = LITTLE_ENDIAN ? 0 : 24; at < end; at++, shift += LITTLE_ENDIAN ? 8 : -8)
        word |= bytes[at]! << shift;
      loaded[n++] = word;
      h = Math.imul(h ^ word, 0x85ebca6b);
      h ^= h >>> 15;
    }
    this.count = n;
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    return h ^ (h >>> 16);
  }

  /** Whether the run's second word is `head` and its octets those that were loaded. The caller's head tells the length. */
  isLoaded(run: WordRun, head: number): boolean {
    const chunk = this.chunks[run >>> CHUNK_BITS]!;
    const at = (run & WITHIN) << 1;
    if (chunk[at + 1] !== head) return false;
    const { loaded, count } = this;
    for (let i = 0; i < count; i++) if (chunk[at + HEAD + i] !== loaded[i]) return false;
    return true;
  }

  /** A new run of what was loaded. */
  put(first: number, head: number): WordRun {
    const { loaded, count } = this;
    const run = this.take((count + HEAD + 1) >>> 1);
    const chunk = this.chunks[run >>> CHUNK_BITS]!;
    const at = (run & WITHIN) << 1;
    chunk[at] = first;
    chunk[at + 1] = head;
    for (let i = 0; i < count; i++) chunk[at + HEAD + i] = loaded[i]!;
    return run;
  }

  firstOf(run: WordRun): number {
    return this.chunks[run >>> CHUNK_BITS]![(run & WITHIN) << 1]!;
  }
  headOf(run: WordRun): number {
    return this.chunks[run >>> CHUNK_BITS]![((run & WITHIN) << 1) + 1]!;
  }

  /** The array in which the run's octets lie, */
  octetsOf(run: WordRun): Uint8Array {
    return this.octets[run >>> CHUNK_BITS]!;
  }
  /** and where in it. */
  startOf(run: WordRun): number {
    return (((run & WITHIN) << 1) + HEAD) << 2;
  }

  /** `length`: of its octets. */
  giveBack(run: WordRun, length: number): void {
    const pairs = (((length + 3) >>> 2) + HEAD + 1) >>> 1;
    const same = this.free[pairs];
    if (same === undefined) this.free[pairs] = [run];
    else same.push(run);
  }

  /** Octets taken from the system. */
  get size(): number {
    return this.chunks.length * PAIRS * 8;
  }

  private take(pairs: number): WordRun {
    const again = this.free[pairs]?.pop();
    if (again !== undefined) return again;
    if (this.tail + pairs > PAIRS) {
      const chunk = new Int32Array(PAIRS * 2);
      this.chunks.push(chunk);
      this.octets.push(new Uint8Array(chunk.buffer));
      this.tail = 0;
    }
    const run = (this.chunks.length - 1) * PAIRS + this.tail;
    this.tail += pairs;
    return run;
  }
}
