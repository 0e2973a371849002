// needs: root ip bird
/** `gingham node --config` beside BIRD 2: sessions, routes both ways, and every way down. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { cable, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  namespaces = makeNamespaces('nb');
  speakers = speakersIn(namespaces);
  cable(namespaces, 'g', 'b');
});
afterEach(async () => {
  await speakers.remove();
  namespaces.remove();
});

const BIRD = (options: { asn: number; extra?: string }): string => `
log stderr all;
router id 10.9.0.2;
protocol device { scan time 2; }
protocol direct { ipv4; interface "*"; }
protocol kernel { ipv4 { export where source = RTS_BGP; }; }
protocol static { ipv4; route 198.51.100.0/25 unreachable; route 198.51.100.128/25 unreachable; }
protocol bgp gingham {
  local 10.9.0.2 as ${options.asn};
  neighbor 10.9.0.1 as 65001;
  hold time 30; connect delay time 0; connect retry time 1; error wait time 1, 2;
  graceful restart on; graceful restart time 20;
  ${options.extra ?? ''}
  ipv4 { import all; export where source = RTS_STATIC; next hop self; };
}`;
const GINGHAM = (options: { asn: number; extra?: string; neighbor?: string }): string => `
asn: 65001
routerId: 10.9.0.1
${options.extra ?? ''}
originate: [192.0.2.0/26, 192.0.2.64/26]
neighbors: [{ name: bird, address: 10.9.0.2, asn: ${options.asn}, ${options.neighbor ?? 'connectRetry: 1'} }]`;

/** TcpExt counters come as a line of names and a line of values. */
function md5Failures(side: string): number {
  const [names, values] = namespaces
    .sh(side, 'grep ^TcpExt: /proc/net/netstat')
    .split('\n')
    .map((line) => line.split(' '));
  return Number(values?.[names?.indexOf('TCPMD5Failure') ?? -1] ?? 0);
}

interface PeerList {
  items: {
    name: string;
    state: string;
    reason?: { code: string };
    counts?: { received: number; sent: number };
    lastDown?: { reason: { code: string } };
  }[];
}
const established = (node: GinghamNode) =>
  until('the session is up', () => node.json<PeerList>('peers').items.find((p) => p.state === 'Established'));
const routesOf = (side: string): string[] =>
  namespaces
    .ip(side, 'route')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.includes('proto b'))
    .sort();

test.each([
  ['iBGP', 65001, '', 'connectRetry: 1'],
  ['eBGP', 65002, '', 'connectRetry: 1'],
  ['eBGP with TCP MD5', 65002, 'password "s3cret";', 'connectRetry: 1, password: s3cret'],
  ['eBGP, we passive', 65002, '', 'passive: true'],
  ['eBGP, BIRD passive', 65002, 'passive on;', 'connectRetry: 1'],
])('%s: the session comes up and both sides install what they learn', async (_name, asn, birdExtra, neighbor) => {
  const bird = await speakers.bird('b', BIRD({ asn, extra: birdExtra }));
  const node = speakers.gingham('g', GINGHAM({ asn, neighbor }));
  await node.start();
  await established(node);
  await until('routes on our side', () => routesOf('g').length === 2);
  expect(routesOf('g')).toEqual([
    '198.51.100.0/25 via 10.9.0.2 dev eth0 proto bgp',
    '198.51.100.128/25 via 10.9.0.2 dev eth0 proto bgp',
  ]);
  await until('routes on BIRD’s side', () => routesOf('b').length === 2);
  expect(routesOf('b')).toEqual([
    '192.0.2.0/26 via 10.9.0.1 dev eth0 proto bird metric 32',
    '192.0.2.64/26 via 10.9.0.1 dev eth0 proto bird metric 32',
  ]);
  // BIRD's own words for the attributes we sent.
  const sent = bird.birdc('show', 'route', '192.0.2.0/26', 'all');
  expect(sent).toContain('BGP.origin: IGP');
  expect(sent).toMatch(asn === 65001 ? /BGP\.as_path:\s*\n/ : /BGP\.as_path: 65001\n/);
  expect(sent).toContain('BGP.next_hop: 10.9.0.1');
  expect(node.json<PeerList>('peers').items[0]?.counts).toMatchObject({ received: 2, sent: 2 });
  // A withdrawal there is a deletion here.
  bird.birdc('disable', 'static1');
  await until('the withdrawn routes are gone', () => routesOf('g').length === 0);
});

