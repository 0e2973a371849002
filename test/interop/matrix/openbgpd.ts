/** OpenBGPD as a peer of the matrix: bgpctl's JSON. Its configuration must be mode 0600, and its chroot directory must be there. */
import fs from 'node:fs';
import { attempt } from '../../support/namespaces.ts';
import type { Absence, OwnRoutes, PeerDaemon, PeerPlan, Place, RunningDaemon, Spawned } from './peer-daemon.ts';
import { ask, askJson, eventually, textOf } from './place.ts';
import { asPathText, optional, prefixesOf, type RouteView } from './route-view.ts';

const lines = (...all: readonly (string | false | undefined)[]): string => all.filter((l) => l).join('\n');
const yes = (wanted: unknown): string => (wanted ? 'yes' : 'no');

function neighbor(plan: PeerPlan, address: string, asn: number, more: string): string {
  return lines(
    `neighbor ${address} {`,
    `  remote-as ${asn}`,
    `  local-address ${plan.theirAddress}`,
    `  announce IPv4 ${plan.ipv6 ? 'none' : 'unicast'}`,
    `  announce IPv6 ${plan.ipv6 ? 'unicast' : 'none'}`,
    `  announce add-path recv ${yes(plan.addPath)}`,
    `  announce add-path send ${plan.addPath ? 'all' : 'no'}`,
    `  announce enhanced refresh ${yes(plan.enhancedRefresh)}`,
    `  announce as-4byte ${yes(plan.fourOctetAs !== false)}`,
    '  announce restart yes',
    more,
    '}',
  );
}

function configuration(plan: PeerPlan, folder: string): string {
  const { theirs } = prefixesOf(plan.ipv6);
  const rich =
    'origin incomplete med 77 localpref 250 prepend-self 1 community 65002:1 community 65002:2 large-community 65002:1:2 ext-community rt 65002:100';
  return lines(
    `AS ${plan.theirAsn}`,
    'router-id 10.98.0.2',
    `socket "${folder}/bgpd.sock"`,
    `listen on ${plan.theirAddress}`,
    'fib-update no',
    `network ${theirs.plain}`,
    `network ${theirs.rich} set { ${rich} }`,
    neighbor(
      plan,
      plan.ourAddress,
      plan.ourAsn,
      lines(
        plan.password !== undefined && `  tcp md5sig password "${plan.password}"`,
        plan.ttlSecurity === true && '  ttl-security yes',
        plan.role !== undefined && `  announce policy ${plan.role}`,
      ),
    ),
    neighbor(plan, plan.observer.address, plan.observer.asn, '  passive'),
    'allow from any',
    'allow to any',
    '',
  );
}

interface OpenAttribute {
  readonly type: string;
  readonly AS?: number | string;
  readonly router_id?: string;
  readonly data?: string;
  readonly originator?: string;
  readonly cluster_list?: readonly string[];
  readonly as?: number | string;
}
interface OpenRoute {
  readonly prefix: string;
  readonly aspath: string;
  readonly exit_nexthop: string;
  readonly path_id?: number;
  readonly origin: string;
  readonly metric: number;
  readonly localpref: number;
  readonly communities?: readonly string[];
  readonly extended_communities?: readonly string[];
  readonly large_communities?: readonly string[];
  readonly attributes?: readonly OpenAttribute[];
}

const ORIGINS = { IGP: 'igp', EGP: 'egp', incomplete: 'incomplete' } as const;

