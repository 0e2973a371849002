/** How a connection finds its peer. Pure. */
import { formatIp, type IpAddress, isIpv6 } from '../base/ip.ts';
import { isLinkLocal6 } from '../base/ipv6.ts';

/** The address; with its device where it is link-local: fe80::1 on one link is not fe80::1 on another. RFC 4007 6 */
export const peerKey = (address: IpAddress, device: string | undefined): IpAddress | string =>
  device !== undefined && isIpv6(address) && isLinkLocal6(address) ? `${formatIp(address)}%${device}` : address;
