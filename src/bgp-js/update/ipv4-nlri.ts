/** IPv4 prefixes without path identifiers: the form that nearly all routes have. Pure, hot. RFC 4271 4.3; faults RFC 7606 5.3.
 *  All other families are nlri.ts. */
import { INVALID_NETWORK } from '../attributes/faults.ts';
import { type BgpError, bgpError } from '../wire/error.ts';

/** Octets that a prefix of this length has on the wire, without its length octet. */
export const prefixOctets = (length: number): number => (length + 7) >>> 3;

/** Walks the lengths only: undefined when [start, end) is whole prefixes. */
export function checkPrefixes(slab: Uint8Array, start: number, end: number): BgpError | undefined {
  let at = start;
  while (at < end) {
    const length = slab[at]!;
    if (length > 32) return bgpError(3, INVALID_NETWORK, `a prefix of length ${length} (RFC 7606 5.3)`);
    at += 1 + prefixOctets(length);
  }
  return at === end ? undefined : bgpError(3, INVALID_NETWORK, 'the last prefix is cut off (RFC 7606 5.3)');
}

/** Visits (address, length) of each prefix in [start, end); bits beyond the length are masked away (RFC 4271 4.3).
 *  A fault stops the walk and is answered. The session has checked an UPDATE before onUpdate: there is none inside it. */
export function forEachPrefix(
  slab: Uint8Array,
  start: number,
  end: number,
  visit: (address: number, length: number) => void,
): BgpError | undefined {
  let at = start;
  while (at < end) {
    const length = slab[at]!;
    const next = at + 1 + prefixOctets(length);
    if (length > 32 || next > end) return checkPrefixes(slab, at, end);
    // Octets beyond `next` belong to the neighbour and may lie outside the slab: the mask and `|` make both nothing.
    const word = (slab[at + 1]! << 24) | (slab[at + 2]! << 16) | (slab[at + 3]! << 8) | slab[at + 4]!;
    visit(length === 0 ? 0 : (word & (-1 << (32 - length))) >>> 0, length);
    at = next;
  }
  return undefined;
}

/** Writes one prefix at `at`; answers where the next goes. The caller has made room for five octets. */
export function writePrefix(bytes: Uint8Array, at: number, address: number, length: number): number {
  bytes[at] = length;
  const octets = prefixOctets(length);
  for (let i = 0; i < octets; i++) bytes[at + 1 + i] = address >>> (24 - 8 * i);
  return at + 1 + octets;
}
