/** Octets that came in chunks and are wanted in records. Pure. Holds what is not taken yet: the caller bounds what it waits for. */

export class InputBuffer {
  /** What is here is [start, end). A view of it is good until the next `add`. */
  bytes: Uint8Array;
  start = 0;
  end = 0;
  /** Of `start`, in the input. */
  offset = 0;

  constructor(capacity = 65536) {
    this.bytes = new Uint8Array(capacity);
  }
  get size(): number {
    return this.end - this.start;
  }
  add(chunk: Uint8Array): void {
    if (this.end + chunk.length > this.bytes.length) this.makeRoom(chunk.length);
    this.bytes.set(chunk, this.end);
    this.end += chunk.length;
  }
  private makeRoom(more: number): void {
    const wanted = this.size + more;
    const into = wanted <= this.bytes.length / 2 ? this.bytes : new Uint8Array(Math.max(2 * this.bytes.length, wanted));
    into.set(this.bytes.subarray(this.start, this.end));
    this.end = this.size;
    this.start = 0;
    this.bytes = into;
  }
  /** n octets are done with. */
  skip(n: number): void {
    this.start += n;
    this.offset += n;
    if (this.start === this.end) this.start = this.end = 0;
  }
  /** The octet at `at` from the start; 0 behind the end. */
  u8(at: number): number {
    return at < this.size ? (this.bytes[this.start + at] as number) : 0;
  }
  u16(at: number): number {
    return this.u8(at) * 0x100 + this.u8(at + 1);
  }
  u32(at: number): number {
    return this.u16(at) * 0x10000 + this.u16(at + 2);
  }
  /** In the byte order of the machine that wrote the file. */
  word(at: number, littleEndian: boolean): number {
    return littleEndian ? this.half(at, true) + this.half(at + 2, true) * 0x10000 : this.u32(at);
  }
  half(at: number, littleEndian: boolean): number {
    return littleEndian ? this.u8(at) + this.u8(at + 1) * 0x100 : this.u16(at);
  }
}
