/** Policy and route -> verdict, rule by rule. Pure. This is what a policy means; judge.ts gives the same answers for many routes
 *  at little cost, and a property test holds the two together. */
import type { IpAddress } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import {
  type BlockOrigin,
  type DecidedBy,
  decidedByText,
  type Policy,
  type RouteSource,
  type Rule,
} from '../model/policy.ts';
import { matches } from './conditions.ts';
import { type Changed, operateAll } from './operations.ts';

export interface PolicyInput {
  readonly address: IpAddress;
  readonly length: number;
  readonly attributes: PathAttributes;
  readonly source: RouteSource;
  /** Of the outgoing device, where it is known. */
  readonly interface?: string;
  /** Absent: unknown. */
  readonly origin?: BlockOrigin;
  /** Why it is not valid, for a rule that says so. */
  readonly originReason?: Reason;
  /** Our end of the session, on export: what next hop "self" is. */
  readonly localAddress?: IpAddress;
}

/** Unchanged attributes are the same object. */
export type Verdict =
  | {
      readonly kind: 'accept';
      readonly attributes: PathAttributes;
      readonly by: DecidedBy;
      /** A rule set the next hop, and whoever sends the route leaves it as it is here; self: our end of the session. */
      readonly nextHop?: 'set' | 'self';
      /** A rule set MED: it is meant for whoever the route is sent to. */
      readonly med?: 'set';
      /** What the decision takes the route for; absent: unknown, which is what all are that no rule puts first or last. */
      readonly standing?: BlockOrigin;
    }
  | { readonly kind: 'reject'; readonly reason: Reason; readonly by: DecidedBy };

export function evaluate(policy: Policy, input: PolicyInput): Verdict {
  let route: Changed = { attributes: input.attributes };
  const context = { isIpv6: typeof input.address === 'bigint', localAddress: input.localAddress };
  for (const rule of policy.rules) {
    if (!matches(rule.match, { ...input, attributes: route.attributes })) continue;
    if (rule.action === 'reject') return rejected(policy, rule, input.originReason);
    route = operateAll(rule.operations, route, context);
    if (rule.action === 'accept') return { kind: 'accept', ...route, by: decidedBy(policy, rule) };
  }
  return atEnd(policy, route);
}

export function atEnd(policy: Policy, route: Changed): Verdict {
  const by = { policy: policy.name };
  if (policy.otherwise !== 'reject') return { kind: 'accept', ...route, by };
  const text = `policy ${policy.name}: no rule that accepts`;
  return { kind: 'reject', reason: policy.because ?? { code: 'POLICY_REJECTED', text }, by };
}

/** A rule without a name stands for the end of a policy in a chain. */
export function decidedBy(policy: Policy, { of, name }: Rule): DecidedBy {
  const from = of ?? policy.name;
  return name === '' ? { policy: from } : { policy: from, rule: name };
}

export function rejected(policy: Policy, rule: Rule, originReason: Reason | undefined): Verdict {
  const by = decidedBy(policy, rule);
  const plain = { code: 'POLICY_REJECTED', text: `policy ${decidedByText(by)}` };
  const reason = rule.because === 'origin' ? (originReason ?? ORIGIN_INVALID) : (rule.because ?? plain);
  return { kind: 'reject', reason, by };
}

const ORIGIN_INVALID: Reason = { code: 'ORIGIN_INVALID', text: 'IPAM says that the block belongs to another node' };

/** False: the verdict depends on attributes and source only, so that one serves all routes of the set. */
export const readsPrefix = (policy: Policy): boolean =>
  policy.rules.some(({ match }) => match.prefixes !== undefined || match.notPrefixes !== undefined) ||
  readsOrigin(policy);
/** A rule asks what IPAM says. */
export const readsOrigin = (policy: Policy): boolean =>
  policy.rules.some(({ match }) => match.blockOrigins !== undefined);
/** A rule makes the decision prefer by origin. */
export const setsStanding = (policy: Policy): boolean =>
  policy.rules.some(({ operations }) => operations?.some((operation) => operation.do === 'standAs'));
/** A rule asks for the outgoing device. */
export const readsInterface = (policy: Policy): boolean =>
  policy.rules.some(({ match }) => match.interface !== undefined);
