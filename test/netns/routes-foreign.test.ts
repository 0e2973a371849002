// needs: root ip
/** Foreign routes of a prefix of ours survive everything ours goes through, and ours comes out right, in both families: add, change,
 *  more and fewer next hops, withdrawal, restart, drift, sweep, beside a static route of the same metric and of another. What others
 *  have is compared after each step, to the letter. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type IpAddress, type IpPrefix, parseIp, parseIpPrefix } from '../../src/base/ip.ts';
import { type Interfaces, watchInterfaces } from '../../src/kernel/devices/interfaces.ts';
import { createRouteProgrammer } from '../../src/kernel/routes/both-families.ts';
import { ROUTE_OWNERS, type RouteProgrammer } from '../../src/kernel/routes/route-programmer.ts';
import type { RouteTarget } from '../../src/model/kernel-route.ts';
import { type NetlinkClient, openNetlink } from '../../src/netlink/client.ts';
import { systemClock, systemTimers } from '../../src/sys/time.ts';
import { makeNamespaces, type Namespaces, until } from '../support/namespaces.ts';

interface Family {
  readonly name: string;
  readonly flag: string;
  readonly prefix: string;
  /** Next hops that we use, and one of others. */
  readonly a: string;
  readonly b: string;
  readonly c: string;
  readonly theirs: string;
  readonly defaultMetric: string;
}
const FAMILIES: readonly Family[] = [
  {
    name: 'IPv4',
    flag: '-4',
    prefix: '10.9.0.0/24',
    a: '192.168.34.101',
    b: '192.168.34.102',
    c: '192.168.34.103',
    theirs: '192.168.34.9',
    defaultMetric: '0',
  },
  {
    name: 'IPv6',
    flag: '-6',
    prefix: '2001:db8:9::/48',
    a: '2001:db8::101',
    b: '2001:db8::102',
    c: 'fe80::103',
    theirs: '2001:db8::9',
    defaultMetric: '1024',
  },
];
const PROTOCOL = 186;
const KNOWN = new Set<IpAddress>();
for (const f of FAMILIES) for (const hop of [f.a, f.b, f.c]) KNOWN.add(parseIp(hop) as IpAddress);

const via = (...gateways: string[]): RouteTarget => ({
  type: 'unicast',
  scope: 'universe',
  nextHops: gateways.map((g) => ({ gateway: parseIp(g) as IpAddress, device: 'eth0', onlink: false })),
  protocol: PROTOCOL,
});
const BLACKHOLE: RouteTarget = { type: 'blackhole', scope: 'universe', nextHops: [], protocol: PROTOCOL };

let ns: Namespaces;
let open: { nl: NetlinkClient; interfaces: Interfaces; r: RouteProgrammer } | undefined;
const close = (): void => {
  open?.r.stop();
  open?.interfaces.close();
  open?.nl.close();
  open = undefined;
};
/** A programmer with no memory; all owners have spoken unless `sync` is false. */
async function start(sync = true): Promise<RouteProgrammer> {
  close();
  const netns = ns.path('n');
  const nl = await openNetlink({ netns });
  const interfaces = await watchInterfaces({ client: nl, netns });
  const r = createRouteProgrammer({
    client: nl,
    interfaces,
    clock: systemClock,
    timers: systemTimers,
    protocol: PROTOCOL,
    netns,
    isOurs: ({ target }) =>
      target.nextHops.length > 0 && target.nextHops.every((h) => h.gateway !== undefined && KNOWN.has(h.gateway)),
  });
  open = { nl, interfaces, r };
  await r.start();
  if (sync) for (const owner of ROUTE_OWNERS) r.inSync(owner);
  return r;
}

beforeEach(() => {
  ns = makeNamespaces('rf');
  ns.ip('n', 'link add eth0 type veth peer name far0');
  ns.ip('n', 'address add 192.168.34.100/24 dev eth0');
  ns.ip('n', 'address add 2001:db8::100/64 dev eth0 nodad');
  ns.ip('n', 'link set eth0 up');
  ns.ip('n', 'link set far0 up');
});
afterEach(() => {
  close();
  ns.remove();
});

