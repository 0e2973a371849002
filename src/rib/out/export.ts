/** A best path -> what one peer is sent of it, or why not. Pure. RFC 4271 5.1 and 9.2, RFC 4456 8. This is what export means;
 *  out-encoder.ts does the same to octets for many routes, and a property test holds the two together. The rules are
 *  export-rules.ts, next hops export-next-hop.ts, AS paths export-path.ts. */
import { formatIp, isIpv6 } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import type { Reason } from '../../base/reason.ts';
import type { MpNextHop, PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { GRACEFUL_SHUTDOWN, transitiveCommunities } from '../../bgp-js/attributes/communities.ts';
import { otcEgress } from '../../bgp-js/attributes/only-to-customer.ts';
import { evaluate, type Verdict } from '../../policy/evaluate.ts';
import { DEFAULT_LOCAL_PREF } from '../choice/decision.ts';
import { keepsNextHop, ownNextHop, passableNextHop } from './export-next-hop.ts';
import { pathToEbgp } from './export-path.ts';
import { isReflected, type OutRoute, REASONS_NOT_TO } from './export-rules.ts';
import type { ExportTarget, OutFamily } from './export-target.ts';

export type { OutRoute } from './export-rules.ts';
export type { ExportTarget, NextHopMode, OutFamily } from './export-target.ts';

export type Exported = { readonly send: PathAttributes } | { readonly not: Reason };

type Accepted = Extract<Verdict, { kind: 'accept' }>;

/** As it goes over the wire, next hop included; `ourIdentifier` is the cluster's where none is configured. */
export function exportTo(route: OutRoute, to: ExportTarget, ourIdentifier: number): Exported {
  for (const objection of REASONS_NOT_TO) {
    const not = objection(route, to);
    if (not) return { not };
  }
  const family: OutFamily = isIpv6(route.address) ? 'ipv6' : 'ipv4';
  const verdict = policyOf(route, to, family);
  if (verdict.kind === 'reject') return { not: verdict.reason };
  const hop = nextHopOf(route, verdict, to, family);
  if ('not' in hop) return hop;
  const changed = to.kind === 'ibgp' ? toIbgp(route, verdict, to, ourIdentifier) : toEbgp(route, verdict, to);
  return { send: withNextHop(withCommunities(changed, to), hop.send, family) };
}

const ACCEPTED = { policy: '' };

function policyOf({ attributes, source, address, length }: OutRoute, to: ExportTarget, family: OutFamily): Verdict {
  if (to.policy === undefined) return { kind: 'accept', attributes, by: ACCEPTED };
  const localAddress = ownNextHop(to, family)?.address;
  return evaluate(to.policy, {
    address,
    length,
    attributes,
    source: source.kind,
    ...(localAddress !== undefined && { localAddress }),
  });
}

/** A policy's word comes first, then the mode; what cannot be passed on makes place for our address. */
function nextHopOf(
  { attributes }: OutRoute,
  verdict: Accepted,
  to: ExportTarget,
  family: OutFamily,
): { readonly send: MpNextHop } | { readonly not: Reason } {
  const hop = verdict.nextHop === 'self' ? undefined : passableNextHop(verdict.attributes, to, family);
  if (hop !== undefined && (verdict.nextHop === 'set' || keepsNextHop(hop, to))) {
    if (hop !== to.address) return { send: { address: hop } };
    const text = `next hop ${formatIp(hop)} is the peer itself (RFC 4271 5.1.3)`;
    return { not: { code: 'NEXT_HOP_IS_THE_PEER', text } };
  }
  const own = ownNextHop(to, family);
  if (own !== undefined) return { send: own };
  const name = family === 'ipv4' ? 'IPv4' : 'IPv6';
  const text = `${attributes === verdict.attributes ? '' : 'after policy: '}this session runs between ${name === 'IPv4' ? 'IPv6' : 'IPv4'} addresses, and no ${name} address of ours is known to be its next hop`;
  return { not: { code: 'NO_NEXT_HOP', text } };
}

function withNextHop(a: PathAttributes, hop: MpNextHop, family: OutFamily): PathAttributes {
  const { nextHop: _n, mpNextHop: _m, ...rest } = a;
  return family === 'ipv4' && !isIpv6(hop.address) ? { ...rest, nextHop: hop.address } : { ...rest, mpNextHop: hop };
}

/** AS_PATH and MED stay as they are; LOCAL_PREF is mandatory (RFC 4271 5.1.5). What is reflected says where it came in, and
 *  through whom (RFC 4456 8). */
function toIbgp({ source }: OutRoute, verdict: Accepted, to: ExportTarget, ourIdentifier: number): PathAttributes {
  const { med, ...a } = verdict.attributes;
  const localPref = to.gracefulShutdown
    ? 0
    : (a.localPref ?? (source.kind === 'local' ? to.localPref : DEFAULT_LOCAL_PREF));
  const keepsMed = med !== undefined && (to.med !== 'drop' || setsMed(verdict));
  return {
    ...a,
    ...(keepsMed && { med }),
    localPref,
    ...(isReflected(source, to) && {
      originatorId: a.originatorId ?? ipv4(source.bgpIdentifier),
      clusterList: [ipv4(to.clusterId ?? ourIdentifier), ...(a.clusterList ?? [])],
    }),
  };
}

/** LOCAL_PREF, AIGP (RFC 7311 3.3), non-transitive communities (RFC 4360 6) and what reflection added stay inside the AS; MED
 *  tells of one neighbouring AS only and goes no further, unless policy or configuration say so. 5.1.4, 5.1.5 */
function toEbgp({ source }: OutRoute, verdict: Accepted, to: ExportTarget): PathAttributes {
  const {
    localPref: _l,
    originatorId: _o,
    clusterList: _c,
    aigp: _a,
    extendedCommunities,
    med,
    ...rest
  } = verdict.attributes;
  const transitive = transitiveCommunities(extendedCommunities);
  const keepsMed = setsMed(verdict) || to.med === 'keep' || (to.med !== 'drop' && source.kind === 'local');
  const marked = to.role === undefined ? undefined : otcEgress(rest, to.role, to.localAsn);
  return {
    ...(marked?.kind === 'pass' ? marked.attributes : rest),
    ...(keepsMed && med !== undefined && { med }),
    ...(transitive && { extendedCommunities: transitive }),
    asPath: pathToEbgp(rest.asPath, to),
  };
}

/** What policies set is meant for the peer. */
const setsMed = (verdict: Accepted): boolean => verdict.med === 'set';

function withCommunities(a: PathAttributes, { withhold, gracefulShutdown }: ExportTarget): PathAttributes {
  if (withhold === undefined && gracefulShutdown !== true) return a;
  const { communities, extendedCommunities, ipv6ExtendedCommunities, largeCommunities, ...rest } = a;
  const learned = withhold?.standard === true ? undefined : communities;
  const standard = gracefulShutdown === true ? withGracefulShutdown(learned) : learned;
  return {
    ...rest,
    ...(standard && { communities: standard }),
    ...(withhold?.extended !== true && extendedCommunities && { extendedCommunities }),
    ...(withhold?.extended !== true && ipv6ExtendedCommunities && { ipv6ExtendedCommunities }),
    ...(withhold?.large !== true && largeCommunities && { largeCommunities }),
  };
}

/** Our own word, which is not withheld. */
const withGracefulShutdown = (communities: readonly number[] = []): readonly number[] =>
  communities.includes(GRACEFUL_SHUTDOWN) ? communities : [...communities, GRACEFUL_SHUTDOWN];
