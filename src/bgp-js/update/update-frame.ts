/** Where the parts of an UPDATE lie. Pure: types; filled by update.ts. */

/** Offsets of one UPDATE in the receive slab: valid only during the call. An absent section has start = end; an absent family
 *  is 0, and families are familyKey() numbers. RFC 4271 4.3, RFC 4760 3 and 4 */
export interface UpdateFrame {
  readonly slab: Uint8Array;
  readonly withdrawnStart: number;
  readonly withdrawnEnd: number;
  readonly attributesStart: number;
  readonly attributesEnd: number;
  readonly nlriStart: number;
  readonly nlriEnd: number;
  /** IPv4 unicast has path identifiers here: the two sections above need forEachNlri. RFC 7911 */
  readonly addPath: boolean;
  /** MP_REACH_NLRI of a negotiated family. */
  readonly reachFamily: number;
  readonly nextHopStart: number;
  readonly nextHopEnd: number;
  readonly reachStart: number;
  readonly reachEnd: number;
  readonly reachAddPath: boolean;
  /** MP_UNREACH_NLRI of a negotiated family. */
  readonly unreachFamily: number;
  readonly unreachStart: number;
  readonly unreachEnd: number;
  readonly unreachAddPath: boolean;
  /** Routes of a family that was not negotiated were there and are not shown: its key. */
  readonly ignoredFamily: number;
}
