/** ExaBGP as a peer of the matrix: its JSON events are replayed into what it holds, for it has no RIB of its own; commands go
 *  to it through its API process, which reads them from a file. */
import fs from 'node:fs';
import { attempt } from '../../support/namespaces.ts';
import type { Absence, OwnRoutes, PeerDaemon, PeerPlan, Place, RunningDaemon, Spawned } from './peer-daemon.ts';
import { eventually, textOf } from './place.ts';
import { asPathText, optional, prefixesOf, type RouteView } from './route-view.ts';

const ENVIRONMENT = {
  'exabgp.daemon.user': 'root',
  'exabgp.daemon.drop': 'false',
  'exabgp.log.destination': 'stdout',
  'exabgp.log.level': 'INFO',
  'exabgp.cli.pipe': '',
  'exabgp.tcp.port': '179',
  'exabgp.tcp.delay': '0',
};
/** Debian's, with Debian's Python, whatever else stands in PATH. */
const PROGRAM = ['/usr/bin/python3', '/usr/sbin/exabgp'];
const env = (more: Readonly<Record<string, string>> = {}): string[] => [
  'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  ...Object.entries({ ...ENVIRONMENT, ...more }).map(([name, value]) => `${name}=${value}`),
];

const lines = (...all: readonly (string | false | undefined)[]): string => all.filter((l) => l).join('\n');
const familyOf = (plan: PeerPlan): 'ipv4' | 'ipv6' => (plan.ipv6 && plan.extendedNextHop !== true ? 'ipv6' : 'ipv4');
const able = (wanted: unknown): string => (wanted ? 'enable' : 'disable');

function configuration(plan: PeerPlan, folder: string): string {
  const { theirs } = prefixesOf(familyOf(plan) === 'ipv6');
  const rich = [
    'origin incomplete as-path [ 65201 ] med 77 local-preference 250 atomic-aggregate',
    `aggregator ( ${plan.theirAsn}:10.98.0.9 )`,
    'community [ 65002:1 65002:2 ] large-community [ 65002:1:2 ] extended-community [ target:65002:100 ]',
    'originator-id 10.98.0.7 cluster-list [ 10.98.0.8 10.98.0.9 ] attribute [ 0x63 0xe0 0x01020304 ]',
    plan.aigp === true && 'aigp 1234',
  ];
  // For `self` an IPv4 route would take an IPv4 address of its own.
  const nextHop = plan.extendedNextHop === true ? plan.theirAddress : 'self';
  const route = (prefix: string, more = ''): string => `    route ${prefix} next-hop ${nextHop} ${more};`;
  return lines(
    `process api { run /bin/sh ${folder}/api.sh; encoder json; }`,
    `neighbor ${plan.ourAddress} {`,
    `  router-id 10.98.0.2; local-address ${plan.theirAddress}; local-as ${plan.theirAsn}; peer-as ${plan.ourAsn}; hold-time 90;`,
    plan.password !== undefined && `  md5-password "${plan.password}"; md5-base64 false;`,
    plan.ttlSecurity === true && '  outgoing-ttl 255; incoming-ttl 255;',
    '  capability {',
    plan.gracefulRestartSec !== undefined && `    graceful-restart ${plan.gracefulRestartSec};`,
    `    route-refresh enable; asn4 ${able(plan.fourOctetAs !== false)}; extended-message ${able(plan.extendedMessages)};`,
    `    add-path ${plan.addPath ? 'send/receive' : 'disable'}; nexthop ${able(plan.extendedNextHop)};`,
    plan.aigp === true && '    aigp enable;',
    '  }',
    plan.extendedNextHop === true && '  nexthop { ipv4 unicast ipv6; }',
    `  family { ${familyOf(plan)} unicast;${plan.extendedNextHop ? ' ipv6 unicast;' : ''} }`,
    '  static {',
    route(theirs.plain),
    route(theirs.rich, rich.filter((r) => r).join(' ')),
    plan.addPath === true && route(theirs.twoPaths, 'med 1 path-information 0.0.0.1'),
    plan.addPath === true && route(theirs.twoPaths, 'med 2 path-information 0.0.0.2'),
    plan.many === true && theirs.many.map((prefix) => route(prefix)).join('\n'),
    '  }',
    '  api { processes [ api ]; neighbor-changes; receive { parsed; update; open; } }',
    '}',
    '',
  );
}

type Json = Readonly<Record<string, unknown>>;
interface ExaNlri {
  readonly nlri: string;
  readonly 'path-information'?: string;
}
interface ExaUpdate {
  readonly attribute?: Json;
  readonly announce?: Readonly<Record<string, Readonly<Record<string, readonly ExaNlri[]>>>>;
  readonly withdraw?: Readonly<Record<string, readonly ExaNlri[]>>;
}
interface ExaEvent {
  readonly type: string;
  readonly neighbor?: { readonly state?: string; readonly message?: { readonly update?: ExaUpdate } };
}

