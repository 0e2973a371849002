/** What is done in later turns: sweeps, dumps, pages, readers of all paths; and what stays beyond the restart time. */
import { describe, expect, test } from 'vitest';
import { formatIpPrefix } from '../../../src/base/ip.ts';
import { LLGR_STALE, NO_LLGR } from '../../../src/bgp-js/attributes/communities.ts';
import type { Policy } from '../../../src/model/policy.ts';
import type { LocRib } from '../../../src/rib/ribs/loc-rib.ts';
import type { RouteView } from '../../../src/rib/terms/views.ts';
import { addPeer, HeardFeed, PLAIN, ribOf } from '../../support/rib.ts';
import { announce, ipCidr, withdraw } from '../../support/rib-updates.ts';

const A = '10.244.1.0/26';
const B = '10.244.2.0/26';
const paths = (view: RouteView | undefined): string[] =>
  (view?.paths ?? []).map((p) => `${p.source.name}${p.best ? ' best' : ''}${p.stale ? ' stale' : ''}`);
const block = (i: number): string => `10.${i >> 8}.${i & 255}.0/24`;

describe('a source that goes', () => {
  test('its paths are gone for people and counts at once, and leave the tables in slices', () => {
    const { rib, turn } = ribOf({ sliceRoutes: 2 });
    const a = addPeer(rib, '10.9.0.2');
    for (let i = 0; i < 20; i++) rib.receive(a, announce(block(i), '10.9.0.2'), PLAIN);
    while (turn());
    const feed = new HeardFeed();
    rib.subscribe(feed, 'kernel');
    feed.take();
    expect(rib.dropSource(a)).toBe(20);
    expect(rib.countsOf(a)).toMatchObject({ received: 0, stale: 0 });
    expect(rib.pathsOf(ipCidr(block(3)))).toBeUndefined();
    turn();
    expect(feed.heard.length).toBeLessThanOrEqual(2);
    while (turn());
    expect(feed.take()).toHaveLength(20);
    expect(rib.counts).toMatchObject({ routes: 0, paths: 0, best: 0 });
    expect(rib.countsOf(a)).toEqual({ received: 0, used: 0, rejected: 0, stale: 0, leftOut: 0 });
  });

  test('what it announces again before the sweep comes by lives on, and the rest goes', () => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2');
    for (const p of [A, B]) rib.receive(a, announce(p, '10.9.0.2'), PLAIN);
    rib.dropSource(a);
    rib.receive(a, announce(A, '10.9.0.2'), PLAIN);
    expect(rib.countsOf(a)).toMatchObject({ received: 1, stale: 0 });
    expect(paths(rib.pathsOf(ipCidr(A)))).toEqual(['peer 10.9.0.2 best']);
    rib.settle();
    expect([...rib.routes()].map((r) => formatIpPrefix(r.prefix))).toEqual([A]);
    expect(rib.counts).toMatchObject({ routes: 1, paths: 1, best: 1 });
  });
});

