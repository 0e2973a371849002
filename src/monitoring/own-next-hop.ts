/** Our own routes have no next hop until a peer is told of them; what is exported must have one. Pure. */
import { type IpPrefix, isIpv6 } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { ipv6 } from '../base/ipv6.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';

/** The attributes, with an unspecified next hop of the prefix's family where there is none. RFC 9069 5.2 leaves it to us. */
export function withNextHop({ address }: IpPrefix, attributes: PathAttributes): PathAttributes {
  const { nextHop, mpNextHop, ...others } = attributes;
  if (mpNextHop !== undefined) return attributes;
  if (isIpv6(address)) return { ...others, mpNextHop: { address: ipv6(0n) } };
  return nextHop === undefined ? { ...attributes, nextHop: ipv4(0) } : attributes;
}
