/** One peer as `gingham peers` shows it. Pure: types. Times are wall clock, ms. */
import type { IpAddress } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import type { Agreed, SessionCounters, SessionState } from '../bgp-js/session/session-types.ts';
import type { PeerConfig } from '../model/peer.ts';
import type { SourceCounts } from '../rib/views.ts';

/** How a session or an attempt ended. `code` is stable; see SessionDown. */
export interface LastReason extends Reason {
  readonly at: number;
}

export interface PeerState {
  /** All that is configured; the password is in it, so views take single fields. */
  readonly config: PeerConfig;
  readonly routes: SourceCounts;
  readonly name: string;
  readonly address: IpAddress;
  readonly ibgp: boolean;
  readonly state: SessionState;
  /** Since when the state is what it is; Established: when it came up. */
  readonly since: number;
  /** Why it is not Established; absent exactly when it is. */
  readonly reason?: Reason;
  /** How the last session or attempt ended; kept while Established. */
  readonly lastReason?: LastReason;
  /** How the last Established session ended: attempts that failed since do not hide it. */
  readonly lastSessionEnd?: LastReason;
  /** Established sessions that went down. */
  readonly flaps: number;
  /** Prefixes that the peer has from us now. */
  readonly sent: number;
  /** Present while Established. */
  readonly agreed?: Agreed;
  readonly counters: SessionCounters;
  /** Its stale routes go then, unless they are announced again. RFC 4724 4.2 */
  readonly staleUntil?: number;
}
