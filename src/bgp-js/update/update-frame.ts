/** Where the parts of an UPDATE lie. Pure: types; filled by update.ts. */

/** Offsets of one UPDATE in the receive slab: valid only during the call. RFC 4271 4.3 */
export interface UpdateFrame {
  readonly slab: Uint8Array;
  readonly withdrawnStart: number;
  readonly withdrawnEnd: number;
  readonly attributesStart: number;
  readonly attributesEnd: number;
  readonly nlriStart: number;
  readonly nlriEnd: number;
}
