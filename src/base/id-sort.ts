/** Ids in the order of 32-bit words, by counting: a million in a few tens of milliseconds, where a comparing sort would stall the
 *  event loop for a second. Pure, hot. Stable, so that whoever sorts by several words begins with the least. */

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;

/** Sorts by words[id * stride + offset], whose `bits` lowest bits count. `ids` and `spare` are as long as each other; answers the
 *  one that holds the result, the other is free. */
export function sortByWord(
  ids: Int32Array,
  spare: Int32Array,
  words: Int32Array | Uint32Array | Uint8Array,
  stride: number,
  offset: number,
  bits: number,
): Int32Array {
  let from = ids;
  let into = spare;
  const starts = new Uint32Array(DIGITS);
  for (let shift = 0; shift < bits; shift += DIGIT_BITS) {
    starts.fill(0);
    for (let i = 0; i < from.length; i++) {
      const digit = (words[from[i]! * stride + offset]! >>> shift) & (DIGITS - 1);
      starts[digit] = starts[digit]! + 1;
    }
    // All have the same digit: nothing to do, as with the upper halves of most IPv6 tables.
    if (from.length > 0 && starts[(words[from[0]! * stride + offset]! >>> shift) & (DIGITS - 1)] === from.length)
      continue;
    let at = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const count = starts[digit]!;
      starts[digit] = at;
      at += count;
    }
    for (let i = 0; i < from.length; i++) {
      const id = from[i]!;
      const digit = (words[id * stride + offset]! >>> shift) & (DIGITS - 1);
      const to = starts[digit]!;
      starts[digit] = to + 1;
      into[to] = id;
    }
    const swap = from;
    from = into;
    into = swap;
  }
  return from;
}
