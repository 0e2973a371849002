/** UPDATE frames: where everything lies, and what of it ends the session. Pure, hot: over the receive slab, nothing allocated
 *  per UPDATE or route. RFC 4271 4.3; framing faults RFC 7606 3 b and 4, NLRI faults 5.3, RFC 4760 7. */
import { err, ok, type Result } from '../../base/result.ts';
import { FLAG_EXTENDED } from '../attributes/attribute-row.ts';
import { decodeAttributesOf } from '../attributes/attributes.ts';
import { attributeData, INVALID_NETWORK, MALFORMED_LIST, malformedList, OPTIONAL_ERROR } from '../attributes/faults.ts';
import {
  MP_REACH,
  MP_UNREACH,
  mpFamily,
  nextHopEnd,
  nextHopStart,
  reachFault,
  reachNlriStart,
  unreachFault,
  unreachNlriStart,
} from '../attributes/mp-reach.ts';
import { type BgpError, bgpError } from '../wire/error.ts';
import { IPV4_UNICAST_KEY } from '../wire/family.ts';
import { HEADER_LENGTH } from '../wire/message.ts';
import { checkPrefixes } from './ipv4-nlri.ts';
import { checkNlri } from './nlri.ts';
import { PLAIN_CONTEXT, type UpdateContext } from './update-context.ts';
import type { UpdateFrame } from './update-frame.ts';

export { checkPrefixes, forEachPrefix, prefixOctets, writePrefix } from './ipv4-nlri.ts';

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
  /** The last UPDATE's: for endOfRibFamily. */
  onlyUnreach = false;
  /** The attribute that the error of read() is about, if it is about one: its type, and octets from the attributes' start. */
  culprit: { readonly type: number; readonly at: number } | undefined;
  private hasReach = false;
  private hasOthers = false;

  /** Takes a framed UPDATE, header included. Answers what ends the session: 3/1 when lengths do not fit, 3/10 when prefixes do
   *  not, 3/9 for what is wrong inside MP_REACH_NLRI or MP_UNREACH_NLRI, and 3/1 for attributes at fault without routes. */
  read(slab: Uint8Array, start: number, end: number, context: UpdateContext = PLAIN_CONTEXT): BgpError | undefined {
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
    this.reachFamily = 0;
    this.nextHopStart = this.nextHopEnd = this.reachStart = this.reachEnd = attributesEnd;
    this.unreachFamily = 0;
    this.unreachStart = this.unreachEnd = attributesEnd;
    this.ignoredFamily = 0;
    this.hasReach = end > attributesEnd;
    this.hasOthers = false;
    this.onlyUnreach = false;
    this.culprit = undefined;
    return this.ipv4Sections(context) ?? this.attributes(context);
  }

  /** No routes at all: End-of-RIB of IPv4 unicast in its short form. RFC 4724 2 */
  get isEndOfRib(): boolean {
    return (
      this.withdrawnEnd === this.withdrawnStart && this.nlriEnd === this.attributesStart && this.ignoredFamily === 0
    );
  }

  private ipv4Sections(context: UpdateContext): BgpError | undefined {
    const { slab, withdrawnStart, withdrawnEnd, nlriStart, nlriEnd } = this;
    this.addPath = context.addPath.has(IPV4_UNICAST_KEY);
    if (withdrawnStart === withdrawnEnd && nlriStart === nlriEnd) {
      // Wholly empty it is the End-of-RIB of IPv4 unicast, which has to be agreed on like its routes.
      if (this.attributesStart === nlriStart && !context.families.has(IPV4_UNICAST_KEY))
        this.ignoredFamily = IPV4_UNICAST_KEY;
      return undefined;
    }
    if (!context.families.has(IPV4_UNICAST_KEY)) {
      this.ignoredFamily = IPV4_UNICAST_KEY;
      this.withdrawnEnd = withdrawnStart;
      this.nlriEnd = nlriStart;
      return undefined;
    }
    if (!this.addPath)
      return checkPrefixes(slab, withdrawnStart, withdrawnEnd) ?? checkPrefixes(slab, nlriStart, nlriEnd);
    const text =
      checkNlri(slab, withdrawnStart, withdrawnEnd, IPV4_UNICAST_KEY, true) ??
      checkNlri(slab, nlriStart, nlriEnd, IPV4_UNICAST_KEY, true);
    return text === undefined ? undefined : bgpError(3, INVALID_NETWORK, text);
  }

  /** Only headers are looked at, but for the two attributes with routes inside: what the others say is attributes.ts. */
  private attributes(context: UpdateContext): BgpError | undefined {
    const { slab, attributesStart, attributesEnd } = this;
    let at = attributesStart;
    let seen = 0;
    while (attributesEnd - at >= 3) {
      const type = slab[at + 1]!;
      let value = at + 3;
      let length = slab[at + 2]!;
      if ((slab[at]! & FLAG_EXTENDED) !== 0) {
        if (attributesEnd - at < 4) break;
        length = (length << 8) | slab[at + 3]!;
        value = at + 4;
      }
      const next = value + length;
      if (next > attributesEnd) break;
      if (type === MP_REACH || type === MP_UNREACH) {
        const bit = type === MP_REACH ? 1 : 2;
        const twice = (seen & bit) !== 0;
        seen |= bit;
        const text = twice
          ? `attribute ${type} comes twice (RFC 7606 3 g)`
          : type === MP_REACH
            ? this.mpReach(value, next, context)
            : this.mpUnreach(value, next, context);
        if (text !== undefined) {
          this.culprit = { type, at: at - attributesStart };
          return twice ? malformedList(text) : bgpError(3, OPTIONAL_ERROR, text, attributeData(slab, at, next));
        }
      } else this.hasOthers = true;
      at = next;
    }
    // Stray octets, or an attribute that runs past the end: attributes.ts has the words for it.
    if (at < attributesEnd) this.hasOthers = true;
    this.onlyUnreach = seen === 2 && !this.hasOthers;
    return this.hasOthers && !this.hasReach ? this.withoutRoutes(context) : undefined;
  }

  private mpReach(value: number, end: number, context: UpdateContext): string | undefined {
    const { slab } = this;
    const text = reachFault(slab, value, end, context);
    if (text !== undefined) return text;
    const family = mpFamily(slab, value);
    const from = reachNlriStart(slab, value);
    if (end > from) this.hasReach = true;
    if (!context.families.has(family)) {
      this.ignoredFamily = family;
      return undefined;
    }
    this.reachFamily = family;
    this.nextHopStart = nextHopStart(value);
    this.nextHopEnd = nextHopEnd(slab, value);
    this.reachStart = from;
    this.reachEnd = end;
    this.reachAddPath = context.addPath.has(family);
    return checkNlri(slab, from, end, family, this.reachAddPath);
  }

  private mpUnreach(value: number, end: number, context: UpdateContext): string | undefined {
    const { slab } = this;
    const text = unreachFault(value, end);
    if (text !== undefined) return text;
    const family = mpFamily(slab, value);
    if (!context.families.has(family)) {
      this.ignoredFamily = family;
      return undefined;
    }
    this.unreachFamily = family;
    this.unreachStart = unreachNlriStart(value);
    this.unreachEnd = end;
    this.unreachAddPath = context.addPath.has(family);
    return checkNlri(slab, this.unreachStart, end, family, this.unreachAddPath);
  }

  /** Attributes, and no route that they are about: where they are at fault, a route may have been overlooked. RFC 7606 5.2 */
  private withoutRoutes(context: UpdateContext): BgpError | undefined {
    const { slab, attributesStart, attributesEnd } = this;
    const { faults, disposition, error } = decodeAttributesOf(slab, attributesStart, attributesEnd, context, 'none');
    if (disposition !== 'reset' && disposition !== 'withdraw') return undefined;
    const fault = faults.find((f) => f.action === disposition);
    if (fault?.at !== undefined) this.culprit = { type: fault.type, at: fault.at };
    if (disposition === 'reset') return error;
    const text = `${fault?.text ?? 'malformed attributes'}, and there are no routes to withdraw (RFC 7606 5.2)`;
    if (fault?.at === undefined || fault.subcode === MALFORMED_LIST) return malformedList(text);
    const at = attributesStart + fault.at;
    return bgpError(3, fault.subcode, text, attributeData(slab, at, attributeEnd(slab, at)));
  }
}

