/** What the tables keep as best, change by change, is what the table of steps makes of all paths at once: for any changes, in any
 *  order, with MED groups, costs that change under the paths, several paths per route, and every setting. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareIp, formatIp, formatIpPrefix, type IpAddress } from '../../../src/base/ip.ts';
import type { LocRibConfig } from '../../../src/rib/ribs/loc-rib.ts';
import type { BestPath, PathSource, RouteFeed } from '../../../src/rib/terms/feed.ts';
import type { NextHopResolver } from '../../../src/rib/terms/next-hops.ts';
import type { RouteView } from '../../../src/rib/terms/views.ts';
import { addPeer, announcement, attributes, cidr, PLAIN, ribOf, withdrawal } from '../../support/rib.ts';

const PREFIXES = ['10.244.1.0/26', '10.244.2.0/26', '10.0.0.0/8'] as const;
const PEERS = 6;
const NEXT_HOPS = ['10.9.2.1', '10.9.2.2', '10.9.2.3'] as const;

/** Few values, so that ties reach the last steps. */
const someAttributes = fc.record({
  origin: fc.constantFrom('igp' as const, 'incomplete' as const),
  localPref: fc.constantFrom(100, 100, 200),
  med: fc.constantFrom(0, 5, 10),
  asPath: fc
    .constantFrom([65001], [65002], [65001, 7], [65002, 7])
    .map((asns) => [{ type: 'sequence' as const, asns }]),
  clusterList: fc.constantFrom([], ['1.1.1.1']),
  nextHop: fc.constantFrom(...NEXT_HOPS),
});

const anEvent = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant('announce' as const),
      peer: fc.nat(PEERS - 1),
      prefix: fc.constantFrom(...PREFIXES),
      attributes: someAttributes,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('withdraw' as const),
      peer: fc.nat(PEERS - 1),
      prefix: fc.constantFrom(...PREFIXES),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constantFrom('drop' as const, 'stale' as const, 'sweep' as const, 'long' as const),
      peer: fc.nat(PEERS - 1),
    }),
  },
  fc.record({ what: fc.constant('identify' as const), peer: fc.nat(PEERS - 1), as: fc.nat(3) }),
  fc.record({
    what: fc.constant('cost' as const),
    nextHop: fc.constantFrom(...NEXT_HOPS),
    cost: fc.constantFrom(-1, 0, 10),
  }),
  fc.record({ what: fc.constantFrom('ours' as const, 'not ours' as const), prefix: fc.constantFrom(...PREFIXES) }),
  fc.constant({ what: 'turn' as const }),
  fc.constant({ what: 'settle' as const }),
);

/** Costs that a test sets. */
class Costs implements NextHopResolver {
  private readonly costs = new Map<string, number>();
  private listener: () => void = () => {};

  resolve(nextHop: IpAddress): ReturnType<NextHopResolver['resolve']> {
    const metric = this.costs.get(formatIp(nextHop)) ?? 0;
    return metric < 0
      ? { reachable: false, reason: { code: 'NO_ROUTE', text: 'no route' } }
      : { reachable: true, metric, connected: true, byDefault: false };
  }
  onChange(listener: () => void): () => void {
    this.listener = listener;
    return () => {};
  }
  set(nextHop: string, cost: number): void {
    this.costs.set(nextHop, cost);
    this.listener();
  }
}

/** Prefix -> what was told last: source and gateways. */
class Believer implements RouteFeed {
  readonly routes = new Map<string, string>();

  onBest({ address, length, source, nextHops, attributes: a }: BestPath): void {
    const gateways = nextHops.map((n) => formatIp(n.gateway)).join(' ');
    this.routes.set(formatIpPrefix({ address, length }), `${source.name} med ${a.med} via ${gateways}`);
  }
  onWithdraw(address: IpAddress, length: number): void {
    this.routes.delete(formatIpPrefix({ address, length }));
  }
  onEndOfFeed(): void {}
}

