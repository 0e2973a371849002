// needs: root ip bird
/** Settings of neighbours beside BIRD 2: IPv6 routes, ADD-PATH, limits, ranges of neighbours, reflection. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { cable, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  namespaces = makeNamespaces('pb');
  speakers = speakersIn(namespaces);
  cable(namespaces, 'g', 'b');
});
afterEach(async () => {
  await speakers.remove();
  namespaces.remove();
});

interface PeerList {
  items: {
    name: string;
    kind: string;
    state: string;
    reason?: { code: string; text: string };
    counts?: { received: number };
  }[];
}
const peersOf = (node: GinghamNode): PeerList['items'] => node.json<PeerList>('peers').items;
const established = (node: GinghamNode, count = 1) =>
  until('the sessions are up', () => peersOf(node).filter((p) => p.state === 'Established').length === count);

const bgp = (name: string, local: string, us: string, asn: number, more = ''): string => `
protocol bgp ${name} {
  local ${local} as ${asn}; neighbor ${us} as 65001;
  connect delay time 0; connect retry time 1; error wait time 1, 2;
  ${more}
}`;
/** One BIRD as several speakers: 10.9.0.N talks with our 10.9.0.1N, because it has one protocol per remote address. */
function addresses(...lasts: readonly number[]): void {
  for (const last of lasts) {
    if (last !== 2) namespaces.ip('b', `addr add 10.9.0.${last}/24 dev eth0`);
    namespaces.ip('g', `addr add 10.9.0.1${last}/24 dev eth0`);
  }
}

const CHANNEL = 'ipv4 { import all; export where source = RTS_STATIC; next hop self; };';
const BIRD = (rest: string): string => `
log stderr all;
router id 10.9.0.2;
protocol device { scan time 2; }
${rest}`;

test('IPv6 routes go both ways over an IPv6 session, and into the kernel', async () => {
  for (const [side, last] of [
    ['g', 1],
    ['b', 2],
  ] as const)
    namespaces.ip(side, `addr add 2001:db8::${last}/64 dev eth0 nodad`);
  const bird = await speakers.bird(
    'b',
    BIRD(`
protocol static { ipv6; route fd00:b::/64 unreachable; }
${bgp('gingham', '2001:db8::2', '2001:db8::1', 65002, 'ipv6 { import all; export where source = RTS_STATIC; next hop self; };')}`),
  );
  const node = speakers.gingham(
    'g',
    `
asn: 65001
routerId: 10.9.0.1
originate: ['fd00:a::/64']
neighbors: [{ name: bird, address: '2001:db8::2', asn: 65002, families: [ipv6-unicast], connectRetry: 1 }]`,
  );
  await node.start();
  await established(node);
  await until('our route is there', () =>
    bird.birdc('show', 'route', 'fd00:a::/64', 'all').includes('BGP.as_path: 65001'),
  );
  expect(bird.birdc('show', 'route', 'fd00:a::/64', 'all')).toContain('BGP.next_hop: 2001:db8::1');
  await until('its route is in the kernel', () => namespaces.ip('g', '-6 route').includes('fd00:b::/64 via'));
});

test('ADD-PATH: BIRD hears both paths of a prefix', async () => {
  const twice = (name: string, last: number, asn: number): string =>
    bgp(
      name,
      `10.9.0.${last}`,
      `10.9.0.1${last}`,
      asn,
      `ipv4 { import none; export where proto = "static1"; next hop self; };`,
    );
  addresses(2, 3, 4);
  const bird = await speakers.bird(
    'b',
    BIRD(`
ipv4 table heard;
protocol static static1 { ipv4; route 198.51.100.0/25 unreachable; }
${twice('one', 2, 65002)}
${twice('two', 3, 65003)}
${bgp('many', '10.9.0.4', '10.9.0.14', 65004, 'ipv4 { table heard; import all; export none; add paths rx; };')}`),
  );
  const node = speakers.gingham(
    'g',
    `
asn: 65001
routerId: 10.9.0.1
neighbors:
  - { name: one, address: 10.9.0.2, localAddress: 10.9.0.12, asn: 65002, connectRetry: 1 }
  - { name: two, address: 10.9.0.3, localAddress: 10.9.0.13, asn: 65003, connectRetry: 1 }
  - { name: many, address: 10.9.0.4, localAddress: 10.9.0.14, asn: 65004, connectRetry: 1, transit: true, addPath: { send: true } }`,
  );
  await node.start();
  await established(node, 3);
  const heard = (): string => bird.birdc('show', 'route', 'table', 'heard', 'all');
  await until('two paths', () => /65001 65002/.test(heard()) && /65001 65003/.test(heard()));
});

