/** FRR (zebra and bgpd) as a peer of the matrix: vtysh's JSON. zebra runs too, for without it bgpd knows no interface and
 *  takes an IPv6 next hop with a link-local address for a withdrawal. */
import fs from 'node:fs';
import { attempt } from '../../support/namespaces.ts';
import type { OwnRoutes, PeerDaemon, PeerPlan, Place, RunningDaemon, Spawned } from './peer-daemon.ts';
import { ask, askJson, eventually, textOf } from './place.ts';
import { asPathText, optional, prefixesOf, type RouteView } from './route-view.ts';

const BGPD = '/usr/lib/frr/bgpd';
const ZEBRA = '/usr/lib/frr/zebra';

const lines = (...all: readonly (string | false | undefined)[]): string => all.filter((l) => l).join('\n');
const familyOf = (plan: PeerPlan): string => (plan.ipv6 && plan.extendedNextHop !== true ? 'ipv6' : 'ipv4');

function configuration(plan: PeerPlan): string {
  const family = familyOf(plan);
  const { theirs } = prefixesOf(family === 'ipv6');
  const graceful = plan.gracefulRestartSec;
  const neighbor = (rest: string): string => ` neighbor ${plan.ourAddress} ${rest}`;
  const observer = (rest: string): string => ` neighbor ${plan.observer.address} ${rest}`;
  return lines(
    'hostname peer',
    'route-map RICH permit 10',
    ' set origin incomplete',
    ' set metric 77',
    ' set local-preference 250',
    ' set as-path prepend 65201',
    ' set atomic-aggregate',
    ` set aggregator as ${plan.theirAsn} 10.98.0.9`,
    ' set community 65002:1 65002:2',
    ' set large-community 65002:1:2',
    ' set extcommunity rt 65002:100',
    `router bgp ${plan.theirAsn}`,
    ' bgp router-id 10.98.0.2',
    ' no bgp default ipv4-unicast',
    ' no bgp ebgp-requires-policy',
    ' no bgp network import-check',
    ' no bgp suppress-duplicates',
    ' bgp log-neighbor-changes',
    graceful !== undefined && ' bgp graceful-restart',
    graceful !== undefined && ' bgp graceful-restart preserve-fw-state',
    graceful !== undefined && ` bgp graceful-restart restart-time ${graceful}`,
    graceful === undefined && ' bgp graceful-restart-disable',
    plan.longLivedSec !== undefined && ` bgp long-lived-graceful-restart stale-time ${plan.longLivedSec}`,
    neighbor(`remote-as ${plan.ourAsn}`),
    neighbor('timers connect 1'),
    neighbor('advertisement-interval 0'),
    plan.password !== undefined && neighbor(`password ${plan.password}`),
    plan.ttlSecurity === true && neighbor('ttl-security hops 1'),
    plan.fourOctetAs === false && neighbor('dont-capability-negotiate'),
    plan.role !== undefined && neighbor(`local-role ${plan.role}`),
    plan.extendedNextHop === true && neighbor('capability extended-nexthop'),
    observer(`remote-as ${plan.observer.asn}`),
    observer('passive'),
    observer('advertisement-interval 0'),
    ` address-family ${family} unicast`,
    `  network ${theirs.plain}`,
    `  network ${theirs.rich} route-map RICH`,
    plan.many === true && theirs.many.map((prefix) => `  network ${prefix}`).join('\n'),
    ` ${neighbor('activate')}`,
    plan.addPath === true && ` ${neighbor('addpath-tx-all-paths')}`,
    ` ${observer('activate')}`,
    plan.addPath === true && ` ${observer('addpath-tx-all-paths')}`,
    ' exit-address-family',
    '',
  );
}

