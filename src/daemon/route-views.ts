/** Routes of the Loc-RIB, with what the kernel has of them, as people see them. Pure but for the tables it reads. */
import { formatIp, formatIpPrefix, type IpAddress } from '../base/ip.ts';
import { formatIpv4, ipv4 } from '../base/ipv4.ts';
import { formatAsPath } from '../bgp-js/attributes/as-path.ts';
import type { RouteQuery } from '../control/source.ts';
import type { RouteKernelView, RouteView } from '../control/views.ts';
import type { RouteTarget } from '../model/kernel-route.ts';
import type { LocRib } from '../rib/loc-rib.ts';
import type { PathView, RouteView as RibRoute } from '../rib/views.ts';

export interface RouteViewContext {
  readonly rib: LocRib;
  /** State of the best route's prefix in the kernel; undefined when we install nothing. */
  readonly kernel: (route: RibRoute) => RouteKernelView | undefined;
  /** Wall clock, ms. */
  readonly now: number;
  /** Name of the node that has this address. */
  readonly nodeOf: (address: IpAddress) => string | undefined;
}

const MS = 1000;

/** See ControlSource.routes. */
export function* routeViews(query: RouteQuery, context: RouteViewContext): Generator<RouteView> {
  for (const route of matching(query, context.rib)) yield* pathsOf(route, context);
}

function* matching(query: RouteQuery, rib: LocRib): Generator<RibRoute> {
  if (query.prefix !== undefined) {
    const route = rib.pathsOf(query.prefix);
    if (route !== undefined) yield route;
  } else if (query.address !== undefined) {
    yield* rib.matches(ipv4(query.address));
  } else {
    yield* rib.routes();
  }
}

function* pathsOf(route: RibRoute, context: RouteViewContext): Generator<RouteView> {
  for (const path of route.paths) yield toRouteView(route, path, context);
}

function toRouteView(route: RibRoute, path: PathView, context: RouteViewContext): RouteView {
  const a = path.attributes;
  const local = path.source.kind === 'local';
  const nextHop = local ? undefined : path.nextHop?.address;
  const node = nextHop === undefined ? undefined : context.nodeOf(nextHop);
  const kernel = path.best ? context.kernel(route) : undefined;
  const reason = path.rejected ?? lost(path);
  return {
    prefix: formatIpPrefix(route.prefix),
    ...(nextHop === undefined ? {} : { nextHop: formatIp(nextHop) }),
    ...(node === undefined ? {} : { node }),
    from: path.source.name,
    source: path.source.kind,
    origin: a?.origin ?? 'incomplete',
    asPath: a === undefined ? '' : formatAsPath(a.asPath),
    ...(a?.localPref === undefined ? {} : { localPref: a.localPref }),
    ...(a?.med === undefined ? {} : { med: a.med }),
    communities: (a?.communities ?? []).map((c) => `${c >>> 16}:${c & 0xffff}`),
    best: path.best,
    stale: path.stale,
    since: new Date(path.since).toISOString(),
    ageSeconds: Math.max(0, Math.round((context.now - path.since) / MS)),
    ...(kernel === undefined ? {} : { kernel }),
    ...(reason === undefined ? {} : { reason }),
  };
}

const lost = (path: PathView): RouteView['reason'] =>
  path.lostAt === undefined
    ? undefined
    : { code: 'NOT_BEST', text: `${path.lostAt.step}: ${path.lostAt.this}, the best has ${path.lostAt.best}` };

/** "via 192.168.34.102 dev tunl0 onlink", "dev cali… scope link", "blackhole": as `ip route` says it. */
export function formatTarget(target: RouteTarget): string {
  if (target.type === 'blackhole') return 'blackhole';
  return target.nextHops
    .map(({ gateway, device, onlink }) => {
      const via = gateway === undefined ? '' : `via ${formatIpv4(gateway)} `;
      return `${via}dev ${device}${target.scope === 'link' ? ' scope link' : ''}${onlink ? ' onlink' : ''}`;
    })
    .join(', ');
}
