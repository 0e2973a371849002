/** The tables as people see them: objects made on demand. Pure. `explain` here walks the same steps that decided. */
import type { IpAddress } from '../base/ip.ts';
import { netmask } from '../base/ipv4.ts';
import { prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import { judgeOne } from './adj-rib-in.ts';
import { explain, type Step, wordsOf } from './decision.ts';
import type { RouteTable } from './route-table.ts';
import type { Source } from './source.ts';
import type { PathView, PrefixPath, RouteView } from './views.ts';

const NONE = -1;

interface Row {
  readonly path: number;
  readonly source: Source;
  /** As used, after import. */
  readonly attributes: PathAttributes;
}

/** The paths of one route; undefined where there is none. */
export function routeView(table: RouteTable, route: number): RouteView | undefined {
  if (!table.prefixes.has(route)) return undefined;
  const usable: Row[] = [];
  const rejected: PathView[] = [];
  for (let path = table.first.at[route] as number; path !== NONE; path = table.paths.next.at[path] as number) {
    const used = table.paths.used.at[path] as number;
    if (used === NONE) rejected.push(rejectedView(table, route, path));
    else usable.push({ path, source: table.sourceOf(path), attributes: table.sets.attributesOf(used) });
  }
  if (usable.length + rejected.length === 0) return undefined;

  const losses = new Map<Row, Step>();
  const order: Row[] = [];
  const best = explain([...usable], (lost, step) => {
    losses.set(lost, step);
    order.unshift(lost);
  });
  if (best) order.unshift(best);
  const views = order.map((row): PathView => {
    const step = losses.get(row);
    return {
      ...common(table, row.path),
      attributes: row.attributes,
      best: row === best,
      ...(step && best && { lostAt: { step: step.name, best: wordsOf(step, best), this: wordsOf(step, row) } }),
    };
  });
  const { prefixes } = table;
  return {
    prefix: prefix(prefixes.addressOf(route), prefixes.lengthOf(route)),
    paths: [...views, ...rejected],
    steps: [],
  };
}

/** The longest match, then the less specific ones. */
export function* matchesOf(table: RouteTable, address: IpAddress): Generator<RouteView, undefined> {
  for (let length = 32; length >= 0; length--) {
    const view = routeView(table, table.prefixes.find((Number(address) & netmask(length)) >>> 0, length));
    if (view) yield view;
  }
}

/** In order of prefix. Live: a route that is gone when its turn comes is left out. */
export function* routesOf(table: RouteTable): Generator<RouteView, undefined> {
  for (const key of table.prefixes.sortedKeys()) {
    const view = routeView(table, table.prefixes.find(Math.floor(key / 64), key % 64));
    if (view) yield view;
  }
}

export function* pathsOfSource(
  table: RouteTable,
  source: Source,
  rejected: boolean | undefined,
): Generator<PrefixPath, undefined> {
  for (const { prefix, paths } of routesOf(table)) {
    for (const path of paths) {
      if (path.source !== source || (rejected !== undefined && rejected !== (path.rejected !== undefined))) continue;
      yield { prefix, path };
    }
  }
}

function common(
  table: RouteTable,
  path: number,
): Pick<PathView, 'source' | 'multipath' | 'stale' | 'longLived' | 'since' | 'nextHop'> {
  return {
    multipath: false,
    longLived: false,
    ...nextHopOf(table, path),
    source: table.sourceOf(path),
    stale: table.isStale(path),
    since: (table.paths.since.at[path] as number) * 1000,
  };
}

function rejectedView(table: RouteTable, route: number, path: number): PathView {
  const set = table.sets.get(table.paths.received.at[path] as number);
  const judged =
    'rejected' in set.imported
      ? set.imported
      : judgeOne(set, table.prefixes.addressOf(route), table.prefixes.lengthOf(route));
  const unknown: Reason = { code: 'REJECTED', text: 'the verdict is being made anew' };
  return {
    ...common(table, path),
    ...(set.decoded.attributes && { attributes: set.decoded.attributes }),
    best: false,
    rejected: 'rejected' in judged ? judged.rejected : unknown,
  };
}

function nextHopOf(table: RouteTable, path: number): Pick<PathView, 'nextHop'> {
  const { attributes } = table.sets.get(table.paths.received.at[path] as number).decoded;
  const address = attributes?.nextHop;
  return address ? { nextHop: { address, reachable: true, gateway: address, metric: 0 } } : {};
}