/** What a feed must believe of a route whose paths are these. */
function expected({ paths }: RouteView): string | undefined {
  const [best] = paths;
  if (best === undefined || !best.best) return undefined;
  const used = paths.flatMap((p) => (p === best || p.multipath ? (p.nextHop ?? []) : []));
  // In order of the next hops' addresses; what they are resolved to may lie the other way round.
  used.sort((a, b) => compareIp(a.address, b.address));
  const gateways = [...new Set(used.flatMap(({ gateway: g }) => (g === undefined ? [] : [formatIp(g)])))].join(' ');
  return `${best.source.name} med ${best.attributes?.med} via ${gateways}`;
}

const settings = fc.record({
  maxPaths: fc.record({ ebgp: fc.constantFrom(1, 1, 2, 8), ibgp: fc.constantFrom(1, 1, 3) }),
  preferOlder: fc.boolean(),
});

test('the incremental way and the walk over all paths agree after any changes', () => {
  fc.assert(
    fc.property(fc.array(anEvent, { maxLength: 60 }), settings, (events, more) => {
      let now = 0;
      const costs = new Costs();
      const config: Partial<LocRibConfig> = {
        ...more,
        nextHops: costs,
        sliceRoutes: 2,
        clock: { now: () => 0, wall: () => (now += 1000) },
      };
      const { rib, turn } = ribOf(config);
      const feed = new Believer();
      rib.subscribe(feed, 'kernel');
      const peers: PathSource[] = Array.from({ length: PEERS }, (_, i) =>
        addPeer(rib, `10.9.0.${i + 2}`, { kind: i % 2 ? 'ebgp' : 'ibgp' }),
      );
      const check = (): void => {
        rib.settle();
        const routes = [...rib.routes()];
        const want = new Map(
          routes.flatMap((r) => {
            const e = expected(r);
            return e === undefined ? [] : [[formatIpPrefix(r.prefix), e] as const];
          }),
        );
        expect(new Map([...feed.routes].sort())).toEqual(new Map([...want].sort()));
        expect(rib.counts.best).toBe(want.size);
      };
      for (const event of events) {
        const peer = 'peer' in event ? (peers[event.peer] as PathSource) : undefined;
        if (event.what === 'turn') turn();
        else if (event.what === 'settle') check();
        else if (event.what === 'cost') costs.set(event.nextHop, event.cost);
        else if (event.what === 'ours') rib.originate(cidr(event.prefix));
        else if (event.what === 'not ours') rib.withdrawLocal(cidr(event.prefix));
        else if (peer === undefined) continue;
        else if (event.what === 'announce') {
          const { nextHop, clusterList, ...a } = event.attributes;
          const reflected =
            clusterList.length > 0 ? { clusterList: clusterList.map(() => cidr('1.1.1.1/32').address) } : {};
          rib.receive(peer, announcement(attributes(nextHop, { ...a, ...reflected }), event.prefix), PLAIN);
        } else if (event.what === 'withdraw') rib.receive(peer, withdrawal(event.prefix), PLAIN);
        else if (event.what === 'drop') rib.dropSource(peer);
        else if (event.what === 'stale') rib.markStale(peer);
        else if (event.what === 'long') rib.keepLongLived(peer);
        else if (event.what === 'sweep') rib.sweepStale(peer);
        else if (event.what === 'identify') rib.identify(peer, event.as);
      }
      check();
      const used = peers.map((p) => rib.countsOf(p).used).reduce((a, b) => a + b, 0);
      expect(used).toBe([...feed.routes.values()].filter((r) => !r.startsWith('local')).length);
      for (const peer of peers) rib.removeSource(peer);
      for (const p of PREFIXES) rib.withdrawLocal(cidr(p));
      rib.settle();
      expect(rib.counts).toMatchObject({ routes: 0, best: 0, paths: 0, attributes: 0, waiting: 0, nextHopGroups: 1 });
    }),
    { numRuns: 1000 },
  );
});