test('maxPrefixes idle: Cease/1, down for the time that is said, and up again', async () => {
  const bird = await speakers.bird(
    'b',
    BIRD(`
protocol static few { ipv4; route 198.51.100.0/25 unreachable; }
protocol static more { disabled yes; ipv4; route 198.51.101.0/25 unreachable; route 198.51.102.0/25 unreachable; }
${bgp('gingham', '10.9.0.2', '10.9.0.1', 65002, CHANNEL)}`),
  );
  const node = speakers.gingham(
    'g',
    `
asn: 65001
routerId: 10.9.0.1
neighbors: [{ name: bird, address: 10.9.0.2, asn: 65002, connectRetry: 1, maxPrefixes: { limit: 2, restart: 3 } }]`,
  );
  await node.start();
  await established(node);
  bird.birdc('enable', 'more');
  await until('the session is held', () => peersOf(node)[0]?.reason?.code === 'MAX_PREFIXES');
  expect(peersOf(node)[0]?.reason?.text).toMatch(/stays down for \d s more/);
  // Its log and not its state: it dials on, and is turned away.
  await until('BIRD was told why', () => bird.log().includes('Maximum number of prefixes reached'));
  bird.birdc('disable', 'more');
  await established(node);
  expect(peersOf(node)[0]?.counts?.received).toBe(1);
});

test('a neighbour by its range: taken by address, with its AS, and gone with its session', async () => {
  const bird = await speakers.bird(
    'b',
    BIRD(`
protocol static { ipv4; route 198.51.100.0/25 unreachable; }
${bgp('gingham', '10.9.0.2', '10.9.0.1', 65077, CHANNEL)}`),
  );
  const node = speakers.gingham(
    'g',
    `
asn: 65001
routerId: 10.9.0.1
dynamicNeighbors: [{ prefix: 10.9.0.0/24, asns: [65070-65079], limit: 3, gracefulRestart: false }]`,
  );
  await node.start();
  await established(node);
  expect(peersOf(node)).toMatchObject([{ name: '10.9.0.2', kind: 'dynamic' }]);
  await until('its route is in the kernel', () => namespaces.ip('g', 'route').includes('198.51.100.0/25 via 10.9.0.2'));
  bird.birdc('disable', 'gingham');
  await until('it is gone', () => peersOf(node).length === 0);
  await until('so is its route', () => !namespaces.ip('g', 'route').includes('198.51.100.0/25'));
});

test('reflection: a client hears what another announces, with ORIGINATOR_ID and CLUSTER_LIST (RFC 4456)', async () => {
  addresses(2, 3);
  const bird = await speakers.bird(
    'b',
    BIRD(`
ipv4 table heard;
protocol static static1 { ipv4; route 198.51.100.0/25 unreachable; }
${bgp('sender', '10.9.0.2', '10.9.0.12', 65001, 'ipv4 { import none; export where proto = "static1"; next hop self; };')}
${bgp('hearer', '10.9.0.3', '10.9.0.13', 65001, 'router id 10.9.0.3; ipv4 { table heard; import all; export none; };')}`),
  );
  const client = 'asn: 65001, connectRetry: 1, transit: true, routeReflectorClient: true';
  const node = speakers.gingham(
    'g',
    `
asn: 65001
routerId: 10.9.0.1
clusterId: 10.0.0.7
neighbors:
  - { name: from, address: 10.9.0.2, localAddress: 10.9.0.12, ${client} }
  - { name: to, address: 10.9.0.3, localAddress: 10.9.0.13, ${client} }`,
  );
  await node.start();
  await established(node, 2);
  const heard = (): string => bird.birdc('show', 'route', 'table', 'heard', 'all');
  await until('it is reflected', () => heard().includes('198.51.100.0/25'));
  expect(heard()).toContain('BGP.originator_id: 10.9.0.2');
  expect(heard()).toContain('BGP.cluster_list: 10.0.0.7');
});
