/** A pod's cable on a real kernel: kernel/pods/pod-wiring.ts and kernel/devices/gateway.ts. */
// needs: root ip ping arping
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ipv4, parseIpv4 } from '../../src/base/ipv4.ts';
import { GATEWAY_PREFIX, gatewayRoute } from '../../src/kernel/devices/gateway.ts';
import { HOST_SIDE_MAC, type PodWire } from '../../src/kernel/pods/pod-wire.ts';
import { createPodWiring, type PodWiring } from '../../src/kernel/pods/pod-wiring.ts';
import { type NetlinkClient, openNetlink } from '../../src/netlink/client.ts';
import { getLink } from '../../src/netlink/read.ts';
import { addRoute } from '../../src/netlink/route.ts';
import { makeNamespaces, type Namespaces, run } from '../support/namespaces.ts';

let ns: Namespaces;
let netlink: NetlinkClient;
let wiring: PodWiring;
let wire: PodWire;

beforeEach(async () => {
  ns = makeNamespaces('gp');
  netlink = await openNetlink({ netns: ns.path('node') });
  wiring = createPodWiring({ netlink });
  wire = {
    netns: ns.path('pod'),
    ifName: 'eth0',
    hostInterface: 'cali8eecb1f59c6',
    address: parseIpv4('10.244.104.7') as Ipv4,
    mac: '0a:58:0a:f4:68:07',
    mtu: 1480,
  };
});
afterEach(() => {
  netlink.close();
  ns.remove();
});

const setting = (key: string): string => ns.sh('node', `sysctl -n net.ipv4.${key}`).trim();

test('a wired pod has a /32, the two routes of a Calico pod, its MAC and its MTU', async () => {
  await wiring.wire(wire);
  expect(ns.ip('pod', '-4 -o addr show dev eth0')).toMatch(/inet 10\.244\.104\.7\/32 /);
  expect(ns.ip('pod', 'route').replaceAll(' \n', '\n')).toBe(
    'default via 169.254.1.1 dev eth0\n169.254.1.1 dev eth0 scope link\n',
  );
  expect(ns.ip('pod', 'link show eth0')).toMatch(/<.*UP,LOWER_UP> mtu 1480 [\s\S]*link\/ether 0a:58:0a:f4:68:07/);
  expect(ns.ip('pod', 'link show lo')).toContain('LOOPBACK,UP');
  expect(ns.ip('node', 'link show cali8eecb1f59c6')).toMatch(
    /<.*UP,LOWER_UP> mtu 1480 [\s\S]*link\/ether ee:ee:ee:ee:ee:ee/,
  );
  expect(await wiring.check(wire)).toEqual([]);
});

test('the host side answers for others, forwards, checks the source strictly, and does not wait', async () => {
  await wiring.wire(wire);
  const conf = `conf.${wire.hostInterface}`;
  expect(setting(`${conf}.proxy_arp`)).toBe('1');
  expect(setting(`${conf}.forwarding`)).toBe('1');
  expect(setting(`${conf}.rp_filter`)).toBe('1');
  expect(setting(`${conf}.route_localnet`)).toBe('1');
  expect(setting(`neigh.${wire.hostInterface}.proxy_delay`)).toBe('0');
});

test('arping 169.254.1.1 is answered from ee:ee:ee:ee:ee:ee when the node has a default route', async () => {
  ns.ip('node', 'link add up0 type bridge');
  ns.ip('node', 'link set up0 up');
  ns.ip('node', 'addr add 192.168.34.101/24 dev up0');
  ns.ip('node', 'route add default via 192.168.34.1 dev up0');
  await wiring.wire(wire);
  ns.ip('node', `route add 10.244.104.7/32 dev ${wire.hostInterface} scope link`);
  expect(arping()).toContain('[ee:ee:ee:ee:ee:ee]'.toUpperCase());
});

test('without a default route it is answered once the gateway route is there, and not before', async () => {
  await wiring.wire(wire);
  ns.ip('node', `route add 10.244.104.7/32 dev ${wire.hostInterface} scope link`);
  expect(arping(1)).toContain('Received 0 response(s)');
  const lo = await getLink(netlink, 'lo');
  const { target } = gatewayRoute(12);
  expect(target.nextHops).toEqual([{ device: 'lo', onlink: false }]);
  const { address: dst, length: len } = GATEWAY_PREFIX;
  await netlink.request(addRoute({ dst, len, oif: lo?.index ?? 0, scope: 253, protocol: target.protocol }));
  expect(arping()).toContain('[EE:EE:EE:EE:EE:EE]');
  expect(ns.ip('node', 'route')).toContain('169.254.1.1 dev lo proto bird scope link');
});

const arping = (forSec = 10): string => ns.try('pod', `arping -f -c 1 -w ${forSec} -I eth0 169.254.1.1`).out;

