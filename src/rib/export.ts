/** A best path -> what one peer is sent of it, or why not. Pure. RFC 4271 5.1 and 9.2, RFC 1997. One answer serves all routes
 *  of an attribute set. Reflection (RFC 4456) is a row of REASONS_NOT_TO to change, not a new structure. */
import { ifIpv4, prefixHolds } from '../base/ip.ts';
import { formatIpv4, type Ipv4, ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';
import type { AsSegment, Ipv4Attributes } from '../bgp-js/attributes/attribute-types.ts';
import { transitiveCommunities } from '../bgp-js/attributes/communities.ts';
import { evaluate } from '../policy/evaluate.ts';
import { DEFAULT_LOCAL_PREF } from './decision.ts';
import type { ExportTarget } from './export-target.ts';
import type { PathSource } from './feed.ts';

export type { ExportTarget, NextHopMode } from './export-target.ts';

export type Exported = { readonly send: Ipv4Attributes } | { readonly not: Reason };

const NO_EXPORT = 0xffffff01;
const NO_ADVERTISE = 0xffffff02;
const NO_EXPORT_SUBCONFED = 0xffffff03;
/** One segment holds at most 255. RFC 4271 4.3 b */
const MAX_SEGMENT = 255;

type Kind = PathSource['kind'];
type Objection = (a: Ipv4Attributes, from: Kind, to: ExportTarget) => Reason | undefined;

const has = (a: Ipv4Attributes, community: number): boolean => a.communities?.includes(community) === true;

const REASONS_NOT_TO: readonly Objection[] = [
  (attributes, source, { policy }) => {
    if (policy === undefined) return undefined;
    const verdict = evaluate(policy, { address: ipv4(0), length: 0, attributes, source });
    return verdict.kind === 'reject' ? verdict.reason : undefined;
  },
  (_, from, to) =>
    from === 'ibgp' && to.kind === 'ibgp'
      ? { code: 'IBGP_SPLIT_HORIZON', text: 'learned by iBGP, and iBGP peers hear it from its origin (RFC 4271 9.2)' }
      : undefined,
  (_, from, to) =>
    from !== 'local' && !to.transit
      ? { code: 'NO_TRANSIT', text: 'learned from another peer, and this one is sent only our own routes' }
      : undefined,
  (a) => (has(a, NO_ADVERTISE) ? { code: 'NO_ADVERTISE', text: 'carries NO_ADVERTISE (RFC 1997)' } : undefined),
  (a, _, to) =>
    to.kind === 'ebgp' && (has(a, NO_EXPORT) || has(a, NO_EXPORT_SUBCONFED))
      ? { code: 'NO_EXPORT', text: 'carries NO_EXPORT, and the peer is in another AS (RFC 1997)' }
      : undefined,
];

export function exportTo(attributes: Ipv4Attributes, from: Kind, to: ExportTarget): Exported {
  for (const objection of REASONS_NOT_TO) {
    const not = objection(attributes, from, to);
    if (not) return { not };
  }
  const send = to.kind === 'ibgp' ? toIbgp(attributes, from, to) : toEbgp(attributes, from, to);
  return send.nextHop === to.address
    ? {
        not: {
          code: 'NEXT_HOP_IS_THE_PEER',
          text: `next hop ${formatIpv4(send.nextHop)} is the peer itself (RFC 4271 5.1.3)`,
        },
      }
    : { send };
}

/** Whether a learned route may be passed on by its prefix. A handful of pools: a scan beats any index. */
export function mayPass({ transitWithin }: ExportTarget, from: Kind, address: number, length: number): boolean {
  if (transitWithin === undefined || from === 'local') return true;
  for (const p of transitWithin) if (length >= p.length && prefixHolds(p, ipv4(address))) return true;
  return false;
}

function nextHop(a: Ipv4Attributes, from: Kind, to: ExportTarget): Ipv4 {
  return to.nextHop === 'self' || (from === 'local' && a.nextHop === 0)
    ? (ifIpv4(to.localAddress) ?? to.localIpv4 ?? ipv4(0))
    : a.nextHop;
}

/** AS_PATH, MED and next hop stay as they are; LOCAL_PREF is mandatory. RFC 4271 5.1.5 */
function toIbgp(a: Ipv4Attributes, from: Kind, to: ExportTarget): Ipv4Attributes {
  const localPref = a.localPref ?? (from === 'local' ? to.localPref : DEFAULT_LOCAL_PREF);
  return { ...a, nextHop: nextHop(a, from, to), localPref };
}

/** LOCAL_PREF, AIGP (RFC 7311 3.3), non-transitive communities (RFC 4360 6) and what reflection added stay inside the AS; MED
 *  tells of one neighbouring AS only and goes no further. 5.1.4, 5.1.5 */
function toEbgp(a: Ipv4Attributes, from: Kind, to: ExportTarget): Ipv4Attributes {
  const { localPref: _l, originatorId: _o, clusterList: _c, aigp: _a, extendedCommunities, med, ...rest } = a;
  const transitive = transitiveCommunities(extendedCommunities);
  const keepMed = from === 'local' && med !== undefined;
  return {
    ...rest,
    ...(keepMed && { med }),
    ...(transitive && { extendedCommunities: transitive }),
    asPath: prepend(a.asPath, to.localAsn),
    nextHop: nextHop(a, from, to),
  };
}

/** RFC 4271 5.1.2 b: into a leading sequence with room, else as a segment of its own. */
export function prepend(path: readonly AsSegment[], asn: number): readonly AsSegment[] {
  const [first, ...others] = path;
  return first?.type === 'sequence' && first.asns.length < MAX_SEGMENT
    ? [{ type: 'sequence', asns: [asn, ...first.asns] }, ...others]
    : [{ type: 'sequence', asns: [asn] }, ...path];
}
