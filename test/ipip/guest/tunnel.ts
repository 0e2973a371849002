/** Runs in the guest: kernel/tunnels/tunnel.ts between three nodes, of which two have the kernel's tunl0 and one our own carrier.
 *  argv: the bundle of test/support/tunnel-child.ts. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { type Ipv4, parseIpv4 } from '../../../src/base/ipv4.ts';
import type { TunnelSpec, TunnelStatus } from '../../../src/kernel/tunnels/tunnel.ts';
import { type JsonChild, startJsonChild } from '../../support/child-process.ts';
import { makeNamespaces } from '../../support/namespaces.ts';
import { say } from './say.ts';

const ns = makeNamespaces('u');
const program = process.argv[2] as string;
const ip = (text: string): Ipv4 => parseIpv4(text) as Ipv4;
const children: JsonChild[] = [];
const start = (n: number, setting: string): JsonChild => {
  const child = startJsonChild('ip', 'netns', 'exec', ns.name(`n${n}`), process.execPath, program, setting);
  children.push(child);
  return child;
};
const ping = (from: string, to: string, options = ''): boolean =>
  ns.try(from, `ping -c 1 -W 5 ${options} ${to}`).status === 0;
const specOf = (n: number, ...remotes: number[]): TunnelSpec => ({
  encap: 'ipip',
  address: ip(`10.244.${n}.0`),
  mtu: 1480,
  local: ip(`192.168.34.10${n}`),
  underlay: 'eth0',
  remotes: remotes.map((r) => ({ address: ip(`192.168.34.10${r}`) })),
});
const routeTo = (n: number, other: number): string =>
  ns.ip(`n${n}`, `route add 10.244.${other}.0/26 via 192.168.34.10${other} dev tunl0 proto bird onlink`);

function addNode(n: number): void {
  const node = `n${n}`;
  const pod = `p${n}`;
  ns.ip(node, `link add eth0 type veth peer name port${n} netns ${ns.name('fabric')}`);
  ns.ip('fabric', `link set port${n} master br0 up`);
  ns.ip(node, 'link set eth0 up');
  ns.ip(node, `addr add 192.168.34.10${n}/24 dev eth0`);
  ns.sh(node, 'sysctl -qw net.ipv4.ip_forward=1');
  ns.ip(node, `link add cali${n} type veth peer name eth0 netns ${ns.name(pod)}`);
  ns.ip(node, `link set cali${n} up`);
  ns.ip(node, `addr add 169.254.1.1/32 dev cali${n}`);
  ns.ip(node, `route add 10.244.${n}.2/32 dev cali${n} scope link`);
  ns.ip(pod, 'link set eth0 up');
  ns.ip(pod, `addr add 10.244.${n}.2/32 dev eth0`);
  ns.ip(pod, 'route add 169.254.1.1 dev eth0');
  ns.ip(pod, 'route add default via 169.254.1.1');
}

ns.ip('fabric', 'link add br0 type bridge');
ns.ip('fabric', 'link set br0 up');
addNode(1);
addNode(2);
const first = start(1, 'auto');

await say('asking for ipip loads the module, and the kernel carries tunl0', async () => {
  assert.ok(!fs.readFileSync('/proc/modules', 'latin1').includes('ipip '));
  const status = await first.ask<TunnelStatus>({ ensure: specOf(1, 2) });
  assert.equal(status.carrier, 'kernel', JSON.stringify(status));
  assert.deepEqual(status.notUsed, []);
  assert.deepEqual(status.problems, []);
  assert.equal(status.forwardsWithoutDaemon, true);
  assert.match(ns.ip('n1', '-d link show tunl0'), /<.*UP.*> mtu 1480[\s\S]* ipip any/);
  assert.match(ns.ip('n1', '-4 addr show dev tunl0'), /inet 10\.244\.1\.0\/32 /);
});
await say('a second node finds tunl0 that came with the module, and adopts it', async () => {
  const status = await start(2, 'auto').ask<TunnelStatus>({ ensure: specOf(2, 1) });
  assert.equal(status.carrier, 'kernel', JSON.stringify(status));
  routeTo(1, 2);
  routeTo(2, 1);
  assert.match(ns.ip('n1', 'route'), /^10\.244\.2\.0\/26 via 192\.168\.34\.102 dev tunl0 proto bird onlink/m);
});
await say('pods ping across the kernel tunnel, TTL 62, exactly the MTU and not one byte more', () => {
  assert.match(ns.sh('p1', 'ping -c 1 -W 5 10.244.2.2'), /ttl=62/);
  for (const [device, at] of [
    ['eth0', 'p1'],
    ['cali1', 'n1'],
  ] as const)
    ns.ip(at, `link set ${device} mtu 1481`);
  assert.ok(ping('p1', '10.244.2.2', '-M do -s 1452'));
  assert.match(ns.try('p1', 'ping -c 1 -W 1 -M do -s 1453 10.244.2.2').out, /mtu = 1480/);
});
await say('a second ensure changes nothing, and a wrong address goes', async () => {
  const before = ns.ip('n1', 'addr show tunl0');
  await first.ask({ ensure: specOf(1, 2) });
  assert.equal(ns.ip('n1', 'addr show tunl0'), before);
  ns.ip('n1', 'addr add 10.99.99.99/32 dev tunl0');
  await first.ask({ ensure: specOf(1, 2) });
  assert.equal(ns.ip('n1', 'addr show tunl0'), before);
});
await say('the user-space carrier does not take the name of the kernel device, and says so', async () => {
  const answer = await start(2, 'user-space').ask<{ error?: string }>({ ensure: specOf(2, 1) });
  assert.match(answer.error ?? '', /A device tunl0 of kind "ipip" is there/);
});

// From here on a new namespace has no tunl0 of its own.
fs.writeFileSync('/proc/sys/net/core/fb_tunnels_only_for_init_net', '1');
addNode(3);
await say('our own carrier and the kernel speak the same IPIP', async () => {
  const status = await start(3, 'user-space').ask<TunnelStatus>({ ensure: specOf(3, 1, 2) });
  assert.equal(status.carrier, 'user-space', JSON.stringify(status));
  routeTo(3, 1);
  routeTo(1, 3);
  assert.ok(ping('p3', '10.244.1.2', '-M do -s 1452'));
  assert.ok(ping('p1', '10.244.3.2'));
});
await say('a tunnel of our own gives way to the kernel when the kernel is demanded', async () => {
  await children.at(-1)?.kill();
  const auto = await start(3, 'auto').ask<TunnelStatus>({ ensure: specOf(3, 1) });
  assert.equal(auto.carrier, 'tc-bpf'); // on the pair that user space left
  assert.equal(auto.notUsed[0]?.code, 'CARRIER_KERNEL_NAME_IS_TAKEN');
  await children.at(-1)?.kill();
  const status = await start(3, 'kernel').ask<TunnelStatus>({ ensure: specOf(3, 1) });
  assert.equal(status.carrier, 'kernel', JSON.stringify(status));
  routeTo(3, 1);
  assert.ok(ping('p3', '10.244.1.2'));
});
await say('the kernel goes on when the daemons are dead', async () => {
  for (const child of children) await child.kill();
  assert.ok(ping('p1', '10.244.2.2'));
});
await say('remove leaves the kernel device bare: it came with the module and cannot go', async () => {
  const last = start(1, 'auto');
  assert.deepEqual(await last.ask({ remove: 'ipip' }), {});
  assert.match(ns.ip('n1', 'link show tunl0'), /state DOWN/);
  assert.doesNotMatch(ns.ip('n1', 'addr show tunl0'), /inet /);
});
process.exit(0);