/** The family (a familyKey number) whose End-of-RIB the UPDATE is; 0 when it is none. For others than IPv4 unicast it is an
 *  MP_UNREACH_NLRI without routes as the only attribute; for IPv4 unicast that form is taken too. RFC 4724 2 */
export function endOfRibFamily(frame: ReusableUpdate): number {
  if (frame.isEndOfRib) return IPV4_UNICAST_KEY;
  const { onlyUnreach, unreachFamily, unreachStart, unreachEnd } = frame;
  const noRoutes =
    unreachStart === unreachEnd && frame.withdrawnStart === frame.withdrawnEnd && frame.nlriStart === frame.nlriEnd;
  return onlyUnreach && noRoutes ? unreachFamily : 0;
}

/** Of an attribute that the walk has found to lie within its block. */
const attributeEnd = (slab: Uint8Array, at: number): number =>
  (slab[at]! & FLAG_EXTENDED) !== 0 ? at + 4 + ((slab[at + 2]! << 8) | slab[at + 3]!) : at + 3 + slab[at + 2]!;

const overrun = (what: string, value: number): BgpError =>
  malformedList(`${what} ${value} runs past the end of the UPDATE (RFC 4271 6.3)`);

/** read() for bytes that no framer has seen. */
export const readChecked = (
  frame: ReusableUpdate,
  slab: Uint8Array,
  start: number,
  end: number,
  context: UpdateContext,
): BgpError | undefined =>
  end - start < HEADER_LENGTH + 4 ? overrun('its header', end - start) : frame.read(slab, start, end, context);

/** The same for those who read one UPDATE, not a million. */
export function splitUpdate(
  slab: Uint8Array,
  start: number,
  end: number,
  context: UpdateContext = PLAIN_CONTEXT,
): Result<ReusableUpdate, BgpError> {
  const frame = new ReusableUpdate();
  const error = readChecked(frame, slab, start, end, context);
  return error === undefined ? ok(frame) : err(error);
}
