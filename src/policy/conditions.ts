/** What a rule may ask of a route: one row per condition. Pure. */
import { type IpAddress, isIpv6, prefixHolds } from '../base/ip.ts';
import { asPathLength, leftmostAsn } from '../bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import type { BlockOrigin, Match, NumberRange, RouteSource } from '../model/policy.ts';
import { matchesAsPath } from './as-path-automaton.ts';
import { matchesCommunities } from './community-match.ts';
import { matchesName } from './name-pattern.ts';
import { matchesPrefix } from './prefix-match.ts';

/** A route on its way through the rules: `attributes` as changed so far. */
export interface RouteView {
  readonly address: IpAddress;
  readonly length: number;
  readonly attributes: PathAttributes;
  readonly source: RouteSource;
  readonly interface?: string | undefined;
  readonly origin?: BlockOrigin | undefined;
}

/** Of a path that has none. RFC 4271 leaves it to us; every router takes 100. */
const DEFAULT_LOCAL_PREF = 100;
/** Calico's largest priority, and that of an ordinary route. */
export const LARGEST_PRIORITY = 2147483647;
export const NORMAL_PRIORITY = 1024;

const within = (range: NumberRange, value: number): boolean =>
  (range.from === undefined || value >= range.from) && (range.to === undefined || value <= range.to);

function priorityOf({ attributes, source }: RouteView): number {
  const { localPref } = attributes;
  if (localPref === undefined && source === 'local') return NORMAL_PRIORITY;
  return LARGEST_PRIORITY - (localPref ?? DEFAULT_LOCAL_PREF);
}

const nextHopOf = ({ nextHop, mpNextHop }: PathAttributes): IpAddress | undefined => mpNextHop?.address ?? nextHop;

type Wanted = Required<Match>;
type Condition = keyof Wanted;

const CONDITIONS: { readonly [K in Condition]: (wanted: Wanted[K], route: RouteView) => boolean } = {
  prefixes: (wanted, { address, length }) => wanted.some((p) => matchesPrefix(p, address, length)),
  notPrefixes: (wanted, { address, length }) => !wanted.some((p) => matchesPrefix(p, address, length)),
  family: (wanted, { address }) => (wanted === 'ipv6') === isIpv6(address),
  sources: (wanted, { source }) => wanted.includes(source),
  interface: (wanted, route) => route.interface !== undefined && matchesName(wanted, route.interface),
  communities: (wanted, { attributes }) => wanted.every((one) => matchesCommunities(one, attributes)),
  asPaths: (wanted, { attributes }) => wanted.some((pattern) => matchesAsPath(pattern, attributes.asPath)),
  neighbourAs: (wanted, { attributes }) => {
    const asn = leftmostAsn(attributes.asPath);
    return asn !== undefined && wanted.includes(asn);
  },
  asPathLength: (wanted, { attributes }) => within(wanted, asPathLength(attributes.asPath)),
  nextHops: (wanted, { attributes }) => {
    const hop = nextHopOf(attributes);
    return hop !== undefined && wanted.some((p) => prefixHolds(p, hop));
  },
  localPref: (wanted, { attributes }) => within(wanted, attributes.localPref ?? DEFAULT_LOCAL_PREF),
  med: (wanted, { attributes }) => attributes.med !== undefined && within(wanted, attributes.med),
  origins: (wanted, { attributes }) => wanted.includes(attributes.origin),
  priority: (wanted, route) => priorityOf(route) === wanted,
  blockOrigins: (wanted, { origin }) => wanted.includes(origin ?? 'unknown'),
};

/** Those that the prefix decides, and nothing else of the route: prefix-classes.ts answers them for all rules at once. */
export const PREFIX_CONDITIONS: readonly Condition[] = ['prefixes', 'notPrefixes'];

const ALL = Object.keys(CONDITIONS) as readonly Condition[];
const OTHERS = ALL.filter((key) => !PREFIX_CONDITIONS.includes(key));

function holds<K extends Condition>(key: K, match: Partial<Wanted>, route: RouteView): boolean {
  const wanted = match[key];
  return wanted === undefined || CONDITIONS[key](wanted, route);
}

/** All conditions hold. */
export const matches = (match: Match, route: RouteView): boolean => ALL.every((key) => holds(key, match, route));

/** All conditions but those of the prefix, which are not asked; undefined where there are none. */
export function butPrefix(match: Match): ((route: RouteView) => boolean) | undefined {
  const present = OTHERS.filter((key) => match[key] !== undefined);
  return present.length === 0 ? undefined : (route) => present.every((key) => holds(key, match, route));
}
