/** Tunnels between two nodes in namespaces of a real kernel, without routes by BGP: kernel/tunnels/tunnel.ts alone. */
// needs: root ip ping tcpdump

import { spawn } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatIpv4 } from '../../src/base/ipv4.ts';
import type { TunnelStatus } from '../../src/kernel/tunnels/tunnel.ts';
import { bundle } from '../support/bundle.ts';
import { type JsonChild, startJsonChild } from '../support/child-process.ts';
import { makeNamespaces, until } from '../support/namespaces.ts';
import {
  buildFabric,
  capture,
  ip,
  nodeAddress,
  podAddress,
  routeTo,
  specOf,
  transfer,
  tunnelAddress,
} from '../support/tunnel-fabric.ts';

describe.each([
  { encap: 'ipip' as const, setting: 'tc-bpf', carrier: 'tc-bpf', overhead: 20, device: 'tunl0' },
  { encap: 'ipip' as const, setting: 'user-space', carrier: 'user-space', overhead: 20, device: 'tunl0' },
  { encap: 'vxlan' as const, setting: 'auto', carrier: 'kernel', overhead: 50, device: 'vxlan.calico' },
])('$encap by $carrier', ({ encap, setting, carrier, overhead, device }) => {
  const survives = carrier !== 'user-space';
  const ns = makeNamespaces('gt');
  const children: JsonChild[] = [];
  const mtu = 1500 - overhead;
  let program: string;
  const start = (n: number): JsonChild => {
    const child = startJsonChild('ip', 'netns', 'exec', ns.name(`n${n}`), process.execPath, program, setting);
    children.push(child);
    return child;
  };
  const ping = (from: string, to: string, options = ''): boolean =>
    ns.try(from, `ping -c 1 -W 10 ${options} ${to}`).status === 0;
  /** Nobody answers; who would, does at once. */
  const isSilent = (from: string, to: string): boolean => ns.try(from, `ping -c 1 -W 1 ${to}`).status !== 0;

  beforeAll(async () => {
    program = await bundle('test/support/tunnel-child.ts');
    buildFabric(ns);
  });
  afterAll(async () => {
    for (const child of children) await child.kill();
    ns.remove();
  });

  test('ensure makes the device with its MTU, its one /32, and says who carries it', async () => {
    for (const [n, other] of [
      [1, 2],
      [2, 1],
    ] as const) {
      const status = await start(n).ask<TunnelStatus>({ ensure: specOf(encap, n, other) });
      expect(status).toMatchObject({ encap, device, mtu, address: tunnelAddress(n), remotes: 1, problems: [] });
      expect(status.carrier).toBe(carrier);
      expect(status.forwardsWithoutDaemon).toBe(survives);
      expect(ns.ip(`n${n}`, `-4 -o addr show dev ${device}`)).toMatch(new RegExp(`inet ${tunnelAddress(n)}/32 `));
      ns.ip(`n${n}`, routeTo(encap, other));
    }
    expect(ns.ip('n1', `link show ${device}`)).toMatch(new RegExp(`<.*UP.*> mtu ${mtu} `));
  });

  test('pods of two nodes ping each other, and two routers take two from the TTL', () => {
    const said = ns.sh('p1', `ping -c 3 -i 0.05 -W 2 ${podAddress(2)}`);
    expect(said).toContain('ttl=62');
    expect(said).toContain(' 0% packet loss');
    expect(ping('p2', podAddress(1))).toBe(true);
    expect(ping('n1', tunnelAddress(2))).toBe(true);
  });

  test('a packet of exactly the MTU passes unfragmented and one byte more is refused', () => {
    ns.ip('p1', `link set eth0 mtu ${mtu + 1}`);
    ns.ip('n1', `link set cali1 mtu ${mtu + 1}`);
    expect(ping('p1', podAddress(2), `-M do -s ${mtu - 28}`)).toBe(true);
    const more = ns.try('p1', `ping -c 1 -W 1 -M do -s ${mtu - 27} ${podAddress(2)}`);
    expect(more.status).not.toBe(0);
    expect(more.out).toContain(`(mtu = ${mtu})`);
    ns.ip('p1', 'link set eth0 mtu 1500');
    ns.ip('n1', 'link set cali1 mtu 1500');
  });

  test('the underlay carries the encapsulation that was asked for, from node address to node address', async () => {
    const filter = encap === 'ipip' ? 'ip proto 4' : 'udp port 4789';
    const inner = new RegExp(`${podAddress(1)} > ${podAddress(2)}: ICMP echo request`);
    const seen = await capture(ns, 1, filter, inner, () => ping('p1', podAddress(2), '-Q 0x28 -M do'));
    const outer =
      encap === 'ipip'
        ? `${nodeAddress(1)} > ${nodeAddress(2)}: `
        : `${nodeAddress(1)}\\.\\d+ > ${nodeAddress(2)}\\.4789: VXLAN`;
    expect(seen).toMatch(new RegExp(outer));
    // RFC 2003 §3.1: TOS and DF of the outer header are the inner one's.
    if (encap === 'ipip') expect(seen).toMatch(/\(tos 0x28, ttl 64, .*flags \[DF\], proto IPIP \(4\), length 104\)/);
  });

  test('ten megabytes of TCP arrive with the same checksum', async () => {
    const [sent, got] = await transfer(ns, 1, 2, 10 << 20);
    expect(got).toBe(sent);
    expect(sent).toHaveLength(32);
  });

  test('a second ensure with the same words changes nothing, and makes no event of any device', async () => {
    // The kernel's own link-local addresses are tentative for a second; they are no work of ours.
    await until('addresses are settled', () => !ns.ip('n1', 'addr show').includes('tentative'));
    const monitor = spawn('ip', ['-n', ns.name('n1'), 'monitor', 'link', 'address', 'route']);
    let events = '';
    monitor.stdout.on('data', (d) => {
      events += d;
    });
    ns.ip('n1', 'link set lo mtu 65000');
    await until('the monitor listens', () => {
      ns.ip('n1', `link set lo mtu ${65000 + (Date.now() % 100)}`);
      return events.includes('lo');
    });
    // What the kernel has asked for by itself grows old by itself.
    const neighbours = (): string => ns.ip('n1', 'neigh').replace(/ (REACHABLE|STALE|DELAY|PROBE)\b/g, '');
    const state = (): string => ns.ip('n1', '-d link') + neighbours() + ns.ip('n1', 'addr show');
    const before = state();
    await children[0]?.ask({ ensure: specOf(encap, 1, 2) });
    expect(state()).toBe(before);
    ns.ip('n1', 'link set lo mtu 60000');
    await until('the monitor saw all', () => events.includes('mtu 60000'));
    monitor.kill();
    expect(events).not.toContain(device);
    expect(ping('p1', podAddress(2))).toBe(true);
  });

  test('a wrong address and a wrong MTU are mended, and a foreign neighbour of ours goes', async () => {
    ns.ip('n1', `addr add 10.99.99.99/32 dev ${device}`);
    ns.ip('n1', `addr del ${tunnelAddress(1)}/32 dev ${device}`);
    ns.ip('n1', `link set ${device} mtu 1400`);
    ns.ip('n1', `neigh add 192.168.34.77 dev ${device} lladdr 02:00:01:02:03:04 nud permanent`);
    await children[0]?.ask({ ensure: specOf(encap, 1, 2) });
    const addresses = ns.ip('n1', `-4 -o addr show dev ${device}`);
    expect(addresses).toContain(`inet ${tunnelAddress(1)}/32`);
    expect(addresses).not.toContain('10.99.99.99');
    expect(ns.ip('n1', `link show ${device}`)).toContain(`mtu ${mtu} `);
    expect(ns.ip('n1', `neigh show dev ${device} nud permanent`)).not.toContain('192.168.34.77');
    expect(ping('p1', podAddress(2))).toBe(true);
  });

  test('a remote that joins becomes reachable, one that leaves does not stay', async () => {
    await start(3).ask({ ensure: specOf(encap, 3, 1) });
    ns.ip('n3', routeTo(encap, 1));
    ns.ip('n1', routeTo(encap, 3));
    expect(isSilent('p3', podAddress(1))).toBe(true); // node 1 does not know node 3
    if (encap === 'ipip') {
      const [status] = (await children[0]?.ask<TunnelStatus[]>({ status: true })) ?? [];
      expect(status?.counters?.dropped['unknown-remote']).toBeGreaterThan(0);
    }
    await children[0]?.ask({ ensure: specOf(encap, 1, 2, 3) });
    expect(ping('p3', podAddress(1))).toBe(true);
    await children[0]?.ask({ ensure: specOf(encap, 1, 2) });
    expect(isSilent('p3', podAddress(1))).toBe(true);
    expect(ping('p1', podAddress(2))).toBe(true);
  });

  test('device, address and routes outlive the process, and the next one adopts them', async () => {
    const index = ns.sh('n1', `cat /sys/class/net/${device}/ifindex`);
    await children[0]?.kill();
    expect(ns.ip('n1', 'route')).toContain(`dev ${device} proto bird onlink`);
    expect(isSilent('p1', podAddress(2))).toBe(!survives);
    children[0] = startJsonChild('ip', 'netns', 'exec', ns.name('n1'), process.execPath, program, setting);
    expect(await children[0].ask({ resume: true })).toBe(encap === 'ipip');
    expect(ping('p1', podAddress(2))).toBe(true); // by what the kernel remembers, before anyone said who is there
    await children[0].ask({ ensure: specOf(encap, 1, 2) });
    expect(ns.sh('n1', `cat /sys/class/net/${device}/ifindex`)).toBe(index);
    expect(ping('p1', podAddress(2))).toBe(true);
  });

  test('after a link that went down and came up packets cross again', async () => {
    const link = encap === 'ipip' ? 'tunl0-x' : device;
    ns.ip('n1', `link set ${link} down`);
    ns.ip('n1', `link set ${link} up`);
    if (encap === 'vxlan') {
      await children[0]?.ask({ ensure: specOf(encap, 1, 2) }); // the kernel forgot the neighbours
      ns.ip('n1', routeTo(encap, 2));
    }
    await until('the pods ping again', () => !isSilent('p1', podAddress(2)));
  });

  test('a device that was deleted comes back with the next ensure', async () => {
    ns.ip('n1', `link del ${device}`);
    const status = await children[0]?.ask<TunnelStatus>({ ensure: specOf(encap, 1, 2) });
    expect(status).toMatchObject({ device, problems: [] });
    ns.ip('n1', routeTo(encap, 2));
    expect(ping('p1', podAddress(2))).toBe(true);
  });

  test('a changed node address is taken over', async () => {
    ns.ip('n1', 'addr add 192.168.34.151/24 dev eth0');
    const spec = { ...specOf(encap, 1, 2), local: ip('192.168.34.151') };
    await children[0]?.ask({ ensure: spec });
    const remote = specOf(encap, 2, 1).remotes.map((r) => ({ ...r, address: spec.local }));
    await children[1]?.ask({ ensure: { ...specOf(encap, 2, 1), remotes: remote } });
    if (encap === 'ipip')
      ns.ip('n2', `route replace 10.244.1.0/26 via ${formatIpv4(spec.local)} dev tunl0 proto bird onlink`);
    else ns.ip('n1', routeTo(encap, 2)); // a vxlan device with another local address is another device
    expect(ping('p1', podAddress(2))).toBe(true);
  });

  test('remove takes the device away, and a second time is success', async () => {
    expect(await children[0]?.ask({ remove: encap })).toEqual({});
    expect(ns.try('n1', `ip link show ${device}`).status).not.toBe(0);
    expect(await children[0]?.ask({ remove: encap })).toEqual({});
  });

  test('a foreign device of that name is left alone and named', async () => {
    ns.ip('n1', `link add ${device} type bridge`);
    const answer = await children[0]?.ask<{ error: string }>({ ensure: specOf(encap, 1, 2) });
    expect(answer?.error).toContain(`A device ${device} of kind "bridge" is there that Gingham did not make`);
    expect(ns.try('n1', `ip link show ${device}`).status).toBe(0);
  });
});
