// needs: root ip
/** The netlink port against the kernel, in a namespace of its own: what the client promises, and how it fails. */
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatIp } from '../../src/base/ip.ts';
import { ipv4, parseIpv4 } from '../../src/base/ipv4.ts';
import { addAddress, deleteAddress } from '../../src/netlink/address.ts';
import { type NetlinkClient, openNetlink } from '../../src/netlink/client.ts';
import { deleteLink, newBridge, newVeth, newVxlan, setLink } from '../../src/netlink/link.ts';
import { openMonitor } from '../../src/netlink/monitor.ts';
import {
  addForwarding,
  addNeighbour,
  deleteForwarding,
  deleteNeighbour,
  setProxyDelay,
} from '../../src/netlink/neighbour.ts';
import { dumpAddresses, dumpLinks, dumpNeighbours, dumpRoutes, getLink } from '../../src/netlink/read.ts';
import { NetlinkError } from '../../src/netlink/request.ts';
import { addRoute, deleteRoute } from '../../src/netlink/route.ts';
import { RouteBatch } from '../../src/netlink/route-batch.ts';
import { O_CLOEXEC, O_RDONLY } from '../../src/sys/constants.ts';
import * as ffi from '../../src/sys/ffi.ts';

const NS = `gnl${process.pid}`;
const POD = `gnp${process.pid}`;
const sh = (...args: string[]): string => {
  const r = spawnSync('ip', args, { encoding: 'utf8' });
  if (r.status !== 0) throw new Error(`ip ${args.join(' ')}: ${r.stderr}`);
  return r.stdout;
};
const ip = (t: string): number => parseIpv4(t) as number;

