/** What a file says of policies and prefix lists: one row each. Pure: tables. policies.ts makes policies of them. */
import { POLICY_TYPES as P } from './policy-types.ts';
import type { SettingTable } from './settings.ts';
import { TYPES } from './value-types.ts';

export const PREFIX_LIST_SETTINGS = {
  name: { type: TYPES.name, required: true, needs: 'nothing', description: 'What rules call it.' },
  prefixes: {
    type: P.prefixLine,
    many: true,
    required: true,
    needs: 'nothing',
    description:
      'A route is in the list when one of these holds: the prefix itself, or with ge and le its parts of such lengths.',
  },
} as const satisfies SettingTable;

export const POLICY_SETTINGS = {
  name: { type: TYPES.name, required: true, needs: 'nothing', description: 'What neighbors and verdicts call it.' },
  otherwise: {
    type: P.action,
    default: 'reject',
    needs: 'nothing',
    description: 'Of what no rule accepts or rejects. next: the next policy in the list of the neighbor decides.',
  },
} as const satisfies SettingTable;

/** Of one element of `rules`. All of `match` must hold. */
export const RULE_SETTINGS = {
  name: { type: TYPES.name, defaultText: 'its number', needs: 'nothing', description: 'What verdicts call it.' },
  'match.prefixes': { type: P.prefixLine, many: 'or-one', needs: 'nothing', description: 'The route is one of these.' },
  'match.prefixLists': {
    type: TYPES.name,
    many: 'or-one',
    needs: 'nothing',
    description: 'The route is in one of these lists.',
  },
  'match.notPrefixes': {
    type: P.prefixLine,
    many: 'or-one',
    needs: 'nothing',
    description: 'The route is none of these.',
  },
  'match.notPrefixLists': {
    type: TYPES.name,
    many: 'or-one',
    needs: 'nothing',
    description: 'The route is in none of these lists.',
  },
  'match.family': { type: P.family, needs: 'nothing', description: 'Family of the route.' },
  'match.source': { type: P.source, many: 'or-one', needs: 'nothing', description: 'Where the route is from.' },
  'match.interface': { type: P.device, needs: 'nothing', description: 'Device the route goes out by.' },
  'match.asPath': { type: P.asPath, many: 'or-one', needs: 'nothing', description: 'AS_PATH is one of these.' },
  'match.neighborAs': {
    type: P.asn,
    many: 'or-one',
    needs: 'nothing',
    description: 'The first AS number of AS_PATH is one of these.',
  },
  'match.asPathLength': { type: P.range, needs: 'nothing', description: 'Length of AS_PATH; a set counts one.' },
  'match.communities.any': {
    type: P.communityPattern,
    many: 'or-one',
    needs: 'nothing',
    description: 'The route has one of these.',
  },
  'match.communities.all': {
    type: P.communityPattern,
    many: 'or-one',
    needs: 'nothing',
    description: 'The route has each of these.',
  },
  'match.communities.exact': {
    type: P.communityPattern,
    many: 'or-one',
    needs: 'nothing',
    description: 'The route has each of these, and no others of their kinds.',
  },
  'match.communities.none': {
    type: P.communityPattern,
    many: 'or-one',
    needs: 'nothing',
    description: 'The route has none of these.',
  },
  'match.nextHop': {
    type: TYPES.ipPrefix,
    many: 'or-one',
    needs: 'nothing',
    description: 'The next hop is in one of these.',
  },
  'match.localPref': { type: P.range, needs: 'nothing', description: 'LOCAL_PREF; 100 where there is none.' },
  'match.med': { type: P.range, needs: 'nothing', description: 'MED, where there is one.' },
  'match.origin': { type: P.origin, many: 'or-one', needs: 'nothing', description: 'ORIGIN.' },
  'match.blockOrigin': {
    type: P.blockOrigin,
    many: 'or-one',
    needs: 'nothing',
    description: 'Whether IPAM gives the block to the node that announces it.',
  },
  'set.localPref': { type: P.number, needs: 'nothing', description: 'LOCAL_PREF becomes this.' },
  'set.med': { type: P.number, needs: 'nothing', description: 'MED becomes this.' },
  'set.addMed': { type: P.signed, needs: 'nothing', description: 'MED becomes so much more, or less.' },
  'set.removeMed': { type: TYPES.yes, needs: 'nothing', description: 'MED goes.' },
  'set.removeCommunities': {
    type: P.communityPattern,
    many: 'or-one',
    needs: 'nothing',
    description: 'These go, before others are added.',
  },
  'set.addCommunities': {
    type: P.community,
    many: 'or-one',
    needs: 'nothing',
    description: 'The route has these too.',
  },
  'set.prepend': {
    type: P.asn,
    many: 'or-one',
    needs: 'nothing',
    description: 'AS numbers in front of AS_PATH, the first of them first.',
  },
  'set.prepend.asn': { type: P.asn, needs: 'nothing', description: 'As prepend, where times is written too.' },
  'set.prepend.times': { type: P.times, default: 1, needs: 'nothing', description: 'How often.' },
  'set.nextHop': { type: P.nextHop, needs: 'nothing', description: 'self: our address. discard: packets are dropped.' },
  'set.origin': { type: P.origin, needs: 'nothing', description: 'ORIGIN becomes this.' },
  action: {
    type: P.action,
    required: true,
    needs: 'nothing',
    description: 'next: what is set is set, and the next rule is asked.',
  },
} as const satisfies SettingTable;
