/** GoBGP as a peer of the matrix: gobgp's JSON, attributes by type number. Its routes of its own come from the command line
 *  too, for its configuration has no word for them. */
import fs from 'node:fs';
import { attempt } from '../../support/namespaces.ts';
import type { Absence, OwnRoutes, PeerDaemon, PeerPlan, Place, RunningDaemon, Spawned } from './peer-daemon.ts';
import { ask, askJson, eventually, textOf } from './place.ts';
import { asPathText, optional, prefixesOf, type RouteView } from './route-view.ts';

const lines = (...all: readonly (string | false | undefined)[]): string => all.filter((l) => l).join('\n');
const familyOf = (plan: PeerPlan): 'ipv4' | 'ipv6' => (plan.ipv6 && plan.extendedNextHop !== true ? 'ipv6' : 'ipv4');

function neighbor(plan: PeerPlan, address: string, asn: number, observer: boolean): string {
  const graceful = observer ? undefined : plan.gracefulRestartSec;
  return lines(
    '[[neighbors]]',
    '[neighbors.config]',
    `neighbor-address = "${address}"`,
    `peer-as = ${asn}`,
    !observer && plan.password !== undefined && `auth-password = "${plan.password}"`,
    '[neighbors.transport.config]',
    `local-address = "${plan.theirAddress}"`,
    observer && 'passive-mode = true',
    '[neighbors.timers.config]',
    'connect-retry = 1',
    'idle-hold-time-after-reset = 1',
    !observer && plan.ttlSecurity === true && '[neighbors.ttl-security.config]\nenabled = true\nttl-min = 255',
    graceful !== undefined && `[neighbors.graceful-restart.config]\nenabled = true\nrestart-time = ${graceful}`,
    graceful !== undefined && 'notification-enabled = true',
    graceful !== undefined && plan.longLivedSec !== undefined && 'long-lived-enabled = true',
    '[[neighbors.afi-safis]]',
    '[neighbors.afi-safis.config]',
    `afi-safi-name = "${familyOf(plan)}-unicast"`,
    graceful !== undefined && '[neighbors.afi-safis.mp-graceful-restart.config]\nenabled = true',
    graceful !== undefined &&
      plan.longLivedSec !== undefined &&
      `[neighbors.afi-safis.long-lived-graceful-restart.config]\nenabled = true\nrestart-time = ${plan.longLivedSec}`,
    plan.addPath === true && '[neighbors.afi-safis.add-paths.config]\nreceive = true\nsend-max = 8',
    '',
  );
}

const configuration = (plan: PeerPlan): string =>
  lines(
    '[global.config]',
    `as = ${plan.theirAsn}`,
    'router-id = "10.98.0.2"',
    neighbor(plan, plan.ourAddress, plan.ourAsn, false),
    neighbor(plan, plan.observer.address, plan.observer.asn, true),
  );

interface GoAttribute {
  readonly type: number;
  readonly value?: unknown;
  readonly nexthop?: string;
  readonly metric?: number;
  readonly as?: number;
  readonly address?: string;
  readonly as_paths?: readonly { readonly segment_type: number; readonly asns: readonly number[] }[];
  readonly communities?: readonly number[];
}
interface GoPath {
  readonly attrs: readonly GoAttribute[];
}

const ORIGINS = ['igp', 'egp', 'incomplete'] as const;
const KNOWN = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 14, 16, 26, 32]);

function viewOf(prefix: string, path: GoPath): RouteView {
  const of = (type: number): GoAttribute | undefined => path.attrs.find((a) => a.type === type);
  const segments = (of(2)?.as_paths ?? []).map((s) =>
    s.segment_type === 1 ? `{${s.asns.join(' ')}}` : s.asns.join(' '),
  );
  const aggregator = of(7);
  const large = (of(32)?.value ?? []) as readonly { ASN: number; LocalData1: number; LocalData2: number }[];
  const extended = (of(16)?.value ?? []) as readonly { subtype: number; value: string }[];
  const aigp = (of(26)?.value ?? []) as readonly { type: number; metric?: number; value?: number }[];
  return {
    prefix,
    origin: ORIGINS[(of(1)?.value as number | undefined) ?? 0] ?? 'igp',
    asPath: asPathText(segments.join(' ')),
    nextHop: of(3)?.nexthop ?? of(14)?.nexthop ?? '',
    ...optional('med', of(4)?.metric),
    ...optional('localPref', of(5)?.value as number | undefined),
    ...optional('atomicAggregate', of(6) === undefined ? undefined : (true as const)),
    ...optional('aggregator', aggregator === undefined ? undefined : `${aggregator.as} ${aggregator.address}`),
    communities: (of(8)?.communities ?? []).map((c) => `${c >>> 16}:${c & 0xffff}`),
    extendedCommunities: extended.map(
      (c) => `${c.subtype === 2 ? 'rt' : c.subtype === 3 ? 'ro' : c.subtype}:${c.value}`,
    ),
    largeCommunities: large.map((c) => `${c.ASN}:${c.LocalData1}:${c.LocalData2}`),
    ...optional('originatorId', of(9)?.value as string | undefined),
    clusterList: (of(10)?.value as readonly string[] | undefined) ?? [],
    ...optional('aigp', aigp[0]?.metric ?? aigp[0]?.value),
    unknown: path.attrs
      .filter((a) => !KNOWN.has(a.type))
      .map((a) => `${a.type} ${Buffer.from(String(a.value ?? ''), 'base64').toString('hex')}`),
  };
}

