/** A peer, as far as it decides what it is sent and in which form. Pure: types, and the key by which peers that are sent the
 *  same octets find each other. */
import type { IpAddress, IpPrefix } from '../../base/ip.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import type { Ipv6 } from '../../base/ipv6.ts';
import type { BgpRole } from '../../bgp-js/wire/role.ts';
import type { Policy } from '../../model/policy.ts';

/** What a route's next hop becomes. auto: ourselves towards another AS, as it is within ours. Our own routes have our address
 *  in any case. RFC 4271 5.1.3 */
export type NextHopMode = 'self' | 'keep' | 'auto';

/** Kinds of communities that the peer is not sent. */
export interface WithheldCommunities {
  readonly standard?: boolean;
  /** RFC 4360 and RFC 5701 */
  readonly extended?: boolean;
  readonly large?: boolean;
}

export interface ExportTarget {
  readonly kind: 'ibgp' | 'ebgp';
  /** The peer's: no route is sent whose next hop it is itself. */
  readonly address: IpAddress;
  readonly peerAsn: number;
  /** Our end of the session: the next hop of our own routes, where it is of their family. */
  readonly localAddress: IpAddress;
  /** Our next hop for IPv4 routes where the session is an IPv6 one. */
  readonly localIpv4?: Ipv4;
  /** Our next hop for IPv6 routes where the session is an IPv4 one, or from a link-local address. */
  readonly localIpv6?: Ipv6;
  /** Ours on the link that we share with the peer: goes beside our global IPv6 next hop. RFC 2545 3 */
  readonly linkLocal?: Ipv6;
  /** IPv4 routes may have an IPv6 next hop: negotiated. RFC 8950 4 */
  readonly extendedNextHop?: boolean;
  readonly nextHop: NextHopMode;
  /** nextHop auto, eBGP: next hops of the link that we share with the peer stay ("third party"). RFC 4271 5.1.3 2 */
  readonly sharedSubnets?: readonly IpPrefix[];
  /** As our OPEN says it: in front of AS_PATH towards another AS. */
  readonly localAsn: number;
  /** This node's own AS where `localAsn` is another one: it stands behind that, unless replaceAs. RFC 7705 3.3 */
  readonly localAs?: { readonly nodeAsn: number; readonly replaceAs: boolean };
  /** eBGP: private AS numbers do not leave in AS_PATH: they are left out, or ours stands in their place. The peer's own
   *  stays: it finds loops by it. RFC 6996 4 */
  readonly removePrivateAs?: 'all' | 'replace';
  /** LOCAL_PREF of our own routes on iBGP. */
  readonly localPref: number;
  /** Sends learned routes too, not only our own. */
  readonly transit: boolean;
  /** Of learned routes only those within one of these; absent: all. */
  readonly transitWithin?: readonly IpPrefix[];
  /** Undefined: accept all. Judges what no rule of BGP itself keeps back; what it sets is sent. */
  readonly policy?: Policy | undefined;
  /** iBGP: we reflect others' routes to it. RFC 4456 */
  readonly client?: boolean;
  /** Of the reflection; absent: our BGP identifier. RFC 4456 7 */
  readonly clusterId?: number;
  /** MULTI_EXIT_DISC of learned routes towards another AS: auto leaves it out (RFC 4271 5.1.4). drop: nobody is sent one. */
  readonly med?: 'auto' | 'keep' | 'drop';
  /** Absent: all are sent. */
  readonly withhold?: WithheldCommunities;
  /** What we are to it. RFC 9234 5 */
  readonly role?: BgpRole;
  /** The peer knows long-lived graceful restart: only then it is sent routes that are stale for long. RFC 9494 4.3 */
  readonly longLived?: boolean;
  /** Learned BLACKHOLE routes go to other ASes too. RFC 7999 3.2 */
  readonly blackhole?: boolean;
  /** We are about to go: everything leaves with GRACEFUL_SHUTDOWN, and within our AS with LOCAL_PREF 0. RFC 8326 4 */
  readonly gracefulShutdown?: boolean;
}

/** The families that routes are kept of. */
export type OutFamily = 'ipv4' | 'ipv6';
