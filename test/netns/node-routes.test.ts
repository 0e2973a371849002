// needs: root ip
/** `gingham node` and the kernel's routes of both families: several equal paths are one route with several next hops, link-local ones
 *  too; a killed daemon leaves them, and the next one keeps what is announced again and sweeps the rest. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';
import { type GinghamNode, type Speakers, speakersIn } from '../support/speaker.ts';

let ns: Namespaces;
let speakers: Speakers;
beforeEach(() => {
  ns = makeNamespaces('nr');
  speakers = speakersIn(ns);
});
afterEach(async () => {
  await speakers.remove();
  ns.remove();
});

/** One end of a link has host 1, the other host 2. */
function cable(left: string, right: string, device: string, n: number): void {
  ns.ip(left, `link add ${device} type veth peer name ${device} netns ${ns.name(right)}`);
  for (const [side, host] of [
    [left, 1],
    [right, 2],
  ] as const) {
    ns.ip(side, `addr add 10.${n}.0.${host}/24 dev ${device}`);
    ns.ip(side, `addr add 2001:db8:${n}::${host}/64 dev ${device} nodad`);
    ns.ip(side, `link set ${device} up`);
  }
}
const shown = (flag: string): string[] =>
  (
    JSON.parse(ns.ip('m', `-j ${flag} route show proto bgp`)) as {
      dst: string;
      gateway?: string;
      nexthops?: { gateway: string }[];
    }[]
  )
    .map(
      (r) =>
        `${r.dst} ${
          r.nexthops
            ?.map((h) => h.gateway)
            .sort()
            .join(' ') ?? r.gateway
        }`,
    )
    .sort();

const middle = (extra = ''): string => `
asn: 65000
routerId: 10.1.0.1
maxPaths: { ebgp: 4 }
families: [ipv4-unicast, ipv6-unicast]
originate: []
${extra}
neighbors:
  - { name: l4, address: 10.1.0.2, asn: 65001, connectRetry: 1, families: [ipv4-unicast] }
  - { name: l6, address: "2001:db8:1::2", asn: 65001, connectRetry: 1, families: [ipv6-unicast] }
  - { name: r4, address: 10.2.0.2, asn: 65001, connectRetry: 1, families: [ipv4-unicast] }
  - { name: r6, address: "2001:db8:2::2", asn: 65001, connectRetry: 1, families: [ipv6-unicast] }`;
const edge = (n: number, originate: string): string => `
asn: 65001
routerId: 10.${n}.0.2
families: [ipv4-unicast, ipv6-unicast]
originate: [${originate}]
neighbors:
  - { name: m4, address: 10.${n}.0.1, asn: 65000, connectRetry: 1, families: [ipv4-unicast] }
  - { name: m6, address: "2001:db8:${n}::1", asn: 65000, connectRetry: 1, families: [ipv6-unicast] }`;
const BOTH = '198.51.100.0/24, "2001:db8:99::/48"';

test('equal paths of two peers are one route with two next hops, in both families; SIGKILL leaves them', async () => {
  cable('m', 'l', 'eth0', 1);
  cable('m', 'r', 'eth1', 2);
  const m = speakers.gingham('m', middle());
  const l = speakers.gingham('l', edge(1, `${BOTH}, 203.0.113.0/24, "2001:db8:97::/48"`));
  const r: GinghamNode = speakers.gingham('r', edge(2, BOTH));
  // Others' routes of the same prefixes, of another metric.
  ns.ip('m', '-4 route add 198.51.100.0/24 via 10.1.0.77 proto static metric 900');
  ns.ip('m', '-6 route add 2001:db8:99::/48 via 2001:db8:1::77 proto static metric 900');
  await Promise.all([m, l, r].map((n) => n.start()));
  const four = ['198.51.100.0/24 10.1.0.2 10.2.0.2', '203.0.113.0/24 10.1.0.2'];
  const six = ['2001:db8:97::/48 2001:db8:1::2', '2001:db8:99::/48 2001:db8:1::2 2001:db8:2::2'];
  await until(
    `two next hops each, not ${shown('-4')} ${shown('-6')}`,
    () => `${shown('-4')}` === `${four}` && `${shown('-6')}` === `${six}`,
  );
  // Killed: the kernel goes on forwarding, and what is announced again stays, without the rest.
  await m.stop('SIGKILL');
  expect([shown('-4'), shown('-6')]).toEqual([four, six]);
  await l.stop('SIGTERM');
  l.write(edge(1, BOTH));
  await l.start();
  await m.start();
  await until('swept, and the rest kept', () => shown('-4').length === 1 && shown('-6').length === 1);
  await until('two next hops again', () => shown('-4')[0] === four[0] && shown('-6')[0] === six[1]);
  await r.stop('SIGKILL');
  r.write(edge(2, '192.0.2.0/24'));
  await r.start();
  await until('one next hop is left', () => shown('-6')[0] === '2001:db8:99::/48 2001:db8:1::2');
  expect(ns.ip('m', '-4 route show proto static')).toContain('198.51.100.0/24 via 10.1.0.77');
  expect(ns.ip('m', '-6 route show proto static')).toContain('2001:db8:99::/48 via 2001:db8:1::77');
});

test('without global addresses the next hop is link-local, on the link of its neighbor', async () => {
  ns.ip('m', `link add eth0 type veth peer name eth0 netns ${ns.name('l')}`);
  for (const [side, host] of [
    ['m', 1],
    ['l', 2],
  ] as const) {
    ns.ip(side, `addr add fe80::${host}/64 dev eth0 nodad`);
    ns.ip(side, 'link set eth0 up');
  }
  const node = (side: string, me: number, originate: string): GinghamNode =>
    speakers.gingham(
      side,
      `
asn: ${65000 + me}
routerId: 10.0.0.${me}
originate: [${originate}]
neighbors: [{ address: "fe80::${3 - me}", interface: eth0, asn: ${65003 - me}, connectRetry: 1, localAddress: "fe80::${me}", families: [ipv6-unicast] }]`,
    );
  const m = node('m', 1, '"2001:db8:1::/48"');
  const l = node('l', 2, '"2001:db8:2::/48"');
  await Promise.all([m, l].map((n) => n.start()));
  await until('the route', () => shown('-6')[0] === '2001:db8:2::/48 fe80::2');
  expect(ns.ip('m', '-6 route show proto bgp')).toContain('via fe80::2 dev eth0');
});
