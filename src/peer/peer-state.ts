/** One peer as `gingham peers` shows it. Pure: types. Times are wall clock, ms. */
import type { IpAddress } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import type { BfdView } from '../bfd/bfd-types.ts';
import type { Agreed, SessionCounters, SessionState } from '../bgp-js/session/session-types.ts';
import type { FamilyName, MaxPrefixes, PeerConfig } from '../model/peer.ts';
import type { SourceCounts } from '../rib/terms/views.ts';

/** How a session or an attempt ended. `code` is stable; see SessionDown. */
export interface LastReason extends Reason {
  readonly at: number;
}

/** What of a peer is one family's own. */
export interface FamilyState {
  readonly family: FamilyName;
  /** The session that is up has it. */
  readonly negotiated: boolean;
  readonly limit: MaxPrefixes;
  readonly routes: SourceCounts;
  /** Prefixes that the peer has from us now. */
  readonly sent: number;
  /** Its stale routes go then, unless they are announced again. RFC 4724 4.2 */
  readonly staleUntil?: number;
  /** They are kept as a last resort. RFC 9494 */
  readonly longLived?: true;
}

export interface PeerState {
  /** All that is configured; the password is in it, so views take single fields. */
  readonly config: PeerConfig;
  /** Of all families together. */
  readonly routes: SourceCounts;
  /** In the order in which they are offered. */
  readonly families: readonly FamilyState[];
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
  /** Prefixes that the peer has from us now, of all families. */
  readonly sent: number;
  /** Present while Established. */
  readonly agreed?: Agreed;
  readonly counters: SessionCounters;
  /** The first of its families' times. */
  readonly staleUntil?: number;
  /** It is left down until then (maxPrefixes); 0 is until its configuration changes. */
  readonly heldUntil?: number;
  /** When it is dialled next; absent while it is being dialled, and where nothing dials it. */
  readonly dialsAt?: number;
  /** It has as many prefixes as a warning is for, or more than its limit. */
  readonly warning?: Reason;
  readonly bfd?: BfdView;
}
