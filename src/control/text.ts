/** Views as tables: one table of columns per view. Pure. UPPERCASE headers, no borders, nothing truncated; a state that is
 *  not Established never stands without its reason. A new column is a new row here. */
import { type Column, formatTable, plain, type TableOptions } from './table.ts';
import { formatAge, formatLocalPref, formatSince } from './units.ts';
import type { BlockView, PodView, RouteView } from './views.ts';
import type { PeerView } from './views-of-peers.ts';

/** A row, and the node that told it: set where several nodes were asked. */
export interface Told<T> {
  readonly node?: string;
  readonly view: T;
}

export interface TextOptions extends TableOptions {
  /** Wall clock, ms since 1970: ages of past events. */
  readonly now: number;
}

const age = (seconds: number | undefined): string => (seconds === undefined ? '' : formatAge(seconds));
const number = (n: number | undefined): string => (n === undefined ? '-' : String(n));

function table<T>(columns: readonly Column<T>[], rows: readonly Told<T>[], options: TableOptions): string[] {
  const told = columns.map((c): Column<Told<T>> => ({ ...c, cell: (row) => c.cell(row.view) }));
  const node: Column<Told<T>> = { header: 'NODE', cell: (row) => row.node ?? '' };
  return formatTable(rows.some((r) => r.node !== undefined) ? [node, ...told] : told, rows, options);
}

const peerColumns = (now: number): readonly Column<PeerView>[] => [
  { header: 'PEER', cell: (p) => p.name },
  { header: 'ADDRESS', cell: (p) => p.address },
  { header: 'AS', cell: (p) => String(p.asn) },
  { header: 'TYPE', cell: (p) => p.kind },
  { header: 'STATE', cell: (p) => ({ text: p.state, kind: p.state === 'Established' ? 'good' : 'bad' }) },
  { header: 'FOR', cell: (p) => formatAge(p.stateForSeconds) },
  { header: 'RCVD', right: true, cell: (p) => counted(p, 'received') },
  { header: 'USED', right: true, cell: (p) => counted(p, 'used') },
  { header: 'SENT', right: true, cell: (p) => counted(p, 'sent') },
  { header: 'FLAPS', right: true, cell: (p) => String(p.flaps) },
  { header: 'REASON', cell: (p) => peerReason(p, now) },
];

/** Stale routes of a peer that is gone are not a count of its session: they are told beside the reason. */
const counted = (p: PeerView, field: 'received' | 'used' | 'sent'): string =>
  number(p.state === 'Established' ? p.counts?.[field] : undefined);

/** Now, and before: a peer that is up still says how its last session ended. */
function peerReason(p: PeerView, now: number): string {
  const last = p.lastDown;
  const ago = last === undefined ? '' : `${formatSince(last.at, now)} ago`;
  if (p.state === 'Established') {
    const warning = p.warning === undefined ? '' : `! ${p.warning.code}: ${p.warning.text}`;
    return [warning, last === undefined ? '' : `(last down ${ago}: ${last.reason.code})`]
      .filter((w) => w !== '')
      .join(' ');
  }
  if (p.reason === undefined) return 'UNKNOWN: no reason is known';
  const was = last !== undefined && last.reason.code !== p.reason.code ? ` (before, ${ago}: ${last.reason.code})` : '';
  const stale = p.counts !== undefined && p.counts.stale > 0 ? `; ${p.counts.stale} stale routes kept` : '';
  return `${p.reason.code}: ${p.reason.text}${stale}${was}`;
}

export const formatPeers = (peers: readonly Told<PeerView>[], options: TextOptions): string[] =>
  table(peerColumns(options.now), peers, options);

const ROUTE_COLUMNS: readonly Column<RouteView>[] = [
  { header: 'PREFIX', cell: (r) => r.prefix },
  { header: 'VIA', cell: (r) => r.nextHop ?? '' },
  { header: 'OWNER', cell: (r) => r.node ?? '' },
  { header: 'FROM', cell: (r) => r.from },
  { header: 'LP', cell: (r) => (r.localPref === undefined ? '' : formatLocalPref(r.localPref)) },
  { header: 'MED', cell: (r) => number(r.med) },
  { header: 'AS-PATH', cell: (r) => asPath(r) },
  { header: 'AGE', cell: (r) => age(r.ageSeconds) },
  { header: 'STATE', cell: routeState },
];

/** An empty path is right only inside our own AS. RFC 4271 5.1.2 */
const asPath = (r: RouteView): string =>
  r.asPath === '' && r.source !== 'ebgp' ? 'local' : r.asPath.replace(/ /g, ',');

const KERNEL_WORDS: Readonly<Record<string, string>> = {
  installed: 'in kernel',
  held: 'held',
  failed: 'refused by the kernel',
  pending: 'not in kernel yet',
  off: 'not for the kernel',
};

function routeState(r: RouteView): string {
  const words = [r.best ? 'best' : r.multipath ? 'shares the load' : 'not best'];
  if (r.stale) words.push('stale');
  if (r.reason !== undefined) words.push(`${r.reason.code}: ${r.reason.text}`);
  const warning = originWarning(r);
  if (warning !== undefined) words.push(warning);
  if (r.kernel !== undefined) {
    const why = r.kernel.reason === undefined ? '' : ` (${r.kernel.reason.code}: ${r.kernel.reason.text})`;
    const target = r.kernel.target === undefined || r.kernel.state !== 'installed' ? '' : ` ${r.kernel.target}`;
    words.push(`${KERNEL_WORDS[r.kernel.state] ?? r.kernel.state}${target}${why}`);
  }
  return words.join(', ');
}

