/** Whose address packets of an announced route are sent to: ours, or the one we were told. Pure. RFC 4271 5.1.3, RFC 2545 3,
 *  RFC 4760 3, RFC 8950 4. */
import { type IpAddress, ifIpv4, isIpv6, prefixHolds } from '../../base/ip.ts';
import { type Ipv6, isLinkLocal6 } from '../../base/ipv6.ts';
import type { MpNextHop, PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import type { ExportTarget, OutFamily } from './export-target.ts';

/** Ours for the routes of a family; undefined: we have none that the peer could use. */
export function ownNextHop(to: ExportTarget, family: OutFamily): MpNextHop | undefined {
  if (family === 'ipv6') return ownIpv6(to);
  const address = ifIpv4(to.localAddress);
  if (address !== undefined) return { address };
  // An IPv6 session where both know RFC 8950 needs no IPv4 address anywhere.
  const extended = to.extendedNextHop === true ? ownIpv6(to) : undefined;
  if (extended !== undefined) return extended;
  return to.localIpv4 === undefined ? undefined : { address: to.localIpv4 };
}

/** The global address, and the link-local one beside it on a link that we share with the peer. Without a global one it goes
 *  alone: what else the peer has of us on an unnumbered link. */
function ownIpv6({ localAddress, localIpv6, linkLocal }: ExportTarget): MpNextHop | undefined {
  const ends = isIpv6(localAddress) ? localAddress : undefined;
  const onLink = linkLocal ?? (ends !== undefined && isLinkLocal6(ends) ? ends : undefined);
  const global = localIpv6 ?? (ends !== undefined && !isLinkLocal6(ends) ? ends : undefined);
  if (global === undefined) return onLink === undefined ? undefined : { address: onLink };
  return onLink === undefined ? { address: global } : { address: global, linkLocal: onLink };
}

/** What the route came with, as it may be passed on: a link-local address means nothing beyond its link. */
export function passableNextHop(a: PathAttributes, to: ExportTarget, family: OutFamily): IpAddress | undefined {
  const hop: IpAddress | undefined = a.mpNextHop?.address ?? a.nextHop;
  if (hop === undefined) return undefined;
  if (!isIpv6(hop)) return family === 'ipv4' && hop !== 0 ? hop : undefined;
  if (family === 'ipv4' && to.extendedNextHop !== true) return undefined;
  return isPassable6(hop) ? hop : undefined;
}
const isPassable6 = (hop: Ipv6): boolean => hop !== 0n && !isLinkLocal6(hop);

/** Whether the next hop of a route stays, if it can: what the mode says of learned ones, and of ours that name one. */
export function keepsNextHop(hop: IpAddress, to: ExportTarget): boolean {
  if (to.nextHop !== 'auto') return to.nextHop === 'keep';
  return to.kind === 'ibgp' || to.sharedSubnets?.some((subnet) => prefixHolds(subnet, hop)) === true;
}
