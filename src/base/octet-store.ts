/** Many short runs of octets in few large arrays. Pure, hot. A Uint8Array of its own for each would cost more than what is in
 *  it: an object, a buffer behind it, and the collector's visit to both. */

const CHUNK_BITS = 20;
const CHUNK = 1 << CHUNK_BITS;
const WITHIN = CHUNK - 1;
/** Runs are rounded up to a multiple of this, so that what is given back fits what comes. */
const GRAIN_BITS = 3;

/** Where a run lies; it stays there until it is given back. */
export type OctetRun = number;

export class OctetStore {
  private readonly chunks: Uint8Array[] = [];
  private tail = CHUNK;
  /** Given back, by size in grains. */
  private readonly free: OctetRun[][] = [];

  /** A copy of bytes[start, end), at most 1 MiB. */
  put(bytes: Uint8Array, start: number, end: number): OctetRun {
    const length = end - start;
    const run = this.take(length);
    const chunk = this.chunks[run >>> CHUNK_BITS] as Uint8Array;
    const at = run & WITHIN;
    for (let i = 0; i < length; i++) chunk[at + i] = bytes[start + i] as number;
    return run;
  }

  /** The array in which a run lies, */
  chunkOf(run: OctetRun): Uint8Array {
    return this.chunks[run >>> CHUNK_BITS] as Uint8Array;
  }
  /** and where in it. */
  startOf(run: OctetRun): number {
    return run & WITHIN;
  }

  /** Whether the run of `length` octets is bytes[start, start + length). */
  is(run: OctetRun, bytes: Uint8Array, start: number, length: number): boolean {
    const chunk = this.chunks[run >>> CHUNK_BITS] as Uint8Array;
    const at = run & WITHIN;
    for (let i = 0; i < length; i++) if (chunk[at + i] !== bytes[start + i]) return false;
    return true;
  }

  giveBack(run: OctetRun, length: number): void {
    const grains = grainsOf(length);
    const same = this.free[grains];
    if (same === undefined) this.free[grains] = [run];
    else same.push(run);
  }

  /** Octets taken from the system. */
  get size(): number {
    return this.chunks.length * CHUNK;
  }

  private take(length: number): OctetRun {
    const grains = grainsOf(length);
    const again = this.free[grains]?.pop();
    if (again !== undefined) return again;
    const octets = grains << GRAIN_BITS;
    if (this.tail + octets > CHUNK) {
      this.chunks.push(new Uint8Array(CHUNK));
      this.tail = 0;
    }
    const run = (this.chunks.length - 1) * CHUNK + this.tail;
    this.tail += octets;
    return run;
  }
}

const grainsOf = (length: number): number => (length + (1 << GRAIN_BITS) - 1) >>> GRAIN_BITS;
