/** A BGP neighbour as configured, whatever configured it: the mesh, a BGPPeer, a file, a range of addresses. Pure: types. Of
 *  both families at once; what a session really has is agreed in its OPENs. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import type { BgpRole } from '../bgp-js/wire/role.ts';
import type { Policy } from './policy.ts';

/** As files and views write them. */
export type FamilyName = 'ipv4-unicast' | 'ipv6-unicast';

/** What a route's next hop becomes on its way to the peer. auto: ourselves towards another AS, as it is within ours. Our own
 *  routes have our address in any case. */
export type NextHopMode = 'self' | 'keep' | 'auto';

/** Kinds of communities: of RFC 1997, of RFC 4360 and RFC 5701, of RFC 8092. */
export type CommunityKind = 'standard' | 'extended' | 'large';

/** MULTI_EXIT_DISC of learned routes. auto: within our AS only (RFC 4271 5.1.4). keep: towards other ASes too. drop: never. */
export type MedMode = 'auto' | 'keep' | 'drop';

/** What happens at a prefix more than `limit`. warn: it is taken, and told. drop: it is not taken, and told. idle: the
 *  session ends with Cease/1 (RFC 4486) and stays down for a time. */
export type MaxPrefixAction = 'warn' | 'drop' | 'idle';

/** Per family. */
export interface MaxPrefixes {
  readonly limit: number;
  readonly action: MaxPrefixAction;
  /** Said from so many percent of `limit` on. */
  readonly warnPercent: number;
  /** With idle: how long the session stays down; 0 is until its configuration changes. */
  readonly idleRestartSec: number;
}

/** An AS of our past or of this neighbour alone stands in the OPEN (`localAsn`), ours behind it. */
export interface LocalAs {
  /** This node's own. */
  readonly nodeAsn: number;
  /** Do not put `localAsn` into the AS_PATH of what the peer sends us. */
  readonly noPrepend: boolean;
  /** The peer sees `localAsn` only, not ours behind it. */
  readonly replaceAs: boolean;
}

/** Several paths of one prefix. RFC 7911 */
export interface AddPathConfig {
  readonly receive: boolean;
  readonly send: boolean;
  /** Of one prefix we send at most so many. */
  readonly max: number;
}

export interface BfdConfig {
  /** Between two packets, both ways. */
  readonly intervalMs: number;
  /** So many lost in a row are a dead peer. */
  readonly multiplier: number;
}

/** What a neighbour has beside its name, address and AS: also what all of a range share. */
export interface PeerSettings {
  readonly kind: 'mesh' | 'node' | 'global' | 'file' | 'dynamic';
  /** What configured it, for people: "node-to-node mesh", "neighbors of /etc/gingham.yaml". */
  readonly configuredBy: string;
  readonly port: number;
  /** What our OPEN says. */
  readonly localAsn: number;
  /** Present: `localAsn` is not this node's AS. */
  readonly localAs?: LocalAs;
  readonly localAddress?: IpAddress;
  /** Our IPv6 next hop on an IPv4 session, our IPv4 one on an IPv6 session; absent: none of the other family is known but
   *  the BGP identifier as an IPv4 address. */
  readonly otherLocalAddress?: IpAddress;
  /** The device both ends are on; always with a link-local address. */
  readonly interface?: string;
  /** GTSM: hops to the peer, at most. RFC 5082 */
  readonly ttlSecurity?: number;
  /** Of what we send; absent: the system's. */
  readonly ttl?: number;
  /** The peer may be so many hops away, and its next hops need not be on our links. */
  readonly multihop?: number;
  readonly passive: boolean;
  readonly password?: string;
  /** Seconds; 0 turns hold and keepalive timers off. RFC 4271 4.2. */
  readonly holdTimeSec: number;
  /** Seconds between two KEEPALIVEs, where that is less than a third of the agreed hold time; absent: that third. */
  readonly keepaliveSec?: number;
  readonly connectRetrySec: number;
  /** Offered in this order, never empty; absent: IPv4 unicast. RFC 4760 8 */
  readonly families?: readonly FamilyName[];
  /** Absent: neither. */
  readonly addPath?: AddPathConfig;
  /** Messages of up to 65535 octets are offered. RFC 8654 */
  readonly extendedMessages?: boolean;
  /** Absent: graceful restart is not offered, and a lost session takes its routes at once. RFC 4724. */
  readonly gracefulRestart?: { readonly restartTimeSec: number };
  /** Needs gracefulRestart: how much longer routes may be kept after the restart time. RFC 9494 */
  readonly longLivedGracefulRestart?: { readonly staleTimeSec: number };
  /** LOCAL_PREF sent on iBGP for our own routes. */
  readonly localPref: number;
  readonly nextHop: NextHopMode;
  /** eBGP, nextHop auto: next hops on the link that we share with the peer stay. RFC 4271 5.1.3 2 */
  readonly thirdPartyNextHop?: boolean;
  /** IPv4 routes with IPv6 next hops are offered. RFC 8950 */
  readonly extendedNextHop?: boolean;
  /** Absent: auto. */
  readonly med?: MedMode;
  /** Communities of these kinds do not leave; absent: all do. */
  readonly withhold?: readonly CommunityKind[];
  /** Everything leaves with GRACEFUL_SHUTDOWN: maintenance is near. RFC 8326 */
  readonly gracefulShutdown?: boolean;
  /** eBGP: learned BLACKHOLE routes are passed on. RFC 7999 3.2 */
  readonly sendBlackhole?: boolean;
  /** Pass routes learned from other eBGP peers on; the mesh never does. */
  readonly transit: boolean;
  /** iBGP: we reflect for it. RFC 4456 */
  readonly client?: boolean;
  /** Of the reflection; absent: our BGP identifier. RFC 4456 7 */
  readonly clusterId?: Ipv4;
  /** Our own AS may stand so many times in what it sends; absent: never. */
  readonly allowOwnAs?: number;
  /** eBGP: private AS numbers do not leave, or ours stands in their place (RFC 6996). Absent: they leave. */
  readonly removePrivateAs?: 'all' | 'replace';
  /** Absent: two million, and idle. */
  readonly maxPrefixes?: MaxPrefixes;
  /** What we are to it. RFC 9234 */
  readonly role?: BgpRole;
  /** A peer without a role is refused. */
  readonly strictRole?: boolean;
  /** Absent: no BFD. RFC 5882 */
  readonly bfd?: BfdConfig;
  /** What is taken of its routes, and what of ours it is sent; absent: all. */
  readonly importPolicy?: Policy;
  readonly exportPolicy?: Policy;
  /** With transit: pass on only what lies in one of these. Absent: everything. */
  readonly transitWithin?: readonly IpPrefix[];
}

export interface PeerConfig extends PeerSettings {
  /** Kubernetes node name, or the configured name; unique, and what views call it. */
  readonly name: string;
  readonly address: IpAddress;
  readonly asn: number;
}

/** Both ends count. */
export interface AsnRange {
  readonly from: number;
  readonly to: number;
}

/** Whoever connects from `prefix` and says one of these AS numbers is a peer for as long as its session lasts: passive, and
 *  named by its address. A configured neighbour comes before any range, a longer prefix before a shorter. */
export interface DynamicRange {
  readonly prefix: IpPrefix;
  readonly asns: readonly AsnRange[];
  /** Peers at the same time. */
  readonly limit: number;
  readonly settings: PeerSettings;
}
