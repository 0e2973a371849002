// needs: root ip bird
/** A fabric without addresses: two links, each to a BIRD, and both ends called the same on both. One route by both is one kernel
 *  route with two ways, of each family; IPv4 has IPv6 next hops (RFC 8950). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { type Bird, type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  namespaces = makeNamespaces('nl');
  speakers = speakersIn(namespaces);
});
afterEach(async () => {
  await speakers.remove();
  namespaces.remove();
});

/** Our end of every link is fe80::2, the other fe80::1, and neither has any other address. */
function link(spine: string, device: string): void {
  namespaces.ip('g', `link add ${device} type veth peer name eth0 netns ${namespaces.name(spine)}`);
  for (const [side, name, n] of [
    ['g', device, 2],
    [spine, 'eth0', 1],
  ] as const) {
    namespaces.ip(side, `link set ${name} addrgenmode none`);
    namespaces.ip(side, `addr add fe80::${n}/64 dev ${name} nodad`);
    namespaces.ip(side, `link set ${name} up`);
  }
}

const BIRD = (n: number, asn: number): string => `
log stderr all;
router id 10.9.0.${n};
protocol device { scan time 2; }
protocol static s4 { ipv4; route 198.51.100.0/24 unreachable; route 203.0.113.${n}/32 unreachable; }
protocol static s6 { ipv6; route 2001:db8:1::/48 unreachable; route 2001:db8:2:${n}::/64 unreachable; }
protocol bgp gingham {
  local fe80::1 as ${asn};
  neighbor fe80::2%'eth0' as 65001;
  hold time 30; connect delay time 0; connect retry time 1; error wait time 1, 2;
  ipv4 { import all; export all; extended next hop on; };
  ipv6 { import all; export all; };
}`;

const neighbor = (name: string, device: string): string =>
  `{ name: ${name}, address: "fe80::1", interface: ${device}, asn: 65000, connectRetry: 1, extendedNextHop: true,
     families: [ipv4-unicast, ipv6-unicast] }`;
const GINGHAM = (...neighbors: string[]): string => `
asn: 65001
routerId: 10.9.0.9
originate: [192.0.2.0/24, "2001:db8:9::/48"]
maxPaths: { ebgp: 2 }
neighbors: [${neighbors.join(', ')}]`;

const routes = (family: '-4' | '-6', prefix: string): string =>
  namespaces.ip('g', `${family} route show ${prefix}`).replace(/\s+/g, ' ').trim();
const WAYS = ['via inet6 fe80::1 dev eth1', 'via inet6 fe80::1 dev eth2'];
const waysOf = (text: string): string[] => (text.match(/via (?:inet6 )?fe80::1 dev \w+/g) ?? []).sort();

async function fabric(): Promise<{ node: GinghamNode; birds: readonly Bird[] }> {
  link('s1', 'eth1');
  link('s2', 'eth2');
  const birds = await Promise.all([speakers.bird('s1', BIRD(1, 65000)), speakers.bird('s2', BIRD(2, 65000))]);
  const node = speakers.gingham('g', GINGHAM(neighbor('left', 'eth1'), neighbor('right', 'eth2')));
  await node.start();
  await until('both ways, both families', () => {
    const [four, six] = [routes('-4', '198.51.100.0/24'), routes('-6', '2001:db8:1::/48')];
    return waysOf(four).length === 2 && waysOf(six).length === 2;
  });
  return { node, birds };
}

test('fe80::1 on two links is two next hops: ECMP over both, for IPv6 routes and for IPv4 routes (RFC 4007 6, RFC 8950)', async () => {
  const { node, birds } = await fabric();
  expect(waysOf(routes('-4', '198.51.100.0/24'))).toEqual(WAYS);
  expect(waysOf(routes('-6', '2001:db8:1::/48'))).toEqual(WAYS.map((w) => w.replace('inet6 ', '')));
  // What only one of them has goes to that one.
  for (const [n, device] of [
    [1, 'eth1'],
    [2, 'eth2'],
  ] as const) {
    await until(`what only s${n} has`, () =>
      routes('-4', `203.0.113.${n}/32`).includes(`via inet6 fe80::1 dev ${device}`),
    );
    await until('the same of IPv6', () => routes('-6', `2001:db8:2:${n}::/64`).includes(`via fe80::1 dev ${device}`));
  }
  const { status, out } = node.cli('why', '2001:db8:1::/48');
  expect([status, out]).toEqual([0, expect.stringMatching(/left.*WINS.*right.*shares/is)]);
  const { items } = node.json<{ items: { nextHop: string }[] }>('routes', '2001:db8:1::/48', '--all-paths');
  expect(items.map(({ nextHop }) => nextHop).sort()).toEqual(['fe80::1%eth1', 'fe80::1%eth2']);
  for (const bird of birds)
    await until('they have ours', () => bird.birdc('show', 'route', '192.0.2.0/24', 'all').includes('fe80::2'));
});

test('a link that is cut leaves the other way, at once and without a word from the neighbor, and comes back', async () => {
  await fabric();
  namespaces.ip('s1', 'link set eth0 down');
  const left = (): string[] => [...waysOf(routes('-4', '198.51.100.0/24')), ...waysOf(routes('-6', '2001:db8:1::/48'))];
  await until('one way is left', () => left().join() === 'via inet6 fe80::1 dev eth2,via fe80::1 dev eth2', 20_000);
  namespaces.ip('s1', 'addr replace fe80::1/64 dev eth0 nodad');
  namespaces.ip('s1', 'link set eth0 up');
  await until('both again', () => left().length === 4);
});

test('a withdrawal by one of the two leaves the way of the other', async () => {
  const { birds } = await fabric();
  birds[1]?.birdc('disable', 's6');
  await until('one way is left', () => waysOf(routes('-6', '2001:db8:1::/48')).join() === 'via fe80::1 dev eth1');
  expect(waysOf(routes('-4', '198.51.100.0/24'))).toEqual(WAYS);
  birds[1]?.birdc('enable', 's6');
  await until('both again', () => waysOf(routes('-6', '2001:db8:1::/48')).length === 2);
});