/** A route that leads to another node than its block's owner, unless it is rejected for it: then the reason says so. */
export function originWarning({ blockOrigin, reason }: RouteView): string | undefined {
  if (blockOrigin?.origin !== 'invalid' || blockOrigin.reason === undefined) return undefined;
  if (reason?.code === blockOrigin.reason.code) return undefined;
  return `! ${blockOrigin.reason.code}: ${blockOrigin.reason.text}`;
}

/** What one peer said. Rejected or not is the state; what won is a question for `routes` and `why`. */
const RECEIVED_COLUMNS: readonly Column<RouteView>[] = [
  { header: 'PREFIX', cell: (r) => r.prefix },
  { header: 'VIA', cell: (r) => r.nextHop ?? '' },
  { header: 'LP', cell: (r) => (r.localPref === undefined ? '' : formatLocalPref(r.localPref)) },
  { header: 'MED', cell: (r) => number(r.med) },
  { header: 'AS-PATH', cell: (r) => asPath(r) },
  { header: 'COMMUNITIES', cell: (r) => communities(r) },
  { header: 'AGE', cell: (r) => age(r.ageSeconds) },
  { header: 'STATE', cell: routeState },
];

/** What one peer is told, or what is kept from it. */
const ADVERTISED_COLUMNS: readonly Column<RouteView>[] = [
  { header: 'PREFIX', cell: (r) => r.prefix },
  { header: 'ACTION', cell: (r) => r.action ?? '' },
  { header: 'VIA', cell: (r) => r.nextHop ?? '' },
  { header: 'FROM', cell: (r) => r.from },
  { header: 'LP', cell: (r) => (r.localPref === undefined ? '' : formatLocalPref(r.localPref)) },
  { header: 'MED', cell: (r) => number(r.med) },
  { header: 'AS-PATH', cell: (r) => asPath(r) },
  { header: 'COMMUNITIES', cell: (r) => communities(r) },
  { header: 'REASON', cell: (r) => (r.reason === undefined ? '' : `${r.reason.code}: ${r.reason.text}`) },
];

const communities = (r: RouteView): string =>
  [...r.communities, ...r.largeCommunities, ...r.extendedCommunities].join(',');

export const formatReceived = (routes: readonly Told<RouteView>[], options: TextOptions): string[] =>
  table(RECEIVED_COLUMNS, routes, options);
export const formatAdvertised = (routes: readonly Told<RouteView>[], options: TextOptions): string[] =>
  table(ADVERTISED_COLUMNS, routes, options);

export const formatRoutes = (routes: readonly Told<RouteView>[], options: TextOptions): string[] =>
  table(ROUTE_COLUMNS, routes, options);

/** The line above the table of an address: what it is in. Less specific prefixes follow in the table, shortest last. */
export function formatMatch(address: string, routes: readonly RouteView[]): string {
  const [longest] = routes;
  if (longest === undefined) return `${address} is in no route`;
  const owner = longest.node === undefined ? '' : `, block of ${longest.node}`;
  const others = new Set(routes.map((r) => r.prefix)).size - 1;
  const less = others === 0 ? '' : `; ${others} less specific`;
  return plain(`${address} is in ${longest.prefix} (from ${longest.from}${owner})${less}`);
}

const BLOCK_COLUMNS: readonly Column<BlockView>[] = [
  { header: 'BLOCK', cell: (b) => b.block },
  { header: 'OWNER', cell: (b) => b.node ?? '' },
  { header: 'AFFINITY', cell: (b) => b.affinity },
  { header: 'USED', right: true, cell: (b) => `${b.addressesUsed}/${b.addressesTotal}` },
  { header: 'BORROWED', right: true, cell: (b) => String(b.addressesBorrowed) },
  { header: 'ROUTE', cell: (b) => b.route },
  { header: 'REASON', cell: (b) => (b.reason === undefined ? '' : `${b.reason.code}: ${b.reason.text}`) },
];

export const formatBlocks = (blocks: readonly Told<BlockView>[], options: TextOptions): string[] =>
  table(BLOCK_COLUMNS, blocks, options);

const POD_COLUMNS: readonly Column<PodView>[] = [
  { header: 'NAMESPACE', cell: (p) => p.namespace },
  { header: 'POD', cell: (p) => p.pod },
  { header: 'ADDRESS', cell: (p) => p.address },
  { header: 'INTERFACE', cell: (p) => p.interface },
  { header: 'HOST-INTERFACE', cell: (p) => p.hostInterface },
  { header: 'MAC', cell: (p) => p.mac },
  { header: 'MTU', right: true, cell: (p) => String(p.mtuBytes) },
  { header: 'AGE', cell: (p) => formatAge(p.ageSeconds) },
];

export const formatPods = (pods: readonly Told<PodView>[], options: TextOptions): string[] =>
  table(POD_COLUMNS, pods, options);
