/** One peer as `gingham peers` shows it. Pure: types. Times are wall clock, ms. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Agreed, SessionState } from '../bgp-js/session-types.ts';
import type { PeerConfig } from '../model/peer.ts';

/** Why the session was last down. `code` is stable; see SessionDown. */
export interface LastReason {
  readonly code: string;
  readonly text: string;
  readonly at: number;
}

export interface PeerState {
  readonly name: string;
  readonly address: Ipv4;
  readonly port: number;
  readonly asn: number;
  readonly localAsn: number;
  readonly kind: PeerConfig['kind'];
  readonly configuredBy: string;
  readonly passive: boolean;
  readonly ibgp: boolean;
  readonly state: SessionState;
  /** Since when the state is what it is; Established: when it came up. */
  readonly since: number;
  readonly received: number;
  readonly used: number;
  readonly rejected: number;
  readonly stale: number;
  /** Prefixes announced to the peer now. */
  readonly sent: number;
  /** Established sessions that went down. */
  readonly flaps: number;
  readonly lastReason?: LastReason;
  /** Present while Established. */
  readonly agreed?: Agreed;
  readonly messages: { readonly received: number; readonly sent: number };
  /** Its stale routes go then, unless it comes back. RFC 4724 4.2 */
  readonly staleUntil?: number;
  /** The next attempt to connect, where known. */
  readonly retryAt?: number;
}
