/** `gingham status`: at most 12 lines, the first of them greppable. Pure. */
import type { Reason } from '../base/reason.ts';
import { type Column, formatTable, type Paint, plain, type TableOptions } from './table.ts';
import { count, formatAge, formatMebibytes, formatShort } from './units.ts';
import type { PeerDownView, StatusView, TunnelCountersView } from './views.ts';

const MOST_PEERS_NAMED = 3;
const because = (r: Reason): string => `${r.code}: ${r.text}`;
/** ", 12 packets out, 10 in, dropped 2 unknown-remote" */
function packets(counters: TunnelCountersView | undefined): string {
  if (counters === undefined) return '';
  const dropped = counters.dropped.map((d) => `${d.packets} ${d.cause}`).join(', ');
  return `, ${count(counters.txPackets, 'packet')} out, ${counters.rxPackets} in${dropped === '' ? '' : `, dropped ${dropped}`}`;
}

const first = (problems: readonly Reason[]): string => {
  const [r] = problems;
  if (r === undefined) return '';
  return `; ${because(r)}${problems.length > 1 ? ` (and ${problems.length - 1} more, see -o json)` : ''}`;
};

type State = 'ok' | 'degraded' | 'off';
interface Part {
  readonly name: string;
  readonly state: State;
  readonly text: string;
}

export function formatStatus(s: StatusView, paint: Paint): string[] {
  const lines = [headline(s, paint)];
  for (const part of PARTS) {
    const made = part(s);
    if (made === undefined) continue;
    const state = paint(COLOUR[made.state], made.state);
    lines.push(`  ${made.name.padEnd(7)} ${state}${' '.repeat(10 - made.state.length)}${plain(made.text)}`);
  }
  return lines;
}

const COLOUR = { ok: 'good', degraded: 'bad', off: 'faint' } as const;

function headline(s: StatusView, paint: Paint): string {
  const sync = !s.kernel.install
    ? 'kernel off'
    : s.kernel.failed + s.kernel.problems.length > 0
      ? 'kernel NOT in sync'
      : 'kernel in sync';
  const blocks = s.ipam === undefined ? '' : `${count(s.ipam.blocks, 'block')} local, `;
  const health = paint(s.health === 'OK' ? 'good' : 'bad', s.health);
  const where = s.address ?? s.routerId;
  const [only] = s.problems;
  const phase = s.phase === 'running' || only === undefined ? '' : `${s.phase}, `;
  return `mesh: ${health}  ${phase}${s.bgp.sessionsEstablished}/${s.bgp.sessionsTotal} sessions up, ${blocks}${count(s.routes.prefixes, 'route')}, ${sync}  node ${plain(s.node)} (AS ${s.asn}, ${where})`;
}

const down = (p: PeerDownView): string =>
  `${p.name} (${p.address}) ${p.state} for ${formatAge(p.forSeconds)}, ${because(p.reason)}`;

/** One line each, in the order in which a route travels. */
const PARTS: readonly ((s: StatusView) => Part | undefined)[] = [
  ({ bgp }) => {
    const missing = bgp.sessionsTotal - bgp.sessionsEstablished;
    const up = `${bgp.sessionsEstablished} established`;
    if (missing <= 0) return { name: 'bgp', state: 'ok', text: up };
    const named = bgp.down.slice(0, MOST_PEERS_NAMED);
    const more = missing > named.length ? `; and ${missing - named.length} more` : '';
    const hint =
      named[0] === undefined ? '' : `  -> gingham peers ${named.length === 1 ? named[0].name : ''}`.trimEnd();
    return {
      name: 'bgp',
      state: 'degraded',
      text: `${up}, ${missing} down: ${named.map(down).join('; ')}${more}${hint}`,
    };
  },
  ({ routes: r }) => {
    const change =
      r.lastChangeSecondsAgo === undefined ? '' : `; last change ${formatShort(r.lastChangeSecondsAgo)} ago`;
    const stale = r.stale > 0 ? `; ${r.stale} stale, kept for a restarting peer` : '';
    return {
      name: 'routes',
      state: 'ok',
      text: `${r.prefixes} best of ${count(r.paths, 'path')}${change}; ${r.rejected} rejected${stale}`,
    };
  },
  ({ kernel: k }) => {
    if (!k.install)
      return { name: 'kernel', state: 'off', text: 'kernel.install is false: routes are learned, not installed' };
    const check = k.lastCheckSecondsAgo === undefined ? '' : `, last check ${formatShort(k.lastCheckSecondsAgo)} ago`;
    const held = k.held > 0 ? `, ${k.held} held (see gingham routes)` : '';
    const failed = k.failed > 0 ? `, ${k.failed} refused by the kernel` : '';
    const bad = k.failed > 0 || k.problems.length > 0;
    return {
      name: 'kernel',
      state: bad ? 'degraded' : 'ok',
      text: `${k.wanted} wanted, ${k.installed} installed${held}${failed}, ${k.foreign} foreign${check}${first(k.problems)}`,
    };
  },
  ({ ipam: i }) =>
    i && {
      name: 'ipam',
      state: i.problems.length > 0 ? 'degraded' : 'ok',
      text: `${count(i.blocks, 'block')}, ${i.addressesUsed}/${i.addressesTotal} addresses${first(i.problems)}`,
    },
  ({ tunnel: t }) => {
    if (t === undefined) return undefined;
    const endpoints = count(t.endpoints, 'endpoint');
    if (t.encapsulation === 'none')
      return { name: 'tunnel', state: 'off', text: `no encapsulation, MTU ${t.mtuBytes}, ${endpoints}` };
    const carrier = t.carrier === undefined ? '' : `, carried by ${t.carrier}`;
    const not = t.notUsed.map((n) => `not by ${n.carrier}: ${because(n.reason)}`).join('; ');
    const device = `${t.device ?? t.encapsulation} ${t.up ? 'up' : 'down'}`;
    return {
      name: 'tunnel',
      state: t.up ? 'ok' : 'degraded',
      text: `${device}, ${t.encapsulation}${carrier}${not === '' ? '' : ` (${not})`}, MTU ${t.mtuBytes}, ${endpoints}${packets(t.counters)}`,
    };
  },
  ({ cni: c }) =>
    c && {
      name: 'cni',
      state: c.ready ? 'ok' : 'degraded',
      text: `${count(c.pods, 'pod')}; ${count(c.adds, 'ADD')}, ${count(c.errors, 'error')}${c.reason === undefined ? '' : `; ${because(c.reason)}`}`,
    },
  ({ policy: p }) =>
    p && {
      name: 'policy',
      state: p.enforced ? 'ok' : 'off',
      text: p.enforced
        ? 'NetworkPolicy is enforced'
        : `NetworkPolicy is not enforced: ${p.ignored === 0 ? 'there is none' : `${count(p.ignored, 'object')} ignored`}`,
    },
  ({ store: t }) =>
    t && {
      name: 'store',
      state: t.inSync ? 'ok' : 'degraded',
      text: `${t.server} ${t.inSync ? 'in sync' : 'not in sync'}${t.reason === undefined ? '' : `; ${because(t.reason)}`}`,
    },
  (s) => ({
    name: 'daemon',
    state: s.configProblem === undefined && s.phase === 'running' ? 'ok' : 'degraded',
    text: `${s.phase} for ${formatAge(s.process.uptimeSeconds)}, version ${s.process.version}, pid ${s.process.pid}, ${formatMebibytes(s.process.residentBytes)}, ${s.configPath}${s.configProblem === undefined ? '' : `; ${because(s.configProblem)}`}`,
  }),
];

