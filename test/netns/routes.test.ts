// needs: root ip
/** The route programmer on a real kernel, in a namespace with two veth pairs: eth0 to the fabric, and devices named as
 *  tunnels and pods' cables are. `ip` plays the foreigner. */
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseIpv4 } from '../../src/base/ipv4.ts';
import { type Prefix, parsePrefix } from '../../src/base/prefix.ts';
import { type Interfaces, watchInterfaces } from '../../src/kernel/devices/interfaces.ts';
import { createRouteProgrammer } from '../../src/kernel/routes/both-families.ts';
import type { RouteOwner, RouteProgrammer, RouteProgrammerOptions } from '../../src/kernel/routes/route-programmer.ts';
import { ROUTE_OWNERS } from '../../src/kernel/routes/route-programmer.ts';
import type { RouteTarget } from '../../src/model/kernel-route.ts';
import { type NetlinkClient, openNetlink } from '../../src/netlink/client.ts';
import { openMonitor } from '../../src/netlink/monitor.ts';
import { systemClock, systemTimers } from '../../src/sys/time.ts';

const NS = `grt${process.pid}`;
const sh = (...args: string[]): string => {
  const r = spawnSync('ip', ['-n', NS, ...args], { encoding: 'utf8' });
  if (r.status !== 0) throw new Error(`ip ${args.join(' ')}: ${r.stderr}`);
  return r.stdout;
};
const routes = (...args: string[]): string[] =>
  sh('route', 'show', ...args)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
