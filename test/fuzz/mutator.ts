/** Makes new messages out of old ones: blindly (bits, octets, numbers, ranges) and with some sense of what a message is
 *  (attributes come, go, double and change places, and lengths are mostly put right again, or nothing would get past the
 *  framer). Pure, but for the buffer it writes into. */
import type { Chance } from './chance.ts';
import { ATTRIBUTE_PARTS, attributeOffsets, CAPABILITY_PARTS } from './seeds.ts';

/** Room for the longest message of RFC 8654 and some beyond. */
export const MAX_INPUT = 66_000;
/** Most mutants stay short: a run is worth the number of different messages, not of octets. */
const USUAL_LENGTH = 600;

const OCTETS = [
  0, 1, 2, 3, 4, 5, 8, 14, 15, 16, 17, 18, 24, 25, 26, 32, 33, 35, 64, 65, 69, 70, 71, 96, 127, 128, 129, 254, 255,
];
const NUMBERS = [
  0, 1, 2, 3, 4, 18, 19, 22, 23, 29, 127, 128, 255, 256, 4077, 4096, 4097, 16384, 16388, 32767, 32768, 65534, 65535,
];
const FLAGS = [0x00, 0x40, 0x50, 0x80, 0x90, 0xc0, 0xd0, 0xe0, 0xf0, 0x4f, 0xff];
const HEADER = 19;

export class Mutator {
  /** The mutant, [0, length). */
  readonly bytes = new Uint8Array(MAX_INPUT);
  length = 0;
  private readonly chance: Chance;

  constructor(chance: Chance) {
    this.chance = chance;
  }

  /** Fills `bytes` from `parent`, with material from `other`. */
  mutate(parent: Uint8Array, other: Uint8Array): void {
    const { chance } = this;
    this.bytes.set(parent);
    this.length = parent.length;
    const rounds = 1 << chance.below(4);
    for (let i = 0; i < rounds; i++) {
      if (chance.oneIn(2)) this.sensible(other);
      else this.blind(other);
    }
    if (this.length > USUAL_LENGTH && !chance.oneIn(8))
      this.length = Math.max(HEADER, parent.length > USUAL_LENGTH ? this.length : USUAL_LENGTH);
    if (!chance.oneIn(16)) this.repair();
  }

  private blind(other: Uint8Array): void {
    const { chance, bytes } = this;
    if (this.length === 0) return;
    const at = chance.below(this.length);
    switch (chance.below(10)) {
      case 0:
        bytes[at] = (bytes[at] as number) ^ (1 << chance.below(8));
        return;
      case 1:
        bytes[at] = chance.u32();
        return;
      case 2:
        bytes[at] = chance.pick(OCTETS);
        return;
      case 3:
        bytes[at] = (bytes[at] as number) + chance.below(17) - 8;
        return;
      case 4: {
        const n = chance.pick(NUMBERS);
        bytes[at] = n >>> 8;
        if (at + 1 < this.length) bytes[at + 1] = n;
        return;
      }
      case 5:
        this.remove(at, 1 + chance.below(chance.oneIn(4) ? this.length - at : 8));
        return;
      case 6: // a range once more
        this.insert(chance.below(this.length), bytes.slice(at, at + 1 + chance.below(16)));
        return;
      case 7: {
        const from = chance.below(other.length);
        this.insert(at, other.subarray(from, from + 1 + chance.below(32)));
        return;
      }
      case 8: {
        const from = chance.below(other.length);
        const part = other.subarray(from, from + Math.min(1 + chance.below(16), this.length - at));
        bytes.set(part, at);
        return;
      }
      default:
        bytes.fill(chance.pick(OCTETS), at, Math.min(this.length, at + 1 + chance.below(8)));
    }
  }

