/** How an attribute block is to be read. Pure: types. */
import type { BgpRole } from '../wire/role.ts';

/** What two OPENs agreed on, as far as path attributes ask for it. */
export interface AttributeParams {
  /** Both sides sent the 4-octet AS capability: AS numbers in AS_PATH and AGGREGATOR are 4 octets. RFC 6793 */
  readonly fourOctetAs: boolean;
  readonly ibgp: boolean;
  /** Default false: a path with an AS_SET or AS_CONFED_SET is withdrawn. RFC 9774 3 */
  readonly allowAsSets?: boolean;
  /** The peer is in our confederation, in our member AS (`ibgp`) or in another. RFC 5065 4 */
  readonly confederation?: boolean;
  /** AIGP is read, not ignored. Default: within the AS and the confederation only. RFC 7311 3.3 */
  readonly aigp?: boolean;
  readonly peerAsn?: number;
  readonly localAsn?: number;
  /** A path that does not begin with the peer's AS number is withdrawn; needs `peerAsn`. RFC 4271 6.3, RFC 7606 7.2 */
  readonly enforceFirstAs?: boolean;
  /** Ours. Absent: no role was agreed on. For only-to-customer.ts. RFC 9234 4.2 */
  readonly role?: BgpRole;
  /** Families (familyKey numbers) whose routes are read. Absent: IPv4 unicast. RFC 4760 8 */
  readonly families?: ReadonlySet<number>;
  /** Families whose NLRI carry path identifiers. RFC 7911 3 */
  readonly addPath?: ReadonlySet<number>;
  /** IPv4 families that may have an IPv6 next hop. RFC 8950 4 */
  readonly extendedNextHop?: ReadonlySet<number>;
}
