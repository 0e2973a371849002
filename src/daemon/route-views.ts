/** Which routes a question is about, read from the live tables a few at a time. Pure but for the tables it reads. */
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix, isIpv6 } from '../base/ip.ts';
import { nextHopOf } from '../bgp-js/attributes/next-hop.ts';
import { NotThere, type RouteQuery } from '../control/source.ts';
import type { RouteView } from '../control/views.ts';
import type { FamilyName } from '../model/peer.ts';
import type { LocRibs, PeerFamily } from '../peer/peer-family.ts';
import type { PeerSet } from '../peer/peer-set.ts';
import type { Advertised } from '../rib/out/adj-rib-out.ts';
import type { LocRib } from '../rib/ribs/loc-rib.ts';
import type { RouteView as RibRoute } from '../rib/terms/views.ts';
import { attributesView, type RouteViewContext, toRouteView } from './route-view.ts';

export interface RouteSources {
  readonly ribs: LocRibs;
  readonly peers: PeerSet;
}

/** See ControlSource.routes. */
export function routeViews(
  query: RouteQuery,
  from: RouteSources,
  context: RouteViewContext,
): Iterable<RouteView | undefined> {
  if (query.receivedFrom !== undefined) return received(query, query.receivedFrom, from, context);
  if (query.advertisedTo !== undefined) return advertised(query, query.advertisedTo, from, context);
  return bestViews(query, from.ribs, context);
}

function* bestViews(query: RouteQuery, ribs: LocRibs, context: RouteViewContext): Generator<RouteView | undefined> {
  const whole = query.allPaths === true || query.prefix !== undefined || query.address !== undefined;
  for (const route of matching(query, ribs)) {
    if (route === undefined) {
      yield undefined;
      continue;
    }
    const paths =
      whole || !route.paths.some((p) => p.best) ? route.paths : route.paths.filter((p) => p.best || p.multipath);
    for (const path of paths) yield toRouteView(route.prefix, path, context);
  }
}

export const ribOf = (ribs: LocRibs, address: IpAddress): LocRib => (isIpv6(address) ? ribs.ipv6 : ribs.ipv4);

const ribsOf = ({ family }: RouteQuery, ribs: LocRibs): readonly LocRib[] =>
  family === undefined ? [ribs.ipv4, ribs.ipv6] : [ribs[family]];

/** Undefined between two pages of a whole table: see ControlSource.routes. */
function* matching(query: RouteQuery, ribs: LocRibs): Generator<RibRoute | undefined> {
  const { prefix, address } = query;
  if (prefix !== undefined) {
    const route = ribOf(ribs, prefix.address).pathsOf(prefix);
    if (route !== undefined) yield route;
  } else if (address !== undefined) yield* ribOf(ribs, address).matches(address);
  else for (const rib of ribsOf(query, ribs)) yield* inPages(rib);
}

/** A whole table in order of prefix, undefined between two pages: time for others. */
export function* inPages(rib: LocRib, query: Parameters<LocRib['pages']>[0] = {}): Generator<RibRoute | undefined> {
  for (const page of rib.pages(query)) {
    yield* page;
    yield undefined;
  }
}

/** A peer by name or address; both halves of it that the question is about. */
function partsOf(who: string, query: RouteQuery, { peers }: RouteSources): PeerFamily[] {
  const known = peers.views();
  const peer = known.find((p) => p.name === who) ?? known.find((p) => formatIp(p.address) === who);
  if (peer === undefined) {
    const names = known.slice(0, 20).map((p) => p.name);
    throw new NotThere(`there is no peer "${who.slice(0, 64)}". Its peers: ${names.join(', ') || 'none'}.`);
  }
  const address = query.prefix?.address ?? query.address;
  const only = query.family ?? (address === undefined ? undefined : isIpv6(address) ? 'ipv6' : 'ipv4');
  const names: readonly FamilyName[] = ['ipv4-unicast', 'ipv6-unicast'];
  return names
    .filter((name) => only === undefined || name.startsWith(only))
    .flatMap((name) => peers.partOf(peer.name, name) ?? []);
}

/** Whether a prefix is what the question names: itself, or one that covers the address. */
function isMeant({ prefix: p, address }: RouteQuery, prefix: IpPrefix): boolean {
  if (p !== undefined) return p.address === prefix.address && p.length === prefix.length;
  if (address === undefined) return true;
  const bits = isIpv6(address) ? 128 : 32;
  const shift = BigInt(bits - prefix.length);
  return typeof address === typeof prefix.address && BigInt(address) >> shift === BigInt(prefix.address) >> shift;
}

function* received(
  query: RouteQuery,
  who: string,
  from: RouteSources,
  context: RouteViewContext,
): Generator<RouteView | undefined> {
  for (const part of partsOf(who, query, from)) {
    for (const route of inPages(ribOfPart(part, from), { source: part.source })) {
      if (route === undefined) yield undefined;
      else if (isMeant(query, route.prefix))
        for (const path of route.paths)
          if (path.source === part.source && (query.rejectedOnly !== true || path.rejected !== undefined))
            yield toRouteView(route.prefix, path, context);
    }
  }
}

const ribOfPart = (part: PeerFamily, { ribs }: RouteSources): LocRib =>
  part.name === 'ipv6-unicast' ? ribs.ipv6 : ribs.ipv4;

function* advertised(
  query: RouteQuery,
  who: string,
  from: RouteSources,
  context: RouteViewContext,
): Generator<RouteView | undefined> {
  for (const part of partsOf(who, query, from)) {
    if (query.rejectedOnly === true) yield* keptBack(query, part, ribOfPart(part, from), context);
    else yield* sentTo(query, part);
  }
}

/** What is best here and is not sent: each with the reason that export gives. */
function* keptBack(
  query: RouteQuery,
  part: PeerFamily,
  rib: LocRib,
  context: RouteViewContext,
): Generator<RouteView | undefined> {
  for (const route of inPages(rib)) {
    const best = route?.paths.find((p) => p.best);
    if (route === undefined) yield undefined;
    else if (best?.attributes !== undefined && isMeant(query, route.prefix)) {
      const answer = part.explain({ ...route.prefix, attributes: best.attributes, source: best.source });
      if (answer !== undefined && 'not' in answer)
        yield { ...toRouteView(route.prefix, best, context), action: 'kept back', reason: answer.not };
    }
  }
}

function* sentTo(query: RouteQuery, part: PeerFamily): Generator<RouteView | undefined> {
  for (const page of part.advertised()) {
    for (const route of page) if (isMeant(query, route.prefix)) yield advertisedView(route);
    yield undefined;
  }
}

const advertisedView = ({ prefix, attributes, source, pathId }: Advertised): RouteView => ({
  prefix: formatIpPrefix(prefix),
  nextHop: formatIp(nextHopOf(attributes)),
  from: source.name,
  source: source.kind,
  ...attributesView(attributes),
  best: true,
  multipath: false,
  stale: false,
  ...(pathId === undefined ? {} : { pathId }),
  action: 'sent',
});
