/** A bounded reader and a growing writer over network-order bytes. Pure.
 *  The reader never reads outside [start, end): running out throws `ShortRead`, which a decoder turns into its own fault. */

export class ShortRead extends Error {
  override readonly name = 'ShortRead';
}

/** Without a stack, which is most of what an error costs: the decoder next door catches it, and a peer can make us throw one
 *  for every message it sends. */
function shortRead(text: string): ShortRead {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 0;
  const error = new ShortRead(text);
  Error.stackTraceLimit = limit;
  return error;
}

export class Reader {
  readonly bytes: Uint8Array;
  position: number;
  readonly end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }
  get left(): number {
    return this.end - this.position;
  }
  private take(n: number): number {
    const at = this.position;
    if (n < 0 || at + n > this.end) throw shortRead(`${n} bytes wanted at ${at}, ${this.end - at} left`);
    this.position = at + n;
    return at;
  }
  u8(): number {
    return this.bytes[this.take(1)] as number;
  }
  u16(): number {
    const at = this.take(2);
    return ((this.bytes[at] as number) << 8) | (this.bytes[at + 1] as number);
  }
  u32(): number {
    const at = this.take(4);
    const b = this.bytes;
    return (
      (((b[at] as number) << 24) |
        ((b[at + 1] as number) << 16) |
        ((b[at + 2] as number) << 8) |
        (b[at + 3] as number)) >>>
      0
    );
  }
  /** A view, not a copy: valid as long as the slab below is. */
  view(n: number): Uint8Array {
    const at = this.take(n);
    return this.bytes.subarray(at, at + n);
  }
  /** A reader of the next n bytes, which this one then stands behind. */
  sub(n: number): Reader {
    const at = this.take(n);
    return new Reader(this.bytes, at, at + n);
  }
}

export class Writer {
  private slab: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.slab = new Uint8Array(capacity);
  }
  private room(n: number): number {
    const at = this.length;
    if (at + n > this.slab.length) {
      const grown = new Uint8Array(Math.max(this.slab.length * 2, at + n));
      grown.set(this.slab.subarray(0, at));
      this.slab = grown;
    }
    this.length = at + n;
    return at;
  }
  u8(v: number): void {
    // Two statements: in one, `this.slab` would be read before room() replaces it.
    const at = this.room(1);
    this.slab[at] = v;
  }
  u16(v: number): void {
    const at = this.room(2);
    this.slab[at] = v >>> 8;
    this.slab[at + 1] = v;
  }
  u32(v: number): void {
    const at = this.room(4);
    this.slab[at] = v >>> 24;
    this.slab[at + 1] = v >>> 16;
    this.slab[at + 2] = v >>> 8;
    this.slab[at + 3] = v;
  }
  bytes(b: Uint8Array): void {
    const at = this.room(b.length);
    this.slab.set(b, at);
  }
  /** Overwrites two bytes written earlier: lengths are known only after what they count. */
  u16At(at: number, v: number): void {
    this.slab[at] = v >>> 8;
    this.slab[at + 1] = v;
  }
  u8At(at: number, v: number): void {
    this.slab[at] = v;
  }
  /** The bytes so far; a view until the next write. */
  view(): Uint8Array {
    return this.slab.subarray(0, this.length);
  }
  /** The bytes so far, as a copy of its own. */
  copy(): Uint8Array {
    return this.slab.slice(0, this.length);
  }
}