test('the wrong password is silence, and says so instead of pretending', async () => {
  await speakers.bird('b', BIRD({ asn: 65002, extra: 'password "right";' }));
  const node = speakers.gingham('g', GINGHAM({ asn: 65002, neighbor: 'connectRetry: 1, password: wrong' }));
  await node.start();
  // BIRD's kernel drops our SYNs without an answer, and counts them: from then on silence is a fact, not a guess.
  await until('a SYN was dropped for its signature', () => md5Failures('b') > 0);
  const peer = node.json<PeerList>('peers').items[0];
  expect(peer?.state).not.toBe('Established');
  expect(node.cli('status').status).toBe(3);
});

test('a wrong AS ends in NOTIFICATION 2/2, and peers goes on showing it while BIRD is silent (RFC 4271 6.2)', async () => {
  const bird = await speakers.bird('b', BIRD({ asn: 65002 }));
  const node = speakers.gingham('g', GINGHAM({ asn: 65003 }));
  await node.start();
  const reason = () => node.json<PeerList>('peers').items[0]?.reason?.code;
  await until('the AS is named', () => reason() === 'BAD_PEER_AS' || reason() === 'NOTIFICATION_RECEIVED');
  // BIRD's error wait closes our next attempts without a word; that must not hide the cause.
  await until('BIRD waits after the error', () => /Error|Idle|Active/.test(bird.birdc('show', 'protocols', 'gingham')));
  expect(['BAD_PEER_AS', 'NOTIFICATION_RECEIVED']).toContain(reason());
});

test('restart: BIRD keeps our routes as stale over SIGKILL and over SIGTERM, and ours stay in the kernel', async () => {
  const bird = await speakers.bird('b', BIRD({ asn: 65002 }));
  const node = speakers.gingham('g', GINGHAM({ asn: 65002 }));
  await node.start();
  await until('converged', () => routesOf('g').length === 2 && routesOf('b').length === 2);
  for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
    await node.stop(signal);
    await until('BIRD saw it', () => !/Established/.test(bird.birdc('show', 'protocols', 'gingham')));
    expect(routesOf('g')).toHaveLength(2);
    expect(routesOf('b')).toHaveLength(2);
    await node.start();
    await established(node);
    await until('End-of-RIB is in', () => node.log().match(/initial routes are in/g)?.length !== undefined);
    expect(routesOf('g')).toHaveLength(2);
    expect(routesOf('b')).toHaveLength(2);
  }
});

test('leave: `node drain --now` takes our routes from BIRD at once, with Cease/2 and a text', async () => {
  const bird = await speakers.bird('b', BIRD({ asn: 65002 }));
  const node = speakers.gingham('g', GINGHAM({ asn: 65002 }));
  await node.start();
  await until('converged', () => routesOf('b').length === 2);
  expect(node.cli('node', 'drain', '--now').status).toBe(0);
  await until('our routes are gone from BIRD’s kernel', () => routesOf('b').length === 0, 20_000); // BIRD's hold time is 30 s
  expect(bird.birdc('show', 'protocols', 'all', 'gingham')).toMatch(/Administrative shutdown/i);
});

test('BIRD dying with SIGKILL and coming back loses no route of it here', async () => {
  const bird = await speakers.bird('b', BIRD({ asn: 65002 }));
  const node = speakers.gingham('g', GINGHAM({ asn: 65002 }));
  await node.start();
  await until('converged', () => routesOf('g').length === 2);
  await bird.kill('SIGKILL');
  await until('we saw it', () => node.json<PeerList>('peers').items[0]?.state !== 'Established');
  expect(routesOf('g')).toHaveLength(2);
  await speakers.bird('b', BIRD({ asn: 65002 }));
  await established(node);
  expect(routesOf('g')).toHaveLength(2);
});

test('a reload in BIRD has us send everything once more between BoRR and EoRR, and costs no route (RFC 7313)', async () => {
  const bird = await speakers.bird('b', BIRD({ asn: 65002, extra: 'debug { packets };' }));
  const node = speakers.gingham('g', GINGHAM({ asn: 65002 }));
  await node.start();
  await established(node);
  await until('routes on both sides', () => routesOf('g').length === 2 && routesOf('b').length === 2);
  bird.birdc('reload', 'in', 'gingham');
  await until('the end of the refresh', () => /Got END-OF-RR/.test(bird.log()));
  expect(bird.log()).toMatch(/Sending ROUTE-REFRESH[\s\S]*Got BEGIN-OF-RR[\s\S]*Got UPDATE[\s\S]*Got END-OF-RR/);
  expect([routesOf('g').length, routesOf('b').length]).toEqual([2, 2]);
  expect(await established(node)).toMatchObject({ counts: { received: 2, sent: 2 } });
});
