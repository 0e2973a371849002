/** MP_REACH_NLRI as table dumps have it: the record says the prefix, so only the next hop is left. Pure. RFC 6396 4.3.4 */
import { isIpv6 } from '../base/ip.ts';
import { writeIpv6 } from '../base/ipv6.ts';
import type { MpNextHop } from '../bgp-js/attributes/attribute-types.ts';

const OPTIONAL = 0x80;
const MP_REACH_NLRI = 14;

/** The whole attribute, flags first. */
export function abbreviatedReach({ address, linkLocal }: MpNextHop): Uint8Array {
  const octets = isIpv6(address) ? (linkLocal === undefined ? 16 : 32) : 4;
  const attribute = new Uint8Array(4 + octets);
  attribute.set([OPTIONAL, MP_REACH_NLRI, 1 + octets, octets]);
  if (!isIpv6(address)) new DataView(attribute.buffer).setUint32(4, address);
  else writeIpv6(attribute, 4, address);
  if (octets === 32 && linkLocal !== undefined) writeIpv6(attribute, 20, linkLocal);
  return attribute;
}
