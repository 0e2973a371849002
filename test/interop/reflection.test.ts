// needs: root ip bird frr
/** Two reflectors of ours, each with BIRD, FRR and one of us as clients (RFC 4456): who hears what, with which attributes, what
 *  is refused where it comes back, and that the death of one reflector costs no route anywhere. */
import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type FrrSpeaker, frrSpeaker } from '../support/frr.ts';
import { lan } from '../support/lan.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { type Bird, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

const CLIENTS = ['bird', 'frr', 'gingham'] as const;
type Client = (typeof CLIENTS)[number];
type Reflector = 'r1' | 'r2';
const AT = { r1: '10.9.0.11', r2: '10.9.0.12', bird: '10.9.0.2', frr: '10.9.0.3', gingham: '10.9.0.4' } as const;
const OWN: { readonly [C in Client]: readonly [string, string] } = {
  bird: ['198.51.100.0/25', '198.51.100.128/25'],
  frr: ['203.0.113.0/25', '203.0.113.128/25'],
  gingham: ['192.0.2.0/25', '192.0.2.128/25'],
};

let namespaces: Namespaces;
let speakers: Speakers;
let frr: FrrSpeaker;
let beside: ChildProcess[];
beforeEach(() => {
  namespaces = makeNamespaces('rr');
  speakers = speakersIn(namespaces);
  beside = [];
  lan(namespaces, 'lan', AT);
  frr = frrSpeaker(namespaces, 'frr', FRR);
});
afterEach(async () => {
  for (const child of beside) child.kill('SIGKILL');
  await speakers.remove();
  await frr.remove();
  namespaces.remove();
});

const BIRD = `
log stderr all;
router id ${AT.bird};
protocol device { scan time 2; }
protocol direct { ipv4; interface "*"; }
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
protocol static { ipv4; ${OWN.bird.map((prefix) => `route ${prefix} unreachable;`).join(' ')} }
${(['r1', 'r2'] as const)
  .map(
    (name) => `protocol bgp ${name} {
  local ${AT.bird} as 65001; neighbor ${AT[name]} as 65001;
  connect delay time 0; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export where source = RTS_STATIC; };
}`,
  )
  .join('\n')}`;

const FRR = `
hostname frr
router bgp 65001
 bgp router-id ${AT.frr}
 no bgp default ipv4-unicast
 no bgp network import-check
${[AT.r1, AT.r2].map((at) => ` neighbor ${at} remote-as 65001\n neighbor ${at} timers connect 1\n neighbor ${at} advertisement-interval 0`).join('\n')}
 address-family ipv4 unicast
${OWN.frr.map((prefix) => `  network ${prefix}`).join('\n')}
${[AT.r1, AT.r2].map((at) => `  neighbor ${at} activate`).join('\n')}
 exit-address-family
`;

const client = `
asn: 65001
routerId: ${AT.gingham}
originate: [${OWN.gingham.join(', ')}]
neighbors:
  - { name: r1, address: ${AT.r1}, asn: 65001, connectRetry: 1 }
  - { name: r2, address: ${AT.r2}, asn: 65001, connectRetry: 1 }`;

interface Plan {
  readonly clusterIds: { readonly [R in Reflector]: string };
  readonly gracefulRestart: boolean;
}

/** `deaf`: to its client that is one of us. */
function reflector(name: Reflector, { clusterIds, gracefulRestart }: Plan, deaf = false): string {
  const other = name === 'r1' ? 'r2' : 'r1';
  const line = (peer: Client | Reflector, more: string): string =>
    `  - { name: ${peer}, address: ${AT[peer]}, asn: 65001, connectRetry: 1${more} }`;
  return `
asn: 65001
routerId: ${AT[name]}
clusterId: ${clusterIds[name]}
gracefulRestart: ${gracefulRestart}
kernel: { install: false }
neighbors:
${line(other, '')}
${CLIENTS.map((c) => line(c, `, routeReflectorClient: true${deaf && c === 'gingham' ? ', import: none, nextHop: self' : ''}`)).join('\n')}`;
}

const all = Object.values(OWN).flat();
const learned = new RegExp(`^(${all.join('|').replaceAll('.', '\\.')}) (?:nhid \\d+ )?via ([0-9.]+)`);
/** "198.51.100.0/25 via 10.9.0.2", as the kernel of a client has them. */
const used = (at: Client): string[] =>
  namespaces
    .ip(at, 'route')
    .split('\n')
    .flatMap((line) => {
      const [, prefix, via] = learned.exec(line.trim()) ?? [];
      return prefix === undefined ? [] : [`${prefix} via ${via}`];
    })
    .sort();
/** Of each other client both, once, by itself and not by a reflector. */
const whole = (at: Client): string[] =>
  CLIENTS.filter((c) => c !== at)
    .flatMap((c) => OWN[c].map((prefix) => `${prefix} via ${AT[c]}`))
    .sort();
const allAreWhole = (): Promise<true> =>
  until('every client uses every route', () => CLIENTS.every((c) => String(used(c)) === String(whole(c))) || undefined);

