/** How an UPDATE is to be read and written: what the two OPENs agreed on. Pure: types and a default. session/ makes one out of
 *  an Agreed; whoever reads a capture makes one out of options. */
import type { AttributeParams } from '../attributes/attribute-params.ts';

/** Families are familyKey() numbers: AFI × 256 + SAFI. */
export interface UpdateContext extends AttributeParams {
  /** Negotiated families (RFC 4760 8); routes of others are ignored. */
  readonly families: ReadonlySet<number>;
  /** Families whose NLRI carry path identifiers in the direction at hand. RFC 7911 4 */
  readonly addPath: ReadonlySet<number>;
  /** IPv4 families that may have an IPv6 next hop. RFC 8950 4 */
  readonly extendedNextHop: ReadonlySet<number>;
  /** What we write is at most so long: 65535 with extended messages. RFC 8654 4 */
  readonly maxMessageLength: 4096 | 65535;
}

/** IPv4 unicast between two speakers of 4-octet AS numbers in different ASes. */
export const PLAIN_CONTEXT: UpdateContext = {
  fourOctetAs: true,
  ibgp: false,
  families: new Set([1 * 256 + 1]),
  addPath: new Set(),
  extendedNextHop: new Set(),
  maxMessageLength: 4096,
};
