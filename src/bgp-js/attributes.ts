/** Path attributes, bytes <-> values. Pure. RFC 4271 4.3 and 5; faults as RFC 7606 7. */
import type { PathAttributes } from './attribute-types.ts';
import type { BgpError } from './error.ts';

/** What an attribute block asks of the UPDATE it came in. RFC 7606 2, mildest first. */
export type Disposition = 'accept' | 'discard' | 'withdraw' | 'reset';

/** How an attribute block is to be read. */
export interface AttributeParams {
  /** Both sides sent the 4-octet AS capability: AS numbers in AS_PATH and AGGREGATOR are 4 octets. RFC 6793 */
  readonly fourOctetAs: boolean;
  readonly ibgp: boolean;
}

/** One thing wrong in an attribute block, for logs and counters. At most one per attribute. */
export interface AttributeFault {
  readonly type: number;
  /** What was done about it. */
  readonly action: Exclude<Disposition, 'accept'>;
  readonly text: string;
}

export interface DecodedAttributes {
  /** Present exactly when the disposition is accept or discard. */
  readonly attributes?: PathAttributes;
  readonly faults: readonly AttributeFault[];
  /** discard: the routes are good, an attribute was dropped. withdraw: treat the NLRI as withdrawn. reset: end with `error`. */
  readonly disposition: Disposition;
  readonly error?: BgpError;
}

/** Decodes the attributes of an UPDATE with IPv4 NLRI. An UPDATE without NLRI needs no call. */
export declare function decodeAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  params: AttributeParams,
): DecodedAttributes;

/** The attributes as on the wire, in ascending order of type. */
export declare function encodeAttributes(
  attributes: PathAttributes,
  params: { readonly fourOctetAs: boolean },
): Uint8Array;