describe.each(FAMILIES)('$name', (f) => {
  const prefix = parseIpPrefix(f.prefix) as IpPrefix;
  interface Shown {
    dst: string;
    type?: string;
    gateway?: string;
    protocol: string;
    metric?: number;
    nexthops?: { gateway: string }[];
  }
  const all = (): Shown[] =>
    (JSON.parse(ns.ip('n', `-j ${f.flag} route show table main`)) as Shown[]).filter((r) => r.dst === f.prefix);
  const line = (r: Shown): string =>
    `${
      r.type === 'blackhole'
        ? 'blackhole'
        : (r.nexthops
            ?.map((h) => h.gateway)
            .sort()
            .join(' ') ?? r.gateway)
    } metric ${r.metric ?? 0}`;
  const ours = (): string[] =>
    all()
      .filter((r) => r.protocol === 'bgp')
      .map(line);
  const theirs = (): string[] =>
    all()
      .filter((r) => r.protocol !== 'bgp')
      .map((r) => `${r.protocol} ${line(r)}`);
  const m = f.defaultMetric;
  const state = (r: RouteProgrammer): string => {
    const { installed, reason } = r.state(prefix);
    return installed ? 'installed' : (reason?.code ?? 'none');
  };
  const said = async (r: RouteProgrammer, target: RouteTarget | undefined): Promise<string> => {
    if (target === undefined) r.unwant('bgp', prefix);
    else r.want('bgp', prefix, target);
    await r.settled(prefix);
    await r.idle();
    return state(r);
  };

  test('one next hop, several, more, fewer, one, a blackhole, none: each comes out', async () => {
    const r = await start();
    const steps: [RouteTarget | undefined, string[]][] = [
      [via(f.a), [`${f.a} metric ${m}`]],
      [via(f.a, f.b), [`${f.a} ${f.b} metric ${m}`]],
      [via(f.a, f.b, f.c), [`${f.a} ${f.b} ${f.c} metric ${m}`]],
      [via(f.b, f.c), [`${f.b} ${f.c} metric ${m}`]],
      [via(f.c), [`${f.c} metric ${m}`]],
      [BLACKHOLE, [`blackhole metric ${m}`]],
      [via(f.a, f.b), [`${f.a} ${f.b} metric ${m}`]],
      [{ ...via(f.a, f.b), metric: 77 }, [`${f.a} ${f.b} metric 77`]],
      [BLACKHOLE, [`blackhole metric ${m}`]],
      [undefined, []],
    ];
    for (const [target, expected] of steps) {
      await said(r, target);
      expect(ours()).toEqual(expected);
    }
    expect(r.status()).toMatchObject({ wanted: 0, installed: 0, leftover: 0, driftRepaired: 0 });
  });

  test('written at once by flush, also several next hops', async () => {
    const r = await start();
    await r.idle();
    r.want('bgp', prefix, via(f.a, f.b));
    r.flush();
    expect(state(r)).toBe('installed');
    expect(ours()).toEqual([`${f.a} ${f.b} metric ${m}`]);
    r.unwant('bgp', prefix);
    r.flush();
    expect(ours()).toEqual([]);
  });

  test.each(['77', '5'])(
    'beside a static route of another metric (%s) ours goes through everything',
    async (metric) => {
      ns.ip('n', `${f.flag} route add ${f.prefix} via ${f.theirs} dev eth0 proto static metric ${metric}`);
      const foreign = theirs();
      expect(foreign).toHaveLength(1);
      let r = await start();
      for (const target of [via(f.a), via(f.a, f.b), via(f.b, f.c), via(f.c), BLACKHOLE, via(f.a, f.b)]) {
        expect(await said(r, target)).toBe('installed');
        expect(ours()).toHaveLength(1);
        expect(theirs()).toEqual(foreign);
      }
      // Drift: ours is taken away by somebody.
      ns.ip('n', `${f.flag} route del ${f.prefix} proto bgp metric ${m}`);
      await until('put back', () => r.status().driftRepaired > 0 && ours().length === 1);
      expect(theirs()).toEqual(foreign);
      // Restart: found, adopted, changed.
      r = await start(false);
      expect(r.status().foundByFamily[f.name === 'IPv4' ? 'ipv4' : 'ipv6']).toBe(1);
      expect(await said(r, via(f.a))).toBe('installed');
      expect(ours()).toEqual([`${f.a} metric ${m}`]);
      expect(theirs()).toEqual(foreign);
      await said(r, via(f.a, f.b));
      // Restart and sweep: nobody wants it.
      r = await start(false);
      for (const owner of ROUTE_OWNERS) r.inSync(owner);
      await until('swept', () => ours().length === 0);
      expect(theirs()).toEqual(foreign);
      // Ours once more, of the foreigner's metric: blocked; and of its own again.
      expect(await said(r, { ...via(f.a), metric: Number(metric) })).toBe('FOREIGN_ROUTE_IN_THE_WAY');
      expect(ours()).toEqual([]);
      expect(theirs()).toEqual(foreign);
      expect(await said(r, via(f.b))).toBe('installed');
      expect(await said(r, undefined)).toBe('none');
      expect([ours(), theirs()]).toEqual([[], foreign]);
    },
  );

  test('a static route of the same metric that was there first is never touched, and ours follows when it goes', async () => {
    ns.ip('n', `${f.flag} route add ${f.prefix} via ${f.theirs} dev eth0 proto static`);
    const foreign = theirs();
    let r = await start();
    for (const target of [via(f.a), via(f.a, f.b), BLACKHOLE, via(f.b)]) {
      expect(await said(r, target)).toBe('FOREIGN_ROUTE_IN_THE_WAY');
      expect([ours(), theirs()]).toEqual([[], foreign]);
    }
    expect(await said(r, undefined)).toBe('none');
    r = await start();
    expect(await said(r, via(f.a, f.b))).toBe('FOREIGN_ROUTE_IN_THE_WAY');
    expect([ours(), theirs()]).toEqual([[], foreign]);
    ns.ip('n', `${f.flag} route del ${f.prefix} proto static`);
    await until('ours follows', () => state(r) === 'installed');
    expect([ours(), theirs()]).toEqual([[`${f.a} ${f.b} metric ${m}`], []]);
  });

  test.each([
    ['one next hop', [f.a]],
    ['several next hops', [f.a, f.b]],
  ])('a static route that replaces ours (%s) is left alone and named', async (_, hops) => {
    const r = await start();
    await said(r, via(...hops));
    ns.ip('n', `${f.flag} route replace ${f.prefix} via ${f.theirs} dev eth0 proto static`);
    const foreign = theirs();
    expect(foreign).toHaveLength(1);
    await until('noticed', () => state(r) === 'FOREIGN_ROUTE_IN_THE_WAY');
    for (const target of [via(f.b), via(f.b, f.c), BLACKHOLE]) {
      expect(await said(r, target)).toBe('FOREIGN_ROUTE_IN_THE_WAY');
      expect([ours(), theirs()]).toEqual([[], foreign]);
    }
    expect(await said(r, undefined)).toBe('none');
    expect([ours(), theirs()]).toEqual([[], foreign]);
  });

  /** What is there of others, next hop by next hop: IPv6 shows a merged route under one protocol. */
  const hopsOf = (wanted: string): boolean => all().some((r) => line(r).split(' ').includes(wanted));

  test.each([
    ['one next hop', [f.a]],
    ['several next hops', [f.a, f.b]],
  ])('a static next hop appended to ours (%s) stays, whatever ours does', async (_, hops) => {
    const append = (): void => {
      ns.ip('n', `${f.flag} route append ${f.prefix} via ${f.theirs} dev eth0 proto static`);
      expect(hopsOf(f.theirs)).toBe(true);
    };
    const r = await start();
    const steps: (RouteTarget | undefined)[] = [via(f.b), via(f.a, f.b, f.c), via(f.c), BLACKHOLE, undefined];
    for (const next of steps) {
      await said(r, via(...hops));
      append();
      await r.resync();
      expect(hopsOf(hops[0] as string), 'ours is there beside it').toBe(true);
      await said(r, next);
      expect(hopsOf(f.theirs), `after ${JSON.stringify(next?.nextHops.length)}`).toBe(true);
      if (next === undefined) expect(all()).toHaveLength(1);
      ns.ip('n', `${f.flag} route del ${f.prefix} via ${f.theirs} dev eth0 proto static`);
      if (next !== undefined)
        await until('ours alone', () => {
          const [only, ...more] = all();
          return more.length === 0 && only?.protocol === 'bgp' && state(r) === 'installed' && !hopsOf(f.theirs);
        });
    }
    // A restart finds the two together: nothing says which next hop is whose, and nothing of others goes.
    await said(r, via(...hops));
    append();
    for (const next of [via(...hops), via(f.c), undefined]) {
      const anew = await start(false);
      if (next === undefined) for (const owner of ROUTE_OWNERS) anew.inSync(owner);
      else await said(anew, next);
      await anew.resync();
      expect(hopsOf(f.theirs)).toBe(true);
    }
  });

  test('a blackhole of others and ours of several next hops side by side', async () => {
    const r = await start();
    await said(r, via(f.a, f.b));
    ns.ip('n', `${f.flag} route append blackhole ${f.prefix} proto static metric ${m}`);
    const foreign = theirs();
    expect(foreign).toHaveLength(1);
    await r.resync();
    for (const target of [via(f.a), via(f.b, f.c), BLACKHOLE, undefined]) {
      await said(r, target);
      expect(theirs()).toEqual(foreign);
    }
    expect(ours()).toEqual([]);
  });

  test('a next hop of ours that somebody takes out of several is put back', async () => {
    const r = await start();
    await said(r, via(f.a, f.b));
    ns.ip('n', `${f.flag} route replace ${f.prefix} via ${f.a} dev eth0 proto bgp`);
    await until('put back', () => ours()[0] === `${f.a} ${f.b} metric ${m}`);
    expect(r.status().driftRepaired).toBeGreaterThan(0);
  });

  test('the device goes down and comes back, and so do several next hops', async () => {
    const r = await start();
    await said(r, via(f.a, f.b));
    ns.ip('n', 'link set eth0 down');
    await until('the reason', () => state(r) === 'DEVICE_DOWN');
    ns.ip('n', 'link set eth0 up');
    if (f.name === 'IPv6') ns.ip('n', 'address replace 2001:db8::100/64 dev eth0 nodad');
    await until('back', () => state(r) === 'installed' && ours().length === 1);
  });
});
