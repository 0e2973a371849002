/** What is never installed by itself: routes that could cut the node off. Pure. DESIGN.md 5.
 *  A refused route stays in the Loc-RIB with its reason; a prefix allowed by name passes. */
import { formatIpv4, netmask } from '../../base/ipv4.ts';
import { containsPrefix, formatPrefix, type Prefix, prefixKey } from '../../base/prefix.ts';
import type { Reason } from '../../base/reason.ts';

export interface GuardInput {
  readonly connected: readonly { readonly prefix: Prefix; readonly device: string }[];
  /** Addresses of all configured peers. */
  readonly peers: readonly number[];
  /** Prefixes the user allowed by name; exactly these. */
  readonly allowed: readonly Prefix[];
}

export interface Guard {
  /** Why this route is not installed; undefined lets it pass. */
  check(address: number, length: number, nextHop: number): Reason | undefined;
}

/** The lists are sorted once, so that a full table costs a binary search a route. */
export function createGuard(input: GuardInput): Guard {
  const allowed = new Set(input.allowed.map((p) => prefixKey(p.address, p.length)));
  const peers = Float64Array.from(input.peers).sort();
  /** The lowest peer address inside, or -1. */
  const peerInside = (address: number, length: number): number => {
    let low = 0;
    let high = peers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((peers[middle] as number) < address) low = middle + 1;
      else high = middle;
    }
    const found = peers[low];
    return found !== undefined && (found & netmask(length)) >>> 0 === address ? found : -1;
  };
  return {
    check: (address, length, nextHop) => {
      if (allowed.has(prefixKey(address, length))) return undefined;
      const text = `${formatIpv4(address)}/${length}`;
      const remedy = 'Name it in the allowed prefixes to have it all the same';
      if (length === 0)
        return {
          code: 'DEFAULT_ROUTE_NOT_ALLOWED',
          text: `a default route learned by BGP would take over the node's own. ${remedy}`,
        };
      for (const c of input.connected)
        if (containsPrefix(c.prefix, { address: address as Prefix['address'], length }))
          return {
            code: 'CONNECTED_PREFIX',
            text: `${text} is ${length === c.prefix.length ? '' : 'a part of '}${formatPrefix(c.prefix)}, which is connected to ${c.device}. ${remedy}`,
          };
      if ((nextHop & netmask(length)) >>> 0 === address)
        return { code: 'COVERS_NEXT_HOP', text: `${text} covers its own next hop ${formatIpv4(nextHop)}. ${remedy}` };
      const peer = peerInside(address, length);
      if (peer >= 0)
        return { code: 'COVERS_PEER', text: `${text} covers the address of the peer ${formatIpv4(peer)}. ${remedy}` };
      return undefined;
    },
  };
}
