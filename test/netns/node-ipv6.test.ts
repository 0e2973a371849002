// needs: root ip
/** `gingham node` with neighbors over IPv6: link-local addresses told apart by their interface, TTL security, and a password
 *  that changes under the session. IPv4 routes go over it with the router id as next hop. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let namespaces: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  namespaces = makeNamespaces('n6');
  speakers = speakersIn(namespaces);
});
afterEach(async () => {
  await speakers.remove();
  namespaces.remove();
});

/** One end of a link has fe80::1, the other fe80::2, whichever link it is. */
function cable(left: string, right: string, device: string, subnet: string): void {
  namespaces.ip(left, `link add ${device} type veth peer name ${device} netns ${namespaces.name(right)}`);
  for (const [side, n] of [
    [left, 1],
    [right, 2],
  ] as const) {
    namespaces.ip(side, `addr add ${subnet}.${n}/24 dev ${device}`);
    namespaces.ip(side, `addr add fe80::${n}/64 dev ${device} nodad`);
    namespaces.ip(side, `addr add 2001:db8:${subnet.split('.')[1]}::${n}/64 dev ${device} nodad`);
    namespaces.ip(side, `link set ${device} up`);
  }
}

interface PeerList {
  items: {
    name: string;
    state: string;
    flaps: number;
    stateSince: string;
    agreed?: { local: string; remote: string; outgoing: boolean };
    counts?: { received: number };
  }[];
}
const peers = (node: GinghamNode) => node.json<PeerList>('peers').items;
const allUp = (node: GinghamNode, count: number) =>
  until(
    'all sessions are up',
    () => peers(node).filter((p) => p.state === 'Established').length === count && peers(node),
  );
const routes = (side: string): string[] =>
  namespaces
    .ip(side, 'route show proto bgp')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

test('one link-local address on two links is two sessions, and IPv4 routes have the router id as next hop', async () => {
  cable('m', 'l', 'eth0', '10.1.0');
  cable('m', 'r', 'eth1', '10.2.0');
  const node = (side: string, routerId: string, asn: number, originate: string, neighbors: string): GinghamNode =>
    speakers.gingham(side, `asn: ${asn}\nrouterId: ${routerId}\noriginate: [${originate}]\nneighbors: [${neighbors}]`);
  // The kernel has made link-local addresses of its own beside ours, and would rather take those.
  const dialled = 'connectRetry: 1, ttlSecurity: 1, localAddress: "fe80::1"';
  const middle = node(
    'm',
    '10.1.0.1',
    65000,
    '192.0.2.0/24',
    `{ name: left, address: "fe80::2", interface: eth0, asn: 65001, ${dialled} },
     { name: right, address: "fe80::2", interface: eth1, asn: 65002, ${dialled} }`,
  );
  const left = node(
    'l',
    '10.1.0.2',
    65001,
    '198.51.100.0/24',
    '{ address: "fe80::1", interface: eth0, asn: 65000, passive: true, ttlSecurity: 1 }',
  );
  const right = node(
    'r',
    '10.2.0.2',
    65002,
    '203.0.113.0/24',
    '{ address: "fe80::1", interface: eth1, asn: 65000, passive: true, ttlSecurity: 1 }',
  );
  await Promise.all([middle, left, right].map((n) => n.start()));
  const up = await allUp(middle, 2);
  expect(up.map((p) => p.agreed?.remote)).toEqual(['[fe80::2]:179', '[fe80::2]:179']);
  await until('routes of both', () => routes('m').length === 2);
  expect(routes('m').sort()).toEqual(['198.51.100.0/24 via 10.1.0.2 dev eth0', '203.0.113.0/24 via 10.2.0.2 dev eth1']);
  expect(peers(left)[0]).toMatchObject({ name: 'fe80::1', agreed: { outgoing: false } });
  await until('a route back', () => routes('l').includes('192.0.2.0/24 via 10.1.0.1 dev eth0'));
});

test.each([
  ['IPv4', '10.1.0.'],
  ['IPv6', '2001:db8:1::'],
])('a password changes by SIGHUP on both sides under a session that stays up, %s', async (_, net) => {
  cable('a', 'b', 'eth0', '10.1.0');
  const yaml = (me: number, password: string): string => `
asn: ${65000 + me}
routerId: 10.1.0.${me}
originate: [192.0.${me}.0/24]
neighbors: [{ name: other, address: "${net}${3 - me}", asn: ${65003 - me}, connectRetry: 1, password: ${password} }]`;
  const [a, b] = [speakers.gingham('a', yaml(1, 'first')), speakers.gingham('b', yaml(2, 'first'))];
  await Promise.all([a.start(), b.start()]);
  const [before] = await allUp(a, 1);
  a.write(yaml(1, 'second'));
  a.hup();
  await until('a has it', () => /other.*password changed/.test(a.log()) || a.log().includes('"password"'));
  b.write(`${yaml(2, 'second')}\nlogLevel: debug`);
  b.hup();
  await until('b has it', () => b.log().includes('"password"'));
  // A new route, signed with the new key.
  a.write(`${yaml(1, 'second').replace('originate: [', 'originate: [198.51.100.0/24, ')}`);
  a.hup();
  await until('the route', () => routes('b').some((r) => r.startsWith('198.51.100.0/24')));
  // Both dial: one that was up a moment before the collision was settled has been down once, before all this.
  const { flaps, stateSince } = before ?? {};
  expect(peers(a)[0]).toMatchObject({ state: 'Established', flaps, stateSince });
});
