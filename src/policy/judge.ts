/** A policy made ready for many routes. Pure, hot. The prefix's part of all rules is one class number (prefix-classes.ts), the
 *  attributes' part is worked out once per attribute set, and a verdict is worked out once per set, class and origin: after
 *  that a route costs a binary search and a look into an array.
 *
 *    const judge = judgeOf(policy);                       // once per policy
 *    const set = judge.forSet(attributes, source, {...}); // once per attribute set
 *    set.verdict(judge.classOf(address, length));         // per route
 */
import type { IpAddress } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { ipv6 } from '../base/ipv6.ts';
import type { Reason } from '../base/reason.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import type { BlockOrigin, DecidedBy, Policy, RouteSource, Rule } from '../model/policy.ts';
import { butPrefix, type RouteView } from './conditions.ts';
import { atEnd, decidedBy, readsInterface, readsOrigin, readsPrefix, rejected, type Verdict } from './evaluate.ts';
import { type Changed, operateAll } from './operations.ts';
import { PrefixClasses, type PrefixCondition } from './prefix-classes.ts';

/** What is the same for all routes of a set, beside the attributes. */
export interface SetContext {
  readonly isIpv6: boolean;
  /** Our end of the session, on export. */
  readonly localAddress?: IpAddress | undefined;
}

/** Of what varies by route beside its prefix; all absent: unknown. */
export interface RouteContext {
  readonly origin?: BlockOrigin | undefined;
  readonly originReason?: Reason | undefined;
  readonly interface?: string | undefined;
}

const NO_CONDITION = -1;
const ORIGINS: readonly BlockOrigin[] = ['unknown', 'valid', 'invalid'];

/** A rule, made ready: its prefix conditions by number, what else it asks, and its rejection, which is the same for all. */
interface ReadyRule {
  readonly rule: Rule;
  readonly within: number;
  readonly outside: number;
  readonly asks: ((route: RouteView) => boolean) | undefined;
  readonly by: DecidedBy;
  readonly rejection: Verdict;
}

export class Judge {
  readonly policy: Policy;
  /** False: verdict(0) serves all routes of a set. */
  readonly readsPrefix: boolean;
  readonly readsOrigin: boolean;
  readonly readsInterface: boolean;
  /** A rejection gives the origin's reason. */
  readonly saysOrigin: boolean;
  private readonly classes: PrefixClasses;
  private readonly rules: readonly ReadyRule[];
  /** By class: the rules whose prefix conditions hold. */
  private readonly ofClass: (readonly ReadyRule[] | undefined)[] = [];

  constructor(policy: Policy) {
    this.policy = policy;
    this.readsPrefix = readsPrefix(policy);
    this.readsOrigin = readsOrigin(policy);
    this.readsInterface = readsInterface(policy);
    this.saysOrigin = policy.rules.some((rule) => rule.because === 'origin');
    // A list that several rules name is one condition.
    const conditions: PrefixCondition[] = [];
    const number = (list: PrefixCondition | undefined): number => {
      if (list === undefined) return NO_CONDITION;
      const known = conditions.indexOf(list);
      return known >= 0 ? known : conditions.push(list) - 1;
    };
    this.rules = policy.rules.map((rule) => ({
      rule,
      within: number(rule.match.prefixes),
      outside: number(rule.match.notPrefixes),
      asks: butPrefix(rule.match),
      by: decidedBy(policy, rule),
      rejection: rejected(policy, rule, undefined),
    }));
    this.classes = new PrefixClasses(conditions);
  }

  /** Routes of one class are the same to every rule. */
  classOf(address: IpAddress, length: number): number {
    return this.classes.classOf(address, length);
  }
  classOfIpv4(address: number, length: number): number {
    return this.classes.classOfIpv4(address, length);
  }
  classOfIpv6(address: bigint, length: number): number {
    return this.classes.classOfIpv6(address, length);
  }

  forSet(attributes: PathAttributes, source: RouteSource, context: SetContext): SetJudge {
    return new SetJudge(this, attributes, source, context);
  }

  rulesOf(prefixClass: number): readonly ReadyRule[] {
    let rules = this.ofClass[prefixClass];
    if (rules === undefined) {
      rules = this.rules.filter(
        ({ within, outside }) =>
          (within === NO_CONDITION || this.classes.holds(prefixClass, within)) &&
          (outside === NO_CONDITION || !this.classes.holds(prefixClass, outside)),
      );
      this.ofClass[prefixClass] = rules;
    }
    return rules;
  }
}

/** Verdicts on the routes of one attribute set. */
export class SetJudge {
  private readonly judge: Judge;
  private readonly attributes: PathAttributes;
  private readonly source: RouteSource;
  private readonly context: SetContext;
  /** Most sets meet one class or two: the last one here, the others in a map. */
  private lastKey = -1;
  private last: Verdict | undefined;
  private others: Map<number, Verdict> | undefined;

  constructor(judge: Judge, attributes: PathAttributes, source: RouteSource, context: SetContext) {
    this.judge = judge;
    this.attributes = attributes;
    this.source = source;
    this.context = context;
  }

  /** The same object for all routes that the policy cannot tell apart. */
  verdict(prefixClass: number, route?: RouteContext): Verdict {
    // A device's name or a reason of its own makes a verdict that serves this route only.
    if (this.judge.readsInterface || (this.judge.saysOrigin && route?.originReason !== undefined))
      return this.work(prefixClass, route);
    const origin = this.judge.readsOrigin ? ORIGINS.indexOf(route?.origin ?? 'unknown') : 0;
    const key = prefixClass * ORIGINS.length + origin;
    if (key === this.lastKey && this.last !== undefined) return this.last;
    const verdict = this.others?.get(key) ?? this.work(prefixClass, route);
    if (this.last !== undefined) {
      this.others ??= new Map();
      this.others.set(this.lastKey, this.last);
    }
    this.lastKey = key;
    this.last = verdict;
    return verdict;
  }

  private work(prefixClass: number, given: RouteContext | undefined): Verdict {
    let route: Changed = { attributes: this.attributes };
    let view: RouteView | undefined;
    for (const { rule, asks, by, rejection } of this.judge.rulesOf(prefixClass)) {
      if (asks !== undefined) {
        view ??= this.view(route, given);
        if (!asks(view)) continue;
      }
      if (rule.action === 'reject')
        return rule.because === 'origin' ? rejected(this.judge.policy, rule, given?.originReason) : rejection;
      if (rule.operations !== undefined) route = operateAll(rule.operations, route, this.context);
      if (rule.action === 'accept') return { kind: 'accept', ...route, by };
      view = undefined;
    }
    return atEnd(this.judge.policy, route);
  }

  private view(route: Changed, given: RouteContext | undefined): RouteView {
    const nowhere = this.context.isIpv6 ? NOWHERE6 : NOWHERE;
    return { ...nowhere, ...given, attributes: route.attributes, source: this.source };
  }
}

/** The conditions asked here read the family, and no prefix. */
const NOWHERE = { address: ipv4(0), length: 0 };
const NOWHERE6 = { address: ipv6(0n), length: 0 };

const JUDGES = new WeakMap<Policy, Judge>();

/** Made once per policy object. */
export function judgeOf(policy: Policy): Judge {
  let judge = JUDGES.get(policy);
  if (judge === undefined) {
    judge = new Judge(policy);
    JUDGES.set(policy, judge);
  }
  return judge;
}
