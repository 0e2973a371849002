/** Community patterns against what a route carries. Pure. RFC 1997, 4360, 8092. */
import type { LargeCommunity, PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import type { CommunityKind, CommunityPattern } from '../model/community-pattern.ts';
import type { CommunityMatch } from '../model/policy.ts';

type Of<K extends CommunityKind> = Extract<CommunityPattern, { kind: K }>;

/** One row per kind: where a route has it, and what a pattern says of one. */
interface KindRow<K extends CommunityKind, V> {
  readonly of: (attributes: PathAttributes) => readonly V[] | undefined;
  readonly meets: (pattern: Of<K>, value: V) => boolean;
}
export const meetsStandard = (p: Of<'standard'>, value: number): boolean => ((value ^ p.value) & p.mask) === 0;
export const meetsExtended = (p: Of<'extended'>, value: bigint): boolean =>
  p.anyOf.some((form) => ((value ^ form.value) & form.mask) === 0n);
export function meetsLarge({ parts: [global, local1, local2] }: Of<'large'>, value: LargeCommunity): boolean {
  return (
    (global === undefined || global === value.global) &&
    (local1 === undefined || local1 === value.local1) &&
    (local2 === undefined || local2 === value.local2)
  );
}
const STANDARD: KindRow<'standard', number> = { of: (a) => a.communities, meets: meetsStandard };
const EXTENDED: KindRow<'extended', bigint> = { of: (a) => a.extendedCommunities, meets: meetsExtended };
const LARGE: KindRow<'large', LargeCommunity> = { of: (a) => a.largeCommunities, meets: meetsLarge };

/** Whether one of the route's communities is what the pattern means. */
function isMet(pattern: CommunityPattern, attributes: PathAttributes): boolean {
  switch (pattern.kind) {
    case 'standard':
      return STANDARD.of(attributes)?.some((value) => STANDARD.meets(pattern, value)) === true;
    case 'extended':
      return EXTENDED.of(attributes)?.some((value) => EXTENDED.meets(pattern, value)) === true;
    case 'large':
      return LARGE.of(attributes)?.some((value) => LARGE.meets(pattern, value)) === true;
  }
}

const ofKind = <K extends CommunityKind>(patterns: readonly CommunityPattern[], kind: K): readonly Of<K>[] =>
  patterns.filter((p): p is Of<K> => p.kind === kind);

/** No community of a kind that the patterns speak of is left over. */
function nothingElse(patterns: readonly CommunityPattern[], attributes: PathAttributes): boolean {
  const covered = <K extends CommunityKind, V>(kind: K, row: KindRow<K, V>): boolean => {
    const mine = ofKind(patterns, kind);
    return mine.length === 0 || (row.of(attributes) ?? []).every((value) => mine.some((p) => row.meets(p, value)));
  };
  return covered('standard', STANDARD) && covered('extended', EXTENDED) && covered('large', LARGE);
}

/** One row per mode. */
const MODES: {
  readonly [M in CommunityMatch['mode']]: (
    patterns: readonly CommunityPattern[],
    attributes: PathAttributes,
  ) => boolean;
} = {
  any: (patterns, attributes) => patterns.some((p) => isMet(p, attributes)),
  all: (patterns, attributes) => patterns.every((p) => isMet(p, attributes)),
  exact: (patterns, attributes) => patterns.every((p) => isMet(p, attributes)) && nothingElse(patterns, attributes),
  none: (patterns, attributes) => !patterns.some((p) => isMet(p, attributes)),
};

export const matchesCommunities = (wanted: CommunityMatch, attributes: PathAttributes): boolean =>
  MODES[wanted.mode](wanted.patterns, attributes);

/** The attributes without the communities that a pattern means; the same object where there are none. An attribute of which
 *  nothing is left is left out. */
export function withoutCommunities(attributes: PathAttributes, patterns: readonly CommunityPattern[]): PathAttributes {
  const standard = kept(attributes.communities, ofKind(patterns, 'standard'), meetsStandard);
  const extended = kept(attributes.extendedCommunities, ofKind(patterns, 'extended'), meetsExtended);
  const large = kept(attributes.largeCommunities, ofKind(patterns, 'large'), meetsLarge);
  if (
    standard === attributes.communities &&
    extended === attributes.extendedCommunities &&
    large === attributes.largeCommunities
  )
    return attributes;
  const { communities: _s, extendedCommunities: _e, largeCommunities: _l, ...rest } = attributes;
  return {
    ...rest,
    ...(standard && standard.length > 0 && { communities: standard }),
    ...(extended && extended.length > 0 && { extendedCommunities: extended }),
    ...(large && large.length > 0 && { largeCommunities: large }),
  };
}

function kept<V, P>(
  list: readonly V[] | undefined,
  patterns: readonly P[],
  meets: (pattern: P, value: V) => boolean,
): readonly V[] | undefined {
  if (list === undefined || patterns.length === 0) return list;
  const left = list.filter((value) => !patterns.some((p) => meets(p, value)));
  return left.length === list.length ? list : left;
}

export interface Communities {
  readonly standard?: readonly number[];
  readonly extended?: readonly bigint[];
  readonly large?: readonly LargeCommunity[];
}

/** Each once; the same object where all are there already. */
export function withCommunities(attributes: PathAttributes, add: Communities): PathAttributes {
  const standard = joined(attributes.communities, add.standard, (a, b) => a === b);
  const extended = joined(attributes.extendedCommunities, add.extended, (a, b) => a === b);
  const large = joined(
    attributes.largeCommunities,
    add.large,
    (a, b) => a.global === b.global && a.local1 === b.local1 && a.local2 === b.local2,
  );
  if (
    standard === attributes.communities &&
    extended === attributes.extendedCommunities &&
    large === attributes.largeCommunities
  )
    return attributes;
  return {
    ...attributes,
    ...(standard && { communities: standard }),
    ...(extended && { extendedCommunities: extended }),
    ...(large && { largeCommunities: large }),
  };
}

function joined<V>(
  list: readonly V[] | undefined,
  add: readonly V[] | undefined,
  same: (a: V, b: V) => boolean,
): readonly V[] | undefined {
  const result = [...(list ?? [])];
  for (const value of add ?? []) if (!result.some((there) => same(there, value))) result.push(value);
  return result.length === (list?.length ?? 0) ? list : result;
}
