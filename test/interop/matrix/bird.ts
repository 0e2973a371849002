/** BIRD 2 as a peer of the matrix: birdc's text is its only output. */
import fs from 'node:fs';
import { attempt } from '../../support/namespaces.ts';
import type { OwnRoutes, PeerDaemon, PeerPlan, Place, RunningDaemon, Spawned } from './peer-daemon.ts';
import { ask, eventually, textOf } from './place.ts';
import { asPathText, optional, prefixesOf, type RouteView } from './route-view.ts';

const when = (wanted: unknown, line: string): string => (wanted ? line : '');

function session(name: string, address: string, asn: number, plan: PeerPlan, more: string): string {
  const family = plan.ipv6 && plan.extendedNextHop !== true ? 'ipv6' : 'ipv4';
  const { rich } = prefixesOf(family === 'ipv6').theirs;
  return `
protocol bgp ${name} {
  local ${plan.theirAddress} as ${plan.theirAsn}; neighbor ${address} as ${asn}; direct;
  hold time 90; connect delay time 1; connect retry time 1; error wait time 1, 1;
  ${more}
  ${when(plan.extendedMessages, 'enable extended messages on;')}
  ${when(plan.fourOctetAs === false, 'enable as4 off;')}
  ${family} {
    import all; next hop self;
    # Between two ASes MULTI_EXIT_DISC leaves only where the export filter sets it.
    export filter { if proto = "${name}" then reject; if net = ${rich} then bgp_med = 77; accept; };
    ${when(plan.addPath, 'add paths on;')} ${when(plan.aigp, 'aigp originate;')} ${when(plan.extendedNextHop, 'extended next hop on;')}
  };
}`;
}

function configuration(plan: PeerPlan): string {
  const family = plan.ipv6 && plan.extendedNextHop !== true ? 'ipv6' : 'ipv4';
  const { theirs } = prefixesOf(family === 'ipv6');
  const route = (prefix: string, attributes = ''): string => `  route ${prefix} unreachable ${attributes};`;
  const rich = `{
    bgp_origin = ORIGIN_INCOMPLETE; bgp_local_pref = 250; bgp_path.prepend(65201);
    bgp_community.add((65002, 1)); bgp_community.add((65002, 2));
    bgp_large_community.add((65002, 1, 2)); bgp_ext_community.add((rt, 65002, 100));
    ${when(plan.aigp, 'igp_metric = 1234;')}
  }`;
  const graceful = plan.gracefulRestartSec;
  return `
log stderr all;
router id 10.98.0.2;
protocol device {}
protocol static own {
  ${family};
${route(theirs.plain)}
${route(theirs.rich, rich)}
${plan.many === true ? theirs.many.map((prefix) => route(prefix)).join('\n') : ''}
}
protocol static late { ${family}; disabled; ${route(theirs.late)} }
${session(
  'ours',
  plan.ourAddress,
  plan.ourAsn,
  plan,
  `${when(plan.password, `password "${plan.password}";`)} ${when(plan.ttlSecurity, 'ttl security on;')}
  ${graceful === undefined ? 'graceful restart off;' : `graceful restart on; graceful restart time ${graceful};`}
  ${when(plan.longLivedSec, `long lived graceful restart on; long lived stale time ${plan.longLivedSec};`)}
  ${when(plan.role, `local role ${plan.role};`)}`,
)}
${session('observer', plan.observer.address, plan.observer.asn, plan, 'passive;')}
`;
}

