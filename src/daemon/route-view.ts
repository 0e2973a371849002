/** One path of the Loc-RIB as people see it. Pure. */
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix, isIpv6 } from '../base/ip.ts';
import { formatIpv4 } from '../base/ipv4.ts';
import { isLinkLocal6 } from '../base/ipv6.ts';
import { formatAsPath } from '../bgp-js/attributes/as-path.ts';
import { formatExtendedCommunity, formatLargeCommunity } from '../bgp-js/attributes/communities.ts';
import { nextHopOf } from '../bgp-js/attributes/next-hop.ts';
import type { Origin } from '../cluster/block-origin.ts';
import type { RouteKernelView, RouteView } from '../control/views.ts';
import type { RouteTarget } from '../model/kernel-route.ts';
import type { PathView } from '../rib/terms/views.ts';

export interface RouteViewContext {
  /** State of the best route's prefix in the kernel; undefined when we install nothing. */
  readonly kernel: (prefix: IpPrefix) => RouteKernelView | undefined;
  /** Wall clock, ms. */
  readonly now: number;
  /** Name of the node that has this address. */
  readonly nodeOf: (address: IpAddress) => string | undefined;
  /** What IPAM says of the route to this next hop; undefined when nobody asks. */
  readonly originOf?: (prefix: IpPrefix, nextHop: IpAddress) => Origin | undefined;
}

const MS = 1000;

export function toRouteView(prefix: IpPrefix, path: PathView, context: RouteViewContext): RouteView {
  const local = path.source.kind === 'local';
  const nextHop = local || path.attributes === undefined ? undefined : nextHopOf(path.attributes);
  const node = nextHop === undefined ? undefined : context.nodeOf(nextHop);
  const { gateway, link } = path.nextHop ?? {};
  const kernel = path.best ? context.kernel(prefix) : undefined;
  const reason = path.rejected ?? lost(path);
  const origin = nextHop === undefined ? undefined : context.originOf?.(prefix, nextHop);
  return {
    prefix: formatIpPrefix(prefix),
    ...(nextHop === undefined ? {} : { nextHop: formatHop(nextHop, link) }),
    ...(node === undefined ? {} : { node }),
    from: path.source.name,
    source: path.source.kind,
    ...attributesView(path.attributes),
    best: path.best,
    multipath: path.multipath,
    stale: path.stale,
    since: new Date(path.since).toISOString(),
    ageSeconds: Math.max(0, Math.round((context.now - path.since) / MS)),
    ...(path.pathId === undefined ? {} : { pathId: path.pathId }),
    ...(gateway === undefined || gateway === nextHop ? {} : { gateway: formatHop(gateway, link) }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(reason === undefined ? {} : { reason }),
    ...(origin === undefined ? {} : blockOriginView(origin)),
  };
}

/** A link-local address with the link that it is on: without, it names nobody. RFC 4007 11 */
const formatHop = (address: IpAddress, link: string | undefined): string =>
  link !== undefined && isIpv6(address) && isLinkLocal6(address) ? `${formatIp(address)}%${link}` : formatIp(address);

/** Of what lies outside all pools there is nothing to say. */
const blockOriginView = ({ origin, reason }: Origin): Pick<RouteView, 'blockOrigin'> =>
  origin === 'unknown' && reason === undefined
    ? {}
    : { blockOrigin: { origin, ...(reason === undefined ? {} : { reason }) } };

type OfAttributes = Pick<
  RouteView,
  'origin' | 'asPath' | 'localPref' | 'med' | 'communities' | 'largeCommunities' | 'extendedCommunities'
>;

export const attributesView = (a: PathView['attributes']): OfAttributes => ({
  origin: a?.origin ?? 'incomplete',
  asPath: a === undefined ? '' : formatAsPath(a.asPath),
  ...(a?.localPref === undefined ? {} : { localPref: a.localPref }),
  ...(a?.med === undefined ? {} : { med: a.med }),
  communities: (a?.communities ?? []).map((c) => `${c >>> 16}:${c & 0xffff}`),
  largeCommunities: (a?.largeCommunities ?? []).map(formatLargeCommunity),
  extendedCommunities: (a?.extendedCommunities ?? []).map(formatExtendedCommunity),
});

const lost = (path: PathView): RouteView['reason'] =>
  path.lostAt === undefined
    ? undefined
    : { code: 'NOT_BEST', text: `${path.lostAt.step}: ${path.lostAt.this}, the best has ${path.lostAt.best}` };

/** "via 192.168.34.102 dev tunl0 onlink", "dev cali… scope link", "blackhole": as `ip route` says it. */
export function formatTarget(target: RouteTarget): string {
  if (target.type === 'blackhole') return 'blackhole';
  return target.nextHops
    .map(({ gateway, device, onlink }) => {
      const via =
        gateway === undefined ? '' : `via ${typeof gateway === 'bigint' ? formatIp(gateway) : formatIpv4(gateway)} `;
      return `${via}dev ${device}${target.scope === 'link' ? ' scope link' : ''}${onlink ? ' onlink' : ''}`;
    })
    .join(', ');
}
