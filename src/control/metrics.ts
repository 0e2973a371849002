/** /metrics: what `status` and `peers` know, as Prometheus reads it. Pure. Names and labels are an interface: a golden file holds
 *  them. In a mesh of n nodes a series per peer is n squared of them: mesh peers are summed up, and others have series of their
 *  own. States are 0 and 1, counters end in _total, units are base units. A new metric is a row of METRICS. */
import type { StatusFacts } from './views.ts';
import type { PeerFamilyView, PeerView } from './views-of-peers.ts';

export interface MetricsFacts {
  readonly status: StatusFacts;
  readonly peers: readonly PeerView[];
  /** Of a cluster: verdicts of block origin validation. */
  readonly blockOrigins?: Readonly<Record<string, number>>;
}

type Labels = Readonly<Record<string, string | number>>;
type Sample = readonly [labels: Labels, value: number];
interface Metric {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  readonly of: (facts: MetricsFacts) => readonly Sample[];
}

const isUp = (p: PeerView): boolean => p.state === 'Established';
const flag = (is: boolean): number => (is ? 1 : 0);
/** Those with series of their own. */
const single = ({ peers }: MetricsFacts): readonly PeerView[] => peers.filter((p) => p.kind !== 'mesh');
const ofPeers =
  (value: (p: PeerView) => number | undefined) =>
  (facts: MetricsFacts): readonly Sample[] =>
    single(facts).flatMap((p): readonly Sample[] => {
      const is = value(p);
      return is === undefined ? [] : [[{ peer: p.name, address: p.address }, is]];
    });

/** Fields of a family's view, and what they are called here. */
const COUNTED = [
  ['received', 'received'],
  ['used', 'used'],
  ['rejected', 'rejected'],
  ['stale', 'stale'],
  ['sent', 'advertised'],
] as const;

const prefixesOf = (labels: Labels, families: readonly PeerFamilyView[]): readonly Sample[] =>
  [...new Set(families.map((f) => f.family))].flatMap((family) =>
    COUNTED.map(([field, dir]): Sample => {
      const sum = families.reduce((all, f) => all + (f.family === family ? f[field] : 0), 0);
      return [{ ...labels, family, dir }, sum];
    }),
  );

/** Peers of a kind in a state: one number for all of them. */
function sessions({ peers }: MetricsFacts): readonly Sample[] {
  const counts = new Map<string, Sample>();
  for (const { kind, state } of peers) {
    const key = `${kind} ${state}`;
    counts.set(key, [{ kind, state }, (counts.get(key)?.[1] ?? 0) + 1]);
  }
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sample]) => sample);
}

const METRICS: readonly Metric[] = [
  {
    name: 'gingham_build_info',
    type: 'gauge',
    help: 'The version that runs; always 1.',
    of: ({ status }) => [[{ version: status.process.version }, 1]],
  },
  { name: 'gingham_bgp_sessions', type: 'gauge', help: 'Peers by kind and state.', of: sessions },
  {
    name: 'gingham_bgp_session_up',
    type: 'gauge',
    help: '1 while Established. Of peers outside the mesh.',
    of: ofPeers((p) => flag(isUp(p))),
  },
  {
    name: 'gingham_bgp_session_established_seconds',
    type: 'gauge',
    help: 'Since when it is up; absent while it is not.',
    of: ofPeers((p) => (isUp(p) ? p.stateForSeconds : undefined)),
  },
  {
    name: 'gingham_bgp_session_flaps_total',
    type: 'counter',
    help: 'Established sessions that went down.',
    of: ofPeers((p) => p.flaps),
  },
  {
    name: 'gingham_bgp_session_held_seconds',
    type: 'gauge',
    help: 'A session that is left down for its prefix limit comes back in so long.',
    of: ofPeers((p) => p.heldForSeconds),
  },
  {
    name: 'gingham_bgp_prefixes',
    type: 'gauge',
    help: 'Of peers outside the mesh, by family.',
    of: (facts) => single(facts).flatMap((p) => prefixesOf({ peer: p.name, address: p.address }, p.families)),
  },
  {
    name: 'gingham_bgp_announcements_left_out_total',
    type: 'counter',
    help: 'Above maxPrefixes, of a peer outside the mesh; one prefix counts as often as it is announced.',
    of: (facts) =>
      single(facts).flatMap((p) =>
        p.families.map((f): Sample => [{ peer: p.name, address: p.address, family: f.family }, f.leftOut]),
      ),
  },
  {
    name: 'gingham_bgp_prefix_limit',
    type: 'gauge',
    help: 'maxPrefixes of a peer outside the mesh.',
    of: (facts) =>
      single(facts).flatMap((p) =>
        p.families.map((f): Sample => [{ peer: p.name, address: p.address, family: f.family }, f.limit]),
      ),
  },
  {
    name: 'gingham_bgp_mesh_prefixes',
    type: 'gauge',
    help: 'Of all mesh peers together, by family.',
    of: ({ peers }) =>
      prefixesOf(
        {},
        peers.filter((p) => p.kind === 'mesh').flatMap((p) => p.families),
      ),
  },
  {
    name: 'gingham_bfd_up',
    type: 'gauge',
    help: '1 while the path is up. Of peers outside the mesh.',
    of: ofPeers((p) => (p.bfd === undefined ? undefined : flag(p.bfd.state === 'Up'))),
  },
  {
    name: 'gingham_bgp_connections_accepted_total',
    type: 'counter',
    help: 'Connections that peers opened.',
    of: ({ status }) => (status.bgp.listener === undefined ? [] : [[{}, status.bgp.listener.accepted]]),
  },
  {
    name: 'gingham_bgp_connections_refused_total',
    type: 'counter',
    help: 'Connections that were reset; unknownSource: of strangers.',
    of: ({ status }) =>
      (status.bgp.listener?.refused ?? []).map(({ cause, connections }): Sample => [{ cause }, connections]),
  },
  {
    name: 'gingham_block_origin_verdicts_total',
    type: 'counter',
    help: 'Routes judged by what IPAM says of their blocks; one that is judged anew counts anew.',
    of: ({ blockOrigins = {} }) => Object.entries(blockOrigins).map(([origin, n]): Sample => [{ origin }, n]),
  },
  {
    name: 'gingham_fib_routes',
    type: 'gauge',
    help: 'Kernel routes by state.',
    of: ({ status: { kernel } }) =>
      (['wanted', 'installed', 'held', 'failed', 'foreign'] as const).map(
        (state): Sample => [{ state }, kernel[state]],
      ),
  },
];

export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export function formatMetrics(facts: MetricsFacts): string {
  return METRICS.flatMap(({ name, type, help, of }) => {
    const samples = of(facts);
    if (samples.length === 0) return [];
    return [
      `# HELP ${name} ${help}`,
      `# TYPE ${name} ${type}`,
      ...samples.map((s) => `${name}${labelled(s[0])} ${s[1]}`),
    ];
  })
    .map((line) => `${line}\n`)
    .join('');
}

function labelled(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(String(value))}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** A peer's name is a person's text. */
const escaped = (text: string): string => text.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n');
