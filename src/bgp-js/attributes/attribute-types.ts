/** Path attributes as values. Pure: types. RFC 4271 4.3 and 5; the codec is attributes.ts, one row each in attribute-table.ts. */
import type { IpAddress } from '../../base/ip.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import type { Ipv6 } from '../../base/ipv6.ts';

/** How the route came to be: from an IGP, from EGP, or by other means. RFC 4271 5.1.1 */
export type Origin = 'igp' | 'egp' | 'incomplete';

/** RFC 4271 4.3 b; the confederation ones RFC 5065 3. */
export type SegmentType = 'sequence' | 'set' | 'confed-sequence' | 'confed-set';

/** A part of AS_PATH; of a set the order means nothing. RFC 4271 4.3 b */
export interface AsSegment {
  readonly type: SegmentType;
  readonly asns: readonly number[];
}

/** An attribute that we do not know, as on the wire: type, flags, value. */
export interface RawAttribute {
  readonly type: number;
  readonly flags: number;
  readonly value: Uint8Array;
}

/** What MP_REACH_NLRI says in front of its routes. RFC 4760 3, RFC 2545 3, RFC 8950 4. */
export interface MpNextHop {
  readonly address: IpAddress;
  /** The second of 32 octets: valid on the link of the session only. RFC 2545 3 */
  readonly linkLocal?: Ipv6;
  /** VPN families put a route distinguisher in front, in practice 0. RFC 4364 4.3.2 */
  readonly rd?: bigint;
}

/** RFC 8092 3: three unsigned 32-bit numbers. */
export interface LargeCommunity {
  readonly global: number;
  readonly local1: number;
  readonly local2: number;
}

/** RFC 5701 2: type and sub-type as one 16-bit number, the global administrator's address, 16 bits of their own. */
export interface Ipv6ExtendedCommunity {
  readonly type: number;
  readonly address: Ipv6;
  readonly local: number;
}

/** RFC 7311 3: the value of the first AIGP TLV. */
export interface Aigp {
  /** 64 bits */
  readonly metric: bigint;
  /** Other TLVs, as on the wire: passed along unchanged. RFC 7311 3 */
  readonly rest?: Uint8Array;
}

/** One attribute set, shared by all its routes and never changed. Absent attributes are absent. */
export interface PathAttributes {
  readonly origin: Origin;
  readonly asPath: readonly AsSegment[];
  /** NEXT_HOP: of IPv4 unicast routes in the UPDATE's own NLRI field. */
  readonly nextHop?: Ipv4;
  /** Of the routes in MP_REACH_NLRI. */
  readonly mpNextHop?: MpNextHop;
  readonly med?: number;
  readonly localPref?: number;
  readonly atomicAggregate?: true;
  readonly aggregator?: { readonly asn: number; readonly address: Ipv4 };
  /** RFC 1997, host order */
  readonly communities?: readonly number[];
  readonly originatorId?: Ipv4;
  readonly clusterList?: readonly Ipv4[];
  /** RFC 4360, eight octets each, host order; as text: communities.ts */
  readonly extendedCommunities?: readonly bigint[];
  /** RFC 5701 */
  readonly ipv6ExtendedCommunities?: readonly Ipv6ExtendedCommunity[];
  readonly aigp?: Aigp;
  readonly largeCommunities?: readonly LargeCommunity[];
  /** OTC, an AS number. RFC 9234 5; what to do with it is only-to-customer.ts */
  readonly onlyToCustomer?: number;
  /** Types of known optional transitive attributes that came with the Partial bit: it is never taken off again. RFC 4271 5 */
  readonly partial?: readonly number[];
  /** Optional transitive attributes we do not know: forwarded with the partial bit. RFC 4271 9 */
  readonly unknown?: readonly RawAttribute[];
}

/** Those of routes in the NLRI field: NEXT_HOP is mandatory there. RFC 4271 5 */
export interface Ipv4Attributes extends PathAttributes {
  readonly nextHop: Ipv4;
}