const p = (text: string): Prefix => {
  const parsed = parsePrefix(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};
const BLACKHOLE: RouteTarget = { type: 'blackhole', scope: 'universe', nextHops: [], protocol: 12 };
const via = (gateway: string, device: string, onlink: boolean, metric?: number): RouteTarget => ({
  type: 'unicast',
  scope: 'universe',
  nextHops: [{ gateway: parseIpv4(gateway) ?? (0 as never), device, onlink }],
  protocol: 12,
  ...(metric === undefined ? {} : { metric }),
});
const pod = (device: string): RouteTarget => ({
  type: 'unicast',
  scope: 'link',
  nextHops: [{ device, onlink: false }],
  protocol: 3,
});
const TO_102 = via('192.168.34.102', 'tunl0', true);
const TO_101 = via('192.168.34.101', 'tunl0', true);

async function until<T>(what: string, probe: () => T | undefined | false, ms = 30_000): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const found = probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}; routes: ${routes().join(' | ')}`);
    await new Promise((next) => setTimeout(next, 10));
  }
}

describe('routes in the kernel', () => {
  const open: { nl: NetlinkClient; interfaces: Interfaces; programmer: RouteProgrammer }[] = [];
  async function programmer(options: Partial<RouteProgrammerOptions> = {}): Promise<RouteProgrammer> {
    const netns = `/run/netns/${NS}`;
    const nl = await openNetlink({ netns });
    const interfaces = await watchInterfaces({ client: nl, netns });
    const made = createRouteProgrammer({
      client: nl,
      interfaces,
      clock: systemClock,
      timers: systemTimers,
      protocol: 12,
      netns,
      ...options,
    });
    open.push({ nl, interfaces, programmer: made });
    return made;
  }
  const allInSync = (r: RouteProgrammer, but: readonly RouteOwner[] = []): void => {
    for (const owner of ROUTE_OWNERS) if (!but.includes(owner)) r.inSync(owner);
  };
  const closeAll = (): void => {
    for (const o of open.splice(0)) {
      o.programmer.stop();
      o.interfaces.close();
      o.nl.close();
    }
  };

  beforeEach(() => {
    spawnSync('ip', ['netns', 'add', NS]);
    sh('link', 'set', 'lo', 'up');
    for (const [near, far] of [
      ['eth0', 'far0'],
      ['tunl0', 'far1'],
      ['cali1', 'far2'],
    ] as const) {
      sh('link', 'add', near, 'type', 'veth', 'peer', 'name', far);
      sh('link', 'set', near, 'up');
      sh('link', 'set', far, 'up');
    }
    sh('address', 'add', '192.168.34.100/24', 'dev', 'eth0');
  });
  afterEach(() => {
    closeAll();
    spawnSync('ip', ['netns', 'del', NS]);
  });

  test('a node reads line for line as a Calico node does', async () => {
    const r = await programmer();
    expect(await r.start()).toMatchObject({ found: 0 });
    r.want('local', p('10.244.104.0/26'), BLACKHOLE);
    r.want('workload', p('10.244.104.7/32'), pod('cali1'));
    r.want('bgp', p('10.244.166.128/26'), TO_102);
    r.want('bgp', p('10.244.219.64/26'), TO_101);
    r.want('bgp', p('10.9.0.0/24'), via('192.168.34.102', 'eth0', false));
    expect(await r.settled(p('10.244.219.64/26'))).toBeUndefined();
    await r.idle();
    expect(routes()).toEqual([
      '10.9.0.0/24 via 192.168.34.102 dev eth0 proto bird',
      'blackhole 10.244.104.0/26 proto bird',
      '10.244.104.7 dev cali1 scope link',
      '10.244.166.128/26 via 192.168.34.102 dev tunl0 proto bird onlink',
      '10.244.219.64/26 via 192.168.34.101 dev tunl0 proto bird onlink',
      '192.168.34.0/24 dev eth0 proto kernel scope link src 192.168.34.100',
    ]);
    expect(r.state(p('10.244.104.0/26'))).toMatchObject({ installed: true, owner: 'local', wanted: BLACKHOLE });
    expect(r.status()).toMatchObject({ wanted: 5, installed: 5, failed: 0, driftRepaired: 0 });
  });

  test('what is wanted before the start, twice, or by two owners comes out once, the first owner having it', async () => {
    const r = await programmer();
    r.want('bgp', p('10.244.104.0/26'), TO_102);
    r.want('local', p('10.244.104.0/26'), BLACKHOLE);
    r.want('local', p('10.244.104.0/26'), { ...BLACKHOLE });
    await r.start();
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual(['blackhole 10.244.104.0/26 proto bird']);
    r.unwant('local', p('10.244.104.0/26'));
    await r.settled(p('10.244.104.0/26'));
    expect(routes('root', '10.244.0.0/16')).toEqual(['10.244.104.0/26 via 192.168.34.102 dev tunl0 proto bird onlink']);
  });

  test('a change replaces our route without a gap, and a withdrawal takes it away', async () => {
    const r = await programmer();
    await r.start();
    allInSync(r);
    r.want('bgp', p('10.244.1.0/26'), TO_102);
    expect(await r.settled(p('10.244.1.0/26'))).toBeUndefined();
    const events: string[] = [];
    const monitor = openMonitor({
      groups: ['route'],
      netns: `/run/netns/${NS}`,
      onEvent: (e) =>
        events.push(e.kind === 'route' && e.replaced ? 'replaced' : e.kind === 'route' && e.gone ? 'gone' : 'new'),
      onOverflow: () => {},
    });
    r.want('bgp', p('10.244.1.0/26'), TO_101);
    expect(await r.settled(p('10.244.1.0/26'))).toBeUndefined();
    await until('an event', () => events.length > 0);
    expect(events).toEqual(['replaced']);
    monitor.close();
    expect(routes('root', '10.244.0.0/16')).toEqual(['10.244.1.0/26 via 192.168.34.101 dev tunl0 proto bird onlink']);
    r.want('bgp', p('10.244.1.0/26'), via('192.168.34.101', 'tunl0', true, 1024));
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual([
      '10.244.1.0/26 via 192.168.34.101 dev tunl0 proto bird metric 1024 onlink',
    ]);
    r.unwant('bgp', p('10.244.1.0/26'));
    expect(await r.settled(p('10.244.1.0/26'))).toBeUndefined();
    expect(routes('root', '10.244.0.0/16')).toEqual([]);
    expect(r.status()).toMatchObject({ wanted: 0, driftRepaired: 0, leftover: 0 });
  });

  test('a foreign route of the same prefix survives add, change, withdrawal and restart of ours', async () => {
    const foreign = '10.244.1.0/26 via 192.168.34.9 dev eth0 proto static';
    sh('route', 'add', ...foreign.split(' '));
    const block = p('10.244.1.0/26');
    let r = await programmer();
    await r.start();
    allInSync(r);
    r.want('bgp', block, TO_102);
    expect(await r.settled(block)).toMatchObject({ code: 'FOREIGN_ROUTE_IN_THE_WAY' });
    r.want('bgp', block, TO_101);
    expect(await r.settled(block)).toMatchObject({ code: 'FOREIGN_ROUTE_IN_THE_WAY' });
    await r.idle();
    await r.resync();
    expect(r.state(block)).toMatchObject({ installed: false, reason: { code: 'FOREIGN_ROUTE_IN_THE_WAY' } });
    expect(r.status().foreign.inTheWay).toEqual([{ prefix: block, protocol: 4 }]);
    expect(routes('root', '10.244.0.0/16')).toEqual([foreign]);
    r.unwant('bgp', block);
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual([foreign]);
    closeAll();
    r = await programmer();
    expect(await r.start()).toMatchObject({ found: 0 });
    r.want('bgp', block, TO_102);
    allInSync(r);
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual([foreign]);
    sh('route', 'del', '10.244.1.0/26', 'proto', 'static');
    await until('ours once the foreign one is gone', () => r.state(block).installed);
    expect(routes('root', '10.244.0.0/16')).toEqual(['10.244.1.0/26 via 192.168.34.102 dev tunl0 proto bird onlink']);
  });

  test('a foreign route appended to ours survives the change of ours', async () => {
    const r = await programmer();
    await r.start();
    allInSync(r);
    const block = p('10.244.1.0/26');
    r.want('bgp', block, TO_102);
    await r.settled(block);
    sh('route', 'append', '10.244.1.0/26', 'via', '192.168.34.9', 'proto', 'static');
    await r.resync();
    r.want('bgp', block, TO_101);
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual([
      '10.244.1.0/26 via 192.168.34.101 dev tunl0 proto bird onlink',
      '10.244.1.0/26 via 192.168.34.9 dev eth0 proto static',
    ]);
  });

  test('a foreign route put before ours is not hit by the change of ours: ours goes, and says why', async () => {
    const r = await programmer();
    await r.start();
    allInSync(r);
    const block = p('10.244.1.0/26');
    r.want('bgp', block, TO_102);
    await r.settled(block);
    sh('route', 'prepend', '10.244.1.0/26', 'via', '192.168.34.9', 'proto', 'static');
    await r.resync();
    r.want('bgp', block, TO_101);
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual(['10.244.1.0/26 via 192.168.34.9 dev eth0 proto static']);
    expect(r.state(block).reason?.code).toBe('FOREIGN_ROUTE_IN_THE_WAY');
  });

  test('a deletion of ours by another program is repaired and counted', async () => {
    const r = await programmer();
    await r.start();
    const block = p('10.244.1.0/26');
    r.want('bgp', block, TO_102);
    await r.settled(block);
    sh('route', 'del', '10.244.1.0/26');
    await until('repaired', () => r.status().driftRepaired === 1);
    expect(routes('root', '10.244.0.0/16')).toHaveLength(1);
    expect(r.status().lastDrift).toMatchObject({ prefix: block, what: 'deleted' });
    expect(r.status().lastDrift?.culpritPort).toBeGreaterThan(0);
    sh('route', 'replace', '10.244.1.0/26', 'via', '192.168.34.9', 'dev', 'tunl0', 'onlink', 'proto', 'bird');
    await until('repaired again', () => r.status().driftRepaired === 2);
    expect(routes('root', '10.244.0.0/16')).toEqual(['10.244.1.0/26 via 192.168.34.102 dev tunl0 proto bird onlink']);
  });

  test('a foreign replacement of ours is left alone, named, and undone when it goes', async () => {
    const r = await programmer();
    await r.start();
    const block = p('10.244.1.0/26');
    r.want('bgp', block, TO_102);
    await r.settled(block);
    sh('route', 'replace', '10.244.1.0/26', 'via', '192.168.34.9', 'dev', 'eth0', 'proto', 'static');
    await until('noticed', () => r.state(block).reason?.code === 'FOREIGN_ROUTE_IN_THE_WAY');
    expect(r.status().lastDrift).toMatchObject({ what: 'replaced', culpritProtocol: 4 });
    expect(routes('root', '10.244.0.0/16')).toEqual(['10.244.1.0/26 via 192.168.34.9 dev eth0 proto static']);
    sh('route', 'del', '10.244.1.0/26');
    await until('back', () => r.state(block).installed);
  });

  test('a link that goes down and up again has its routes again, and so has one deleted and made anew', async () => {
    const r = await programmer();
    await r.start();
    const block = p('10.244.1.0/26');
    r.want('bgp', block, TO_102);
    r.want('workload', p('10.244.104.7/32'), pod('cali1'));
    await r.idle();
    sh('link', 'set', 'tunl0', 'down');
    await until('the reason', () => r.state(block).reason?.code === 'DEVICE_DOWN');
    expect(r.status().lastDrift).toMatchObject({ what: 'device-down' });
    sh('link', 'set', 'tunl0', 'up');
    await until('back', () => r.state(block).installed);
    expect(routes('root', '10.244.1.0/24')).toHaveLength(1);
    sh('link', 'del', 'tunl0');
    await until('the reason', () => r.state(block).reason?.code === 'DEVICE_MISSING');
    sh('link', 'add', 'tunl0', 'type', 'veth', 'peer', 'name', 'far1');
    sh('link', 'set', 'tunl0', 'up');
    sh('link', 'set', 'far1', 'up');
    await until('back over the new one', () => r.state(block).installed);
    expect(routes('root', '10.244.1.0/24')).toEqual(['10.244.1.0/26 via 192.168.34.102 dev tunl0 proto bird onlink']);
    expect(r.status().driftRepaired).toBe(2);
  });

  test('the routes that a device loses with its last address come back', async () => {
    sh('address', 'add', '10.244.104.0/32', 'dev', 'tunl0');
    const r = await programmer();
    await r.start();
    const block = p('10.244.1.0/26');
    r.want('bgp', block, TO_102);
    await r.settled(block);
    sh('address', 'del', '10.244.104.0/32', 'dev', 'tunl0');
    await until('repaired', () => r.status().driftRepaired === 1 && r.state(block).installed);
    expect(routes('root', '10.244.1.0/24')).toHaveLength(1);
  });

  test('a route over a device that another call made a moment ago is installed at once', async () => {
    const r = await programmer();
    await r.start();
    sh('link', 'add', 'cali2', 'type', 'veth', 'peer', 'name', 'far3');
    sh('link', 'set', 'cali2', 'up');
    r.want('workload', p('10.244.104.8/32'), pod('cali2'));
    expect(await r.settled(p('10.244.104.8/32'))).toBeUndefined();
    sh('link', 'del', 'cali2');
    r.unwant('workload', p('10.244.104.8/32'));
    expect(await r.settled(p('10.244.104.8/32'))).toBeUndefined();
    r.want('workload', p('10.244.104.9/32'), pod('cali9'));
    expect(await r.settled(p('10.244.104.9/32'))).toMatchObject({ code: 'DEVICE_MISSING' });
  });

  test('after a restart our routes are found, adopted, and only what nobody wants goes, when all are in sync', async () => {
    let r = await programmer();
    await r.start();
    r.want('local', p('10.244.104.0/26'), BLACKHOLE);
    r.want('workload', p('10.244.104.7/32'), pod('cali1'));
    r.want('bgp', p('10.244.1.0/26'), TO_101);
    r.want('bgp', p('10.244.2.0/26'), TO_102);
    await r.idle();
    closeAll();
    sh('route', 'add', '10.77.0.0/24', 'via', '192.168.34.9', 'proto', 'bird');
    sh('route', 'add', '10.244.104.8', 'dev', 'cali1', 'scope', 'link');
    sh(
      'route',
      'add',
      '10.244.1.0/26',
      'via',
      '192.168.34.101',
      'dev',
      'tunl0',
      'onlink',
      'proto',
      'bird',
      'metric',
      '9',
    );
    r = await programmer();
    expect(await r.start()).toMatchObject({ found: 6 });
    r.want('local', p('10.244.104.0/26'), BLACKHOLE);
    r.want('workload', p('10.244.104.7/32'), pod('cali1'));
    r.want('bgp', p('10.244.1.0/26'), TO_101);
    allInSync(r, ['bgp']);
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toHaveLength(5);
    expect(r.state(p('10.244.2.0/26')).reason).toMatchObject({ code: 'NOT_IN_SYNC' });
    r.inSync('bgp');
    await r.idle();
    expect(routes('root', '10.0.0.0/8')).toEqual([
      '10.77.0.0/24 via 192.168.34.9 dev eth0 proto bird',
      '10.244.1.0/26 via 192.168.34.101 dev tunl0 proto bird onlink',
      'blackhole 10.244.104.0/26 proto bird',
      '10.244.104.7 dev cali1 scope link',
    ]);
    expect(r.status()).toMatchObject({ found: 6, driftRepaired: 0, foreign: { unclaimedTotal: 1 } });
  });

  test('what was announced in this life and is taken back goes at once; what was only found waits for all to speak (RFC 4724 4.1)', async () => {
    let r = await programmer();
    await r.start();
    for (const n of [1, 2, 3]) r.want('bgp', p(`10.244.${n}.0/26`), TO_101);
    await r.idle();
    closeAll();
    r = await programmer();
    expect(await r.start()).toMatchObject({ found: 3 });
    allInSync(r, ['bgp']);
    // As it was, by another way, and new; the third of those found nobody mentions.
    r.want('bgp', p('10.244.1.0/26'), TO_101);
    r.want('bgp', p('10.244.2.0/26'), TO_102);
    r.want('bgp', p('10.244.4.0/26'), TO_102);
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toHaveLength(4);
    // One of them before it is written.
    r.want('bgp', p('10.244.5.0/26'), TO_102);
    for (const n of [1, 2, 3, 4, 5]) r.unwant('bgp', p(`10.244.${n}.0/26`));
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual(['10.244.3.0/26 via 192.168.34.101 dev tunl0 proto bird onlink']);
    r.inSync('bgp');
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual([]);
  });

  test('without encapsulation our routes are known by their next hop', async () => {
    sh('route', 'add', '10.244.1.0/26', 'via', '192.168.34.101', 'proto', 'bird');
    sh('route', 'add', '10.244.2.0/26', 'via', '192.168.34.9', 'proto', 'bird');
    const known = parseIpv4('192.168.34.101');
    const r = await programmer({ isOurs: (route) => route.target.nextHops.every((h) => h.gateway === known) });
    expect(await r.start()).toMatchObject({ found: 1 });
    allInSync(r);
    await r.idle();
    expect(routes('root', '10.244.0.0/16')).toEqual(['10.244.2.0/26 via 192.168.34.9 dev eth0 proto bird']);
  });

  test('one route that the kernel refuses keeps its reason and stops no other', async () => {
    const r = await programmer();
    await r.start();
    r.want('bgp', p('10.244.1.0/26'), via('172.31.0.1', 'eth0', false));
    r.want('bgp', p('10.244.2.0/26'), TO_102);
    expect(await r.settled(p('10.244.1.0/26'))).toMatchObject({ code: 'KERNEL_REFUSED' });
    expect(r.state(p('10.244.2.0/26')).installed).toBe(true);
    sh('address', 'add', '172.31.0.2/24', 'dev', 'eth0');
    await until('tried again', () => r.state(p('10.244.1.0/26')).installed);
  });

  test('a held prefix is not installed and says why; its former route goes', async () => {
    const r = await programmer();
    await r.start();
    allInSync(r);
    const net = p('10.244.1.0/26');
    r.want('bgp', net, TO_102);
    await r.settled(net);
    r.hold('bgp', net, { code: 'COVERS_PEER', text: 'x' });
    expect(await r.settled(net)).toMatchObject({ code: 'COVERS_PEER' });
    expect(routes('root', '10.244.0.0/16')).toEqual([]);
    expect(r.status()).toMatchObject({ held: 1, wanted: 0 });
    r.clear('bgp');
    expect(r.state(net)).toEqual({ installed: false });
  });

  test('10,000 routes go in, survive a comparison, and leave when their owner leaves', async () => {
    const r = await programmer();
    await r.start();
    allInSync(r);
    const first = p('10.128.0.0/24').address;
    for (let i = 0; i < 10_000; i++) {
      r.want('bgp', { address: (first + i * 256) as typeof first, length: 24 }, i % 2 === 0 ? TO_102 : TO_101);
    }
    await r.idle();
    expect(routes('root', '10.128.0.0/9')).toHaveLength(10_000);
    await r.resync();
    expect(r.status()).toMatchObject({ wanted: 10_000, installed: 10_000, driftRepaired: 0 });
    sh('route', 'flush', 'root', '10.128.0.0/16');
    await until('256 repaired', () => r.status().driftRepaired === 256);
    expect(routes('root', '10.128.0.0/9')).toHaveLength(10_000);
    r.clear('bgp');
    await r.idle();
    expect(routes('root', '10.128.0.0/9')).toEqual([]);
    expect(r.status().wanted).toBe(0);
  });
});
