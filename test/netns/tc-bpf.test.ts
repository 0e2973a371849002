/** What the tc-bpf carrier can do beyond the common sentences of tunnel.test.ts: nothing is lost while programs are swapped or
 *  their maker dies, it speaks with the other carriers, mends what was taken from it, and leaves nothing behind. */
// needs: root ip ping tcpdump tc
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TunnelStatus } from '../../src/kernel/tunnels/tunnel.ts';
import { bundle } from '../support/bundle.ts';
import { type JsonChild, startJsonChild } from '../support/child-process.ts';
import { makeNamespaces, until } from '../support/namespaces.ts';
import { buildFabric, nodeAddress, pinging, podAddress, routeTo, specOf, transfer } from '../support/tunnel-fabric.ts';

const ns = makeNamespaces('gb');
const children: JsonChild[] = [];
let program: string;
const start = (n: number, setting = 'auto'): JsonChild => {
  const child = startJsonChild('ip', 'netns', 'exec', ns.name(`n${n}`), process.execPath, program, setting);
  children.push(child);
  return child;
};
/** What the user-space carrier needs, and bpf(2) not enough. */
const startWeak = (n: number, setting: string): JsonChild => {
  const weak = ['setpriv', '--bounding-set=-all,+net_admin,+net_raw', '--inh-caps=-all'];
  const child = startJsonChild('ip', 'netns', 'exec', ns.name(`n${n}`), ...weak, process.execPath, program, setting);
  children.push(child);
  return child;
};
const ping = (from: string, to: string, options = ''): boolean =>
  ns.try(from, `ping -c 1 -W 10 ${options} ${to}`).status === 0;
/** Nobody answers; who would, does at once. */
const isSilent = (from: string, to: string): boolean => ns.try(from, `ping -c 1 -W 1 ${to}`).status !== 0;
const filters = (n: number, device: string): string => ns.sh(`n${n}`, `tc filter show dev ${device} ingress`);
const qdiscs = (n: number): string => ns.sh(`n${n}`, 'tc qdisc show');
const statusOf = async (child: JsonChild): Promise<TunnelStatus> => {
  const [status] = await child.ask<TunnelStatus[]>({ status: true });
  if (status === undefined) throw new Error('no tunnel');
  return status;
};

beforeAll(async () => {
  program = await bundle('test/support/tunnel-child.ts');
  buildFabric(ns);
});
afterAll(async () => {
  for (const child of children) await child.kill();
  ns.remove();
});

