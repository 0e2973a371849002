/** AS_PATH on its way to another AS, bytes to bytes: the confederation's segments and private AS numbers out, ours in front.
 *  Pure, hot. RFC 4271 5.1.2 b, RFC 5065 4.1, RFC 6996. With values the same is rib/out/export-path.ts. */
import { FLAG_EXTENDED } from './attribute-row.ts';
import type { PathRewrite, Rewrite } from './rewrite-plan.ts';

const AS_PATH = 2;
const AS_SEQUENCE = 2;
const CONFEDERATION = 3;
const MAX_SEGMENT = 255;

/** 64512 to 65534, and 4200000000 to 4294967294. RFC 6996 5 */
export const isPrivateAsn = (asn: number): boolean =>
  (asn >= 64_512 && asn <= 65_534) || (asn >= 4_200_000_000 && asn <= 4_294_967_294);

/** A path that was cleared; as long as an attribute can be. */
let cleared: Uint8Array | undefined;

export function rewritePath(
  from: Uint8Array,
  here: number,
  value: number,
  end: number,
  { path }: Rewrite,
  into: Uint8Array,
  at: number,
): number {
  const flags = from[here]!;
  if (!needsClearing(from, value, end, path)) return prepend(from, flags, value, end, path.prepend, into, at);
  cleared ??= new Uint8Array(65_536);
  return prepend(cleared, flags, 0, clear(from, value, end, path, cleared), path.prepend, into, at);
}

const asnAt = (from: Uint8Array, at: number): number =>
  ((from[at]! << 24) | (from[at + 1]! << 16) | (from[at + 2]! << 8) | from[at + 3]!) >>> 0;

function needsClearing(from: Uint8Array, value: number, end: number, path: PathRewrite): boolean {
  if (path.privateAsns !== 'keep') return true;
  if (!path.leavesConfederation) return false;
  for (let at = value; at < end; at += 2 + 4 * from[at + 1]!) if (from[at]! >= CONFEDERATION) return true;
  return false;
}

/** Answers where the path ends in `into`, where it begins at 0. A segment of which nothing is left is left out. */
function clear(from: Uint8Array, value: number, end: number, path: PathRewrite, into: Uint8Array): number {
  const { privateAsns, keepAsn, leavesConfederation } = path;
  const ours = path.prepend[0] ?? 0;
  let out = 0;
  for (let at = value; at < end; ) {
    const count = from[at + 1]!;
    const next = at + 2 + 4 * count;
    if (leavesConfederation && from[at]! >= CONFEDERATION) {
      at = next;
      continue;
    }
    const segment = out;
    into[out] = from[at]!;
    out += 2;
    for (let i = at + 2; i < next; i += 4) {
      let asn = asnAt(from, i);
      if (privateAsns !== 'keep' && asn !== keepAsn && isPrivateAsn(asn)) {
        if (privateAsns === 'remove') continue;
        asn = ours;
      }
      into[out] = asn >>> 24;
      into[out + 1] = asn >>> 16;
      into[out + 2] = asn >>> 8;
      into[out + 3] = asn;
      out += 4;
    }
    const left = (out - segment - 2) / 4;
    if (left === 0) out = segment;
    else into[segment + 1] = left;
    at = next;
  }
  return out;
}

/** Into the leading sequence where it has room, else as a segment of its own. RFC 4271 5.1.2 b */
function prepend(
  from: Uint8Array,
  flags: number,
  value: number,
  end: number,
  asns: readonly number[],
  into: Uint8Array,
  at: number,
): number {
  const count = asns.length;
  const joins = value < end && from[value] === AS_SEQUENCE && from[value + 1]! + count <= MAX_SEGMENT;
  const length = end - value + 4 * count + (joins || count === 0 ? 0 : 2);
  const long = length > 255;
  into[at] = long ? flags | FLAG_EXTENDED : flags & ~FLAG_EXTENDED;
  into[at + 1] = AS_PATH;
  let out = at + 2;
  if (long) into[out++] = length >>> 8;
  into[out++] = length;
  if (count > 0) {
    into[out++] = AS_SEQUENCE;
    into[out++] = joins ? from[value + 1]! + count : count;
    for (let i = 0; i < count; i++) {
      const asn = asns[i]!;
      into[out++] = asn >>> 24;
      into[out++] = asn >>> 16;
      into[out++] = asn >>> 8;
      into[out++] = asn;
    }
  }
  for (let i = joins && count > 0 ? value + 2 : value; i < end; i++) into[out++] = from[i]!;
  return out;
}
