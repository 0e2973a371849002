/** The parts of an UPDATE, as far as its lengths hold. Pure, lenient: for showing; update.ts judges. RFC 4271 4.3 */
import { FLAG_EXTENDED } from '../attributes/attribute-row.ts';
import { HEADER_LENGTH } from '../wire/message.ts';

const u16 = (b: Uint8Array, at: number): number => ((b[at] ?? 0) << 8) | (b[at + 1] ?? 0);

export interface UpdateParts {
  readonly withdrawnStart: number;
  readonly withdrawnEnd: number;
  readonly attributesStart: number;
  readonly attributesEnd: number;
  /** Of the length field that runs past the end. */
  readonly overrunAt?: number;
}

/** A section that would run past the message ends with it, and those behind it are empty. */
export function updateParts(b: Uint8Array): UpdateParts {
  const withdrawnStart = HEADER_LENGTH + 2;
  const withdrawnEnd = withdrawnStart + u16(b, HEADER_LENGTH);
  const attributesStart = withdrawnEnd + 2;
  const end = b.length;
  if (attributesStart > end)
    return { withdrawnStart, withdrawnEnd: end, attributesStart: end, attributesEnd: end, overrunAt: HEADER_LENGTH };
  const attributesEnd = attributesStart + u16(b, withdrawnEnd);
  return attributesEnd > end
    ? { withdrawnStart, withdrawnEnd, attributesStart, attributesEnd: end, overrunAt: withdrawnEnd }
    : { withdrawnStart, withdrawnEnd, attributesStart, attributesEnd };
}

/** An attribute: its value is [from, to), its first octet `at`. */
export interface WalkedAttribute {
  readonly type: number;
  readonly flags: number;
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** Answers where it stopped: `end`, or the attribute that runs past it. RFC 7606 4 */
export function eachAttribute(
  b: Uint8Array,
  start: number,
  end: number,
  visit: (attribute: WalkedAttribute) => void,
): number {
  let at = start;
  while (at < end) {
    const flags = b[at] as number;
    const extended = (flags & FLAG_EXTENDED) !== 0;
    const from = at + (extended ? 4 : 3);
    const to = from + (extended ? u16(b, at + 2) : (b[at + 2] ?? 0));
    if (from > end || to > end) return at;
    visit({ type: b[at + 1] as number, flags, at, from, to });
    at = to;
  }
  return at;
}