  private sensible(other: Uint8Array): void {
    const { chance, bytes } = this;
    const type = bytes[18];
    if (type === 1 && this.length >= 29) {
      const part = chance.pick(CAPABILITY_PARTS);
      const at = chance.oneIn(2) ? this.length : 29 + chance.below(this.length - 28);
      this.insert(at, part);
      if (!chance.oneIn(8)) bytes[28] = this.length - 29;
      return;
    }
    const offsets = attributeOffsets(bytes, this.length);
    if (type !== 2 || offsets.length === 0) {
      if (type === 2 && this.length >= 23) this.attributesGrow(this.insert(23, chance.pick(ATTRIBUTE_PARTS)));
      else this.blind(other);
      return;
    }
    const n = chance.below(offsets.length - 1);
    const from = offsets[n] as number;
    const to = offsets[n + 1] as number;
    switch (chance.below(8)) {
      case 0:
        this.attributesGrow(this.insert(from, chance.pick(ATTRIBUTE_PARTS)));
        return;
      case 1:
        this.attributesGrow(-this.remove(from, to - from));
        return;
      case 2: // twice
        this.attributesGrow(this.insert(chance.pick(offsets), bytes.slice(from, to)));
        return;
      case 3:
        bytes[from] = chance.pick(FLAGS);
        return;
      case 4:
        bytes[from + 1] = chance.oneIn(2) ? chance.pick(OCTETS) : chance.below(41);
        return;
      case 5: {
        // The value grows or shrinks, and its length with it.
        const header = ((bytes[from] as number) & 0x10) !== 0 ? 4 : 3;
        const change = chance.oneIn(2)
          ? this.insert(to, chance.pick(ATTRIBUTE_PARTS).subarray(0, 1 + chance.below(8)))
          : -this.remove(
              Math.max(from + header, to - 1 - chance.below(8)),
              to - Math.max(from + header, to - 1 - chance.below(8)),
            );
        bytes[from + header - 1] = (bytes[from + header - 1] as number) + change;
        this.attributesGrow(change);
        return;
      }
      case 6: {
        // From another message, the attribute that stands there.
        const theirs = attributeOffsets(other, other.length);
        if (theirs.length < 2) return;
        const k = chance.below(theirs.length - 1);
        this.attributesGrow(this.insert(from, other.subarray(theirs[k], theirs[k + 1])));
        return;
      }
      default: {
        // Routes behind the attributes.
        const length = chance.below(34);
        const prefix = Uint8Array.of(length, chance.u32(), chance.u32(), chance.u32(), chance.u32());
        this.insert(this.length, prefix.subarray(0, 1 + Math.min(4, (length + 7) >> 3)));
      }
    }
  }

  /** Total Path Attribute Length, which the withdrawn routes stand in front of. */
  private attributesGrow(by: number): void {
    const { bytes } = this;
    const at = HEADER + 2 + (((bytes[19] as number) << 8) | (bytes[20] as number));
    if (at + 2 > this.length) return;
    const n = (((bytes[at] as number) << 8) | (bytes[at + 1] as number)) + by;
    bytes[at] = n >>> 8;
    bytes[at + 1] = n;
  }

  /** Marker, length, and a type that there is. */
  private repair(): void {
    const { bytes, chance } = this;
    if (this.length < HEADER) {
      bytes.fill(0, this.length, HEADER);
      this.length = HEADER;
    }
    bytes.fill(0xff, 0, 16);
    const length = Math.min(this.length, 65535);
    bytes[16] = length >>> 8;
    bytes[17] = length;
    if (!chance.oneIn(32) && ((bytes[18] as number) === 0 || (bytes[18] as number) > 5)) bytes[18] = 2;
  }

  /** Answers how many octets came in. */
  private insert(at: number, part: Uint8Array): number {
    if (this.length + part.length > MAX_INPUT) return 0;
    // `part` may lie in `bytes`: it is copied before what it stands in moves.
    const copy = part.slice();
    this.bytes.copyWithin(at + copy.length, at, this.length);
    this.bytes.set(copy, at);
    this.length += copy.length;
    return copy.length;
  }
  /** Answers how many octets went. */
  private remove(at: number, count: number): number {
    const gone = Math.max(0, Math.min(count, this.length - at));
    this.bytes.copyWithin(at, at + gone, this.length);
    this.length -= gone;
    return gone;
  }
}
