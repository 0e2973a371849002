/** Routes of the Loc-RIB, with what the kernel has of them, as people see them. Pure but for the tables it reads. */
import { formatIpv4, netmask } from '../base/ipv4.ts';
import { containsAddress, formatPrefix, prefix } from '../base/prefix.ts';
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
  readonly nodeOf: (address: number) => string | undefined;
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
    yield* coveringRoutes(query.address, rib);
  } else {
    yield* rib.routes();
  }
}

/** Longest match first, then the less specific ones: at most 33 look-ups. */
function* coveringRoutes(address: number, rib: LocRib): Generator<RibRoute> {
  const longest = rib.longestMatch(address);
  if (longest === undefined) return;
  yield longest;
  for (let length = longest.prefix.length - 1; length >= 0; length--) {
    const route = rib.pathsOf(prefix((address & netmask(length)) >>> 0, length));
    if (route !== undefined && containsAddress(route.prefix, address)) yield route;
  }
}

function* pathsOf(route: RibRoute, context: RouteViewContext): Generator<RouteView> {
  for (const path of route.paths) yield toRouteView(route, path, context);
}

function toRouteView(route: RibRoute, path: PathView, context: RouteViewContext): RouteView {
  const a = path.attributes;
  const local = path.source.kind === 'local';
  const node = a === undefined || local ? undefined : context.nodeOf(a.nextHop);
  const kernel = path.best ? context.kernel(route) : undefined;
  const reason = path.rejected ?? lost(path);
  return {
    prefix: formatPrefix(route.prefix),
    ...(a === undefined || local ? {} : { nextHop: formatIpv4(a.nextHop) }),
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
