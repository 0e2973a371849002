/** One walk over a value that a decoder made: a digest to compare it by, and how much it keeps. Pure. */

const FNV = 0x01000193;
const text = new Map<string, number>();

export class Walk {
  hash = 0;
  /** Values, characters and octets: what it costs to keep, within a small factor. */
  size = 0;

  of(value: unknown): this {
    this.hash = 0x811c9dc5 | 0;
    this.size = 0;
    this.visit(value);
    return this;
  }
  private mix(n: number): void {
    this.hash = Math.imul(this.hash ^ n, FNV);
  }
  private visit(value: unknown): void {
    this.size++;
    switch (typeof value) {
      case 'number':
        this.mix(value | 0);
        this.mix((value / 0x1_0000_0000) | 0);
        return;
      case 'string':
        this.string(value);
        return;
      case 'boolean':
        this.mix(value ? 11 : 7);
        return;
      case 'bigint':
        this.string(value.toString(16));
        return;
      case 'undefined':
        this.mix(3);
        return;
      case 'object':
        break;
      default:
        throw new Error(`a decoder answered a ${typeof value}`);
    }
    if (value === null) {
      this.mix(5);
      return;
    }
    if (value instanceof Uint8Array) {
      this.size += value.length;
      // A view into the slab would change under its owner, and keep the slab alive.
      if (value.buffer.byteLength > 2 * value.length + 4096) this.size += value.buffer.byteLength;
      for (let i = 0; i < value.length; i++) this.mix(value[i] as number);
      return;
    }
    if (Array.isArray(value)) {
      this.mix(13);
      for (const item of value) this.visit(item);
      return;
    }
    if (value instanceof Map || value instanceof Set) {
      this.mix(17);
      for (const item of value) this.visit(item);
      return;
    }
    // The order of fields means nothing: their digests are added.
    const before = this.hash;
    let sum = 19;
    for (const key in value) {
      this.hash = 0;
      this.key(key);
      this.visit((value as Record<string, unknown>)[key]);
      sum = (sum + this.hash) | 0;
    }
    this.hash = before;
    this.mix(sum);
  }
  private string(s: string): void {
    this.size += s.length;
    for (let i = 0; i < s.length; i++) this.mix(s.charCodeAt(i));
  }
  /** The few names of fields, digested once each. */
  private key(name: string): void {
    let digest = text.get(name);
    if (digest === undefined) {
      digest = 0;
      for (let i = 0; i < name.length; i++) digest = Math.imul(digest ^ name.charCodeAt(i), FNV);
      text.set(name, digest);
    }
    this.mix(digest);
  }
}
