import { describe, expect, test } from 'vitest';
import { formatIpPrefix, type IpAddress } from '../../../src/base/ip.ts';
import type { Policy } from '../../../src/model/policy.ts';
import type { RouteView } from '../../../src/rib/terms/views.ts';
import {
  addPeer,
  address,
  announcement,
  attributes,
  cidr,
  HeardFeed,
  PLAIN,
  rawAnnouncement,
  ribOf,
  withdrawal,
} from '../../support/rib.ts';

const BLOCK = '10.244.1.0/26';
const paths = (view: RouteView | undefined): string[] =>
  (view?.paths ?? []).map(
    (p) =>
      `${p.source.name}${p.best ? ' best' : ''}${p.stale ? ' stale' : ''}${p.rejected ? ` ${p.rejected.code}` : ''}`,
  );

describe('LocRib feeds', () => {
  test('a subscriber gets the dump, the end of it, then changes; a withdrawal names the key', () => {
    const { rib, turn } = ribOf();
    const a = addPeer(rib, '10.9.0.2');
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK, '10.244.2.0/26'), PLAIN);
    const feed = new HeardFeed();
    rib.subscribe(feed, 'kernel');
    expect(feed.take()).toEqual([`+${BLOCK} peer 10.9.0.2`, '+10.244.2.0/26 peer 10.9.0.2', 'end']);
    rib.receive(a, withdrawal(BLOCK), PLAIN);
    expect(feed.take()).toEqual([]);
    while (turn());
    expect(feed.take()).toEqual([`-${BLOCK}`]);
  });

  test('the kernel hears of a change before a watcher that subscribed earlier', () => {
    const { rib } = ribOf();
    const order: string[] = [];
    const feed = (name: string) => ({
      onBest: () => order.push(name),
      onWithdraw: () => order.push(name),
      onEndOfFeed: () => {},
    });
    rib.subscribe(feed('watcher'), 'watcher');
    rib.subscribe(feed('kernel'), 'kernel');
    rib.originate(cidr(BLOCK));
    rib.settle();
    expect(order).toEqual(['kernel', 'watcher']);
  });

  test('the same announcement again, and a flap within one turn, change nothing and are not told', () => {
    const { rib } = ribOf();
    const feed = new HeardFeed();
    rib.subscribe(feed, 'kernel');
    const a = addPeer(rib, '10.9.0.2');
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK), PLAIN);
    rib.settle();
    feed.take();
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK), PLAIN);
    rib.receive(a, withdrawal(BLOCK), PLAIN);
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK), PLAIN);
    rib.settle();
    expect(feed.take()).toEqual([]);
  });

  test('routes are decided in slices, one per turn', () => {
    const { rib, turn } = ribOf({ sliceRoutes: 2 });
    const feed = new HeardFeed();
    rib.subscribe(feed, 'kernel');
    feed.take();
    for (let i = 0; i < 5; i++) rib.originate(cidr(`10.244.${i}.0/26`));
    const perTurn: number[] = [];
    while (turn()) perTurn.push(feed.take().length);
    expect(perTurn).toEqual([2, 2, 1]);
  });

  test('our own route beats a learned one of any LOCAL_PREF, and the learned one comes back when ours goes', () => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2');
    rib.receive(a, announcement(attributes('10.9.0.2', { localPref: 0xffffffff }), BLOCK), PLAIN);
    rib.originate(cidr(BLOCK));
    rib.settle();
    expect(paths(rib.pathsOf(cidr(BLOCK)))).toEqual(['local best', 'peer 10.9.0.2']);
    expect(rib.pathsOf(cidr(BLOCK))?.paths[1]?.lostAt).toEqual({ step: 'local route', best: 'ours', this: 'learned' });
    rib.withdrawLocal(cidr(BLOCK));
    rib.settle();
    expect(paths(rib.pathsOf(cidr(BLOCK)))).toEqual(['peer 10.9.0.2 best']);
  });
});

