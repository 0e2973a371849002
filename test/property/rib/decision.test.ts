/** The steps of the decision as a relation between paths: of any two exactly one loses, whichever stands first, at the same step;
 *  and of any number the same ones lose at the same steps, in whatever order they stand. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { type Candidate, explain, stepsOf } from '../../../src/rib/choice/decision.ts';
import { INVALID, UNKNOWN, VALID } from '../../../src/rib/choice/rank.ts';
import { LOCAL, Source } from '../../../src/rib/terms/source.ts';

/** Few values each, so that ties reach the last steps; sources are told apart by their ids alone. */
const candidate = (id: number): fc.Arbitrary<Candidate> =>
  fc
    .record({
      kind: fc.constantFrom('local' as const, 'ibgp' as const, 'ebgp' as const),
      address: fc.constantFrom(ipv4(0x0a090002), ipv4(0x0a090003)),
      identifier: fc.nat(1),
      localPref: fc.constantFrom(undefined, 100, 200),
      asns: fc.constantFrom([65001], [65002], [65001, 7]),
      origin: fc.constantFrom('igp' as const, 'incomplete' as const),
      med: fc.constantFrom(undefined, 0, 5),
      originatorId: fc.constantFrom(undefined, 0, 9),
      clusters: fc.constantFrom(undefined, [1], [1, 2]),
      cost: fc.nat(1),
      standing: fc.constantFrom(INVALID, UNKNOWN, VALID),
      pathId: fc.nat(1),
      since: fc.nat(1),
    })
    .map((c) => {
      const peer = { name: `p${id}`, kind: c.kind, address: c.address, localAsn: 64512, peerAsn: 65000 } as const;
      const source = new Source(id, c.kind === 'local' ? LOCAL : { ...peer, kind: c.kind });
      source.bgpIdentifier = c.identifier;
      return {
        source,
        attributes: {
          origin: c.origin,
          asPath: [{ type: 'sequence' as const, asns: c.asns }],
          nextHop: c.address,
          ...(c.localPref !== undefined && { localPref: c.localPref }),
          ...(c.med !== undefined && { med: c.med }),
          ...(c.originatorId !== undefined && { originatorId: ipv4(c.originatorId) }),
          ...(c.clusters !== undefined && { clusterList: c.clusters.map((n) => ipv4(n)) }),
        },
        cost: c.cost,
        standing: c.standing,
        pathId: c.pathId,
        since: c.since,
      };
    });

function losses(candidates: readonly Candidate[], preferOlder: boolean): Map<Candidate, string> {
  const lost = new Map<Candidate, string>();
  const best = explain(candidates, stepsOf({ preferOlder }), (loser, step) => {
    expect(lost.has(loser)).toBe(false);
    lost.set(loser, step.name);
  });
  expect(candidates.filter((c) => !lost.has(c))).toEqual([best]);
  return lost;
}

test('of any two paths exactly one loses, at the same step, whichever stands first', () => {
  fc.assert(
    fc.property(candidate(1), candidate(2), fc.boolean(), (a, b, preferOlder) => {
      expect(losses([b, a], preferOlder)).toEqual(losses([a, b], preferOlder));
    }),
    { numRuns: 2000 },
  );
});

test('of any number the same ones lose at the same steps, in any order', () => {
  const some = fc.tuple(...Array.from({ length: 6 }, (_, i) => candidate(i + 1)));
  const orders = fc.array(fc.nat(5), { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(some, orders, fc.boolean(), (all, at, preferOlder) => {
      const scrambled = [...all];
      at.forEach((to, from) => {
        const [one] = scrambled.splice(from, 1);
        if (one) scrambled.splice(to, 0, one);
      });
      const [here, there] = [losses(all, preferOlder), losses(scrambled, preferOlder)];
      for (const c of all) expect(there.get(c)).toBe(here.get(c));
    }),
    { numRuns: 1000 },
  );
});
