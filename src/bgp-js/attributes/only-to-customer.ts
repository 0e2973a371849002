/** Only to Customer: what the role of a neighbour does to a route on its way in and out. Pure. RFC 9234 5. It applies to IPv4
 *  and IPv6 unicast between ASes; nothing but these two functions may change the attribute (5). */
import type { BgpRole } from '../wire/role.ts';
import type { PathAttributes } from './attribute-types.ts';

/** A route leak, which is not to be used or not to be sent, or the attributes to go on with. */
export type OtcVerdict<A extends PathAttributes> =
  | { readonly kind: 'pass'; readonly attributes: A }
  | { readonly kind: 'leak'; readonly text: string };

/** Received by us as `role` from AS `peerAsn`. */
export function otcIngress<A extends PathAttributes>(attributes: A, role: BgpRole, peerAsn: number): OtcVerdict<A> {
  const otc = attributes.onlyToCustomer;
  // 1: the peer is our customer, or our RS-client.
  if (role === 'provider' || role === 'rs')
    return otc === undefined
      ? { kind: 'pass', attributes }
      : { kind: 'leak', text: `OTC ${otc} from a ${role === 'rs' ? 'client of ours' : 'customer'} (RFC 9234 5)` };
  // 2: a lateral peer marks its routes with its own AS number only.
  if (role === 'peer' && otc !== undefined && otc !== peerAsn)
    return { kind: 'leak', text: `OTC ${otc} from peer AS ${peerAsn} (RFC 9234 5)` };
  // 3: what comes from a provider, a peer or a route server goes down only.
  return { kind: 'pass', attributes: otc === undefined ? { ...attributes, onlyToCustomer: peerAsn } : attributes };
}

/** To be sent by us as `role`, AS `localAsn`. */
export function otcEgress<A extends PathAttributes>(attributes: A, role: BgpRole, localAsn: number): OtcVerdict<A> {
  const otc = attributes.onlyToCustomer;
  // 2: to a provider, a peer or a route server it must not go.
  if (otc !== undefined && (role === 'customer' || role === 'peer' || role === 'rs-client'))
    return { kind: 'leak', text: `OTC ${otc}: only to customers (RFC 9234 5)` };
  // 1: to a customer, a peer or an RS-client it goes marked.
  const marks = role === 'provider' || role === 'peer' || role === 'rs';
  return {
    kind: 'pass',
    attributes: marks && otc === undefined ? { ...attributes, onlyToCustomer: localAsn } : attributes,
  };
}