describe('LocRib import', () => {
  const rejection = (more: Parameters<typeof attributes>[1], nextHop = '10.9.0.2', kind: 'ibgp' | 'ebgp' = 'ibgp') => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2', { kind });
    rib.receive(a, announcement(attributes(nextHop, more), BLOCK), PLAIN);
    rib.settle();
    expect(rib.countsOf(a)).toEqual({ received: 1, used: 0, rejected: 1, stale: 0, leftOut: 0 });
    expect(rib.counts.best).toBe(0);
    return rib.pathsOf(cidr(BLOCK))?.paths[0]?.rejected?.code;
  };

  test('our AS in the path is a loop (RFC 4271 9.1.2)', () => {
    expect(rejection({ asPath: [{ type: 'sequence', asns: [65001, 64512] }] }, '10.9.0.2', 'ebgp')).toBe('AS_LOOP');
  });
  test('our identifier as ORIGINATOR_ID or in CLUSTER_LIST is a loop (RFC 4456 8)', () => {
    expect(rejection({ originatorId: address('10.9.0.1') })).toBe('ORIGINATOR_IS_US');
    expect(rejection({ clusterList: [address('10.9.0.7'), address('10.9.0.1')] })).toBe('CLUSTER_LOOP');
  });
  test('a next hop of our own is not used (RFC 4271 5.1.3)', () => {
    expect(rejection({}, '10.9.0.1')).toBe('NEXT_HOP_IS_OURS');
  });

  test('malformed attributes take the route that was there, and stay visible with the reason (RFC 7606 2)', () => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2');
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK), PLAIN);
    rib.settle();
    // ORIGIN of value 9; AS_PATH empty; NEXT_HOP; LOCAL_PREF 100
    const bytes = [0x40, 1, 1, 9, 0x40, 2, 0, 0x40, 3, 4, 10, 9, 0, 2, 0x40, 5, 4, 0, 0, 0, 100];
    expect(rib.receive(a, rawAnnouncement(Uint8Array.from(bytes), BLOCK), PLAIN)).toEqual({ kind: 'taken' });
    rib.settle();
    expect(paths(rib.pathsOf(cidr(BLOCK)))).toEqual(['peer 10.9.0.2 MALFORMED_ORIGIN']);
    expect(rib.longestMatch(address('10.244.1.1'))?.paths[0]?.best).toBe(false);
  });

  test('a session is reset where the attributes ask for it, and the tables are as before', () => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2');
    // an attribute 99 that claims to be well-known: 3/2
    const received = rib.receive(a, rawAnnouncement(Uint8Array.of(0x40, 99, 0), BLOCK), PLAIN);
    expect(received.kind === 'reset' && [received.error.code, received.error.subcode]).toEqual([3, 2]);
    expect(rib.counts).toMatchObject({ routes: 0, paths: 0, attributes: 0 });
  });

  test('more prefixes than allowed end the session with Cease/1 (RFC 4486 4)', () => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2', { maxPrefixes: { limit: 2, action: 'idle' } });
    const received = rib.receive(
      a,
      announcement(attributes('10.9.0.2'), '10.244.1.0/26', '10.244.2.0/26', '10.244.3.0/26'),
      PLAIN,
    );
    expect(received.kind === 'reset' && [received.error.code, received.error.subcode]).toEqual([6, 1]);
    expect(rib.countsOf(a).received).toBe(2);
    rib.settle();
    expect(rib.counts.routes).toBe(2);
  });

  test('a policy that reads prefixes judges route by route, one that does not judges the set', () => {
    const { rib } = ribOf();
    const pods = { address: cidr('10.244.0.0/16').address, length: 16, le: 32 };
    const importPolicy: Policy = {
      name: 'pods',
      rules: [
        {
          name: 'pods',
          match: { prefixes: [pods] },
          action: 'accept',
          operations: [{ do: 'setLocalPref', value: 300 }],
        },
      ],
      otherwise: 'reject',
    };
    const a = addPeer(rib, '10.9.0.2', { importPolicy });
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK, '192.0.2.0/24'), PLAIN);
    rib.settle();
    expect(rib.pathsOf(cidr(BLOCK))?.paths[0]?.attributes?.localPref).toBe(300);
    expect(rib.pathsOf(cidr('192.0.2.0/24'))?.paths[0]?.rejected).toEqual({
      code: 'POLICY_REJECTED',
      text: 'policy pods: no rule that accepts',
    });
    rib.removeSource(a);
    rib.settle();
    expect(rib.counts).toMatchObject({ routes: 0, best: 0, paths: 0, attributes: 0, waiting: 0 });
  });

  test('an address that becomes ours takes the routes with that next hop away, and gives them back when it goes', () => {
    const ours = new Set<IpAddress>();
    const { rib } = ribOf({ isOurAddress: (a) => ours.has(a) });
    const a = addPeer(rib, '10.9.0.2');
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK), PLAIN);
    rib.settle();
    ours.add(address('10.9.0.2'));
    rib.reevaluate(address('10.9.0.3')); // nobody's next hop: the table is left alone
    rib.settle();
    expect(paths(rib.pathsOf(cidr(BLOCK)))).toEqual(['peer 10.9.0.2 best']);
    rib.reevaluate(address('10.9.0.2'));
    rib.settle();
    expect(paths(rib.pathsOf(cidr(BLOCK)))).toEqual(['peer 10.9.0.2 NEXT_HOP_IS_OURS']);
    ours.clear();
    rib.reevaluate();
    rib.settle();
    expect(paths(rib.pathsOf(cidr(BLOCK)))).toEqual(['peer 10.9.0.2 best']);
    expect(rib.countsOf(a)).toEqual({ received: 1, used: 1, rejected: 0, stale: 0, leftOut: 0 });
  });
});

