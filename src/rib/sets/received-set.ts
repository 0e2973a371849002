/** Which octets of an UPDATE make up the attribute set of its routes. Pure, hot. RFC 4760 3: what MP_REACH_NLRI and MP_UNREACH_NLRI
 *  say of routes is none of the set's, but the next hop is.
 *
 *    routes in the NLRI field:   the attributes without both; as they lie in the slab when neither is there
 *    routes in MP_REACH_NLRI:    its head in front, up to the reserved octet, then the others without NEXT_HOP, which is not theirs
 *    the same, an IPv4 next hop: as NEXT_HOP in its place, so that both ways in share their sets */
import { noHost } from '../../bgp-js/attributes/basic-values.ts';
import { MP_REACH, MP_UNREACH } from '../../bgp-js/attributes/mp-reach.ts';
import type { UpdateFrame } from '../../bgp-js/update/update-frame.ts';
import { IPV4_UNICAST_KEY } from '../../bgp-js/wire/family.ts';

const NEXT_HOP = 3;
const EXTENDED = 0x10;

/** One set is read before the next is made. */
const scratch = new Uint8Array(65536 + 64);

export interface ReceivedOctets {
  readonly bytes: Uint8Array;
  readonly end: number;
  /** Its next hop is in MP_REACH_NLRI. */
  readonly inMpReach: boolean;
}
const answer = { bytes: scratch, end: 0, inMpReach: false };

/** Whether the attributes of routes in the NLRI field may be read where they lie. */
export const liesReady = (update: UpdateFrame): boolean =>
  update.reachFamily === 0 && update.unreachFamily === 0 && update.ignoredFamily === 0;

/** Of routes in the NLRI field. */
export function nlriOctets(update: UpdateFrame): ReceivedOctets {
  answer.inMpReach = false;
  answer.end = copyOthers(update, 0, AS_IT_IS);
  return answer;
}

/** Of routes in MP_REACH_NLRI. */
export function reachOctets(update: UpdateFrame): ReceivedOctets {
  const { slab, nextHopStart, nextHopEnd, reachFamily } = update;
  const length = nextHopEnd - nextHopStart;
  if (reachFamily === IPV4_UNICAST_KEY && length === 4 && !noHost(addressAt(slab, nextHopStart))) {
    answer.inMpReach = false;
    answer.end = copyOthers(update, 0, nextHopStart);
    return answer;
  }
  let at = 0;
  scratch[at++] = 0x80;
  scratch[at++] = MP_REACH;
  scratch[at++] = 5 + length;
  scratch[at++] = reachFamily >>> 16;
  scratch[at++] = reachFamily >>> 8;
  scratch[at++] = reachFamily;
  scratch[at++] = length;
  for (let i = nextHopStart; i < nextHopEnd; i++) scratch[at++] = slab[i]!;
  scratch[at++] = 0;
  answer.inMpReach = true;
  answer.end = copyOthers(update, at, WITHOUT);
  return answer;
}

const addressAt = (b: Uint8Array, at: number): number =>
  ((b[at]! << 24) | (b[at + 1]! << 16) | (b[at + 2]! << 8) | b[at + 3]!) >>> 0;

/** What becomes of NEXT_HOP; any other number is where the slab has the octets that are put in its place. */
const AS_IT_IS = -1;
const WITHOUT = -2;

/** Both multiprotocol attributes stay behind. What cannot be told apart (stray octets, an attribute that runs past the end) comes
 *  last, so that it is as malformed as it was. */
function copyOthers(update: UpdateFrame, to: number, nextHop: number): number {
  const { slab, attributesStart, attributesEnd } = update;
  let toInsert = nextHop >= 0;
  let out = to;
  let at = attributesStart;
  while (at < attributesEnd) {
    const end = endOf(slab, at, attributesEnd);
    const type = end < 0 ? 255 : slab[at + 1]!;
    const next = end < 0 ? attributesEnd : end;
    const from = at;
    at = next;
    if (type === MP_REACH || type === MP_UNREACH || (type === NEXT_HOP && nextHop !== AS_IT_IS)) continue;
    if (toInsert && type > NEXT_HOP) {
      out = writeNextHop(slab, nextHop, out);
      toInsert = false;
    }
    for (let i = from; i < next; i++) scratch[out++] = slab[i]!;
  }
  return toInsert ? writeNextHop(slab, nextHop, out) : out;
}

/** Where the attribute at `at` ends; -1 when it is none, or not whole. */
function endOf(slab: Uint8Array, at: number, limit: number): number {
  if (limit - at < 3) return -1;
  const long = (slab[at]! & EXTENDED) !== 0;
  if (long && limit - at < 4) return -1;
  const end = long ? at + 4 + ((slab[at + 2]! << 8) | slab[at + 3]!) : at + 3 + slab[at + 2]!;
  return end > limit ? -1 : end;
}

function writeNextHop(slab: Uint8Array, from: number, at: number): number {
  scratch[at] = 0x40;
  scratch[at + 1] = NEXT_HOP;
  scratch[at + 2] = 4;
  for (let i = 0; i < 4; i++) scratch[at + 3 + i] = slab[from + i]!;
  return at + 7;
}
