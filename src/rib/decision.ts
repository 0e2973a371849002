/** Choosing between the paths of one prefix. Pure. RFC 4271 9.1.2.2, RFC 4456 9. A new step is a new row of STEPS.
 *
 *  Each step looks at the set of paths that is left and takes some away; it never compares in pairs in order of arrival. That
 *  makes MED deterministic (RFC 3345's oscillation cannot occur) and the result a function of the set: a property test
 *  scrambles the order. The first four steps fold into one number per attribute set, the rank; explaining walks them one by one. */

import { formatIp, type IpAddress } from '../base/ip.ts';
import { firstAsn, asPathLength as lengthOf } from '../bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import type { PathSource } from './feed.ts';

export interface Step {
  /** What `why` and `routes` print. */
  readonly name: string;
  readonly prefer: 'higher' | 'lower';
  readonly value: (attributes: PathAttributes, source: PathSource) => number | IpAddress;
  /** The value for people, where a bare number would not do. */
  readonly words?: (value: number | IpAddress) => string;
  /** Compared only among paths from the same neighbouring AS. RFC 4271 9.1.2.2 c */
  readonly perNeighbourAs?: true;
  /** Part of rankOf(). */
  readonly inRank?: true;
}

/** LOCAL_PREF of a path that has none: every eBGP path that no policy touched. */
export const DEFAULT_LOCAL_PREF = 100;
/** Longer paths count as this long: twelve bits of the rank. */
const MAX_PATH_LENGTH = 4095;
const ORIGINS = ['igp', 'egp', 'incomplete'] as const;

/** A set counts one, however many AS numbers it holds. RFC 4271 9.1.2.2 a */
export function asPathLength(attributes: PathAttributes): number {
  return Math.min(lengthOf(attributes.asPath), MAX_PATH_LENGTH);
}

/** The AS the path came in from; 0 stands for our own (an empty path, or one that begins with a set). RFC 4271 9.1.2.2 c */
export function neighbourAs(attributes: PathAttributes): number {
  return firstAsn(attributes.asPath) ?? 0;
}

const localPref = (a: PathAttributes): number => a.localPref ?? DEFAULT_LOCAL_PREF;
const origin = (a: PathAttributes): number => ORIGINS.indexOf(a.origin);
const words = (v: number | IpAddress): string => formatIp(v as IpAddress);

export const STEPS: readonly Step[] = [
  // Not in RFC 4271, but in every router: what we originate ourselves never loses to what others say about it.
  {
    name: 'local route',
    prefer: 'higher',
    inRank: true,
    value: (_, s) => (s.kind === 'local' ? 1 : 0),
    words: (v) => (v ? 'ours' : 'learned'),
  },
  { name: 'LOCAL_PREF', prefer: 'higher', inRank: true, value: localPref }, // 9.1.1
  { name: 'AS_PATH length', prefer: 'lower', inRank: true, value: asPathLength }, // 9.1.2.2 a
  { name: 'ORIGIN', prefer: 'lower', inRank: true, value: origin, words: (v) => ORIGINS[Number(v)] ?? '?' }, // b
  { name: 'MED', prefer: 'lower', perNeighbourAs: true, value: (a) => a.med ?? 0 }, // c
  {
    name: 'eBGP over iBGP', // d
    prefer: 'higher',
    value: (_, s) => (s.kind === 'ebgp' ? 1 : 0),
    words: (v) => (v ? 'eBGP' : 'iBGP'),
  },
  // e, the interior cost of the next hop, needs the kernel's view of next hops: a row to come.
  { name: 'BGP identifier', prefer: 'lower', value: (a, s) => a.originatorId ?? s.bgpIdentifier, words }, // f
  { name: 'CLUSTER_LIST length', prefer: 'lower', value: (a) => a.clusterList?.length ?? 0 }, // RFC 4456 9
  { name: 'peer address', prefer: 'lower', value: (_, s) => s.address, words }, // g
  // Two sessions with one address: without a last word the result would depend on the order of arrival.
  { name: 'peer configured first', prefer: 'lower', value: (_, s) => s.id },
];

const AFTER_RANK = STEPS.filter((step) => !step.inRank);

/** The steps marked inRank as one number below 2^47, higher is better. */
export function rankOf(attributes: PathAttributes, kind: PathSource['kind']): number {
  const ours = kind === 'local' ? 2 ** 46 : 0;
  return (
    ours + localPref(attributes) * 2 ** 14 + (MAX_PATH_LENGTH - asPathLength(attributes)) * 4 + 2 - origin(attributes)
  );
}

/** A path in the running. The tables reuse a few of these objects for all routes. */
export interface Candidate {
  readonly attributes: PathAttributes;
  readonly source: PathSource;
}

/** Told of every path a step takes away. */
export type OnLoss<C> = (lost: C, step: Step) => void;

const better = (step: Step, a: number | IpAddress, b: number | IpAddress): boolean =>
  step.prefer === 'higher' ? a > b : a < b;

/** True when a candidate of the same neighbouring AS has a better value. Asked only for MED, and of ties: the square is small. */
function outdone<C extends Candidate>(step: Step, of: C, candidates: readonly C[], count: number): boolean {
  const as = neighbourAs(of.attributes);
  const value = step.value(of.attributes, of.source);
  for (let i = 0; i < count; i++) {
    const { attributes, source } = candidates[i] as C;
    if (better(step, step.value(attributes, source), value) && neighbourAs(attributes) === as) return true;
  }
  return false;
}

function bestValue<C extends Candidate>(step: Step, candidates: readonly C[], count: number): number | IpAddress {
  let best = step.value((candidates[0] as C).attributes, (candidates[0] as C).source);
  for (let i = 1; i < count; i++) {
    const value = step.value((candidates[i] as C).attributes, (candidates[i] as C).source);
    if (better(step, value, best)) best = value;
  }
  return best;
}

/** The one of the first `count` candidates that all steps leave. Reorders the array, allocates nothing. Undefined only for none. */
function walk<C extends Candidate>(
  candidates: C[],
  count: number,
  steps: readonly Step[],
  onLoss?: OnLoss<C>,
): C | undefined {
  for (const step of steps) {
    if (count < 2) break;
    const best = step.perNeighbourAs ? 0 : bestValue(step, candidates, count);
    // Survivors stay in front, losers go behind them; who is judged in the MED step is compared with losers too, since a
    // path beaten by a loser of its own group is beaten by that group's winner as well.
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const c = candidates[i] as C;
      const lost = step.perNeighbourAs
        ? outdone(step, c, candidates, count)
        : step.value(c.attributes, c.source) !== best;
      if (lost) {
        onLoss?.(c, step);
      } else {
        candidates[i] = candidates[kept] as C;
        candidates[kept++] = c;
      }
    }
    count = kept;
  }
  return count > 0 ? candidates[0] : undefined;
}

/** Best of paths whose ranks are equal: what the tables ask when a tie is left. */
export const bestOfEqualRank = <C extends Candidate>(candidates: C[], count: number): C | undefined =>
  walk(candidates, count, AFTER_RANK);

/** Best of any paths, step by step, telling of each loss. */
export const explain = <C extends Candidate>(candidates: C[], onLoss: OnLoss<C>): C | undefined =>
  walk(candidates, candidates.length, STEPS, onLoss);

export const wordsOf = (step: Step, c: Candidate): string => {
  const value = step.value(c.attributes, c.source);
  return step.words?.(value) ?? String(value);
};