/** "r1 10.9.0.3 10.0.0.7": from whom, ORIGINATOR_ID, CLUSTER_LIST, in BIRD's words. */
function inBird(bird: Bird, prefix: string): string[] {
  const paths = bird.birdc('show', 'route', prefix, 'all').split(/^(?=\S.*\[|\s+unicast \[)/m);
  return paths
    .flatMap((text) => {
      const [from, originator, list] = [
        /unicast \[(\w+) /,
        /BGP\.originator_id: (\S+)/,
        /BGP\.cluster_list: (.*?)\s*$/m,
      ].map((pattern) => pattern.exec(text)?.[1]);
      return from === undefined ? [] : [`${from} ${originator} ${list}`];
    })
    .sort();
}

interface FrrPaths {
  readonly paths?: readonly {
    readonly originatorId?: string;
    readonly clusterList?: { readonly list: readonly string[] };
    readonly peer: { readonly peerId: string };
  }[];
}
function inFrr(prefix: string): string[] {
  const { paths = [] } = JSON.parse(frr.vtysh(`show bgp ipv4 unicast ${prefix} json`)) as FrrPaths;
  return paths.map((p) => `${p.peer.peerId} ${p.originatorId} ${p.clusterList?.list.join(' ')}`).sort();
}

const refused = (node: GinghamNode, from: string): string =>
  node.cli('routes', '--received', '--from', from, '--rejected', '-o', 'json').out;
const count = (text: string, word: string): number => text.split(`"${word}"`).length - 1;

/** Lines of the kernel's about routes that a client learned and lost. */
function losses(): () => string[] {
  const heard: string[] = [];
  for (const c of CLIENTS) {
    const child = spawn('ip', ['netns', 'exec', namespaces.name(c), 'ip', 'monitor', 'route'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    beside.push(child);
    child.stdout?.on('data', (text: Buffer) =>
      heard.push(
        ...String(text)
          .split('\n')
          .map((line) => `${c}: ${line}`),
      ),
    );
  }
  return () => heard.filter((line) => / Deleted /.test(line) && all.some((prefix) => line.includes(prefix)));
}

const SAME: Plan = { clusterIds: { r1: '10.0.0.7', r2: '10.0.0.7' }, gracefulRestart: false };
const APART: Plan = { clusterIds: { r1: '10.0.0.7', r2: '10.0.0.8' }, gracefulRestart: true };

test.each([
  ['one cluster, without graceful restart', SAME],
  ['two clusters, with graceful restart', APART],
])('%s: every client uses every route, and one reflector may die', { timeout: 240_000 }, async (_name, plan) => {
  const [r1, r2] = (['r1', 'r2'] as const).map((name) => speakers.gingham(name, reflector(name, plan))) as [
    GinghamNode,
    GinghamNode,
  ];
  const us = speakers.gingham('gingham', client);
  const [bird] = await Promise.all([speakers.bird('bird', BIRD), frr.start(), r1.start(), r2.start(), us.start()]);
  await allAreWhole();

  const both = (from: Client): string[] => (['r1', 'r2'] as const).map((r) => `${r} ${AT[from]} ${plan.clusterIds[r]}`);
  const attributesAreRight = async (): Promise<void> => {
    for (const from of ['frr', 'gingham'] as const)
      await until(`both paths of ${from} in BIRD`, () => String(inBird(bird, OWN[from][0])) === String(both(from)));
    for (const from of ['bird', 'gingham'] as const) {
      const wanted = (['r1', 'r2'] as const).map((r) => `${AT[r]} ${AT[from]} ${plan.clusterIds[r]}`);
      await until(`both paths of ${from} in FRR`, () => String(inFrr(OWN[from][0])) === String(wanted));
    }
  };
  await attributesAreRight();
  // Nobody is told its own routes by anybody: they would come with no other way to go.
  expect(inBird(bird, OWN.bird[0])).toEqual([]);

  const loops = (): number => count(refused(r1, 'r2'), 'CLUSTER_LOOP');
  if (plan === SAME) await until('what the other reflects is refused', () => loops() === all.length);
  else {
    expect(loops()).toBe(0);
    // Not heard directly, the client's routes come by way of the other reflector, and go back to where they are from: with
    // our next hop, for nobody is sent its own address.
    r1.write(reflector('r1', plan, true));
    expect(r1.cli('config', 'reload').status).toBe(0);
    await until(
      'its own routes come back to the client, which refuses them',
      () => count(refused(us, 'r1'), 'ORIGINATOR_IS_US') === 2 || undefined,
    );
    await until('both clusters are in the list', () =>
      inBird(bird, OWN.gingham[0]).includes(`r1 ${AT.gingham} 10.0.0.7 10.0.0.8`),
    );
    // The way by one cluster is shorter than by two (RFC 4456 9).
    for (const c of ['bird', 'frr'] as const) expect(used(c), c).toEqual(whole(c));
    r1.write(reflector('r1', plan));
    expect(r1.cli('config', 'reload').status).toBe(0);
    await attributesAreRight();
    await allAreWhole();
  }

  const lost = losses();
  await r1.stop('SIGKILL');
  await until('BIRD and FRR saw it', () => !birdIsUp(bird, 'r1') && !frr.established(AT.r1));
  if (!plan.gracefulRestart)
    await until(
      'only the other’s paths are left',
      () => String(inBird(bird, OWN.frr[0])) === `r2 ${AT.frr} ${plan.clusterIds.r2}` || undefined,
    );
  for (const c of CLIENTS) expect(used(c), c).toEqual(whole(c));
  await r1.start();
  await until('it is back', () => birdIsUp(bird, 'r1') && frr.established(AT.r1));
  await attributesAreRight();
  for (const c of CLIENTS) expect(used(c), c).toEqual(whole(c));
  expect(lost()).toEqual([]);
  // What is withdrawn is gone everywhere, and the kernels say so.
  bird.birdc('disable', 'static1');
  await until('the withdrawal was heard', () => lost().length === 4);
});

const birdIsUp = (bird: Bird, name: string): boolean => /Established/.test(bird.birdc('show', 'protocols', name));
