/** An encoded attribute set -> the one that is sent on: bytes to bytes, without an object between. Pure, hot: a full table has
 *  150,000 sets, and decoding them only to encode them again costs twenty times as much. RFC 4271 5.1 and 9.
 *  The set has been decoded once without a fault: lengths are trusted here. AS numbers have 4 octets. What a Rewrite can say is
 *  rewrite-plan.ts; AS_PATH is rewrite-path.ts. */
import { FLAG_EXTENDED, FLAG_OPTIONAL, FLAG_PARTIAL, FLAG_TRANSITIVE } from './attribute-row.ts';
import { rewritePath } from './rewrite-path.ts';
import {
  type Addition,
  BACK,
  DROP,
  EXTENDED_COMMUNITIES,
  FILTER,
  FRONT,
  KEEP,
  PATH,
  REPLACE,
  type Rewrite,
  UNKNOWN,
} from './rewrite-plan.ts';

export { ebgpRewrite, nextHopRewrite, type Rewrite } from './rewrite-plan.ts';

const NON_TRANSITIVE = 0x40;

/** Writes the set [start, end) of `from`, changed, at `at` of `into`; answers where it ends there. The caller has made room for
 *  end - start + how.growth octets. Attributes that come in ascending order of type leave so. */
export function rewriteAttributes(
  from: Uint8Array,
  start: number,
  end: number,
  how: Rewrite,
  into: Uint8Array,
  at: number,
): number {
  const { actions, additions, adds } = how;
  // What is to be added only where it is missing must be known to be missing.
  let low = 0;
  let high = 0;
  if (adds)
    for (let next = start; next < end; ) {
      const type = from[next + 1]!;
      if (type < 32) low |= 1 << type;
      else if (type < 64) high |= 1 << (type - 32);
      next = endOf(from, next);
    }
  let out = at;
  let added = 0;
  let next = start;
  while (next < end) {
    const here = next;
    const flags = from[here]!;
    const type = from[here + 1]!;
    const value = here + ((flags & FLAG_EXTENDED) !== 0 ? 4 : 3);
    next = endOf(from, here);
    while (adds && added < additions.length && additions[added]!.type < type)
      out = addMissing(additions[added++]!, low, high, into, out);
    switch (actions[type]!) {
      case DROP:
        continue;
      case PATH:
        out = rewritePath(from, here, value, next, how, into, out);
        continue;
      case FILTER:
        out = transitiveOnly(from, here, value, next, into, out);
        continue;
      case REPLACE:
        out = whole(additionOf(how, type), into, out);
        continue;
      case FRONT:
        out = listWith(additionOf(how, type), from, here, value, next, true, into, out);
        continue;
      case BACK:
        out = listWith(additionOf(how, type), from, here, value, next, false, into, out);
        continue;
      case UNKNOWN:
        // By its flags: passed on with the partial bit, or not at all. RFC 4271 5
        if ((flags & (FLAG_OPTIONAL | FLAG_TRANSITIVE)) !== (FLAG_OPTIONAL | FLAG_TRANSITIVE)) continue;
        into[out] = flags | FLAG_PARTIAL;
        break;
      case KEEP:
        into[out] = flags;
        break;
    }
    for (let i = here + 1; i < next; i++) into[out + i - here] = from[i]!;
    out += next - here;
  }
  while (adds && added < additions.length) out = addMissing(additions[added++]!, low, high, into, out);
  return out;
}

/** Where the attribute at `at` ends. */
function endOf(from: Uint8Array, at: number): number {
  return (from[at]! & FLAG_EXTENDED) !== 0 ? at + 4 + ((from[at + 2]! << 8) | from[at + 3]!) : at + 3 + from[at + 2]!;
}

function additionOf(how: Rewrite, type: number): Addition {
  const { additions } = how;
  let i = 0;
  while (additions[i]!.type !== type) i++;
  return additions[i]!;
}

function addMissing(addition: Addition, low: number, high: number, into: Uint8Array, at: number): number {
  const { type, whereMissing } = addition;
  if (!whereMissing) return at;
  const present = type < 32 ? (low & (1 << type)) !== 0 : (high & (1 << (type - 32))) !== 0;
  return present ? at : whole(addition, into, at);
}

function whole({ flags, type, value }: Addition, into: Uint8Array, at: number): number {
  into[at] = flags;
  into[at + 1] = type;
  into[at + 2] = value.length;
  for (let i = 0; i < value.length; i++) into[at + 3 + i] = value[i]!;
  return at + 3 + value.length;
}

/** A list of four-octet words with one more, in front or, where it is not there yet, behind. */
function listWith(
  { value: word }: Addition,
  from: Uint8Array,
  here: number,
  value: number,
  end: number,
  front: boolean,
  into: Uint8Array,
  at: number,
): number {
  const adds = front || !contains(from, value, end, word);
  const length = end - value + (adds ? 4 : 0);
  const long = length > 255;
  into[at] = long ? from[here]! | FLAG_EXTENDED : from[here]! & ~FLAG_EXTENDED;
  into[at + 1] = from[here + 1]!;
  let out = at + 2;
  if (long) into[out++] = length >>> 8;
  into[out++] = length;
  if (adds && front) for (let i = 0; i < 4; i++) into[out++] = word[i]!;
  for (let i = value; i < end; i++) into[out++] = from[i]!;
  if (adds && !front) for (let i = 0; i < 4; i++) into[out++] = word[i]!;
  return out;
}

function contains(from: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  for (let i = start; i < end; i += 4)
    if (from[i] === word[0] && from[i + 1] === word[1] && from[i + 2] === word[2] && from[i + 3] === word[3])
      return true;
  return false;
}

/** Extended communities: only those that may leave the AS (RFC 4360 6). An attribute of which nothing is left is left out. */
function transitiveOnly(
  from: Uint8Array,
  here: number,
  value: number,
  end: number,
  into: Uint8Array,
  at: number,
): number {
  const head = value - here;
  let out = at + head;
  for (let i = value; i < end; i += 8) {
    if ((from[i]! & NON_TRANSITIVE) !== 0) continue;
    for (let k = 0; k < 8; k++) into[out + k] = from[i + k]!;
    out += 8;
  }
  const length = out - at - head;
  if (length === 0) return at;
  into[at] = from[here]!;
  into[at + 1] = EXTENDED_COMMUNITIES;
  if (head === 4) into[at + 2] = length >>> 8;
  into[out - length - 1] = length;
  return out;
}