describe('netlink on a real kernel', () => {
  let nl: NetlinkClient;
  beforeAll(async () => {
    sh('netns', 'add', NS);
    sh('netns', 'add', POD);
    nl = await openNetlink({ netns: `/run/netns/${NS}` });
  });
  afterAll(() => {
    nl?.close();
    spawnSync('ip', ['netns', 'del', NS]);
    spawnSync('ip', ['netns', 'del', POD]);
  });
  const index = async (name: string): Promise<number> => (await getLink(nl, name))?.index ?? 0;

  test('lo is there, and a link that is not is undefined', async () => {
    expect(await getLink(nl, 'lo')).toMatchObject({ index: 1, name: 'lo', up: false });
    expect(await getLink(nl, 'nothing0')).toBeUndefined();
    expect((await dumpLinks(nl)).map((l) => l.name)).toContain('lo');
  });

  test('a veth is born with its peer in another namespace, named, with its MAC', async () => {
    const fd = ffi.open(`/run/netns/${POD}`, O_RDONLY | O_CLOEXEC);
    await nl.request(
      newVeth({
        name: 'cali1',
        mtu: 1480,
        mac: 'ee:ee:ee:ee:ee:ee',
        up: true,
        peer: { name: 'eth0', mtu: 1480, mac: '02:00:00:00:00:07', netnsFd: fd },
      }),
    );
    ffi.close(fd);
    expect(await getLink(nl, 'cali1')).toMatchObject({ mtu: 1480, mac: 'ee:ee:ee:ee:ee:ee', up: true, kind: 'veth' });
    const pod = await openNetlink({ netns: `/run/netns/${POD}` });
    expect(await getLink(pod, 'eth0')).toMatchObject({ mtu: 1480, mac: '02:00:00:00:00:07', up: false });
    await pod.request(setLink({ name: 'eth0', up: true }));
    expect((await getLink(pod, 'eth0'))?.up).toBe(true);
    pod.close();
  });

  test('a name in use is EEXIST, with what was asked', async () => {
    const fault = nl.request(newBridge('cali1'));
    await expect(fault).rejects.toThrow(NetlinkError);
    await expect(fault).rejects.toMatchObject({ code: 'EEXIST', errno: 17, what: 'add bridge link cali1' });
  });

  test('IPv4 settings of a link are set without /proc/sys', async () => {
    await nl.request(
      setLink({ name: 'cali1', inet: { forwarding: true, proxyArp: true, rpFilter: 1, routeLocalnet: true } }),
    );
    const read = (key: string): string =>
      spawnSync('ip', ['netns', 'exec', NS, 'cat', `/proc/sys/net/ipv4/conf/cali1/${key}`], { encoding: 'utf8' })
        .stdout;
    expect(['forwarding', 'proxy_arp', 'rp_filter', 'route_localnet'].map((key) => read(key).trim())).toEqual([
      '1',
      '1',
      '1',
      '1',
    ]);
    await nl.request(setProxyDelay({ index: await index('cali1'), ms: 0 }));
    const delay = spawnSync('ip', ['netns', 'exec', NS, 'cat', '/proc/sys/net/ipv4/neigh/cali1/proxy_delay']);
    expect(delay.stdout.toString().trim()).toBe('0');
  });

  test('a bridge takes a port and gives it back', async () => {
    await nl.request(newBridge('br0', { up: true }));
    await nl.request(newVeth({ name: 'eth0', up: true, peer: { name: 'far0' } }));
    await nl.request(setLink({ name: 'far0', up: true, master: await index('br0') }));
    expect((await getLink(nl, 'far0'))?.master).toBe(await index('br0'));
    await nl.request(setLink({ name: 'far0', master: 0 }));
    expect((await getLink(nl, 'far0'))?.master).toBe(0);
    await nl.request(setLink({ index: await index('far0'), up: false, rename: 'far1' }));
    await nl.request(setLink({ name: 'far1', up: true }));
    expect(await getLink(nl, 'far0')).toBeUndefined();
  });

  test('addresses come and go', async () => {
    const eth0 = await index('eth0');
    await nl.request(addAddress({ index: eth0, address: ip('192.168.34.100'), length: 24 }));
    expect(await dumpAddresses(nl, eth0)).toMatchObject([{ address: ip('192.168.34.100'), length: 24, scope: 0 }]);
    await nl.request(addAddress({ index: eth0, address: ip('10.1.1.1'), length: 32, scope: 253 }));
    await nl.request(deleteAddress({ index: eth0, address: ip('10.1.1.1'), length: 32 }));
    expect(await dumpAddresses(nl)).toHaveLength(1);
  });

  test('a vxlan device keeps its settings, and takes forwarding entries and neighbours', async () => {
    const device = await index('eth0');
    const local = ip('192.168.34.100');
    await nl.request(
      newVxlan({ name: 'vxlan.calico', vni: 4096, port: 4789, local, device, mac: '66:00:00:00:00:01', up: true }),
    );
    expect(await getLink(nl, 'vxlan.calico')).toMatchObject({ vxlan: { vni: 4096, port: 4789, local, device } });
    expect(sh('-n', NS, '-d', 'link', 'show', 'vxlan.calico')).toContain('nolearning');
    const at = { index: await index('vxlan.calico'), mac: '66:00:00:00:00:02' };
    await nl.request(addForwarding({ ...at, destination: ip('192.168.34.101') }));
    await nl.request(addNeighbour({ ...at, address: ip('10.244.1.1') }));
    expect(sh('-n', NS, 'neigh')).toContain('10.244.1.1 dev vxlan.calico lladdr 66:00:00:00:00:02 PERMANENT');
    const fdb = await dumpNeighbours(nl, { family: 7, index: at.index });
    expect(fdb).toContainEqual(expect.objectContaining({ mac: at.mac, address: ip('192.168.34.101') }));
    expect(await dumpNeighbours(nl, { index: at.index })).toMatchObject([{ mac: at.mac, address: ip('10.244.1.1') }]);
    await nl.request(deleteForwarding({ ...at, destination: ip('192.168.34.101') }));
    await nl.request(deleteNeighbour({ ...at, address: ip('10.244.1.1') }));
    expect(await dumpNeighbours(nl, { index: at.index })).toEqual([]);
  });

  test('proxied neighbours are dumped apart', async () => {
    const at = { index: await index('cali1'), address: ip('169.254.1.1'), proxy: true };
    await nl.request(addNeighbour(at));
    expect(await dumpNeighbours(nl, { proxy: true })).toMatchObject([{ address: at.address, index: at.index }]);
    await nl.request(deleteNeighbour(at));
  });

  test('routes of every form come out as iproute2 prints them', async () => {
    const eth0 = await index('eth0');
    const hop = { gateway: ip('192.168.34.102'), oif: eth0 };
    await nl.request(addRoute({ dst: ip('10.244.104.0'), len: 26, protocol: 12, type: 6 }));
    await nl.request(
      addRoute({ dst: ip('10.244.104.7'), len: 32, protocol: 3, scope: 253, oif: await index('cali1') }),
    );
    await nl.request(addRoute({ dst: ip('10.244.166.128'), len: 26, protocol: 12, ...hop, onlink: true }));
    await nl.request(
      addRoute({
        dst: ip('10.9.0.0'),
        len: 24,
        protocol: 186,
        nexthops: [hop, { ...hop, gateway: ip('192.168.34.103') }],
      }),
    );
    await nl.request(addRoute({ dst: ip('10.8.0.0'), len: 24, protocol: 12, table: 1000, ...hop }));
    const lines = sh('-n', NS, 'route')
      .split('\n')
      .map((l) => l.trim());
    expect(lines).toContain('blackhole 10.244.104.0/26 proto bird');
    expect(lines).toContain('10.244.104.7 dev cali1 scope link');
    expect(lines).toContain('10.244.166.128/26 via 192.168.34.102 dev eth0 proto bird onlink');
    expect(lines).toContain('10.9.0.0/24 proto bgp');
    expect(await dumpRoutes(nl, { table: 1000 })).toMatchObject([{ dst: ip('10.8.0.0'), table: 1000, ...hop }]);
    expect(await dumpRoutes(nl, { protocol: 186 })).toMatchObject([{ len: 24, nexthops: [hop, { oif: eth0 }] }]);
    expect(await dumpRoutes(nl, { table: 777 })).toEqual([]);
  });

  test('a delete with our protocol does not hit a foreign route', async () => {
    await expect(nl.request(deleteRoute({ dst: ip('10.244.104.0'), len: 26, protocol: 186 }))).rejects.toMatchObject({
      code: 'ESRCH',
    });
    expect(sh('-n', NS, 'route')).toContain('blackhole 10.244.104.0/26');
  });

  test('a batch of 10,000 maps each failure to its change, and does all the others', async () => {
    const via = { protocol: 12, gateway: ip('192.168.34.102'), oif: await index('eth0'), onlink: true };
    const batch = new RouteBatch();
    for (let i = 0; i < 10_000; i++) batch.put('add', ip('10.128.0.0') + i * 256, 24, via);
    batch.put('add', ip('10.128.7.0'), 24, via);
    batch.put('add', ip('10.0.0.1'), 8, via);
    batch.put('delete', ip('10.250.0.0'), 24, via);
    batch.put('add', ip('11.0.0.0'), 8, via);
    const failures = await nl.batch(batch);
    expect(failures.map((f) => [f.index, f.code])).toEqual([
      [10_000, 'EEXIST'],
      [10_001, 'EINVAL'],
      [10_002, 'ESRCH'],
    ]);
    expect(failures[1]?.text).toContain('Invalid prefix');
    const routes = await dumpRoutes(nl, { protocol: 12 });
    expect(routes.filter((r) => r.len === 24)).toHaveLength(10_000);
    expect(formatIp(routes.at(-1)?.dst ?? ipv4(0))).toBe('11.0.0.0');
    batch.clear();
    for (const r of routes.filter((q) => q.len === 24)) batch.put('delete', r.dst, r.len, via);
    expect(await nl.batch(batch)).toEqual([]);
  });

  test('a batch of a few is done when the call returns, and tells what failed', async () => {
    const via = { protocol: 12, type: 6 };
    const batch = new RouteBatch();
    batch.put('add', ip('10.254.1.0'), 24, via);
    batch.put('add', ip('10.254.1.0'), 24, via);
    batch.put('delete', ip('10.254.1.0'), 24, { protocol: 186 });
    expect(nl.batchNow(batch)?.map((f) => [f.index, f.code])).toEqual([
      [1, 'EEXIST'],
      [2, 'ESRCH'],
    ]);
    expect(sh('-n', NS, 'route', 'show', '10.254.1.0/24')).toContain('blackhole 10.254.1.0/24');
    batch.clear();
    batch.put('delete', ip('10.254.1.0'), 24, via);
    expect(nl.batchNow(batch)).toEqual([]);
    const closed = await openNetlink({ netns: `/run/netns/${NS}` });
    closed.close();
    expect(closed.batchNow(batch)).toBeUndefined();
  });

  test('dumps asked for at once are all answered', async () => {
    const [a, b, c] = await Promise.all([dumpLinks(nl), dumpAddresses(nl), dumpRoutes(nl)]);
    expect([a.length > 3, b.length, c.length > 3]).toEqual([true, 1, true]);
  });

  test('answers that overflow the socket fail their requests, and the next request has a new socket', async () => {
    const small = await openNetlink({ netns: `/run/netns/${NS}`, receiveBufferBytes: 8192 });
    const { portId } = small;
    const batch = new RouteBatch();
    for (let i = 0; i < 128; i++) batch.put('delete', ip('10.250.0.0') + i * 256, 24, { protocol: 12 });
    await expect(small.batch(batch)).rejects.toMatchObject({ code: 'ENOBUFS' });
    expect(await getLink(small, 'lo')).toMatchObject({ index: 1 });
    expect(small.portId).toBe(portId);
    small.close();
  });

  test('events tell who did what, without our own; after an overflow they are told as lost and go on', async () => {
    const events: string[] = [];
    let overflows = 0;
    const monitor = openMonitor({
      groups: ['link', 'route'],
      netns: `/run/netns/${NS}`,
      ignorePortId: nl.portId,
      receiveBufferBytes: 1024,
      onEvent: (e) => events.push(`${e.kind} ${e.gone ? 'gone' : 'there'}`),
      onOverflow: () => {
        overflows += 1;
      },
    });
    const seen = async (what: () => boolean): Promise<void> => {
      for (let i = 0; i < 3000 && !what(); i++) await new Promise((next) => setTimeout(next, 10));
      expect(what()).toBe(true);
    };
    const blackhole = { dst: ip('10.251.0.0'), len: 24, protocol: 12, type: 6 };
    await nl.request(addRoute(blackhole));
    await nl.request(deleteRoute(blackhole));
    sh('-n', NS, 'route', 'add', 'blackhole', '10.252.0.0/24');
    await seen(() => events.includes('route there'));
    expect(events.filter((e) => e === 'route gone')).toEqual([]);
    sh('-n', NS, 'route', 'del', 'blackhole', '10.252.0.0/24');
    await seen(() => events.includes('route gone'));
    const other = await openNetlink({ netns: `/run/netns/${NS}` });
    // At once, from this very thread: the reader of events has no turn in between.
    for (const half of [0, 64]) {
      const many = new RouteBatch();
      for (let i = half; i < half + 64; i++) many.put('add', ip('10.253.0.0') + i * 256, 24, { protocol: 99, type: 6 });
      expect(other.batchNow(many)).toEqual([]);
    }
    await seen(() => overflows > 0);
    events.length = 0;
    sh('-n', NS, 'route', 'add', 'blackhole', '10.252.0.0/24');
    await seen(() => events.includes('route there'));
    other.close();
    monitor.close();
  });

  test('a deleted link is gone when the delete is acknowledged, and closing fails what is open', async () => {
    await nl.request(deleteLink({ name: 'cali1' }));
    expect(await getLink(nl, 'cali1')).toBeUndefined();
    await expect(nl.request(deleteLink({ name: 'cali1' }))).rejects.toMatchObject({ code: 'ENODEV' });
    const other = await openNetlink({ netns: `/run/netns/${NS}` });
    other.close();
    await expect(other.request(newBridge('br1'))).rejects.toMatchObject({ code: 'EBADF' });
  });
});