/** The blocks of `show route all`: one per path, `\tBGP.name: value` lines below it. */
export function parseBirdRoutes(prefix: string, text: string): readonly RouteView[] {
  const blocks = text
    .split(/^(?=\S.*\[|\s{10,}(?:unicast|blackhole|unreachable) \[)/m)
    .filter((b) => b.includes('BGP.origin'));
  return blocks.map((block) => {
    const of = (name: string): string | undefined =>
      block.match(new RegExp(`^\\tBGP\\.${name}: ?(.*)$`, 'm'))?.[1]?.trim();
    const list = (name: string): string[] =>
      [...(of(name) ?? '').matchAll(/\(([^)]*)\)/g)].map((m) => (m[1] ?? '').split(/,\s*/).join(':'));
    const number = (name: string): number | undefined => (of(name) === undefined ? undefined : Number(of(name)));
    const aggregator = of('aggregator')?.match(/^(\S+) AS(\d+)$/);
    const origin = of('origin');
    return {
      prefix,
      origin: origin === 'IGP' ? 'igp' : origin === 'EGP' ? 'egp' : 'incomplete',
      asPath: asPathText(of('as_path') ?? ''),
      nextHop: (of('next_hop') ?? '').split(' ')[0] ?? '',
      ...optional('med', number('med')),
      ...optional('localPref', number('local_pref')),
      ...optional('atomicAggregate', of('atomic_aggr') === undefined ? undefined : (true as const)),
      ...optional('aggregator', aggregator ? `${aggregator[2]} ${aggregator[1]}` : undefined),
      communities: list('community'),
      extendedCommunities: list('ext_community'),
      largeCommunities: list('large_community'),
      ...optional('originatorId', of('originator_id')),
      clusterList: (of('cluster_list') ?? '').split(' ').filter((id) => id !== ''),
      ...optional('aigp', number('aigp')),
      ...optional('onlyToCustomer', number('otc')),
      unknown: [...block.matchAll(/^\tBGP\.([0-9a-f]{2}) \[.*?\]: (.*)$/gm)].map(
        (m) => `${Number.parseInt(m[1] ?? '', 16)} ${(m[2] ?? '').replaceAll(' ', '')}`,
      ),
    };
  });
}

async function start(place: Place, plan: PeerPlan): Promise<RunningDaemon> {
  const config = `${place.folder}/bird.conf`;
  const socket = `${place.folder}/bird.ctl`;
  fs.writeFileSync(config, configuration(plan));
  const birdc = async (...command: string[]): Promise<string> => (await ask('birdc', '-s', socket, ...command)).out;
  let child: Spawned;
  const up = async (...more: string[]): Promise<void> => {
    child = place.spawn(
      'bird.log',
      'bird',
      '-f',
      '-c',
      config,
      '-s',
      socket,
      '-P',
      `${place.folder}/bird.pid`,
      ...more,
    );
    await eventually(
      () => `bird answers: ${textOf(`${place.folder}/bird.log`)}`,
      async () => (await birdc('show', 'status')).includes('up and running'),
    );
  };
  await up();
  return {
    established: async () => (await birdc('show', 'protocols', 'ours')).includes('Established'),
    received: async (prefix) =>
      parseBirdRoutes(prefix, await birdc('show', 'route', prefix, 'all', 'protocol', 'ours')),
    announce: async () => void (await birdc('enable', 'late')),
    withdraw: async () => void (await birdc('disable', 'late')),
    refresh: async () => void (await birdc('reload', 'in', 'ours')),
    shutDown: async (text) => void (await birdc('disable', 'ours', `"${text}"`)),
    heard: async () => textOf(`${place.folder}/bird.log`),
    crash: () => child.kill('SIGKILL'),
    restart: () => up('-R'),
  };
}

function ownRoutes(plan: PeerPlan): OwnRoutes {
  const ibgp = plan.ourAsn === plan.theirAsn;
  const { theirs } = prefixesOf(plan.ipv6 && plan.extendedNextHop !== true);
  const path = (...more: number[]): string => [...(ibgp ? [] : [plan.theirAsn]), ...more].join(' ');
  const plain = {
    origin: 'igp' as const,
    asPath: path(),
    nextHop: plan.theirAddress,
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
      communities: ['65002:1', '65002:2'],
      extendedCommunities: ['rt:65002:100'],
      largeCommunities: ['65002:1:2'],
    },
  };
}

export const bird: PeerDaemon = {
  name: 'BIRD',
  version: () => attempt('bird', '--version').out.match(/\d+\.\d+\.\d+/)?.[0] ?? 'unknown',
  start,
  ownRoutes,
  relays: true,
  hides: new Set(['pathId']),
  check: (folder, config) => {
    const file = `${folder}/check.conf`;
    fs.writeFileSync(file, config);
    return attempt('bird', '-p', '-c', file);
  },
  absent: {},
};
