/** The tables as people see them: objects made on demand. Pure. The steps here are those that decided. */
import type { IpAddress } from '../../base/ip.ts';
import { formatIp } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import { type Candidate, explain, isLongLivedStale, type Step, stepsOf, wordsOf } from '../choice/decision.ts';
import { standingOfRank } from '../choice/rank.ts';
import { inOrder } from '../tables/route-order.ts';
import type { RouteTable } from '../tables/route-table.ts';
import type { Source } from '../terms/source.ts';
import type { NextHopView, PathView, PrefixPath, RouteView, StepView } from '../terms/views.ts';

const NONE = -1;

interface Row extends Candidate {
  readonly path: number;
}

/** The paths of one route; undefined where there is none. `brief`: without the steps, which cost more than all else. */
export function routeView(table: RouteTable, route: number, brief = false): RouteView | undefined {
  if (!table.index.has(route)) return undefined;
  const usable: Row[] = [];
  const rejected: PathView[] = [];
  for (let path = table.routes.firstOf(route); path !== NONE; path = table.paths.nextOf(path)) {
    if (table.isDead(path)) continue;
    const used = table.paths.usedOf(path);
    if (used !== NONE && table.bestPaths.isUsable(used)) usable.push(rowOf(table, path, used));
    else rejected.push(rejectedView(table, route, path));
  }
  if (usable.length + rejected.length === 0) return undefined;
  const prefix = { address: table.addressOf(route), length: table.index.lengthOf(route) };
  const only = usable.length === 1 && brief ? usable[0] : undefined;
  if (only !== undefined) return { prefix, paths: [unrivalled(table, only), ...rejected], steps: NO_STEPS };
  const { paths, steps } = explained(table, usable, brief);
  return { prefix, paths: [...paths, ...rejected], steps };
}

const NO_STEPS: readonly StepView[] = [];

/** As explained() says it of one path. */
const unrivalled = (table: RouteTable, row: Row): PathView => ({
  ...common(table, row.path),
  attributes: row.attributes,
  longLived: isLongLivedStale(row.attributes),
  best: true,
  multipath: false,
});

/** The usable paths, best first, with what decided between them. */
function explained(table: RouteTable, usable: readonly Row[], brief: boolean): Pick<RouteView, 'paths' | 'steps'> {
  const { settings } = table.bestPaths;
  const all = stepsOf(settings);
  const losses = new Map<Row, Step>();
  const order: Row[] = [];
  const asked = new Map<Step, { readonly lost: number; readonly left: readonly Row[] }>();
  const best = explain(
    usable,
    all,
    (lost, step) => {
      losses.set(lost, step);
      order.unshift(lost);
    },
    (step, lost, left) => asked.set(step, { lost, left }),
  );
  if (best === undefined) return { paths: [], steps: [] };
  order.unshift(best);
  const tied = [...asked].find(([step]) => step.lastOfMultipath)?.[1].left ?? [best];
  const most = best.source.kind === 'local' ? 1 : settings.maxPaths[best.source.kind];
  const together = new Set(order.filter((row) => tied.includes(row)).slice(0, most));
  const paths = order.map((row): PathView => {
    const step = losses.get(row);
    return {
      ...common(table, row.path),
      attributes: row.attributes,
      longLived: isLongLivedStale(row.attributes),
      best: row === best,
      multipath: together.size > 1 && together.has(row),
      ...(step && { lostAt: { step: step.name, best: wordsOf(step, best), this: wordsOf(step, row) } }),
    };
  });
  if (brief) return { paths, steps: NO_STEPS };
  const steps = all.map((step): StepView => {
    const { lost = 0, left } = asked.get(step) ?? {};
    const outcome = left === undefined ? 'not asked' : lost > 0 ? 'took' : 'tie';
    return { name: step.name, outcome, value: wordsOf(step, best), lost, left: left?.length ?? 1 };
  });
  return { paths, steps };
}

/** Those that contain the address, the longest first. */
function* containing(table: RouteTable, address: IpAddress): Generator<number, undefined> {
  const bits = typeof address === 'bigint' ? 128 : 32;
  if ((bits === 128) !== (table.family === 'ipv6')) return;
  for (let atMost = bits; atMost >= 0; ) {
    const route = table.index.longestMatch(address, atMost);
    if (route === NONE) return;
    yield route;
    atMost = table.index.lengthOf(route) - 1;
  }
}

/** The longest match, then the less specific ones. */
export function* matchesOf(table: RouteTable, address: IpAddress): Generator<RouteView, undefined> {
  for (const route of containing(table, address)) {
    const view = routeView(table, route);
    if (view) yield view;
  }
}

