/** What export asks of an attribute set, read from its octets. Pure, hot: one walk, no objects. The octets are those of a set in
 *  use: without faults, AS numbers of 4 octets, of MP_REACH_NLRI only the head. */
import {
  BLACKHOLE,
  LLGR_STALE,
  NO_ADVERTISE,
  NO_EXPORT,
  NO_EXPORT_SUBCONFED,
} from '../../bgp-js/attributes/communities.ts';

/** Communities that keep routes back, as bits. */
export const HAS_NO_EXPORT = 1;
export const HAS_NO_ADVERTISE = 2;
export const HAS_BLACKHOLE = 4;
export const HAS_LLGR_STALE = 8;

const EXTENDED = 0x10;
const NEXT_HOP = 3;
const COMMUNITIES = 8;
const MP_REACH = 14;
const OTC = 35;
/** All that are asked for, beside these, have 0xffff in front. */
const WELL_KNOWN = 0xffff;

export class OutScan {
  /** HAS_… bits. */
  communities = 0;
  hasOtc = false;
  /** The next hop: 0 octets where there is none. */
  hopAt = 0;
  hopLength = 0;

  read(bytes: Uint8Array, start: number, end: number): void {
    this.communities = 0;
    this.hasOtc = false;
    this.hopLength = 0;
    for (let at = start; at < end; ) {
      const isLong = (bytes[at]! & EXTENDED) !== 0;
      const value = at + (isLong ? 4 : 3);
      const next = value + (isLong ? (bytes[at + 2]! << 8) | bytes[at + 3]! : bytes[at + 2]!);
      switch (bytes[at + 1]!) {
        case NEXT_HOP:
          if (this.hopLength > 0) break;
          this.hopAt = value;
          this.hopLength = 4;
          break;
        case MP_REACH:
          this.hopAt = value + 4;
          this.hopLength = bytes[value + 3]!;
          break;
        case COMMUNITIES:
          this.readCommunities(bytes, value, next);
          break;
        case OTC:
          this.hasOtc = true;
          break;
      }
      at = next;
    }
  }

  private readCommunities(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at += 4) {
      if (((bytes[at]! << 8) | bytes[at + 1]!) !== WELL_KNOWN) continue;
      const community = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
      if (community === NO_EXPORT || community === NO_EXPORT_SUBCONFED) this.communities |= HAS_NO_EXPORT;
      else if (community === NO_ADVERTISE) this.communities |= HAS_NO_ADVERTISE;
      else if (community === BLACKHOLE) this.communities |= HAS_BLACKHOLE;
      else if (community === LLGR_STALE) this.communities |= HAS_LLGR_STALE;
    }
  }
}