async function start(place: Place, plan: PeerPlan): Promise<RunningDaemon> {
  const config = `${place.folder}/gobgp.toml`;
  const log = `${place.folder}/gobgp.log`;
  const target = `unix://${place.folder}/gobgp.sock`;
  const family = familyOf(plan);
  const { theirs } = prefixesOf(family === 'ipv6');
  fs.writeFileSync(config, configuration(plan));
  const gobgp = async (...command: string[]): Promise<string> => {
    const { status, out, err } = await ask('gobgp', '--target', target, ...command);
    if (status !== 0) throw new Error(`gobgp ${command.join(' ')}: ${out}${err}`);
    return out;
  };
  const rib = (verb: string, prefix: string, ...more: string[]): Promise<string> =>
    gobgp('global', 'rib', verb, '-a', family, prefix, ...more);
  const nextHop = ['nexthop', plan.theirAddress];
  let child: Spawned;
  const up = async (...more: string[]): Promise<void> => {
    const args = ['-f', config, '--api-hosts', target, '--pprof-disable', '-p', '-l', 'debug', ...more];
    fs.rmSync(`${place.folder}/gobgp.sock`, { force: true }); // a killed one leaves it behind
    child = place.spawn('gobgp.log', 'gobgpd', ...args);
    await eventually(
      () => `gobgpd answers: ${textOf(log)}`,
      () => gobgp('global'),
    );
    await rib('add', theirs.plain, ...nextHop);
    const communities = ['community', '65002:1,65002:2', 'rt', '65002:100', 'large-community', '65002:1:2'];
    const rich = ['origin', 'incomplete', 'aspath', '65201', 'med', '77', 'local-pref', '250', ...communities];
    await rib(
      'add',
      theirs.rich,
      ...nextHop,
      ...rich,
      'aggregator',
      `${plan.theirAsn}:10.98.0.9`,
      ...(plan.aigp ? ['aigp', 'metric', '1234'] : []),
    );
  };
  await up();
  return {
    established: async () => {
      const state = (await askJson('gobgp', '--target', target, '-j', 'neighbor', plan.ourAddress)) as {
        state: { session_state?: number };
      };
      return state.state.session_state === 6;
    },
    received: async (prefix) => {
      const all = (await askJson(
        'gobgp',
        '--target',
        target,
        '-j',
        'neighbor',
        plan.ourAddress,
        'adj-in',
        '-a',
        family,
      )) as Record<string, readonly GoPath[]>;
      return (all[prefix] ?? []).map((path) => viewOf(prefix, path));
    },
    announce: async (prefix) => void (await rib('add', prefix, ...nextHop)),
    withdraw: async (prefix) => void (await rib('del', prefix, ...nextHop)),
    refresh: async () => void (await gobgp('neighbor', plan.ourAddress, 'softresetin', '-a', family)),
    shutDown: async (text) => void (await gobgp('neighbor', plan.ourAddress, 'shutdown', '--reason', text)),
    // It logs a NOTIFICATION's data as decimal octets: [6 2 34 109 …] in a Hard Reset.
    heard: async () =>
      textOf(log).replace(/Data="\[([\d ]+)\]"/g, (_all, octets: string) =>
        Buffer.from(octets.split(' ').map(Number)).toString('utf8'),
      ),
    crash: () => child.kill('SIGKILL'),
    restart: () => up('-r'),
  };
}

function ownRoutes(plan: PeerPlan): OwnRoutes {
  const ibgp = plan.ourAsn === plan.theirAsn;
  const { theirs } = prefixesOf(familyOf(plan) === 'ipv6');
  const path = (...more: number[]): string => [...(ibgp ? [] : [plan.theirAsn]), ...more].join(' ');
  const plain = { asPath: path(), nextHop: plan.theirAddress, ...(ibgp ? { localPref: 100 } : {}) };
  return {
    plain: { ...plain, prefix: theirs.plain, origin: 'incomplete' },
    rich: {
      ...plain,
      prefix: theirs.rich,
      origin: 'incomplete',
      asPath: path(65201),
      med: 77,
      ...(ibgp ? { localPref: 250 } : {}),
      aggregator: `${plan.theirAsn} 10.98.0.9`,
      communities: ['65002:1', '65002:2'],
      extendedCommunities: ['rt:65002:100'],
      largeCommunities: ['65002:1:2'],
    },
  };
}

const NO_ENHANCED: Absence = {
  why: 'its OPEN has no capability 70',
  lacks: (agreed) => !agreed.enhancedRouteRefresh,
};

export const gobgp: PeerDaemon = {
  name: 'GoBGP',
  version: () => attempt('gobgpd', '--version').out.match(/\d+\.\d+\.\d+/)?.[0] ?? 'unknown',
  start,
  ownRoutes,
  relays: true,
  hides: new Set(['pathId']),
  check: (folder, config) => {
    const file = `${folder}/check.toml`;
    fs.writeFileSync(file, config);
    return attempt('gobgpd', '-d', '-f', file);
  },
  absent: {
    'refresh-theirs': {
      why: '`softresetin` reads its own Adj-RIB-In again',
      tried: async (lab) => {
        await lab.daemon.refresh();
        const asked = lab.ours.events.some((event) => event.startsWith('refresh request'));
        if (asked) throw new Error('it did ask');
        return 'no ROUTE-REFRESH comes of it';
      },
    },
    'enhanced-refresh-ours': NO_ENHANCED,
    'enhanced-refresh-theirs': NO_ENHANCED,
    'extended-messages': { why: 'its OPEN has no capability 6', lacks: (agreed) => !agreed.extendedMessages },
    role: { why: 'its OPEN has no capability 9', lacks: (agreed) => agreed.peerRole === undefined },
    'as4-path': { why: 'its OPEN always has capability 65', lacks: (agreed) => agreed.fourOctetAs },
  },
};
