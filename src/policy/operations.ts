/** What a rule does to a route: one row per operation. Pure. An operation that changes nothing gives the same object, so that
 *  whoever keeps attributes by identity sees that nothing changed. */
import { type IpAddress, isIpv6 } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { ipv6 } from '../base/ipv6.ts';
import { prependAsn } from '../bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import type { BlockOrigin, Operation, OperationName } from '../model/policy.ts';
import { withCommunities, withoutCommunities } from './community-match.ts';

/** The route as it is on its way through the rules. */
export interface Changed {
  readonly attributes: PathAttributes;
  readonly nextHop?: 'set' | 'self';
  /** A rule set MED, maybe to what it was. */
  readonly med?: 'set';
  readonly standing?: BlockOrigin;
}

/** What an operation may ask beside the route. */
export interface OperationContext {
  readonly isIpv6: boolean;
  readonly localAddress?: IpAddress | undefined;
}

const MOST = 0xffffffff;

type Rows = {
  readonly [K in OperationName]: (operation: Operation<K>, route: Changed, context: OperationContext) => Changed;
};

const med = (route: Changed, value: number): Changed => ({
  ...route,
  attributes: route.attributes.med === value ? route.attributes : { ...route.attributes, med: value },
  med: 'set',
});

const attributesOf = (route: Changed, attributes: PathAttributes): Changed =>
  attributes === route.attributes ? route : { ...route, attributes };

const OPERATIONS: Rows = {
  setLocalPref: ({ value }, route) =>
    route.attributes.localPref === value ? route : { ...route, attributes: { ...route.attributes, localPref: value } },
  setMed: ({ value }, route) => med(route, value),
  addMed: ({ value }, route) => med(route, Math.min(MOST, Math.max(0, (route.attributes.med ?? 0) + value))),
  removeMed: (_, route) => {
    if (route.attributes.med === undefined) return route;
    const { med: _med, ...attributes } = route.attributes;
    return { ...route, attributes };
  },
  prepend: ({ asns }, route) => {
    if (asns.length === 0) return route;
    const asPath = asns.reduceRight(prependAsn, route.attributes.asPath);
    return { ...route, attributes: { ...route.attributes, asPath } };
  },
  addCommunities: (add, route) => attributesOf(route, withCommunities(route.attributes, add)),
  removeCommunities: ({ patterns }, route) => attributesOf(route, withoutCommunities(route.attributes, patterns)),
  setNextHop: ({ to }, route, context) => {
    if (to !== 'self') return withNextHop(route, to === 'discard' ? discard(context) : to, context, 'set');
    const { localAddress } = context;
    return localAddress === undefined
      ? { ...route, nextHop: 'self' }
      : withNextHop(route, localAddress, context, 'self');
  },
  standAs: ({ origin }, { standing: _before, ...route }) =>
    origin === 'unknown' ? route : { ...route, standing: origin },
  setOrigin: ({ value }, route) =>
    route.attributes.origin === value ? route : { ...route, attributes: { ...route.attributes, origin: value } },
};

/** RFC 4271 6.3: no peer can send it, so it cannot be taken for one's next hop. */
const discard = (context: OperationContext): IpAddress => (context.isIpv6 ? ipv6(0n) : ipv4(0));

/** IPv4 routes have NEXT_HOP, and where they came in MP_REACH_NLRI (RFC 8950), that one; IPv6 routes the latter. */
function withNextHop(
  { attributes, ...before }: Changed,
  to: IpAddress,
  context: OperationContext,
  nextHop: 'set' | 'self',
): Changed {
  if (isIpv6(to) !== context.isIpv6)
    return nextHop === 'self' ? { ...before, attributes, nextHop } : { ...before, attributes };
  const { mpNextHop, ...rest } = attributes;
  if (isIpv6(to)) {
    const same = mpNextHop?.address === to && mpNextHop.linkLocal === undefined;
    return { ...before, attributes: same ? attributes : { ...attributes, mpNextHop: { address: to } }, nextHop };
  }
  const same = mpNextHop === undefined && attributes.nextHop === to;
  return { ...before, attributes: same ? attributes : { ...rest, nextHop: to }, nextHop };
}

const operate = <K extends OperationName>(
  operation: Operation<K>,
  route: Changed,
  context: OperationContext,
): Changed => OPERATIONS[operation.do](operation, route, context);

export const operateAll = (
  operations: readonly Operation[] | undefined,
  route: Changed,
  context: OperationContext,
): Changed => (operations ?? []).reduce((now, operation) => operate(operation, now, context), route);
