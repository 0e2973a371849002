/** Why a prefix goes where it goes: the tables' walk to the best path, the peers' answers, the kernel's. Pure but for the
 *  tables it reads. */
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix } from '../base/ip.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import { NotThere } from '../control/source.ts';
import type { ExplainedExportView, ExplainedPathView, ExplanationView } from '../control/views.ts';
import type { PathView, RouteView as RibRoute } from '../rib/terms/views.ts';
import { attributesView, type RouteViewContext, toRouteView } from './route-view.ts';
import { type RouteSources, ribOf } from './route-views.ts';

/** See ControlSource.explain. */
export function explanationOf(
  target: IpPrefix | IpAddress,
  from: RouteSources,
  context: RouteViewContext,
): ExplanationView {
  const asked = typeof target === 'object' ? formatIpPrefix(target) : formatIp(target);
  const [route, ...others] = routesFor(target, from);
  if (route === undefined)
    throw new NotThere(
      typeof target === 'object'
        ? `no peer announced ${asked}, and it is not ours. What covers it is shown by gingham why ${formatIp(target.address)}`
        : `no route covers ${asked}`,
    );
  const kernel = context.kernel(route.prefix);
  return {
    target: asked,
    prefix: formatIpPrefix(route.prefix),
    paths: route.paths.map((path) => explainedPath(route, path, context)),
    steps: route.steps,
    exports: exportsOf(route, from),
    ...(kernel === undefined ? {} : { kernel }),
    lessSpecific: others.map((r) => formatIpPrefix(r.prefix)),
  };
}

function routesFor(target: IpPrefix | IpAddress, { ribs }: RouteSources): readonly RibRoute[] {
  if (typeof target !== 'object') return [...ribOf(ribs, target).matches(target)];
  const route = ribOf(ribs, target.address).pathsOf(target);
  return route === undefined ? [] : [route];
}

function explainedPath(route: RibRoute, path: PathView, context: RouteViewContext): ExplainedPathView {
  const { nextHop, lostAt } = path;
  return {
    route: toRouteView(route.prefix, path, context),
    outcome: path.rejected ? 'rejected' : path.best ? 'wins' : path.multipath ? 'shares' : 'loses',
    ...(lostAt === undefined ? {} : { lostAt: { step: lostAt.step, best: lostAt.best, value: lostAt.this } }),
    ...(nextHop === undefined
      ? {}
      : {
          nextHop: {
            address: formatIp(nextHop.address),
            reachable: nextHop.reachable,
            ...(nextHop.gateway === undefined ? {} : { gateway: formatIp(nextHop.gateway) }),
            ...(nextHop.metric === undefined ? {} : { metric: nextHop.metric }),
            through: (nextHop.through ?? []).map(formatIpPrefix),
            ...(nextHop.reason === undefined ? {} : { reason: nextHop.reason }),
          },
        }),
    changes: path.received && path.attributes ? changesOf(path.received, path.attributes) : [],
  };
}

/** What people name; the rest of the attributes follows them. */
const SHOWN: readonly (readonly [string, keyof ReturnType<typeof attributesView>])[] = [
  ['LOCAL_PREF', 'localPref'],
  ['MED', 'med'],
  ['AS_PATH', 'asPath'],
  ['ORIGIN', 'origin'],
  ['communities', 'communities'],
  ['large communities', 'largeCommunities'],
  ['extended communities', 'extendedCommunities'],
];

function changesOf(received: PathAttributes, used: PathAttributes): string[] {
  const [before, after] = [attributesView(received), attributesView(used)];
  const text = (value: unknown): string => {
    const shown = Array.isArray(value) ? value.join(',') : String(value ?? '');
    return shown === '' ? 'none' : shown;
  };
  return SHOWN.flatMap(([name, field]) => {
    const [was, is] = [text(before[field]), text(after[field])];
    return was === is ? [] : [`${name} ${was} -> ${is}`];
  });
}

function exportsOf(route: RibRoute, { peers }: RouteSources): ExplainedExportView[] {
  const best = route.paths.find((p) => p.best);
  const { attributes } = best ?? {};
  if (best === undefined || attributes === undefined) return [];
  const family = typeof route.prefix.address === 'bigint' ? 'ipv6-unicast' : 'ipv4-unicast';
  return peers.views().flatMap((peer): ExplainedExportView[] => {
    const answer = peers.partOf(peer.name, family)?.explain({ ...route.prefix, attributes, source: best.source });
    if (answer === undefined) return [];
    return [{ peer: peer.name, sent: 'send' in answer, ...('not' in answer ? { reason: answer.not } : {}) }];
  });
}
