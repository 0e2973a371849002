/** Choosing between the paths of one prefix: the steps. Pure. RFC 4271 9.1.2.2, RFC 4456 9, RFC 9494 4.3. A new step is a new
 *  row of STEPS, and a line in best-path.ts, which walks the same steps on the tables' numbers.
 *
 *  Each step looks at the set of paths that is left and takes some away; it never compares in pairs in order of arrival. That
 *  makes MED deterministic (RFC 3345's oscillation cannot occur) and the result a function of the set: a property test
 *  scrambles the order. The first steps fold into one number per attribute set, the rank; explaining walks them one by one. */
import { compareIp, formatIp, type IpAddress } from '../../base/ip.ts';
import { firstAsn, asPathLength as lengthOf } from '../../bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { LLGR_STALE } from '../../bgp-js/attributes/communities.ts';
import type { PathSource } from '../terms/feed.ts';
import { MAX_PATH_LENGTH, packRank, type Standing, UNKNOWN } from './rank.ts';

/** A path in the running. */
export interface Candidate {
  readonly attributes: PathAttributes;
  readonly source: PathSource;
  /** Interior cost of its next hop; 0 of our own. */
  readonly cost: number;
  /** What origin validation says, where import prefers by it. */
  readonly standing: Standing;
  /** As received. RFC 7911 */
  readonly pathId: number;
  /** When it came, or changed last: wall clock, seconds. */
  readonly since: number;
}

type Value = number | IpAddress;

export interface Step {
  /** What `why` and `routes` print. */
  readonly name: string;
  readonly prefer: 'higher' | 'lower';
  readonly value: (path: Candidate) => Value;
  /** The value for people, where a bare number would not do. */
  readonly words?: (value: Value) => string;
  /** Compared only among paths from the same neighbouring AS. RFC 4271 9.1.2.2 c */
  readonly perNeighbourAs?: true;
  /** Part of rankOf(). */
  readonly inRank?: true;
  /** Taken only when the setting is on. */
  readonly onlyIf?: 'preferOlder';
  /** Paths that tie up to and with it may be used together. */
  readonly lastOfMultipath?: true;
}

/** LOCAL_PREF of a path that has none: every eBGP path that no policy touched. */
export const DEFAULT_LOCAL_PREF = 100;
const ORIGINS = ['igp', 'egp', 'incomplete'] as const;
const STANDINGS = ['invalid', 'unknown', 'valid'] as const;

/** A set counts one, however many AS numbers it holds. RFC 4271 9.1.2.2 a */
export function asPathLength(attributes: PathAttributes): number {
  return Math.min(lengthOf(attributes.asPath), MAX_PATH_LENGTH);
}

/** The AS the path came in from; 0 stands for our own (an empty path, or one that begins with a set). RFC 4271 9.1.2.2 c */
export function neighbourAs(attributes: PathAttributes): number {
  return firstAsn(attributes.asPath) ?? 0;
}

/** Kept beyond the restart time by us or by who passed it on. RFC 9494 */
export const isLongLivedStale = (a: PathAttributes): boolean => a.communities?.includes(LLGR_STALE) === true;

const localPref = (a: PathAttributes): number => a.localPref ?? DEFAULT_LOCAL_PREF;
const origin = (a: PathAttributes): number => ORIGINS.indexOf(a.origin);
const address = (v: Value): string => formatIp(v as IpAddress);
const oneOf =
  (yes: string, no: string) =>
  (v: Value): string =>
    v === 1 ? yes : no;