describe('two nodes with tc-bpf, one with user space', () => {
  let one: JsonChild;
  let two: JsonChild;
  let three: JsonChild;
  beforeAll(async () => {
    ns.ip('n1', 'link set eth0 txqueuelen 0'); // as Docker makes them
    one = start(1);
    two = start(2);
    three = start(3, 'user-space');
    await one.ask({ ensure: specOf('ipip', 1, 2, 3) });
    await two.ask({ ensure: specOf('ipip', 2, 1, 3) });
    await three.ask({ ensure: specOf('ipip', 3, 1, 2) });
    for (const [n, other] of [
      [1, 2],
      [1, 3],
      [2, 1],
      [2, 3],
      [3, 1],
      [3, 2],
    ] as const)
      ns.ip(`n${n}`, routeTo('ipip', other));
  });

  test('auto chooses it where the kernel has no ipip, and says so', async () => {
    const status = await statusOf(one);
    expect(status.carrier).toBe('tc-bpf');
    expect(status.notUsed.map((r) => r.code)).toEqual(['CARRIER_KERNEL_HAS_NO_IPIP']);
    expect(filters(1, 'eth0')).toMatch(/pref 4 bpf .*handle 0x4 gingham_decap direct-action/);
    expect(filters(1, 'tunl0-x')).toMatch(/pref 4 bpf .*handle 0x4 gingham_encap direct-action/);
  });

  test('a device without a queue stays without', () => {
    expect(ns.sh('n1', 'ip -o link show eth0')).not.toContain('qlen');
  });

  test.each([
    [1, 2],
    [1, 3],
    [3, 1],
  ])('node %i to node %i: full-size packets, and ten megabytes of TCP with the same checksum', async (from, to) => {
    ns.ip(`p${from}`, 'link set eth0 mtu 1500');
    expect(ping(`p${from}`, podAddress(to), '-M do -s 1452')).toBe(true);
    const [sent, got] = await transfer(ns, from, to, 10 << 20);
    expect(got).toBe(sent);
    expect(sent).toHaveLength(32);
  });

  test('counters say what crossed, and what an unknown node sent was dropped', async () => {
    const before = (await statusOf(one)).counters;
    expect(ping('p1', podAddress(2), '-c 3 -i 0.05')).toBe(true);
    await one.ask({ ensure: specOf('ipip', 1, 2) }); // node 3 is unknown from here on
    expect(isSilent('p3', podAddress(1))).toBe(true);
    const after = (await statusOf(one)).counters;
    expect((after?.txPackets ?? 0) - (before?.txPackets ?? 0)).toBeGreaterThanOrEqual(3);
    expect((after?.rxBytes ?? 0) - (before?.rxBytes ?? 0)).toBeGreaterThanOrEqual(3 * 84);
    expect(after?.dropped['unknown-remote']).toBeGreaterThan(0);
    await one.ask({ ensure: specOf('ipip', 1, 2, 3) });
    expect(ping('p3', podAddress(1))).toBe(true);
  });

  test('a route that leads a packet back to this node ends in a counted drop, not in a loop', async () => {
    ns.ip('n1', `neigh add ${nodeAddress(9)} dev tunl0 lladdr 02:00:c0:a8:22:65 nud permanent`); // 192.168.34.101: our own
    ns.ip('n1', `route add 10.244.9.0/26 via ${nodeAddress(9)} dev tunl0 onlink`);
    expect(isSilent('p1', '10.244.9.1')).toBe(true);
    expect((await statusOf(one)).counters?.dropped['next-hop-is-ourselves']).toBe(1);
    ns.ip('n1', 'route del 10.244.9.0/26');
  });

  test('twenty swaps of both programs under pings lose none and double none', async () => {
    const other = start(1);
    const pings = pinging(ns, 1, 2, 2);
    const ids = new Set<string>();
    for (let i = 0; i < 20; i++) {
      // Each finds the other's programs and puts its own in their place: what a restart does, without waiting for Node.js.
      await (i % 2 === 0 ? other : one).ask({ ensure: specOf('ipip', 1, 2, 3) });
      ids.add(/ id (\d+) /.exec(filters(1, 'eth0'))?.[1] ?? 'none');
    }
    expect(ids.size).toBe(2);
    const { sent, ...faults } = await pings.end();
    expect(faults).toEqual({ lost: 0, duplicates: 0 });
    expect(sent).toBeGreaterThan(100);
    await other.kill();
    await one.ask({ ensure: specOf('ipip', 1, 2, 3) });
  });

  test('kill -9 under pings loses none, and the next process takes over without losing one', async () => {
    const pings = pinging(ns, 1, 2, 5);
    await one.kill();
    expect(ping('p1', podAddress(2))).toBe(true); // nobody is there
    one = start(1);
    expect(await one.ask({ resume: true })).toBe(true);
    await one.ask({ ensure: specOf('ipip', 1, 2, 3) });
    const { sent, ...faults } = await pings.end(60);
    expect(faults).toEqual({ lost: 0, duplicates: 0 });
    expect(sent).toBeGreaterThan(40);
  });

  test('a deleted qdisc comes back by itself, and so do the programs of a pair that was deleted', async () => {
    ns.sh('n1', 'tc qdisc del dev eth0 clsact');
    await until('decapsulation is back', () => filters(1, 'eth0').includes('gingham_decap'));
    expect(ping('p1', podAddress(2))).toBe(true);
    ns.ip('n1', 'link del tunl0');
    await until('encapsulation is back', () =>
      ns.try('n1', 'tc filter show dev tunl0-x ingress').out.includes('gingham_encap'),
    );
    for (const other of [2, 3]) ns.ip('n1', routeTo('ipip', other));
    await until('pods ping', () => !isSilent('p1', podAddress(2)));
  });

  test('an underlay that was made anew gets its program back, and while it is away the status says so', async () => {
    ns.ip('n1', 'link del eth0');
    await expect(one.ask({ ensure: specOf('ipip', 1, 2, 3) })).resolves.toMatchObject({
      reasons: [{ code: 'TUNNEL_UNDERLAY_MISSING' }],
    });
    expect((await statusOf(one)).problems).toMatchObject([{ code: 'TUNNEL_UNDERLAY_MISSING' }]);
    ns.ip('n1', `link add eth0 type veth peer name port1 netns ${ns.name('fabric')}`);
    ns.ip('fabric', 'link set port1 master br0 up');
    ns.ip('n1', 'link set eth0 up');
    ns.ip('n1', `addr add ${nodeAddress(1)}/24 dev eth0`);
    await until('decapsulation is back', () => filters(1, 'eth0').includes('gingham_decap'));
    await until('pods ping', () => !isSilent('p1', podAddress(2)));
    expect((await statusOf(one)).problems).toEqual([]);
  });

  test('an underlay of another name gets the program, and the old one is left as it was', async () => {
    ns.ip('n1', 'link set eth0 down');
    ns.ip('n1', 'link set eth0 name uplink');
    ns.ip('n1', 'link set uplink up');
    ns.ip('n1', 'link add eth0 type bridge');
    await one.ask({ ensure: { ...specOf('ipip', 1, 2, 3), underlay: 'uplink' } });
    await until('pods ping', () => !isSilent('p1', podAddress(2)));
    expect(filters(1, 'uplink')).toContain('gingham_decap');
    expect(qdiscs(1)).not.toMatch(/clsact .*dev eth0/);
    ns.ip('n1', 'link del eth0');
    ns.ip('n1', 'link set uplink down');
    ns.ip('n1', 'link set uplink name eth0');
    ns.ip('n1', 'link set eth0 up');
    await one.ask({ ensure: specOf('ipip', 1, 2, 3) });
    await until('pods ping', () => !isSilent('p1', podAddress(2)));
  });

  test('user space takes over from tc-bpf and gives back, on the same device with the same routes', async () => {
    const index = ns.sh('n1', 'cat /sys/class/net/tunl0/ifindex');
    const routes = ns.ip('n1', 'route');
    await one.kill();
    one = start(1, 'user-space');
    expect(await one.ask<TunnelStatus>({ ensure: specOf('ipip', 1, 2, 3) })).toMatchObject({ carrier: 'user-space' });
    expect(qdiscs(1)).not.toContain('clsact');
    const [sent, got] = await transfer(ns, 2, 1, 10 << 20);
    expect(got).toBe(sent);
    await one.kill();
    one = start(1);
    expect(await one.ask({ resume: true })).toBe(true); // by user space, until there is more to go by
    expect(await one.ask<TunnelStatus>({ ensure: specOf('ipip', 1, 2, 3) })).toMatchObject({ carrier: 'tc-bpf' });
    expect(ns.sh('n1', 'cat /sys/class/net/tunl0/ifindex')).toBe(index);
    expect(ns.ip('n1', 'route')).toBe(routes);
    expect(ns.sh('n1', 'ethtool -k tunl0 2>/dev/null || true')).not.toMatch(/^tcp-segmentation-offload: off/m);
    expect(ns.sh('p1', `ping -n -q -c 20 -i 0.005 -W 10 ${podAddress(2)}`)).toMatch(
      /20 packets transmitted, 20 received, 0% packet loss/,
    );
  });

  test("remove takes programs, pair and our qdisc away, and leaves another's qdisc and filter", async () => {
    ns.sh('n2', 'tc qdisc del dev eth0 clsact; tc qdisc add dev eth0 clsact');
    ns.sh('n2', "tc filter add dev eth0 egress prio 9 protocol ip bpf bytecode '1,6 0 0 0,' flowid 1:1");
    await until('the program moved in', () => filters(2, 'eth0').includes('gingham_decap_guest'));
    await until('pods ping', () => !isSilent('p1', podAddress(2)));
    for (const child of [one, two]) expect(await child.ask({ remove: 'ipip' })).toEqual({});
    expect(qdiscs(1)).not.toContain('clsact');
    expect(qdiscs(2)).toMatch(/clsact .*dev eth0/);
    expect(filters(2, 'eth0')).toBe('');
    expect(ns.sh('n2', 'tc filter show dev eth0 egress')).toContain('bytecode');
    for (const n of [1, 2]) expect(ns.try(`n${n}`, 'ip link show tunl0').status).not.toBe(0);
  });
});