test('pod and node ping each other, and so do two pods of one node', async () => {
  ns.ip('node', 'addr add 192.168.34.101/32 dev lo');
  ns.ip('node', 'route add 169.254.1.1/32 dev lo scope link');
  ns.sh('node', 'sysctl -qw net.ipv4.ip_forward=1');
  const second: PodWire = {
    ...wire,
    netns: ns.path('pod2'),
    hostInterface: 'cali00000000002',
    address: parseIpv4('10.244.104.8') as Ipv4,
    mac: '0a:58:0a:f4:68:08',
  };
  await wiring.wire(wire);
  await wiring.wire(second);
  ns.ip('node', `route add 10.244.104.7/32 dev ${wire.hostInterface} scope link`);
  ns.ip('node', `route add 10.244.104.8/32 dev ${second.hostInterface} scope link`);
  expect(ns.sh('node', 'ping -c 1 -W 10 10.244.104.7')).toContain('ttl=64');
  expect(ns.sh('pod', 'ping -c 1 -W 10 10.244.104.8')).toContain('ttl=63');
  expect(ns.sh('pod', 'ping -c 1 -W 10 192.168.34.101')).toContain('ttl=64');
});

test('a repeated wire keeps the interface, and a half-made one is replaced', async () => {
  await wiring.wire(wire);
  const before = await getLink(netlink, wire.hostInterface);
  await wiring.wire(wire);
  expect((await getLink(netlink, wire.hostInterface))?.index).toBe(before?.index);
  ns.ip('pod', 'route del default');
  expect((await wiring.check(wire)).map((r) => r.text)).toEqual(['the pod has no default route via 169.254.1.1.']);
  await wiring.wire(wire);
  expect(await wiring.check(wire)).toEqual([]);
  expect((await getLink(netlink, wire.hostInterface))?.mac).toBe(HOST_SIDE_MAC);
});

test('check names what is wrong: address, MTU, a missing interface, a namespace that is gone', async () => {
  expect((await wiring.check(wire)).map((r) => r.text)).toEqual(['cali8eecb1f59c6 is not there.']);
  await wiring.wire(wire);
  ns.ip('pod', 'addr add 10.9.9.9/32 dev eth0');
  expect(await wiring.check(wire)).toEqual([]);
  ns.ip('pod', 'addr del 10.244.104.7/32 dev eth0');
  ns.ip('pod', 'link set eth0 mtu 1400');
  const said = (await wiring.check(wire)).map((r) => r.text);
  expect(said).toContain('eth0 in the pod has MTU 1400, not 1480.');
  expect(said).toContain('eth0 in the pod has not got 10.244.104.7/32.');
  const gone = await wiring.check({ ...wire, netns: '/run/netns/gingham-no-such' });
  expect(gone.map((r) => r.text)).toEqual(['/run/netns/gingham-no-such cannot be entered (ENOENT).']);
});

test('a pod namespace that is gone is an error with its path, and leaves nothing behind', async () => {
  const missing = { ...wire, netns: '/run/netns/gingham-no-such' };
  await expect(wiring.wire(missing)).rejects.toThrow('namespace /run/netns/gingham-no-such cannot be opened: ENOENT');
  expect(await getLink(netlink, wire.hostInterface)).toBeUndefined();
});

test('an eth0 that another network made is an error, and leaves nothing behind', async () => {
  ns.ip('pod', 'link add eth0 type bridge');
  await expect(wiring.wire(wire)).rejects.toThrow('has a device eth0 already');
  expect(await getLink(netlink, wire.hostInterface)).toBeUndefined();
});

test('a failure inside the pod takes the new interface away again', async () => {
  ns.ip('pod', 'route add blackhole default'); // the default route of the pod is taken
  await expect(wiring.wire(wire)).rejects.toThrow('add route 0.0.0.0/0: EEXIST');
  expect(await getLink(netlink, wire.hostInterface)).toBeUndefined();
  expect(ns.try('pod', 'ip link show eth0').status).not.toBe(0);
});

test('unwire takes both ends away, twice is success, also when the namespace went first', async () => {
  await wiring.wire(wire);
  await wiring.unwire(wire.hostInterface);
  expect(ns.try('pod', 'ip link show eth0').status).not.toBe(0);
  await wiring.unwire(wire.hostInterface);
  await wiring.wire(wire);
  run('ip', 'netns', 'del', ns.name('pod'));
  await wiring.unwire(wire.hostInterface);
  expect(await getLink(netlink, wire.hostInterface)).toBeUndefined();
});

test('a device of that name which is no veth is left alone and named', async () => {
  ns.ip('node', `link add ${wire.hostInterface} type bridge`);
  await expect(wiring.wire(wire)).rejects.toThrow('is a device of kind "bridge" that Gingham did not make');
  expect(await getLink(netlink, wire.hostInterface)).toBeDefined();
});