export const STEPS: readonly Step[] = [
  // Not in RFC 4271, but in every router: what we originate ourselves never loses to what others say about it.
  {
    name: 'local route',
    prefer: 'higher',
    inRank: true,
    value: ({ source }) => (source.kind === 'local' ? 1 : 0),
    words: oneOf('ours', 'learned'),
  },
  {
    name: 'LLGR_STALE', // RFC 9494 4.3
    prefer: 'lower',
    inRank: true,
    value: ({ attributes }) => (isLongLivedStale(attributes) ? 1 : 0),
    words: oneOf('long-lived stale', 'fresh'),
  },
  // RFC 6811 5 leaves it to policy what validity is worth. Where import prefers by it, it stands here:
  //   behind what is ours, which IPAM need not confirm, and behind LLGR_STALE, which RFC 9494 4.3 puts below anything fresh: a
  //   node that has been silent for hours is no better for being the block's owner;
  //   before LOCAL_PREF, which is the sender's word within an AS (9.1.1): whoever claims the block of another node would claim a
  //   high one too, and a mesh's own are the highest there are.
  // Between the two stands what IPAM cannot say: valid, unknown, invalid. It takes two routes of one prefix: a more specific one
  // that is invalid is used all the same, and only "reject" keeps it out. RFC 6811 has the same hole, and the same remedy.
  {
    name: 'origin validation',
    prefer: 'higher',
    inRank: true,
    value: ({ standing }) => standing,
    words: (v) => STANDINGS[Number(v)] ?? '?',
  },
  { name: 'LOCAL_PREF', prefer: 'higher', inRank: true, value: (p) => localPref(p.attributes) }, // 9.1.1
  { name: 'AS_PATH length', prefer: 'lower', inRank: true, value: (p) => asPathLength(p.attributes) }, // 9.1.2.2 a
  {
    name: 'ORIGIN', // b
    prefer: 'lower',
    inRank: true,
    value: (p) => origin(p.attributes),
    words: (v) => ORIGINS[Number(v)] ?? '?',
  },
  { name: 'MED', prefer: 'lower', perNeighbourAs: true, value: (p) => p.attributes.med ?? 0 }, // c
  {
    name: 'eBGP over iBGP', // d
    prefer: 'higher',
    value: ({ source }) => (source.kind === 'ebgp' ? 1 : 0),
    words: oneOf('eBGP', 'iBGP'),
  },
  { name: 'interior cost', prefer: 'lower', lastOfMultipath: true, value: (p) => p.cost }, // e
  // Not in RFC 4271: it makes the order of arrival matter, and is off unless asked for.
  {
    name: 'older path',
    prefer: 'lower',
    onlyIf: 'preferOlder',
    value: ({ source, since }) => (source.kind === 'ebgp' ? since : 0),
  },
  {
    name: 'BGP identifier', // f; RFC 4456 9
    prefer: 'lower',
    value: ({ attributes, source }) => attributes.originatorId ?? source.bgpIdentifier,
    words: address,
  },
  { name: 'CLUSTER_LIST length', prefer: 'lower', value: (p) => p.attributes.clusterList?.length ?? 0 }, // RFC 4456 9
  { name: 'peer address', prefer: 'lower', value: (p) => p.source.address, words: address }, // g
  // Several paths of one peer, or two sessions with one address: without a last word the order of arrival would decide.
  { name: 'path identifier', prefer: 'lower', value: (p) => p.pathId },
  { name: 'peer configured first', prefer: 'lower', value: (p) => p.source.id },
];

export interface DecisionSettings {
  readonly preferOlder: boolean;
}

export const stepsOf = (settings: DecisionSettings): readonly Step[] =>
  STEPS.filter(({ onlyIf }) => onlyIf === undefined || settings[onlyIf]);

/** The steps marked inRank as one number (rank.ts). */
export const rankOf = (attributes: PathAttributes, kind: PathSource['kind'], standing: Standing = UNKNOWN): number =>
  packRank(
    kind === 'local',
    isLongLivedStale(attributes),
    standing,
    localPref(attributes),
    asPathLength(attributes),
    origin(attributes),
  );

/** Told of every path a step takes away. */
export type OnLoss<C> = (lost: C, step: Step) => void;
/** Told of every step that was asked, with what it left. */
export type OnStep<C> = (step: Step, lost: number, left: readonly C[]) => void;

const order = (a: Value, b: Value): number => compareIp(a as IpAddress, b as IpAddress);
const better = (step: Step, a: Value, b: Value): boolean =>
  step.prefer === 'higher' ? order(a, b) > 0 : order(a, b) < 0;

/** True when a candidate of the same neighbouring AS has a better value. */
const outdone = (step: Step, of: Candidate, candidates: readonly Candidate[]): boolean =>
  candidates.some(
    (c) => better(step, step.value(c), step.value(of)) && neighbourAs(c.attributes) === neighbourAs(of.attributes),
  );

const bestValue = (step: Step, candidates: readonly Candidate[]): Value =>
  candidates.map(step.value).reduce((best, value) => (better(step, value, best) ? value : best));

/** The best of these, step by step, telling of each loss and each step. Undefined only for none. */
export function explain<C extends Candidate>(
  candidates: readonly C[],
  steps: readonly Step[],
  onLoss: OnLoss<C>,
  onStep?: OnStep<C>,
): C | undefined {
  let left = candidates;
  for (const step of steps) {
    if (left.length < 2) break;
    const best = step.perNeighbourAs ? 0 : bestValue(step, left);
    const before = left;
    left = before.filter((c) => {
      const lost = step.perNeighbourAs ? outdone(step, c, before) : step.value(c) !== best;
      if (lost) onLoss(c, step);
      return !lost;
    });
    onStep?.(step, before.length - left.length, left);
  }
  return left[0];
}

export const wordsOf = (step: Step, path: Candidate): string => {
  const value = step.value(path);
  return step.words?.(value) ?? String(value);
};
