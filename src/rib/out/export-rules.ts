/** Why a best path is not sent to a peer, by rules of BGP itself. Pure. A new rule is a new row. RFC 4271 9.2, RFC 1997, RFC 4456 6,
 *  RFC 7999 3.2, RFC 9234 5, RFC 9494 4.3. NOPEER (RFC 3765) asks for nothing here: who is a bilateral peer is for policies
 *  to say. out-scan.ts says the same of octets. */

import type { IpAddress } from '../../base/ip.ts';
import { prefixHolds } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import {
  BLACKHOLE,
  LLGR_STALE,
  NO_ADVERTISE,
  NO_EXPORT,
  NO_EXPORT_SUBCONFED,
} from '../../bgp-js/attributes/communities.ts';
import { otcEgress } from '../../bgp-js/attributes/only-to-customer.ts';
import type { ExportTarget } from './export-target.ts';
import type { PathSource } from '../terms/feed.ts';

/** A path on its way out. */
export interface OutRoute {
  readonly address: IpAddress;
  readonly length: number;
  readonly attributes: PathAttributes;
  readonly source: PathSource;
}

type Objection = (route: OutRoute, to: ExportTarget) => Reason | undefined;

const has = ({ attributes }: OutRoute, community: number): boolean =>
  attributes.communities?.includes(community) === true;

export const REASONS_NOT_TO: readonly Objection[] = [
  ({ source }, to) =>
    isReflected(source, to) && !source.client && to.client !== true
      ? { code: 'IBGP_SPLIT_HORIZON', text: 'learned by iBGP, and iBGP peers hear it from its origin (RFC 4271 9.2)' }
      : undefined,
  // What is reflected passes because of the client, not because of transit.
  ({ source }, to) =>
    source.kind !== 'local' && !to.transit && !isReflected(source, to)
      ? { code: 'NO_TRANSIT', text: 'learned from another peer, and this one is sent only our own routes' }
      : undefined,
  (route, to) =>
    mayPass(to, route)
      ? undefined
      : { code: 'NOT_OF_THE_POOLS', text: 'learned from another peer, and outside of what this one is sent of those' },
  (route) => (has(route, NO_ADVERTISE) ? { code: 'NO_ADVERTISE', text: 'carries NO_ADVERTISE (RFC 1997)' } : undefined),
  (route, to) =>
    to.kind === 'ebgp' && (has(route, NO_EXPORT) || has(route, NO_EXPORT_SUBCONFED))
      ? { code: 'NO_EXPORT', text: 'carries NO_EXPORT, and the peer is in another AS (RFC 1997)' }
      : undefined,
  (route, to) =>
    to.kind === 'ebgp' && to.blackhole !== true && route.source.kind !== 'local' && has(route, BLACKHOLE)
      ? { code: 'BLACKHOLE', text: 'carries BLACKHOLE, which does not go beyond the AS it was sent to (RFC 7999 3.2)' }
      : undefined,
  (route, to) =>
    to.longLived !== true && has(route, LLGR_STALE)
      ? { code: 'LLGR_STALE', text: 'stale for long, and the peer does not know of that (RFC 9494 4.3)' }
      : undefined,
  ({ attributes }, { role, localAsn, kind }) => {
    if (role === undefined || kind === 'ibgp') return undefined;
    const verdict = otcEgress(attributes, role, localAsn);
    return verdict.kind === 'leak' ? { code: 'ROUTE_LEAK', text: verdict.text } : undefined;
  },
];

/** From one router of our AS to another: only a reflector does that. */
export const isReflected = (source: PathSource, to: ExportTarget): boolean =>
  source.kind === 'ibgp' && to.kind === 'ibgp';

/** Whether a learned route may be passed on by its prefix. A handful of pools: a scan beats any index. */
export function mayPass(
  { transitWithin }: ExportTarget,
  { source, address, length }: Pick<OutRoute, 'source' | 'address' | 'length'>,
): boolean {
  if (transitWithin === undefined || source.kind === 'local') return true;
  for (const p of transitWithin) if (length >= p.length && prefixHolds(p, address)) return true;
  return false;
}
