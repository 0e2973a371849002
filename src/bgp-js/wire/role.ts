/** BGP roles: what two eBGP neighbours are to each other, agreed in the OPEN. Pure. RFC 9234 3 and 4. */

/** RFC 9234 4.1: the index is the value on the wire. */
export const ROLES = ['provider', 'rs', 'rs-client', 'customer', 'peer'] as const;
/** What a speaker is to its eBGP peer. RFC 9234 4.1 */
export type BgpRole = (typeof ROLES)[number];

/** What the other side must be. RFC 9234 4.2, table 2 */
const COUNTERPART: Readonly<Record<BgpRole, BgpRole>> = {
  provider: 'customer',
  customer: 'provider',
  rs: 'rs-client',
  'rs-client': 'rs',
  peer: 'peer',
};

export const roleValue = (role: BgpRole): number => ROLES.indexOf(role);
/** Undefined for a value that is not assigned. */
export const roleOfValue = (value: number): BgpRole | undefined => ROLES[value];
export const rolesMatch = (ours: BgpRole, theirs: BgpRole): boolean => COUNTERPART[ours] === theirs;
