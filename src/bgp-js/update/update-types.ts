/** An UPDATE as an object, for those who read one and not a million. Pure: types. decode-update.ts and encode-update.ts. */
import type { IpPrefix } from '../../base/ip.ts';
import type { PathAttributes } from '../attributes/attribute-types.ts';
import type { AttributeFault, Disposition } from '../attributes/faults.ts';
import type { BgpError } from '../wire/error.ts';
import type { Family } from '../wire/family.ts';

/** One element of a family's NLRI. */
export interface Nlri {
  readonly family: Family;
  /** Where the family is one of plain prefixes: unicast and multicast of IPv4 and IPv6. */
  readonly prefix?: IpPrefix;
  /** Where ADD-PATH was negotiated. RFC 7911 3 */
  readonly pathId?: number;
  /** As on the wire, its own length included, without the path identifier. Bits beyond a prefix are zero. */
  readonly bytes: Uint8Array;
}

/** What an UPDATE says: routes that are gone, routes that are there, and the attributes of the latter. RFC 4271 4.3 */
export interface Update {
  /** To be taken first: a prefix in both lists is announced. RFC 4271 4.3 */
  readonly withdrawn: readonly Nlri[];
  readonly announced: readonly Nlri[];
  /** Present when something is announced and its attributes may be used. */
  readonly attributes?: PathAttributes;
  readonly endOfRib?: Family;
}

/** What was wrong, and what it asks. `withdraw`: the announced routes are in `withdrawn` already. `reset`: the session ends
 *  with `error`, and both lists are empty. RFC 7606 2 */
export interface DecodedUpdate extends Update {
  readonly faults: readonly AttributeFault[];
  readonly disposition: Disposition;
  readonly error?: BgpError;
}