interface FrrPath {
  readonly aspath: { readonly string: string };
  readonly origin: string;
  readonly nexthops: readonly { readonly ip: string; readonly scope?: string }[];
  readonly metric?: number;
  readonly locPrf?: number;
  readonly atomicAggregate?: boolean;
  readonly aggregatorAs?: number;
  readonly aggregatorId?: string;
  readonly community?: { readonly list: readonly string[] };
  readonly extendedCommunity?: { readonly string: string };
  readonly largeCommunity?: { readonly list: readonly string[] };
  readonly originatorId?: string;
  readonly clusterList?: { readonly list: readonly string[] };
  readonly addpathRxId?: number;
  readonly otc?: number;
  readonly peer: { readonly peerId: string };
}

const WELL_KNOWN: Readonly<Record<string, string>> = { 'llgr-stale': '65535:6', llgrStale: '65535:6' };
const ORIGINS = { IGP: 'igp', EGP: 'egp', incomplete: 'incomplete' } as const;

const viewOf = (prefix: string, path: FrrPath): RouteView => ({
  prefix,
  ...optional('pathId', path.addpathRxId === 0 ? undefined : path.addpathRxId),
  origin: ORIGINS[path.origin as keyof typeof ORIGINS],
  asPath: path.aspath.string === 'Local' ? '' : asPathText(path.aspath.string),
  nextHop: (path.nexthops.find((hop) => hop.scope !== 'link-local') ?? path.nexthops[0])?.ip ?? '',
  ...optional('med', path.metric),
  ...optional('localPref', path.locPrf),
  ...optional('atomicAggregate', path.atomicAggregate === true ? (true as const) : undefined),
  ...optional('aggregator', path.aggregatorAs === undefined ? undefined : `${path.aggregatorAs} ${path.aggregatorId}`),
  communities: (path.community?.list ?? []).map((c) => WELL_KNOWN[c] ?? c),
  extendedCommunities: (path.extendedCommunity?.string.split(' ') ?? []).map((c) =>
    c.replace(/^RT:/, 'rt:').replace(/^SoO:/, 'ro:'),
  ),
  largeCommunities: path.largeCommunity?.list ?? [],
  ...optional('originatorId', path.originatorId),
  clusterList: path.clusterList?.list ?? [],
  ...optional('onlyToCustomer', path.otc),
});

