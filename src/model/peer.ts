/** A BGP neighbour as configured, whatever configured it: the mesh, a BGPPeer, a file. Pure. */
import type { IpAddress } from '../base/ip.ts';
import type { Prefix } from '../base/prefix.ts';

/** missing: nobody wrote one, where one is required (RFC 8212). */
export type RoutePolicy = 'all' | 'none' | 'missing';

export interface PeerConfig {
  /** Kubernetes node name, or the configured name; unique, and what views call it. */
  readonly name: string;
  readonly kind: 'mesh' | 'node' | 'global' | 'file';
  /** What configured it, for people: "node-to-node mesh", "neighbors[0] of /etc/gingham.yaml". */
  readonly configuredBy: string;
  readonly address: IpAddress;
  readonly port: number;
  readonly asn: number;
  readonly localAsn: number;
  readonly localAddress?: IpAddress;
  /** The device both ends are on; always with a link-local address. */
  readonly interface?: string;
  /** GTSM: hops to the peer, at most. RFC 5082 */
  readonly ttlSecurity?: number;
  /** Of what we send; absent: the system's. */
  readonly ttl?: number;
  readonly passive: boolean;
  readonly password?: string;
  /** Seconds; 0 turns hold and keepalive timers off. RFC 4271 4.2. */
  readonly holdTimeSec: number;
  readonly connectRetrySec: number;
  /** Absent: graceful restart is not offered, and a lost session takes its routes at once. RFC 4724. */
  readonly gracefulRestart?: { readonly restartTimeSec: number };
  /** LOCAL_PREF sent on iBGP for our own routes. */
  readonly localPref: number;
  /** eBGP: send our address as next hop (always so for our own routes). */
  readonly nextHopSelf: boolean;
  /** Pass routes learned from other eBGP peers on; the mesh never does. */
  readonly transit: boolean;
  /** What is taken of its routes, and what of ours it is sent; absent: all. */
  readonly importPolicy?: RoutePolicy;
  readonly exportPolicy?: RoutePolicy;
  /** With transit: pass on only what lies in one of these. Absent: everything. */
  readonly transitWithin?: readonly Prefix[];
}