describe('long-lived stale paths (RFC 9494 4.2)', () => {
  function kept(): { rib: LocRib; stale: ReturnType<typeof addPeer>; fresh: ReturnType<typeof addPeer> } {
    const { rib } = ribOf();
    const stale = addPeer(rib, '10.9.0.2');
    const fresh = addPeer(rib, '10.9.0.3');
    rib.receive(stale, announce(A, '10.9.0.2', { localPref: 200, communities: [7] }), PLAIN);
    rib.receive(stale, announce(B, '10.9.0.2', { communities: [NO_LLGR] }), PLAIN);
    rib.markStale(stale);
    rib.keepLongLived(stale);
    rib.settle();
    return { rib, stale, fresh };
  }

  test('they carry LLGR_STALE from then on, which is told, and what carries NO_LLGR goes', () => {
    const { rib, stale } = kept();
    expect(rib.pathsOf(ipCidr(B))).toBeUndefined();
    const [path] = rib.pathsOf(ipCidr(A))?.paths ?? [];
    expect(path).toMatchObject({ best: true, stale: true, longLived: true });
    expect(path?.attributes?.communities).toEqual([7, LLGR_STALE]);
    expect(path?.received?.communities).toEqual([7]);
    expect(rib.countsOf(stale)).toMatchObject({ received: 1, stale: 1 });
  });

  test('any other path beats them, whatever its LOCAL_PREF', () => {
    const { rib, fresh } = kept();
    rib.receive(fresh, announce(A, '10.9.0.3', { localPref: 1 }), PLAIN);
    rib.settle();
    const view = rib.pathsOf(ipCidr(A));
    expect(paths(view)).toEqual(['peer 10.9.0.3 best', 'peer 10.9.0.2 stale']);
    expect(view?.paths[1]?.lostAt).toEqual({ step: 'LLGR_STALE', best: 'fresh', this: 'long-lived stale' });
  });

  test('announced again they are as before; swept they are gone', () => {
    const { rib, stale } = kept();
    rib.receive(stale, announce(A, '10.9.0.2', { localPref: 200, communities: [7] }), PLAIN);
    rib.settle();
    expect(rib.pathsOf(ipCidr(A))?.paths[0]).toMatchObject({ stale: false, longLived: false });
    rib.markStale(stale);
    expect(rib.sweepStale(stale)).toBe(1);
    rib.settle();
    expect(rib.counts).toMatchObject({ routes: 0, paths: 0, attributes: 0 });
  });

  test('judged anew they stay what they are', () => {
    const { rib, stale } = kept();
    const importPolicy: Policy = { name: 'all', rules: [], otherwise: 'accept' };
    rib.changeSource(stale, {
      name: stale.name,
      kind: 'ibgp',
      address: stale.address,
      localAsn: 64512,
      peerAsn: 64512,
      importPolicy,
    });
    rib.settle();
    expect(rib.pathsOf(ipCidr(A))?.paths[0]).toMatchObject({ stale: true, longLived: true });
  });
});

describe('readers of all paths (ADD-PATH)', () => {
  test('hear of every usable path that changes, after the kernel; others hear of the best only', () => {
    const { rib, turn } = ribOf();
    const order: string[] = [];
    rib.subscribe(
      { onBest: () => order.push('kernel'), onWithdraw: () => order.push('kernel'), onEndOfFeed() {} },
      'kernel',
    );
    const read = (name: string, allPaths: boolean) => {
      const port = rib.openOut({ allPaths });
      rib.onSlice(() => {
        while (port.changes.takeSome(port.cursor, new Int32Array(1), 1) > 0) order.push(name);
        port.trim();
      });
      return port;
    };
    const all = read('all', true);
    const best = read('best', false);
    const [a, b] = [addPeer(rib, '10.9.0.2'), addPeer(rib, '10.9.0.3')];
    const heard = (): string[] => {
      while (turn());
      return order.splice(0);
    };
    rib.receive(a, announce(A, '10.9.0.2'), PLAIN);
    expect(heard()).toEqual(['kernel', 'all', 'best']);
    rib.receive(b, announce(A, '10.9.0.3'), PLAIN);
    expect(heard()).toEqual(['all']);
    rib.receive(b, announce(A, '10.9.0.3', { med: 7 }), PLAIN);
    expect(heard()).toEqual(['all']);
    rib.receive(b, withdraw(A), PLAIN);
    expect(heard()).toEqual(['all']);
    rib.receive(b, withdraw(A), PLAIN);
    expect(heard()).toEqual([]);
    rib.receive(a, withdraw(A), PLAIN);
    expect(heard()).toEqual(['kernel', 'all', 'best']);
    all.close();
    best.close();
    expect(rib.counts.routes).toBe(0);
  });

  test('several paths of one peer are paths of their own, and go one by one (RFC 7911)', () => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2');
    const options = { fourOctetAs: true, addPath: true };
    for (const id of [5, 3, 9]) rib.receive(a, announce(A, '10.9.0.2', { med: id === 9 ? 1 : 0 }, id), options);
    rib.settle();
    const ids = (): unknown[] => (rib.pathsOf(ipCidr(A))?.paths ?? []).map((p) => [p.pathId, p.lostAt?.step]);
    expect(ids()).toEqual([
      [3, undefined],
      [5, 'path identifier'],
      [9, 'MED'],
    ]);
    rib.receive(a, withdraw(A, 3), options);
    rib.settle();
    expect(ids()).toEqual([
      [5, undefined],
      [9, 'MED'],
    ]);
    expect(rib.countsOf(a)).toMatchObject({ received: 2, used: 1 });
  });
});