const pathIdOf = (n: ExaNlri): number | undefined => {
  const octets = n['path-information']?.split('.').map(Number);
  return octets?.reduce((id, octet) => id * 256 + octet, 0);
};

function viewOf(n: ExaNlri, nextHop: string, attribute: Json): RouteView {
  const list = (name: string): readonly (readonly number[])[] =>
    (attribute[name] as readonly (readonly number[])[]) ?? [];
  const asns = (name: string): string => ((attribute[name] as readonly number[] | undefined) ?? []).join(' ');
  const set = asns('as-set');
  const aggregator = (attribute['aggregator'] as string | undefined)?.split(':').join(' ');
  const extended = (attribute['extended-community'] as readonly { readonly string: string }[] | undefined) ?? [];
  return {
    prefix: n.nlri,
    ...optional('pathId', pathIdOf(n)),
    origin: attribute['origin'] as RouteView['origin'],
    asPath: asPathText(set === '' ? asns('as-path') : `${asns('as-path')} {${set}}`),
    nextHop,
    ...optional('med', attribute['med'] as number | undefined),
    ...optional('localPref', attribute['local-preference'] as number | undefined),
    ...optional('atomicAggregate', attribute['atomic-aggregate'] === true ? (true as const) : undefined),
    ...optional('aggregator', aggregator),
    communities: list('community').map((c) => c.join(':')),
    extendedCommunities: extended.map((c) => c.string.replace(/^target:/, 'rt:').replace(/^origin:/, 'ro:')),
    largeCommunities: list('large-community').map((c) => c.join(':')),
    ...optional('originatorId', attribute['originator-id'] as string | undefined),
    clusterList: (attribute['cluster-list'] as readonly string[] | undefined) ?? [],
    ...optional('aigp', attribute['aigp'] === undefined ? undefined : Number(attribute['aigp'])),
    unknown: Object.entries(attribute).flatMap(([name, value]) => {
      const type = name.match(/^attribute-0x([0-9A-F]+)-/i)?.[1];
      return type === undefined
        ? []
        : [`${Number.parseInt(type, 16)} ${String(value).replace(/^0x/, '').toLowerCase()}`];
    }),
  };
}

/** What it would hold if it held anything: a session's end takes all away. */
function replay(text: string): { readonly up: boolean; readonly routes: ReadonlyMap<string, RouteView> } {
  const routes = new Map<string, RouteView>();
  let up = false;
  // Only these: its JSON of a ROUTE-REFRESH is none, every string in it has two pairs of quotes.
  for (const line of text.split('\n').filter((l) => /"type": "(state|update)".*\}$/.test(l))) {
    const event = JSON.parse(line) as ExaEvent;
    const key = (n: ExaNlri): string => `${n.nlri} ${pathIdOf(n) ?? ''}`;
    if (event.type === 'state') {
      up = event.neighbor?.state === 'up';
      if (!up) routes.clear();
    }
    const update = event.neighbor?.message?.update;
    for (const all of Object.values(update?.withdraw ?? {})) for (const n of all) routes.delete(key(n));
    for (const hops of Object.values(update?.announce ?? {}))
      for (const [nextHop, all] of Object.entries(hops))
        for (const n of all) routes.set(key(n), viewOf(n, nextHop, update?.attribute ?? {}));
  }
  return { up, routes };
}

async function start(place: Place, plan: PeerPlan): Promise<RunningDaemon> {
  const at = (name: string): string => `${place.folder}/${name}`;
  const events = at('events.jsonl');
  fs.writeFileSync(at('exabgp.conf'), configuration(plan, place.folder));
  // What it reads is what ExaBGP says, what it writes are commands; tail goes when its shell goes.
  const script = `tail --pid=$$ -n +1 -F ${at('commands')} 2>/dev/null &\nexec cat >> ${events}\n`;
  fs.writeFileSync(at('api.sh'), script);
  const state = (): ReturnType<typeof replay> => replay(textOf(events));
  const tell = async (line: string): Promise<void> =>
    fs.appendFileSync(at('commands'), `neighbor ${plan.ourAddress} ${line}\n`);
  let child: Spawned;
  const up = async (): Promise<void> => {
    fs.writeFileSync(at('commands'), '');
    const log = textOf(at('exabgp.log')).length;
    const bound = env({ 'exabgp.tcp.bind': plan.theirAddress });
    child = place.spawn('exabgp.log', 'env', ...bound, ...PROGRAM, at('exabgp.conf'));
    const loaded = (): boolean => textOf(at('exabgp.log')).slice(log).includes('loaded new configuration');
    await eventually(() => `exabgp runs: ${textOf(at('exabgp.log'))}`, loaded);
  };
  await up();
  return {
    established: async () => state().up,
    received: async (prefix) => [...state().routes.values()].filter((view) => view.prefix === prefix),
    announce: (prefix) => tell(`announce route ${prefix} next-hop self`),
    withdraw: (prefix) => tell(`withdraw route ${prefix} next-hop self`),
    refresh: () => tell(`announce route-refresh ${familyOf(plan)} unicast`),
    shutDown: () => tell('teardown 2'),
    heard: async () => textOf(at('exabgp.log')) + textOf(events),
    crash: () => child.kill('SIGKILL'),
    restart: up,
  };
}