describe('LocRib stale routes (RFC 4724 4.2)', () => {
  test('marking keeps the routes, announcing refreshes them, sweeping takes what was not announced', () => {
    const { rib } = ribOf();
    const feed = new HeardFeed();
    rib.subscribe(feed, 'kernel');
    const a = addPeer(rib, '10.9.0.2');
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK, '10.244.2.0/26'), PLAIN);
    rib.settle();
    feed.take();
    expect(rib.markStale(a)).toBe(2);
    expect(paths(rib.pathsOf(cidr(BLOCK)))).toEqual(['peer 10.9.0.2 best stale']);
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK), PLAIN);
    rib.settle();
    expect(feed.take()).toEqual([]);
    expect(rib.countsOf(a)).toEqual({ received: 2, used: 2, rejected: 0, stale: 1, leftOut: 0 });
    expect(rib.sweepStale(a)).toBe(1);
    rib.settle();
    expect(feed.take()).toEqual(['-10.244.2.0/26']);
  });

  test('a second restart deletes what was still stale from the first', () => {
    const { rib } = ribOf();
    const a = addPeer(rib, '10.9.0.2');
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK, '10.244.2.0/26'), PLAIN);
    rib.markStale(a);
    rib.receive(a, announcement(attributes('10.9.0.2'), BLOCK), PLAIN);
    expect(rib.markStale(a)).toBe(1);
    rib.settle();
    expect([...rib.routes()].map((r) => formatIpPrefix(r.prefix))).toEqual([BLOCK]);
  });
});

describe('LocRib views', () => {
  test('an address is answered by the longest match, then the less specific ones; all routes come in order', () => {
    const { rib } = ribOf();
    for (const p of ['0.0.0.0/0', '192.168.0.0/16', '10.244.0.0/16', BLOCK]) rib.originate(cidr(p));
    rib.settle();
    const matches = [...rib.matches(address('10.244.1.9'))].map((r) => formatIpPrefix(r.prefix));
    expect(matches).toEqual([BLOCK, '10.244.0.0/16', '0.0.0.0/0']);
    expect([...rib.routes()].map((r) => formatIpPrefix(r.prefix))).toEqual([
      '0.0.0.0/0',
      '10.244.0.0/16',
      BLOCK,
      '192.168.0.0/16',
    ]);
    expect(rib.longestMatch(address('10.244.1.9'))?.prefix).toEqual(cidr(BLOCK));
    expect(rib.pathsOf(cidr('10.0.0.0/8'))).toBeUndefined();
  });
});