describe('views', () => {
  test('a dump in slices is a dump and then changes, whatever happens meanwhile', () => {
    const { rib, turn } = ribOf({ sliceRoutes: 4 });
    const a = addPeer(rib, '10.9.0.2');
    for (let i = 0; i < 600; i++) rib.receive(a, announce(block(i), '10.9.0.2'), PLAIN);
    while (turn());
    const feed = new HeardFeed();
    rib.subscribe(feed, 'watcher', { inSlices: true });
    expect(feed.heard).toEqual([]);
    turn();
    rib.receive(a, withdraw(block(1)), PLAIN);
    rib.receive(a, withdraw(block(599)), PLAIN);
    rib.receive(a, announce(block(700), '10.9.0.2'), PLAIN);
    while (turn());
    expect(feed.heard.filter((h) => h === 'end')).toHaveLength(1);
    expect([...feed.believes.keys()].sort()).toEqual([...rib.routes()].map((r) => formatIpPrefix(r.prefix)).sort());
  });

  test('pages hold all routes in order of prefix, none of them many, and some are only work', () => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2');
    const b = addPeer(rib, '10.9.0.3');
    for (let i = 0; i < 1000; i++) {
      const n = (i * 7919) % 1000;
      rib.receive(n % 10 === 0 ? b : a, announce(block(n), '10.9.0.2'), PLAIN);
    }
    rib.originate(ipCidr('10.0.0.0/8'));
    rib.settle();
    const pages = [...rib.pages({ size: 100 })];
    expect(Math.max(...pages.map((p) => p.length))).toBe(100);
    const listed = pages.flat().map((r) => formatIpPrefix(r.prefix));
    expect(listed.slice(0, 3)).toEqual(['10.0.0.0/8', '10.0.0.0/24', '10.0.1.0/24']);
    expect(listed).toHaveLength(1001);
    expect(listed).toEqual([...rib.routes()].map((r) => formatIpPrefix(r.prefix)));
    expect([...rib.pages({ source: b })].flat()).toHaveLength(100);
    expect([...rib.routesOf(b)].map((r) => formatIpPrefix(r.prefix)).slice(0, 2)).toEqual([
      '10.0.0.0/24',
      '10.0.10.0/24',
    ]);
  });

  test('a route tells how its best path was found, step by step', () => {
    const { rib } = ribOf();
    for (const [at, med] of [
      ['10.9.0.2', 5],
      ['10.9.0.3', 0],
      ['10.9.0.4', 0],
    ] as const)
      rib.receive(addPeer(rib, at), announce(A, at, { med }), PLAIN);
    rib.settle();
    const steps = rib.pathsOf(ipCidr(A))?.steps ?? [];
    const of = (name: string) => steps.find((s) => s.name === name);
    expect(of('LOCAL_PREF')).toEqual({ name: 'LOCAL_PREF', outcome: 'tie', value: '100', lost: 0, left: 3 });
    expect(of('MED')).toEqual({ name: 'MED', outcome: 'took', value: '0', lost: 1, left: 2 });
    expect(of('BGP identifier')).toMatchObject({ outcome: 'took', value: '10.9.0.3', lost: 1, left: 1 });
    expect(of('peer address')).toMatchObject({ outcome: 'not asked' });
  });

  test('IPv6 routes in order, and by longest match', () => {
    const { rib } = ribOf({ family: 'ipv6' });
    const a = addPeer(rib, '10.9.0.2');
    for (const p of ['fd00:2::/64', 'fd00:1::/48', '2001:db8::/32', 'fd00:1::/64', '::/0'])
      rib.receive(a, announce(p, '2001:db8::2'), PLAIN);
    rib.settle();
    const names = (views: Iterable<RouteView>): string[] => [...views].map((r) => formatIpPrefix(r.prefix));
    expect(names(rib.routes())).toEqual(['::/0', '2001:db8::/32', 'fd00:1::/48', 'fd00:1::/64', 'fd00:2::/64']);
    const { address } = ipCidr('fd00:1::7/128');
    expect(names(rib.matches(address))).toEqual(['fd00:1::/64', 'fd00:1::/48', '::/0']);
    expect(names(rib.matches(ipCidr('10.0.0.1/32').address))).toEqual([]);
  });
});
