/** Attribute sets of one batch as they go over the wire, one behind the other. Pure, hot: one array, used again for each batch. */

const LEAST = 64 * 1024;

export class OutArena {
  bytes = new Uint8Array(LEAST);
  at = 0;

  /** After it there is room for so many octets more. */
  reserve(octets: number): void {
    if (this.at + octets <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.at + octets));
    grown.set(this.bytes.subarray(0, this.at));
    this.bytes = grown;
  }

  put(bytes: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    for (let i = start; i < end; i++) this.bytes[this.at++] = bytes[i]!;
  }
}
