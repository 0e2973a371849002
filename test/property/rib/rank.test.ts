/** The rank of an attribute set: what was packed into it comes out again, and order is the order of the steps. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  INVALID,
  LOCAL_RANK,
  localPrefOfRank,
  MAX_PATH_LENGTH,
  packRank,
  pathLengthOfRank,
  standingOfRank,
  UNKNOWN,
  VALID,
} from '../../../src/rib/choice/rank.ts';

const parts = fc.record({
  isLocal: fc.boolean(),
  isStale: fc.boolean(),
  standing: fc.constantFrom(INVALID, UNKNOWN, VALID),
  localPref: fc.nat(0xffffffff),
  pathLength: fc.nat(MAX_PATH_LENGTH),
  origin: fc.nat(2),
});
type Parts = typeof parts extends fc.Arbitrary<infer P> ? P : never;
const pack = (p: Parts): number => packRank(p.isLocal, p.isStale, p.standing, p.localPref, p.pathLength, p.origin);
/** Step by step, the first that differs decides. */
const inSteps = (p: Parts): readonly number[] => [
  Number(p.isLocal),
  Number(!p.isStale),
  p.standing,
  p.localPref,
  -p.pathLength,
  -p.origin,
];

test('a rank holds its parts', () => {
  fc.assert(
    fc.property(parts, (p) => {
      const rank = pack(p);
      expect(Number.isSafeInteger(rank)).toBe(true);
      expect(rank >= LOCAL_RANK).toBe(p.isLocal);
      expect(standingOfRank(rank)).toBe(p.standing);
      expect(localPrefOfRank(rank)).toBe(p.localPref);
      expect(pathLengthOfRank(rank)).toBe(p.pathLength);
    }),
  );
});

test('ranks compare as the steps do, one after the other', () => {
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const [left, right] = [inSteps(a), inSteps(b)];
      const at = left.findIndex((value, i) => value !== right[i]);
      const steps = at < 0 ? 0 : (left[at] as number) - (right[at] as number);
      expect(Math.sign(pack(a) - pack(b))).toBe(Math.sign(steps));
    }),
  );
});
