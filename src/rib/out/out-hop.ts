/** Next hops as octets, and as numbers that tell quickly which ones differ. Pure. RFC 4760 3, RFC 2545 3 */
import { type IpAddress, isIpv6 } from '../../base/ip.ts';
import type { MpNextHop } from '../../bgp-js/attributes/attribute-types.ts';

export const addressOctets = (address: IpAddress): Uint8Array => {
  const octets = new Uint8Array(isIpv6(address) ? 16 : 4);
  let rest = BigInt(address);
  for (let at = octets.length - 1; at >= 0; at--) {
    octets[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return octets;
};

/** As it stands in MP_REACH_NLRI, without its length. */
export function hopOctets({ address, linkLocal }: MpNextHop): Uint8Array {
  const first = addressOctets(address);
  if (linkLocal === undefined) return first;
  const both = new Uint8Array(32);
  both.set(first);
  both.set(addressOctets(linkLocal), 16);
  return both;
}

const word = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** Different numbers are different addresses; the same number nearly always is the same one, and sameOctets() is sure. IPv4
 *  addresses are 0 or more, IPv6 ones below. */
export const hopKey = (bytes: Uint8Array, at: number, length: number): number =>
  length === 4 ? word(bytes, at) : -1 - word(bytes, at + 12) - (word(bytes, at + 8) & 0xfffff) * 2 ** 32;

export function sameOctets(a: Uint8Array, aAt: number, b: Uint8Array, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aAt + i] !== b[i]) return false;
  return true;
}

/** Neither unspecified nor of one link: it means something elsewhere. `length` octets of an IPv6 next hop begin at `at`. */
export function isPassableIpv6(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] === 0xfe && (bytes[at + 1]! & 0xc0) === 0x80) return false;
  for (let i = 0; i < 16; i++) if (bytes[at + i] !== 0) return true;
  return false;
}