/** Several nodes: a line for all, and a row for each. */
export function formatStatuses(all: readonly StatusView[], options: TableOptions): string[] {
  const sum = (of: (s: StatusView) => number): number => all.reduce((n, s) => n + of(s), 0);
  const good = all.filter((s) => s.health === 'OK').length;
  const health = good === all.length ? options.paint('good', 'OK') : options.paint('bad', 'DEGRADED');
  const sessions = `${sum((s) => s.bgp.sessionsEstablished)}/${sum((s) => s.bgp.sessionsTotal)} sessions up`;
  const head = `mesh: ${health}  ${good}/${all.length} nodes OK, ${sessions}, ${count(
    sum((s) => s.cni?.pods ?? 0),
    'pod',
  )}`;
  return [head, ...formatTable(NODE_COLUMNS, all, options), ...carriersNotUsed(all)];
}

/** Usually the same on every node of one machine: said once, with the nodes. */
function carriersNotUsed(all: readonly StatusView[]): string[] {
  const nodes = new Map<string, string[]>();
  for (const s of all)
    for (const n of s.tunnel?.notUsed ?? []) {
      const text = `tunnel is not carried by ${n.carrier}: ${because(n.reason)}`;
      nodes.set(text, [...(nodes.get(text) ?? []), s.node]);
    }
  return [...nodes].map(([text, names]) =>
    plain(`${text} (${names.length === all.length ? 'all nodes' : names.join(', ')})`),
  );
}

const NODE_COLUMNS: readonly Column<StatusView>[] = [
  { header: 'NODE', cell: (s) => s.node },
  { header: 'HEALTH', cell: (s) => ({ text: s.health, kind: s.health === 'OK' ? 'good' : 'bad' }) },
  { header: 'ADDRESS', cell: (s) => s.address ?? s.routerId },
  { header: 'SESSIONS', right: true, cell: (s) => `${s.bgp.sessionsEstablished}/${s.bgp.sessionsTotal}` },
  { header: 'ROUTES', right: true, cell: (s) => String(s.routes.prefixes) },
  {
    header: 'KERNEL',
    right: true,
    cell: (s) => (s.kernel.install ? `${s.kernel.installed}/${s.kernel.wanted}` : 'off'),
  },
  { header: 'BLOCKS', right: true, cell: (s) => String(s.ipam?.blocks ?? '-') },
  { header: 'PODS', right: true, cell: (s) => String(s.cni?.pods ?? '-') },
  {
    header: 'TUNNEL',
    cell: (s) => (s.tunnel === undefined ? '' : [s.tunnel.encapsulation, s.tunnel.carrier].filter(Boolean).join('/')),
  },
  { header: 'UP', cell: (s) => formatAge(s.process.uptimeSeconds) },
  { header: 'MEMORY', cell: (s) => formatMebibytes(s.process.residentBytes) },
  { header: 'PROBLEM', cell: (s) => first(s.problems).replace(/^; /, '') },
];
