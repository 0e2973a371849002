/** Whose hands a route leads to. Pure. RFC 4271 5.1.3, RFC 4760 3. */
import type { IpAddress } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import type { PathAttributes } from './attribute-types.ts';

/** The next hop of a route with these attributes: that of MP_REACH_NLRI where there is one, else NEXT_HOP; 0.0.0.0 of attributes
 *  that have neither. Where the first of two is "::", as some send it on unnumbered links, it is the link-local one. RFC 2545 3 */
export function nextHopOf({ mpNextHop, nextHop }: PathAttributes): IpAddress {
  if (mpNextHop === undefined) return nextHop ?? ipv4(0);
  return mpNextHop.address === 0n && mpNextHop.linkLocal !== undefined ? mpNextHop.linkLocal : mpNextHop.address;
}
