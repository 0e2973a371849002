/** The verdict on one route of a received set. Pure, hot. For most it is the set's; a policy that reads prefixes is asked route by
 *  route, and remembers by class of prefix, so that a route costs a look-up and no value of its own. */
import type { Reason } from '../../base/reason.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import type { Verdict } from '../../policy/evaluate.ts';
import { judgeOf, type RouteContext, type SetJudge } from '../../policy/judge.ts';
import { INVALID, UNKNOWN, VALID } from '../choice/rank.ts';
import { ACCEPTED } from '../sets/import.ts';
import type { ImportContext } from '../sets/import-context.ts';
import type { Tables } from './tables.ts';

const NONE = -1;
/** Sets whose judge is kept, a power of two. */
const KEPT = 1024;

interface Kept {
  readonly set: number;
  readonly generation: number;
  readonly judge: SetJudge;
  /** The last verdict, and the set it made: of many routes it is the same. */
  verdict: Verdict | undefined;
  used: number;
  usedGeneration: number;
}

export class RouteJudge {
  private readonly table: Tables;
  private readonly kept: (Kept | undefined)[] = [];

  constructor(table: Tables) {
    this.table = table;
  }

  /** What the route is used with, with a reference, or -1. */
  used(route: number, received: number): number {
    const { sets } = this.table;
    const used = sets.usedOf(received);
    if (used === NONE || this.isMulticast(route)) return NONE;
    const context = sets.contextOf(received);
    if (!context.perRoute) {
      sets.hold(used);
      return used;
    }
    return this.ask(route, used, context);
  }

  /** Why routes like this one are not used; undefined when the tables would use it now. */
  rejection(route: number, received: number): Reason | undefined {
    const { sets } = this.table;
    if (sets.verdictCodeOf(received) !== ACCEPTED) return sets.reasonOf(received);
    if (this.isMulticast(route)) return MULTICAST;
    const context = sets.contextOf(received);
    if (!context.perRoute) return undefined;
    const verdict = this.verdict(route, sets.usedOf(received), context, false);
    return verdict.kind === 'reject' ? verdict.reason : undefined;
  }

  private ask(route: number, base: number, context: ImportContext): number {
    const { sets } = this.table;
    const verdict = this.verdict(route, base, context, true);
    if (verdict.kind === 'reject') return NONE;
    const kept = this.judgeFor(base, context);
    if (kept.verdict === verdict && (kept.used === base || sets.generationOf(kept.used) === kept.usedGeneration)) {
      sets.hold(kept.used);
      return kept.used;
    }
    const attributes = sets.attributesOf(base);
    const standing = verdict.standing === undefined ? UNKNOWN : STANDING[verdict.standing];
    const same =
      standing === UNKNOWN && (verdict.attributes === attributes || sameValues(verdict.attributes, attributes));
    let used = base;
    if (same) sets.hold(base);
    else used = sets.internValue(verdict.attributes, context, standing);
    kept.verdict = verdict;
    kept.used = used;
    kept.usedGeneration = sets.generationOf(used);
    return used;
  }

  private verdict(route: number, base: number, context: ImportContext, isNews: boolean): Verdict {
    const { table } = this;
    const { judge } = this.judgeFor(base, context);
    const policy = judgeOf(context.policy as NonNullable<ImportContext['policy']>);
    const address = table.addressOf(route);
    const length = table.index.lengthOf(route);
    let given: RouteContext | undefined;
    if (policy.readsOrigin && table.us.originOf !== undefined) {
      const { origin, reason } = table.us.originOf(address, length, table.sets.attributesOf(base), isNews);
      given = { origin, originReason: reason };
    }
    return judge.verdict(policy.classOf(address, length), given);
  }

  private judgeFor(set: number, context: ImportContext): Kept {
    const { sets, family } = this.table;
    const at = set & (KEPT - 1);
    const known = this.kept[at];
    const generation = sets.generationOf(set);
    if (known !== undefined && known.set === set && known.generation === generation) return known;
    const policy = judgeOf(context.policy as NonNullable<ImportContext['policy']>);
    const judge = policy.forSet(sets.attributesOf(set), context.kind, { isIpv6: family === 'ipv6' });
    const made = { set, generation, judge, verdict: undefined, used: NONE, usedGeneration: 0 };
    this.kept[at] = made;
    return made;
  }

  /** 224.0.0.0/4 and ff00::/8: no unicast route leads there. RFC 4271 6.3, RFC 4291 2.7 */
  private isMulticast(route: number): boolean {
    const { family, prefixes, prefixes6 } = this.table;
    return family === 'ipv4' ? prefixes.addressOf(route) >>> 28 === 14 : prefixes6.wordOf(route, 0) >>> 24 === 0xff;
  }
}

const STANDING = { invalid: INVALID, unknown: UNKNOWN, valid: VALID } as const;

/** An accepting verdict gives back the object it was given, unless that was decoded once more meanwhile. */
const sameValues = (a: PathAttributes, b: PathAttributes): boolean => {
  const keys = Object.keys(a) as (keyof PathAttributes)[];
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
};

const MULTICAST: Reason = {
  code: 'MULTICAST_PREFIX',
  text: 'a prefix of multicast addresses among unicast routes is ignored (RFC 4271 6.3)',
};
