/** Peers of every pace: what each ends up with is what the table holds, and no pace costs the tables anything. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpPrefix } from '../../../src/base/ip.ts';
import { formatPrefix, prefix } from '../../../src/base/prefix.ts';
import { forEachPrefix } from '../../../src/bgp-js/update/update.ts';
import { AdjRibOut } from '../../../src/rib/adj-rib-out.ts';
import type { LocRib } from '../../../src/rib/loc-rib.ts';
import { addPeer, address, announcement, attributes, PLAIN, ribOf, updates, withdrawal } from '../../support/rib.ts';

const PREFIXES = ['10.244.1.0/26', '10.244.2.0/26', '10.244.3.0/26', '10.0.0.0/8'] as const;

/** The far end of one session, whose connection takes `budget` sends before it is full. */
class Reader {
  readonly has = new Set<string>();
  endOfRibs = 0;
  budget: number;
  readonly out: AdjRibOut;

  constructor(rib: LocRib, at: string, budget: number, holdLearned: boolean) {
    this.budget = budget;
    this.out = new AdjRibOut(rib, {
      target: {
        kind: 'ebgp',
        address: address(at),
        localAddress: address('10.9.0.1'),
        localAsn: 64512,
        localPref: 100,
        nextHop: 'self',
        peerAsn: 65001,
        transit: true,
      },
      fourOctetAs: true,
      source: addPeer(rib, at, { kind: 'ebgp' }),
      send: (messages) => this.take(messages),
      holdLearned,
    });
    this.out.pump();
  }
  private take(messages: Uint8Array): boolean {
    expect(this.budget).toBeGreaterThanOrEqual(0);
    for (const u of updates(messages)) {
      const nothing = u.withdrawnEnd === u.withdrawnStart && u.nlriEnd === u.nlriStart;
      if (nothing) this.endOfRibs++;
      const visit = (act: (text: string) => void) => (a: number, l: number) => act(formatPrefix(prefix(a, l)));
      forEachPrefix(
        u.slab,
        u.withdrawnStart,
        u.withdrawnEnd,
        visit((p) => expect(this.has.delete(p)).toBe(true)),
      );
      forEachPrefix(
        u.slab,
        u.nlriStart,
        u.nlriEnd,
        visit((p) => this.has.add(p)),
      );
    }
    return --this.budget > 0;
  }
  drain(budget: number): void {
    this.budget = budget;
    this.out.resume();
  }
}

const anEvent = fc.oneof(
  fc.record({
    what: fc.constantFrom('announce' as const, 'withdraw' as const),
    prefix: fc.constantFrom(...PREFIXES),
    med: fc.constantFrom(0, 1),
    peer: fc.nat(1),
  }),
  fc.constantFrom('turn' as const, 'drain' as const, 'refresh' as const, 'join' as const, 'leave' as const),
);

test('every peer ends with the routes of the table, whatever its pace, and withdrawals name only what it has', () => {
  fc.assert(
    fc.property(
      fc.array(anEvent, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      (events, pace, hold) => {
        const { rib, turn } = ribOf({ sliceRoutes: 2 });
        const sources = [addPeer(rib, '10.9.0.2', { kind: 'ebgp' }), addPeer(rib, '10.9.0.3', { kind: 'ebgp' })];
        const readers = [new Reader(rib, '10.9.0.10', pace, hold), new Reader(rib, '10.9.0.11', 1_000_000, false)];
        let joined = 0;
        for (const event of events) {
          if (event === 'turn') turn();
          else if (event === 'drain') for (const r of readers) r.drain(pace);
          else if (event === 'refresh') readers[0]?.out.refresh();
          else if (event === 'join') readers.push(new Reader(rib, `10.9.1.${++joined}`, pace, false));
          else if (event === 'leave') {
            if (readers.length > 2) readers.pop()?.out.close();
          } else {
            const source = sources[event.peer];
            if (!source) continue;
            const frame =
              event.what === 'announce'
                ? announcement(attributes('10.9.0.9', { med: event.med }), event.prefix)
                : withdrawal(event.prefix);
            rib.receive(source, frame, PLAIN);
          }
        }
        while (turn());
        for (const r of readers) {
          r.out.release();
          r.drain(1_000_000);
        }
        const table = new Set([...rib.routes()].map((r) => formatIpPrefix(r.prefix)));
        for (const r of readers) {
          expect(r.has).toEqual(table);
          expect(r.out.sent).toBe(table.size);
          expect(r.endOfRibs).toBe(1);
        }
        for (const s of sources) rib.removeSource(s);
        rib.settle();
        for (const r of readers) expect(r.has.size).toBe(0);
        expect(rib.counts).toMatchObject({ routes: 0, best: 0, paths: 0, attributes: 0 });
      },
    ),
    { numRuns: 300 },
  );
});

test('while we restart, learned routes and End-of-RIB wait, and our own do not (RFC 4724 4.1)', () => {
  const { rib } = ribOf();
  const source = addPeer(rib, '10.9.0.2', { kind: 'ebgp' });
  rib.receive(source, announcement(attributes('10.9.0.9'), PREFIXES[0]), PLAIN);
  rib.originate({ address: address('10.244.2.0'), length: 26 });
  rib.settle();
  const reader = new Reader(rib, '10.9.0.10', 1000, true);
  expect([...reader.has]).toEqual([PREFIXES[1]]);
  expect(reader.endOfRibs).toBe(0);
  reader.out.release();
  expect([...reader.has].sort()).toEqual([PREFIXES[0], PREFIXES[1]]);
  expect(reader.endOfRibs).toBe(1);
});
