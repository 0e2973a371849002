/** Policies that a neighbor may name without writing them. Pure: data. RFC 7999, RFC 8326. */
import { ipv4 } from '../base/ipv4.ts';
import { ipv6 } from '../base/ipv6.ts';
import { BLACKHOLE, formatCommunity, GRACEFUL_SHUTDOWN, NO_ADVERTISE } from '../bgp-js/attributes/communities.ts';
import type { CommunityPattern } from './community-pattern.ts';
import type { BlockOrigin, Match, Policy, PrefixMatch, Rule } from './policy.ts';

const community = (value: number): CommunityPattern => ({
  kind: 'standard',
  text: formatCommunity(value),
  value,
  mask: 0xffffffff,
});
const carries = (value: number): Match => ({ communities: [{ mode: 'any', patterns: [community(value)] }] });

/** For import: the neighbour is about to go, so any other path is better. RFC 8326 4.2: LOCAL_PREF 0. Between ASes only, as
 *  the community is meant; the rules behind it still decide. */
export const GSHUT_POLICY: Policy = {
  name: 'gshut',
  rules: [
    {
      name: 'depreference',
      match: { ...carries(GRACEFUL_SHUTDOWN), sources: ['ebgp'] },
      operations: [{ do: 'setLocalPref', value: 0 }],
      action: 'next',
    },
  ],
  otherwise: 'next',
};

/** Every address of one host. */
const HOSTS: readonly PrefixMatch[] = [
  { address: ipv4(0), length: 0, ge: 32, le: 32 },
  { address: ipv6(0n), length: 0, ge: 128, le: 128 },
];

/** For import, from neighbours that may ask for it: packets to the host are dropped here, and nobody else is told (RFC 7999 3.2,
 *  3.3). A BLACKHOLE for more than a host is a route like any other. */
export const BLACKHOLE_POLICY: Policy = {
  name: 'blackhole',
  rules: [
    {
      name: 'discard',
      match: { ...carries(BLACKHOLE), prefixes: HOSTS },
      operations: [
        { do: 'addCommunities', standard: [NO_ADVERTISE] },
        { do: 'setNextHop', to: 'discard' },
      ],
      action: 'accept',
    },
  ],
  otherwise: 'next',
};

/** By the name that a file writes. */
export const BUILT_IN_POLICIES: ReadonlyMap<string, Policy> = new Map(
  [GSHUT_POLICY, BLACKHOLE_POLICY].map((policy) => [policy.name, policy]),
);

/** What becomes of a route whose block IPAM gives to another node. warn: it is used, and views and log say so. prefer: it is used
 *  where there is no other, and one that IPAM confirms goes before one that it does not know. reject: it is not used. */
export type BlockOriginMode = 'off' | 'warn' | 'prefer' | 'reject';

const named = (origin: BlockOrigin, rule: Pick<Rule, 'action' | 'operations' | 'because'>): Rule => ({
  name: origin,
  match: { blockOrigins: [origin] },
  ...rule,
});
const standing = (origin: BlockOrigin): Rule =>
  named(origin, { action: 'next', operations: [{ do: 'standAs', origin }] });
const blockOrigin = (rules: readonly Rule[]): Policy => ({ name: 'block-origin', rules, otherwise: 'next' });

const BY_MODE: Readonly<Record<BlockOriginMode, Policy | undefined>> = {
  off: undefined,
  // It changes nothing; but it asks, so that whoever answers sees what comes in.
  warn: blockOrigin([named('invalid', { action: 'next' })]),
  prefer: blockOrigin([standing('valid'), standing('invalid')]),
  reject: blockOrigin([named('invalid', { action: 'reject', because: 'origin' })]),
};

/** In front of the import policies of a cluster's peers; absent: nothing to judge. */
export const blockOriginPolicy = (mode: BlockOriginMode): Policy | undefined => BY_MODE[mode];
