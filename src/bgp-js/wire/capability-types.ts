/** What the capabilities of an OPEN say. Pure: types. RFC 5492; the codec is capabilities.ts. */
import type { Family } from './family.ts';

/** RFC 4724 3, RFC 8538 2 */
export interface GracefulRestartCapability {
  /** 0..4095 */
  readonly restartTimeSec: number;
  /** R: the speaker has restarted and waits for our End-of-RIB to arrive. RFC 4724 3 */
  readonly restarting: boolean;
  /** N: NOTIFICATIONs and hold timer expiry do not flush, only a Hard Reset does. RFC 8538 2 */
  readonly notification: boolean;
  readonly families: readonly (Family & { readonly forwarding: boolean })[];
}

/** RFC 9494 3.1 */
export interface LongLivedFamily extends Family {
  readonly forwarding: boolean;
  /** 24 bits of seconds. */
  readonly staleTimeSec: number;
}

/** RFC 7911 4; from the view of who sends the capability. */
export interface AddPathFamily extends Family {
  readonly receive: boolean;
  readonly send: boolean;
}

/** NLRI of AFI and SAFI may have next hops of AFI `nextHopAfi`. RFC 8950 4 */
export interface ExtendedNextHop extends Family {
  readonly nextHopAfi: number;
}

/** A capability that we do not know, as on the wire. */
export interface RawCapability {
  readonly code: number;
  readonly value: Uint8Array;
}

/** What an OPEN says that its speaker can do. Absent: not said. */
export interface Capabilities {
  /** Absent: the peer sent none, which means IPv4 unicast only. RFC 4760 8 */
  readonly multiprotocol?: readonly Family[];
  /** RFC 2918 2 */
  readonly routeRefresh?: true;
  readonly extendedNextHop?: readonly ExtendedNextHop[];
  /** RFC 8654 3 */
  readonly extendedMessages?: true;
  /** Values as on the wire (role.ts), each once: more than one is a Role Mismatch. RFC 9234 4.1 and 4.2 */
  readonly roles?: readonly number[];
  readonly gracefulRestart?: GracefulRestartCapability;
  readonly fourOctetAsn?: number;
  readonly addPath?: readonly AddPathFamily[];
  /** RFC 7313 3.1 */
  readonly enhancedRouteRefresh?: true;
  readonly longLivedGracefulRestart?: readonly LongLivedFamily[];
  /** draft-walton-bgp-hostname-capability */
  readonly hostName?: { readonly host: string; readonly domain: string };
  /** No row here knows them: for showing. */
  readonly unknown?: readonly RawCapability[];
}
