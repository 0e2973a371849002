/** What is never installed by itself: routes that could cut the node off. Pure. Both families.
 *  A refused route stays in the Loc-RIB with its reason; a prefix allowed by name passes. */
import {
  addressBits,
  compareIp,
  formatIp,
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  isIpv6,
} from '../../base/ip.ts';
import { netmask } from '../../base/ipv4.ts';
import { isLinkLocal6, netmask6 } from '../../base/ipv6.ts';
import type { Reason } from '../../base/reason.ts';

export interface GuardInput {
  readonly connected: readonly { readonly prefix: IpPrefix; readonly device: string }[];
  /** Addresses of all peers, those who came by a range too. */
  readonly peers: readonly IpAddress[];
  /** Prefixes the user allowed by name; exactly these. */
  readonly allowed: readonly IpPrefix[];
}

export interface Guard {
  /** Why this route is not installed; undefined lets it pass. */
  check(address: IpAddress, length: number, nextHop: IpAddress): Reason | undefined;
}

/** `address` without what is beyond `length`. */
const within = (address: IpAddress, length: number): number | bigint =>
  isIpv6(address) ? address & netmask6(length) : (address & netmask(length)) >>> 0;

/** The lists are sorted once, so that a full table costs a binary search a route. */
export function createGuard(input: GuardInput): Guard {
  const allowed = new Set(input.allowed.map(formatIpPrefix));
  const six = input.peers.filter(isIpv6);
  const peers = {
    ipv4: Float64Array.from(input.peers.filter((p) => !isIpv6(p)) as readonly number[]).sort(),
    ipv6: six.sort(compareIp) as readonly IpAddress[],
  };
  const connected = {
    ipv4: input.connected.filter((c) => !isIpv6(c.prefix.address)),
    ipv6: input.connected.filter((c) => isIpv6(c.prefix.address)),
  };
  /** The lowest peer address inside. */
  const peerInside = (address: IpAddress, length: number): IpAddress | undefined => {
    const sorted: ArrayLike<number | bigint> = isIpv6(address) ? peers.ipv6 : peers.ipv4;
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sorted[middle] as number | bigint) < address) low = middle + 1;
      else high = middle;
    }
    const found = sorted[low] as IpAddress | undefined;
    return found !== undefined && within(found, length) === address ? found : undefined;
  };
  return {
    check: (address, length, nextHop) => {
      if (allowed.size > 0 && allowed.has(`${formatIp(address)}/${length}`)) return undefined;
      const remedy = 'Name it in the allowed prefixes to have it all the same';
      const text = (): string => `${formatIp(address)}/${length}`;
      if (length === 0)
        return {
          code: 'DEFAULT_ROUTE_NOT_ALLOWED',
          text: `a default route learned by BGP would take over the node's own. ${remedy}`,
        };
      if (isIpv6(address) && isLinkLocal6(address))
        return { code: 'LINK_LOCAL_PREFIX', text: `${text()} is of one link and no route between routers` };
      for (const c of isIpv6(address) ? connected.ipv6 : connected.ipv4)
        if (length >= c.prefix.length && within(address, c.prefix.length) === c.prefix.address)
          return {
            code: 'CONNECTED_PREFIX',
            text: `${text()} is ${length === c.prefix.length ? '' : 'a part of '}${formatIpPrefix(c.prefix)}, which is connected to ${c.device}. ${remedy}`,
          };
      if (addressBits(nextHop) === addressBits(address) && within(nextHop, length) === address)
        return { code: 'COVERS_NEXT_HOP', text: `${text()} covers its own next hop ${formatIp(nextHop)}. ${remedy}` };
      const peer = peerInside(address, length);
      if (peer !== undefined)
        return { code: 'COVERS_PEER', text: `${text()} covers the address of the peer ${formatIp(peer)}. ${remedy}` };
      return undefined;
    },
  };
}
