/** Origin validation in the decision: with "prefer" no path wins while one of better standing is there, and among equal ones
 *  everything is as without it. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockOriginPolicy } from '../../../src/model/built-in-policies.ts';
import type { BlockOrigin, Policy } from '../../../src/model/policy.ts';
import { addPeer, announcement, attributes, cidr, PLAIN, ribOf, withdrawal } from '../../support/rib.ts';

const PREFIX = '10.244.1.0/26';
const PEERS = 6;
const ORDER: readonly BlockOrigin[] = ['invalid', 'unknown', 'valid'];
const path = fc.record({
  origin: fc.constantFrom(...ORDER),
  localPref: fc.constantFrom(100, 200),
  med: fc.constantFrom(0, 5),
  asn: fc.constantFrom(65001, 65002),
});
type Said = typeof path extends fc.Arbitrary<infer P> ? P : never;

/** The best peer by this policy, of those that `among` names. */
function best(said: readonly Said[], among: (s: Said) => boolean, order: readonly number[], mode: 'off' | 'prefer') {
  const { rib } = ribOf({
    originOf: (_, __, set) => ({ origin: said[Number(set.nextHop) & 0xff]?.origin ?? 'unknown' }),
  });
  const policy = blockOriginPolicy(mode);
  const peers = said.map((_, i) =>
    addPeer(rib, `10.9.1.${i}`, { kind: i % 2 ? 'ebgp' : 'ibgp', ...(policy && { importPolicy: policy as Policy }) }),
  );
  for (const i of order) {
    const { localPref, med, asn } = said[i] as Said;
    const set = attributes(`10.9.2.${i}`, { localPref, med, asPath: [{ type: 'sequence', asns: [asn] }] });
    rib.receive(peers[i] as (typeof peers)[number], announcement(set, PREFIX), PLAIN);
  }
  rib.settle();
  said.forEach((s, i) => {
    if (!among(s)) rib.receive(peers[i] as (typeof peers)[number], withdrawal(PREFIX), PLAIN);
  });
  rib.settle();
  const view = rib.pathsOf(cidr(PREFIX));
  const name = view?.paths.find((p) => p.best)?.source.name;
  for (const peer of peers) rib.removeSource(peer);
  rib.settle();
  expect(rib.counts).toMatchObject({ routes: 0, paths: 0, attributes: 0 });
  return name;
}

test('the best of the best standing wins, in whatever order they came', () => {
  fc.assert(
    fc.property(fc.array(path, { minLength: 1, maxLength: PEERS }), fc.infiniteStream(fc.nat()), (said, chance) => {
      const order = said
        .map((_, i) => ({ i, at: chance.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ i }) => i);
      const top = ORDER[Math.max(...said.map((s) => ORDER.indexOf(s.origin)))];
      const among = (s: Said): boolean => s.origin === top;
      expect(best(said, () => true, order, 'prefer')).toBe(
        best(
          said,
          among,
          said.map((_, i) => i),
          'off',
        ),
      );
    }),
  );
});