function ownRoutes(plan: PeerPlan): OwnRoutes {
  const ibgp = plan.ourAsn === plan.theirAsn;
  const { theirs } = prefixesOf(familyOf(plan) === 'ipv6');
  const path = ibgp ? '' : String(plan.theirAsn);
  const plain = {
    origin: 'igp' as const,
    asPath: path,
    nextHop: plan.theirAddress,
    ...(ibgp ? { localPref: 100 } : {}),
  };
  return {
    plain: { ...plain, prefix: theirs.plain },
    rich: {
      ...plain,
      prefix: theirs.rich,
      origin: 'incomplete',
      // A configured path is sent as it stands.
      asPath: '65201',
      med: 77,
      ...(ibgp ? { localPref: 250, originatorId: '10.98.0.7', clusterList: ['10.98.0.8', '10.98.0.9'] } : {}),
      atomicAggregate: true,
      aggregator: `${plan.theirAsn} 10.98.0.9`,
      communities: ['65002:1', '65002:2'],
      extendedCommunities: ['rt:65002:100'],
      largeCommunities: ['65002:1:2'],
      unknown: ['99 01020304'],
    },
  };
}

/** Two neighbors: what one says never gets to the other. */
const NO_RIB: Absence = {
  why: 'it has no RIB: it passes on and keeps nothing',
  tried: async (lab) => {
    lab.ours.session.stop({ kind: 'restart' });
    await eventually('it sees us go', async () => !(await lab.daemon.established()));
    const kept = await lab.daemon.received(lab.plain.prefix);
    if (kept.length > 0) throw new Error('it keeps our routes');
    await lab.up();
    return 'its events end with `down`, and there is no command that shows routes received';
  },
};

const DIES_OF_REFRESH: Absence = {
  why: 'it offers capabilities 2 and 70, and does not survive a ROUTE-REFRESH',
  tried: async (lab) => {
    const downs = lab.ours.downs.length;
    lab.ours.session.requestRefresh(lab.ours.config.families?.[0]);
    await eventually('down', () => lab.ours.downs.length > downs);
    const said = /peer reset, message \(\) error\(\)/;
    const line = await eventually('its reason', async () => (await lab.daemon.heard()).match(said)?.[0]);
    await lab.up();
    return `ours ends the session with \`${line}\``;
  },
};

const refusal = (why: string, word: string): Absence => ({
  why,
  word,
  config: `neighbor 10.98.0.1 {
  router-id 10.98.0.2; local-address 10.98.0.2; local-as 65002; peer-as 65001;
  capability { ${word}; }
  family { ipv4 unicast; }
}
`,
  says: /invalid keyword "[^"]*"/,
});

export const exabgp: PeerDaemon = {
  name: 'ExaBGP',
  version: () => attempt('env', ...env(), ...PROGRAM, '--version').out.match(/\d+\.\d+\.\d+/)?.[0] ?? 'unknown',
  start,
  ownRoutes,
  relays: false,
  hides: new Set(),
  check: (folder, config) => {
    const file = `${folder}/check.conf`;
    fs.writeFileSync(file, config);
    return attempt('env', ...env(), ...PROGRAM, '-t', file);
  },
  absent: {
    unknown: NO_RIB,
    'graceful-restart-ours': NO_RIB,
    'enhanced-refresh-theirs': NO_RIB,
    'refresh-ours': DIES_OF_REFRESH,
    'enhanced-refresh-ours': DIES_OF_REFRESH,
    'shutdown-ours': {
      why: 'its reader of Cease/2 with a text is at odds with its Python',
      tried: async (lab) => {
        lab.ours.session.stop({ kind: 'leave', text: 'not heard' });
        const said = /can not decode update message of type/;
        const line = await eventually('its complaint', async () => (await lab.daemon.heard()).match(said)?.[0]);
        await lab.up();
        return `ours makes it say \`${line} "3"\``;
      },
    },
    'shutdown-theirs': {
      why: '`teardown` takes a subcode and no text',
      tried: async (lab) => {
        const downs = lab.ours.downs.length;
        await lab.daemon.shutDown('not said');
        const down = await eventually('down', () => lab.ours.downs.slice(downs).find((d) => d.wasEstablished));
        if (down.text.includes('not said')) throw new Error('it does say it');
        return 'what `teardown 2` ends, ends without one';
      },
    },
    aigp: {
      why: '`aigp enable` is taken, but its events do not have the attribute',
      tried: async (lab) => {
        const view = await eventually('our route', async () => (await lab.daemon.received(lab.rich.prefix))[0]);
        if (view.aigp !== undefined) throw new Error('it shows it');
        return 'our route is shown without it';
      },
    },
    role: refusal('no roles', 'role provider'),
    'long-lived': refusal('no long-lived graceful restart', 'long-lived-graceful-restart 60'),
  },
};
