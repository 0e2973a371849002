/** Paths that come and go a run at a time, beside the long way: a table that somebody reads all paths of takes every path alone. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LocRib } from '../../../src/rib/ribs/loc-rib.ts';
import type { PathSource } from '../../../src/rib/terms/feed.ts';
import { addPeer, announcement, attributes, cidr, HeardFeed, PLAIN, ribOf, withdrawal } from '../../support/rib.ts';
import { SaidResolver } from '../../support/rib-updates.ts';

const PEERS = 4;
const PREFIXES = ['10.1.0.0/16', '10.2.0.0/16', '10.2.3.0/24', '10.4.0.0/26', '0.0.0.0/0', '224.1.0.0/16'] as const;
const NEXT_HOPS = ['10.9.2.1', '10.9.2.2', '10.9.0.1', '10.9.3.3'] as const; // the last but one is ours, the last leads nowhere

const some = fc.array(fc.constantFrom(...PREFIXES), { minLength: 1, maxLength: 8 });
const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        do: fc.constant('announce' as const),
        peer: fc.nat(PEERS - 1),
        prefixes: some,
        nextHop: fc.constantFrom(...NEXT_HOPS),
        localPref: fc.constantFrom(100, 100, 200),
        med: fc.constantFrom(0, 0, 5),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('withdraw' as const), peer: fc.nat(PEERS - 1), prefixes: some }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('drop', 'stale', 'sweep'), peer: fc.nat(PEERS - 1) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const), peer: fc.constant(0) }) },
  ),
  { maxLength: 40 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

class Table {
  readonly rib: LocRib;
  readonly feed = new HeardFeed();
  private readonly turn: () => boolean;
  private readonly peers: readonly PathSource[];

  constructor(readsAllPaths: boolean) {
    const nextHops = new SaidResolver();
    nextHops.connect('10.9.2.1', '10.9.2.2', '10.9.0.1');
    const { rib, turn } = ribOf({ nextHops, sliceRoutes: 3 });
    this.rib = rib;
    this.turn = turn;
    rib.subscribe(this.feed, 'kernel');
    const port = rib.openOut({ allPaths: readsAllPaths });
    expect(port.table.bestPaths.comparesPairs).toBe(!readsAllPaths); // the condition of a run
    rib.onSlice(() => {
      while (port.changes.takeSome(port.cursor, new Int32Array(8), 8) > 0);
      port.trim();
    });
    this.peers = Array.from({ length: PEERS }, (_, i) =>
      addPeer(rib, `10.9.1.${i + 1}`, {
        ...(i === 1 && { maxPrefixes: { limit: 2, action: 'drop' } }),
        ...(i === 2 && { maxPrefixes: { limit: 3, action: 'idle' } }),
      }),
    );
  }

  play(step: Step): unknown {
    const { rib, peers } = this;
    const peer = peers[step.peer] as PathSource;
    switch (step.do) {
      case 'announce': {
        const { nextHop, localPref, med, prefixes } = step;
        return rib.receive(peer, announcement(attributes(nextHop, { localPref, med }), ...prefixes), PLAIN);
      }
      case 'withdraw':
        return rib.receive(peer, withdrawal(...step.prefixes), PLAIN);
      case 'drop':
        return rib.dropSource(peer);
      case 'stale':
        return rib.markStale(peer);
      case 'sweep':
        return rib.sweepStale(peer);
      case 'turn':
        this.turn();
        return undefined;
    }
  }

  /** After everything is decided. */
  get state(): unknown {
    const { rib } = this;
    rib.settle();
    while (this.turn());
    // How much was done in a turn, and who was asked for when, is not the same: these are left out, and the order of paths.
    const { walks: _w, lastChangeAt: _l, unreachableNextHops: _u, ...counts } = rib.counts;
    return {
      counts,
      peers: this.peers.map((p) => rib.countsOf(p)),
      routes: PREFIXES.map((p) =>
        rib
          .pathsOf(cidr(p))
          ?.paths.map(({ source, best, rejected, stale }) => `${source.name} ${best} ${rejected?.code} ${stale}`)
          .sort(),
      ),
      believes: [...this.feed.believes].sort(),
    };
  }
}

test('a run of routes leaves the table as the routes one by one would: paths, counts, limits, and what a feed believes', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const [short, long] = [new Table(false), new Table(true)];
      for (const step of all) expect(short.play(step)).toEqual(long.play(step));
      expect(short.state).toEqual(long.state);
    }),
    { numRuns: 2000 },
  );
});
