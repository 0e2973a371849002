/** Random sets of candidate paths for one prefix each, out of few values, so that ties go deep. Pure: a seed in, routes out. */
import { optional, type RouteView } from '../matrix/route-view.ts';

/** One neighbor of both daemons, and whose paths it tells. */
export interface Teller {
  readonly name: string;
  readonly address: string;
  readonly identifier: string;
  readonly asn: number;
}

export const OUR_ASN = 64512;
/** Two neighbors of one AS for MED, identifiers that are not in the order of the addresses, and three of our own AS. */
export const TELLERS: readonly Teller[] = [
  { name: 'i1', address: '10.9.1.1', identifier: '10.0.0.7', asn: OUR_ASN },
  { name: 'i2', address: '10.9.1.2', identifier: '10.0.0.3', asn: OUR_ASN },
  { name: 'i3', address: '10.9.1.3', identifier: '10.0.0.5', asn: OUR_ASN },
  { name: 'e1', address: '10.9.1.4', identifier: '10.0.0.4', asn: 65001 },
  { name: 'e2', address: '10.9.1.5', identifier: '10.0.0.2', asn: 65001 },
  { name: 'e3', address: '10.9.1.6', identifier: '10.0.0.8', asn: 65002 },
  { name: 'e4', address: '10.9.1.7', identifier: '10.0.0.1', asn: 65002 },
  { name: 'e5', address: '10.9.1.8', identifier: '10.0.0.6', asn: 65003 },
];

export interface Candidate {
  readonly teller: Teller;
  readonly route: RouteView;
}
export interface CandidateSet {
  readonly prefix: string;
  readonly candidates: readonly Candidate[];
}

/** mulberry32: small, and the same on every machine. */
export function chance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

export function candidateSets(count: number, seed: number): readonly CandidateSet[] {
  const random = chance(seed);
  const oneOf = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const maybe = <T>(share: number, make: () => T): T | undefined => (random() < share ? make() : undefined);

  /** Of AS 65001 to 65003, at times ending in a set. Its neighbour AS is its first. RFC 4271 9.1.2.2 c */
  const asPath = (first: number | undefined): string => {
    const middle = Array.from({ length: Math.floor(random() * 3) }, () => 65010 + Math.floor(random() * 5));
    const end = random() < 0.06 ? ['{65020 65021}'] : [];
    return [...(first === undefined ? [] : [first]), ...middle, ...end].join(' ');
  };

  return Array.from({ length: count }, (_, n) => {
    const prefix = `100.${64 + (n >> 8)}.${n & 255}.0/24`;
    const candidates: Candidate[] = [];
    for (const teller of shuffled(TELLERS, random).slice(0, 2 + Math.floor(random() * (TELLERS.length - 1)))) {
      const internal = teller.asn === OUR_ASN;
      const reflected = internal && random() < 0.4;
      const route: RouteView = {
        prefix,
        origin: oneOf(['igp', 'igp', 'egp', 'incomplete']),
        // A path of our own AS may be empty, or come from any neighbour.
        asPath: internal ? (random() < 0.15 ? '' : asPath(oneOf([65001, 65002, 65003]))) : asPath(teller.asn),
        nextHop: teller.address,
        ...optional(
          'med',
          maybe(0.7, () => oneOf([0, 10, 20])),
        ),
        ...(internal ? { localPref: oneOf([100, 100, 100, 200]) } : {}),
        ...(reflected
          ? {
              originatorId: oneOf(['10.0.1.1', '10.0.0.9', '10.0.0.2']),
              clusterList: oneOf([['10.0.2.1'], ['10.0.2.1', '10.0.2.2'], ['10.0.2.3']]),
            }
          : {}),
      };
      candidates.push({ teller, route });
    }
    return { prefix, candidates };
  });
}
