/** UPDATE frames and IPv4 NLRI. Pure, hot: over the receive slab, nothing allocated per prefix.
 *  RFC 4271 4.3; framing faults RFC 7606 3 b and 4, NLRI faults 5.3. */
import { err, ok, type Result } from '../../base/result.ts';
import { type BgpError, bgpError } from '../wire/error.ts';
import { HEADER_LENGTH } from '../wire/message.ts';
import { PLAIN_CONTEXT, type UpdateContext } from './update-context.ts';
import type { UpdateFrame } from './update-frame.ts';

const NO_BYTES = new Uint8Array(0);

/** A frame that is used for message after message. */
export class ReusableUpdate implements UpdateFrame {
  slab: Uint8Array = NO_BYTES;
  withdrawnStart = 0;
  withdrawnEnd = 0;
  attributesStart = 0;
  attributesEnd = 0;
  nlriStart = 0;
  nlriEnd = 0;
  addPath = false;
  reachFamily = 0;
  nextHopStart = 0;
  nextHopEnd = 0;
  reachStart = 0;
  reachEnd = 0;
  reachAddPath = false;
  unreachFamily = 0;
  unreachStart = 0;
  unreachEnd = 0;
  unreachAddPath = false;
  ignoredFamily = 0;

  /** Takes a framed UPDATE, header included; answers 3/1 when the two lengths do not fit, 3/10 when prefixes do not. */
  read(slab: Uint8Array, start: number, end: number, _context: UpdateContext = PLAIN_CONTEXT): BgpError | undefined {
    // The framer has seen 23 octets at least, so the first length is there.
    const withdrawnStart = start + HEADER_LENGTH + 2;
    const withdrawnEnd = withdrawnStart + ((slab[withdrawnStart - 2]! << 8) | slab[withdrawnStart - 1]!);
    const attributesStart = withdrawnEnd + 2;
    if (attributesStart > end) return overrun('Withdrawn Routes Length', withdrawnEnd - withdrawnStart);
    const attributesEnd = attributesStart + ((slab[attributesStart - 2]! << 8) | slab[attributesStart - 1]!);
    if (attributesEnd > end) return overrun('Total Path Attribute Length', attributesEnd - attributesStart);
    this.slab = slab;
    this.withdrawnStart = withdrawnStart;
    this.withdrawnEnd = withdrawnEnd;
    this.attributesStart = attributesStart;
    this.attributesEnd = attributesEnd;
    this.nlriStart = attributesEnd;
    this.nlriEnd = end;
    return checkPrefixes(slab, withdrawnStart, withdrawnEnd) ?? checkPrefixes(slab, attributesEnd, end);
  }

  /** No routes at all: End-of-RIB of IPv4 unicast. RFC 4724 2 */
  get isEndOfRib(): boolean {
    return this.withdrawnEnd === this.withdrawnStart && this.nlriEnd === this.attributesStart;
  }
}

/** The family (a familyKey number) whose End-of-RIB the UPDATE is; 0 when it is none. RFC 4724 2 */
export const endOfRibFamily = (frame: ReusableUpdate): number => (frame.isEndOfRib ? 257 : 0);

const overrun = (what: string, value: number): BgpError =>
  bgpError(3, 1, `${what} ${value} runs past the end of the UPDATE (RFC 4271 6.3)`);

/** The same for those who read one UPDATE, not a million. */
export function splitUpdate(
  slab: Uint8Array,
  start: number,
  end: number,
  context: UpdateContext = PLAIN_CONTEXT,
): Result<UpdateFrame, BgpError> {
  const frame = new ReusableUpdate();
  const error =
    end - start < HEADER_LENGTH + 4 ? overrun('its header', end - start) : frame.read(slab, start, end, context);
  return error === undefined ? ok(frame) : err(error);
}

/** Octets that a prefix of this length has on the wire, without its length octet. */
export const prefixOctets = (length: number): number => (length + 7) >>> 3;

/** Walks the lengths only: undefined when [start, end) is whole prefixes. */
export function checkPrefixes(slab: Uint8Array, start: number, end: number): BgpError | undefined {
  let at = start;
  while (at < end) {
    const length = slab[at]!;
    if (length > 32) return bgpError(3, 10, `a prefix of length ${length} (RFC 7606 5.3)`);
    at += 1 + prefixOctets(length);
  }
  return at === end ? undefined : bgpError(3, 10, 'the last prefix is cut off (RFC 7606 5.3)');
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