function viewOf(route: OpenRoute): RouteView {
  const of = (type: RegExp): OpenAttribute | undefined => route.attributes?.find((a) => type.test(a.type));
  const aggregator = of(/^Aggregator/);
  return {
    prefix: route.prefix,
    ...optional('pathId', route.path_id),
    origin: ORIGINS[route.origin as keyof typeof ORIGINS],
    asPath: asPathText(route.aspath),
    nextHop: route.exit_nexthop,
    // It shows 0 for none.
    ...optional('med', route.metric === 0 ? undefined : route.metric),
    localPref: route.localpref,
    ...optional('atomicAggregate', of(/^Atomic/) === undefined ? undefined : (true as const)),
    ...optional('aggregator', aggregator === undefined ? undefined : `${aggregator.AS} ${aggregator.router_id}`),
    communities: route.communities ?? [],
    extendedCommunities: (route.extended_communities ?? []).map((c) => c.replace(' ', ':')),
    largeCommunities: route.large_communities ?? [],
    ...optional('originatorId', of(/^Originator/)?.originator),
    clusterList: of(/^Cluster/)?.cluster_list ?? [],
    ...optional('onlyToCustomer', of(/^OTC|Only To Customer/i)?.as === undefined ? undefined : Number(of(/^OTC/i)?.as)),
    unknown: (route.attributes ?? []).flatMap((a) => {
      const type = a.type.match(/^Unknown Attribute #(\d+)/)?.[1];
      return type === undefined ? [] : [`${type} ${(a.data ?? '').replaceAll(' ', '')}`];
    }),
  };
}

async function start(place: Place, plan: PeerPlan): Promise<RunningDaemon> {
  const config = `${place.folder}/bgpd.conf`;
  const log = `${place.folder}/bgpd.log`;
  const socket = `${place.folder}/bgpd.sock`;
  fs.writeFileSync(config, configuration(plan, place.folder), { mode: 0o600 });
  const chroot = attempt('getent', 'passwd', '_openbgpd').out.split(':')[5];
  if (chroot !== undefined) fs.mkdirSync(chroot, { recursive: true });
  const bgpctl = async (...command: string[]): Promise<string> => {
    const { status, out, err } = await ask('bgpctl', '-s', socket, ...command);
    if (status !== 0) throw new Error(`bgpctl ${command.join(' ')}: ${out}${err}`);
    return out;
  };
  let child: Spawned;
  const up = async (): Promise<void> => {
    child = place.spawn('bgpd.log', '/usr/sbin/bgpd', '-d', '-v', '-f', config);
    await eventually(
      () => `bgpd answers: ${textOf(log)}`,
      () => bgpctl('show', 'summary'),
    );
  };
  await up();
  return {
    established: async () => /"state": "Established"/.test(await bgpctl('-j', 'show', 'neighbor', plan.ourAddress)),
    received: async (prefix) => {
      const answer = (await askJson(
        'bgpctl',
        '-s',
        socket,
        '-j',
        'show',
        'rib',
        'in',
        'detail',
        'neighbor',
        plan.ourAddress,
      )) as { rib?: readonly OpenRoute[] };
      return (answer.rib ?? []).filter((route) => route.prefix === prefix).map(viewOf);
    },
    announce: async (prefix) => void (await bgpctl('network', 'add', prefix)),
    withdraw: async (prefix) => void (await bgpctl('network', 'delete', prefix)),
    refresh: async () => void (await bgpctl('neighbor', plan.ourAddress, 'refresh')),
    shutDown: async (text) => void (await bgpctl('neighbor', plan.ourAddress, 'down', text)),
    // It logs what is not ASCII in octal: \\342\\230\\225.
    heard: async () => {
      const octets = textOf(log).replace(/\\([0-7]{3})/g, (_all, o: string) =>
        String.fromCharCode(Number.parseInt(o, 8)),
      );
      return Buffer.from(octets, 'latin1').toString('utf8');
    },
    reconnect: async () => void (await bgpctl('neighbor', plan.ourAddress, 'clear')),
    crash: () => child.kill('SIGKILL'),
    restart: up,
  };
}

function ownRoutes(plan: PeerPlan): OwnRoutes {
  const ibgp = plan.ourAsn === plan.theirAsn;
  const { theirs } = prefixesOf(plan.ipv6);
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
      asPath: path(plan.theirAsn),
      med: 77,
      ...(ibgp ? { localPref: 250 } : {}),
      communities: ['65002:1', '65002:2'],
      extendedCommunities: ['rt:65002:100'],
      largeCommunities: ['65002:1:2'],
    },
  };
}

const KEEPS_NOTHING = 'its graceful restart capability names no family: it is there for End-of-RIB only';
const refusable = (line: string): string => `AS 65002\nneighbor 10.98.0.1 {\n  remote-as 65001\n  ${line}\n}\n`;

/** With capabilities 2 and 70 in its OPEN, and whatever the family. */
const REFUSES_REFRESH: Absence = {
  why: 'its offer is not kept: a ROUTE-REFRESH of any kind is refused',
  tried: async (lab) => {
    lab.ours.session.requestRefresh(lab.ours.config.families?.[0]);
    const said = /route refresh: AID .* not negotiated/;
    const line = await eventually('its refusal', async () => (await lab.daemon.heard()).match(said)?.[0]);
    return `ours makes it log \`${line}\``;
  },
};

export const openbgpd: PeerDaemon = {
  name: 'OpenBGPD',
  version: () => attempt('/usr/sbin/bgpd', '-V').out.match(/\d+\.\d+/)?.[0] ?? 'unknown',
  start,
  ownRoutes,
  relays: true,
  hides: new Set(),
  check: (folder, config) => {
    const file = `${folder}/check.conf`;
    fs.writeFileSync(file, config, { mode: 0o600 });
    return attempt('/usr/sbin/bgpd', '-n', '-f', file);
  },
  absent: {
    'refresh-ours': REFUSES_REFRESH,
    'enhanced-refresh-ours': REFUSES_REFRESH,
    'enhanced-refresh-theirs': REFUSES_REFRESH,
    gtsm: {
      why: '`ttl-security` does nothing inside an AS',
      only: (kind) => kind.ibgp,
      withoutSession: true,
      tried: async (lab) => {
        const tooFar = (): boolean => (lab.ours.listening?.counters.tooFar ?? 0) > 0;
        await eventually('its SYN', tooFar);
        return 'the TTL of its SYN is below 255';
      },
    },
    aigp: {
      why: 'no AIGP',
      word: 'set aigp 5',
      config: refusable('set aigp 5'),
      says: /check\.conf:\d+: syntax error/,
    },
    'graceful-restart-ours': {
      why: KEEPS_NOTHING,
      lacks: (agreed) => (agreed.gracefulRestart?.families ?? []).length === 0,
    },
    'graceful-restart-theirs': {
      why: KEEPS_NOTHING,
      lacks: (agreed) => (agreed.gracefulRestart?.families ?? []).length === 0,
    },
    'extended-messages': { why: 'its OPEN has no capability 6', lacks: (agreed) => !agreed.extendedMessages },
    'long-lived': {
      why: 'its OPEN has no capability 71',
      lacks: (agreed) => agreed.longLivedGracefulRestart === undefined,
    },
    'extended-next-hop': {
      why: 'no IPv4 over IPv6 next hops',
      word: 'announce extended nexthop yes',
      config: refusable('announce extended nexthop yes'),
      says: /check\.conf:\d+: syntax error/,
    },
  },
};