/** The longest match that has a best path. */
export function longestUsed(table: RouteTable, address: IpAddress): RouteView | undefined {
  for (const route of containing(table, address)) {
    const view = table.routes.bestOf(route) === NONE ? undefined : routeView(table, route);
    if (view) return view;
  }
  return undefined;
}

/** In order of prefix. Live: a route that is gone when its turn comes is left out. */
export function* routesOf(table: RouteTable): Generator<RouteView, undefined> {
  for (const route of inOrder(table)) {
    const view = route === NONE ? undefined : routeView(table, route, true);
    if (view) yield view;
  }
}

export interface PageQuery {
  /** Routes per page; default 256. */
  readonly size?: number;
  /** Only routes with a path of this source. */
  readonly source?: { readonly id: number };
}

/** The same in pages; see LocRib.pages. */
export function* pages(table: RouteTable, query: PageQuery): Generator<readonly RouteView[], undefined> {
  const { size = 32, source } = query;
  let page: RouteView[] = [];
  let looked = 0;
  for (const route of inOrder(table)) {
    looked++;
    const wanted = route !== NONE && (source === undefined || hasPathOf(table, route, source.id));
    const view = wanted ? routeView(table, route, true) : undefined;
    if (view) page.push(view);
    if (route !== NONE && page.length < size && looked < size * 16) continue;
    yield page;
    page = [];
    looked = 0;
  }
  if (page.length > 0) yield page;
}

/** What one source announced, in order of prefix. */
export function* pathsOfSource(
  table: RouteTable,
  source: Source,
  rejected: boolean | undefined,
): Generator<PrefixPath, undefined> {
  for (const route of inOrder(table)) {
    if (route === NONE || !hasPathOf(table, route, source.id)) continue;
    const view = routeView(table, route, true);
    for (const path of view?.paths ?? []) {
      if (path.source !== source || (rejected !== undefined && rejected !== (path.rejected !== undefined))) continue;
      yield { prefix: (view as RouteView).prefix, path };
    }
  }
}

function hasPathOf({ routes, paths }: RouteTable, route: number, source: number): boolean {
  let path = routes.firstOf(route);
  while (path !== NONE && paths.sourceOf(path) !== source) path = paths.nextOf(path);
  return path !== NONE;
}

function rowOf(table: RouteTable, path: number, used: number): Row {
  const { sets } = table;
  const source = table.sourceOf(path);
  return {
    path,
    source,
    attributes: sets.attributesOf(used),
    cost: source.kind === 'local' ? 0 : Math.max(0, table.nextHops.cost.at[sets.nextHopOf(used)] as number),
    standing: standingOfRank(sets.rankOf(used)),
    pathId: table.paths.pathIdOf(path),
    since: table.paths.sinceOf(path),
  };
}

type Common = Pick<PathView, 'source' | 'pathId' | 'received' | 'stale' | 'since' | 'nextHop'>;

function common(table: RouteTable, path: number): Common {
  const { paths, sets } = table;
  const source = table.sourceOf(path);
  const used = paths.usedOf(path);
  const received = paths.receivedOf(path);
  const pathId = paths.pathIdOf(path);
  const view: { -readonly [K in keyof Common]: Common[K] } = {
    source,
    stale: table.isStale(path),
    since: paths.sinceOf(path) * 1000,
  };
  if (pathId !== 0) view.pathId = pathId;
  if (used !== NONE && used !== received) view.received = sets.attributesOf(received);
  if (used !== NONE && source.kind !== 'local') view.nextHop = table.tracker.viewOf(sets.nextHopOf(used));
  return view;
}

/** One that import rejected, or whose next hop leads nowhere. */
function rejectedView(table: RouteTable, route: number, path: number): PathView {
  const view = common(table, path);
  const flags = { best: false, multipath: false, longLived: false };
  const used = table.paths.usedOf(path);
  if (used !== NONE) {
    const attributes = table.sets.attributesOf(used);
    const longLived = isLongLivedStale(attributes);
    return { ...view, ...flags, longLived, attributes, rejected: unreachable(view.nextHop as NextHopView) };
  }
  const received = table.paths.receivedOf(path);
  const attributes = table.sets.valuesOf(received);
  const rejected = table.judge.rejection(route, received);
  const unknown: Reason = { code: 'REJECTED', text: 'the verdict is being made anew' };
  return {
    ...view,
    ...flags,
    ...(attributes && { attributes }),
    rejected: rejected ?? unknown,
  };
}

const unreachable = ({ address, reason }: NextHopView): Reason => ({
  code: 'NEXT_HOP_UNREACHABLE',
  text: `next hop ${formatIp(address)} leads nowhere: ${reason ? `${reason.code}, ${reason.text}` : 'no route to it'}`,
});