async function start(place: Place, plan: PeerPlan): Promise<RunningDaemon> {
  const config = `${place.folder}/frr.conf`;
  const log = `${place.folder}/frr.log`;
  fs.writeFileSync(config, configuration(plan));
  fs.writeFileSync(`${place.folder}/zebra.conf`, 'hostname zebra\n');
  for (const file of [config, `${place.folder}/zebra.conf`]) fs.chmodSync(file, 0o644);
  const vtysh = (...commands: string[]): string[] => [
    '--vty_socket',
    place.folder,
    ...commands.flatMap((c) => ['-c', c]),
  ];
  const tell = async (...commands: string[]): Promise<void> => {
    const { status, out, err } = await ask('vtysh', ...vtysh(...commands));
    if (status !== 0) throw new Error(`vtysh ${commands.join('; ')}: ${out}${err}`);
  };
  const configure = (...commands: string[]): Promise<void> =>
    tell('configure terminal', `router bgp ${plan.theirAsn}`, ...commands);
  const inFamily = (line: string): Promise<void> => configure(`address-family ${familyOf(plan)} unicast`, line);
  const common = ['--vty_socket', place.folder, '-A', '127.0.0.1', '-P', '0', '-z', `${place.folder}/zserv.api`];
  const neighborJson = async (): Promise<Record<string, unknown>> => {
    const all = (await askJson('vtysh', ...vtysh(`show bgp neighbor ${plan.ourAddress} json`))) as Record<
      string,
      Record<string, unknown>
    >;
    return all[plan.ourAddress] ?? {};
  };
  place.spawn('zebra.log', ZEBRA, '-f', `${place.folder}/zebra.conf`, '-i', `${place.folder}/zebra.pid`, ...common);
  await eventually('zebra serves', () => fs.existsSync(`${place.folder}/zserv.api`));
  let child: Spawned;
  const up = async (): Promise<void> => {
    child = place.spawn(
      'frr.log',
      BGPD,
      '-S',
      '-f',
      config,
      '-i',
      `${place.folder}/bgpd.pid`,
      '--log',
      'stdout',
      '--log-level',
      'debug',
      ...common,
    );
    await eventually(
      () => `bgpd answers: ${textOf(log)}`,
      async () => (await neighborJson())['remoteAs'] !== undefined,
    );
  };
  await up();
  return {
    established: async () => (await neighborJson())['bgpState'] === 'Established',
    received: async (prefix) => {
      const answer = (await askJson('vtysh', ...vtysh(`show bgp ${familyOf(plan)} unicast ${prefix} json`))) as {
        paths?: readonly FrrPath[];
      };
      return (answer.paths ?? []).filter((p) => p.peer.peerId === plan.ourAddress).map((p) => viewOf(prefix, p));
    },
    announce: (prefix) => inFamily(`network ${prefix}`),
    withdraw: (prefix) => inFamily(`no network ${prefix}`),
    refresh: () => tell(`clear bgp ${familyOf(plan)} unicast ${plan.ourAddress} soft in`),
    shutDown: (text) => configure(`neighbor ${plan.ourAddress} shutdown message ${text}`),
    // What is not ASCII it shows as "\\xe2\\x98\\x95".
    heard: async () => {
      const said = String((await neighborJson())['lastShutdownDescription'] ?? '');
      const octets = said.replace(/\\x([0-9a-f]{2})/g, (_all, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
      return Buffer.from(octets, 'latin1').toString('utf8');
    },
    crash: () => child.kill('SIGKILL'),
    restart: up,
  };
}

function ownRoutes(plan: PeerPlan): OwnRoutes {
  const ibgp = plan.ourAsn === plan.theirAsn;
  const { theirs } = prefixesOf(familyOf(plan) === 'ipv6');
  const path = (...more: number[]): string => [...(ibgp ? [] : [plan.theirAsn]), ...more].join(' ');
  // A network statement is an IGP route of metric 0 to FRR, and it says so.
  const plain = {
    origin: 'igp' as const,
    asPath: path(),
    nextHop: plan.theirAddress,
    med: 0,
    ...(ibgp ? { localPref: 100 } : {}),
  };
  return {
    plain: { ...plain, prefix: theirs.plain },
    rich: {
      ...plain,
      prefix: theirs.rich,
      origin: 'incomplete',
      asPath: path(65201),
      med: 77,
      ...(ibgp ? { localPref: 250 } : {}),
      atomicAggregate: true,
      aggregator: `${plan.theirAsn} 10.98.0.9`,
      communities: ['65002:1', '65002:2'],
      extendedCommunities: ['rt:65002:100'],
      largeCommunities: ['65002:1:2'],
    },
  };
}

const refusable = (line: string): string => `router bgp 65002\n neighbor 10.98.0.1 remote-as 65002\n ${line}\n`;

export const frr: PeerDaemon = {
  name: 'FRR',
  version: () => attempt(BGPD, '--version').out.match(/\d+\.\d+(\.\d+)?/)?.[0] ?? 'unknown',
  start,
  ownRoutes,
  relays: true,
  hides: new Set(['unknown']),
  check: (folder, config) => {
    const file = `${folder}/check.conf`;
    fs.writeFileSync(file, config, { mode: 0o644 });
    return attempt(BGPD, '-C', '-f', file);
  },
  absent: {
    aigp: {
      why: 'no AIGP',
      word: 'neighbor 10.98.0.1 aigp',
      config: refusable('neighbor 10.98.0.1 aigp'),
      says: /No such command on config line \d+:.*/,
    },
    'as4-path': {
      why: '`dont-capability-negotiate` is its only way to be an old speaker, and then it misreads',
      tried: async (lab) => {
        // It has seen that we offer 4-octet AS numbers, forgets that it did not, and wants AGGREGATOR to have 8 octets.
        lab.ours.announce(lab.rich);
        const down = await eventually('a reset', () => lab.ours.downs.find((d) => d.received?.code === 3));
        return `our AGGREGATOR of 6 octets is answered with \`${down.text}\``;
      },
    },
  },
};
