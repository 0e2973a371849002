/** What the tables are told when they are made. Pure: types. */
import type { IpAddress } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import type { BlockOrigin } from '../../model/policy.ts';
import type { NextHopResolver } from './next-hops.ts';

/** How many paths that tie with the best through the interior cost are used beside it, itself included. 1: it alone. */
export interface MaxPaths {
  readonly ebgp: number;
  readonly ibgp: number;
}

/** `isNews`: a route is being judged, and not only looked at. */
export type OriginOf = (
  address: IpAddress,
  length: number,
  attributes: PathAttributes,
  isNews: boolean,
) => { readonly origin: BlockOrigin; readonly reason?: Reason };

export interface TableConfig {
  readonly family: 'ipv4' | 'ipv6';
  readonly bgpIdentifier: number;
  /** True for an address of this node: a next hop that is ours is never used. RFC 4271 5.1.3. See reevaluate(). `link`: the device
   *  that a link-local one is on, where that is known. */
  readonly isOurAddress: (address: IpAddress, link?: string) => boolean;
  /** Absent: every next hop is reachable at cost 0. */
  readonly nextHops?: NextHopResolver;
  /** Default 1 and 1. */
  readonly maxPaths?: MaxPaths;
  /** Among eBGP paths that tie through the interior cost the one that is there longest wins: the order of arrival then
   *  matters, which it never does otherwise. Default off. */
  readonly preferOlder?: boolean;
  /** Of a reflector: default the BGP identifier. RFC 4456 7 */
  readonly clusterId?: number;
  /** What IPAM says of a route, for policies that ask; see reevaluateWithin(). Absent: unknown. */
  readonly originOf?: OriginOf;
}

/** What the session agreed on, as far as bytes are read by it. */
export interface ReceiveOptions {
  readonly fourOctetAs: boolean;
  /** Of this family, towards us. RFC 7911 */
  readonly addPath: boolean;
}
