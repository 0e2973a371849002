/** Names and addresses that every carrier agrees on. Pure. */
import { formatMac, macBytes } from '../../netlink/mac.ts';

export { formatMac } from '../../netlink/mac.ts';

export const IPIP_DEVICE = 'tunl0';
/** The other end of the veth pair that a carrier outside the kernel's ipip calls tunl0. It marks the pair as ours: the
 *  kernel's tunl0 has no such companion. */
export const IPIP_COMPANION = 'tunl0-x';
export const VXLAN_DEVICE = 'vxlan.calico';
export const VXLAN_VNI = 4096;
export const VXLAN_PORT = 4789;

/** 02:00 and the four bytes of a node's address, so that a frame's destination names the next hop. 02 is "locally
 *  administered, unicast". */
export const nextHopMac = (address: number): string =>
  formatMac(Uint8Array.of(0x02, 0x00, address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255));

/** The node's address in a MAC of `nextHopMac`; undefined for any other. */
export function addressOfMac(mac: string): number | undefined {
  const bytes = macBytes(mac === '' ? '00:00:00:00:00:00' : mac);
  const [a, b, c, d] = bytes.subarray(2);
  const address = (((a ?? 0) << 24) | ((b ?? 0) << 16) | ((c ?? 0) << 8) | (d ?? 0)) >>> 0;
  return nextHopMac(address) === mac ? address : undefined;
}