describe('where it cannot be', () => {
  test('without privileges it is refused with its reason, and user space takes its place', async () => {
    const child = startWeak(1, 'auto');
    const status = await child.ask<TunnelStatus>({ ensure: specOf('ipip', 1, 2) });
    expect(status.carrier).toBe('user-space');
    expect(status.notUsed.map((r) => r.code)).toEqual(['CARRIER_KERNEL_HAS_NO_IPIP', 'CARRIER_TC_BPF_NOT_PERMITTED']);
    await child.kill();
    const forced = startWeak(1, 'tc-bpf');
    await expect(forced.ask({ ensure: specOf('ipip', 1, 2) })).resolves.toMatchObject({
      reasons: [{ code: 'CARRIER_TC_BPF_NOT_PERMITTED' }],
    });
    await forced.kill();
  });

  test('an underlay without Ethernet is refused with its reason', async () => {
    const child = start(1, 'tc-bpf');
    const answer = await child.ask<{ reasons: { code: string }[] }>({
      ensure: { ...specOf('ipip', 1, 2), underlay: 'lo' },
    });
    expect(answer.reasons).toMatchObject([{ code: 'CARRIER_TC_BPF_UNDERLAY_NOT_ETHERNET' }]);
    await child.ask({ remove: 'ipip' });
  });
});
