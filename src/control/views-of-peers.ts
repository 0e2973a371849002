/** What people and programs see of a peer; the conventions are those of views.ts. Pure: types. */
import type { Reason } from '../base/reason.ts';

export interface PeerEventView {
  readonly at: string;
  readonly reason: Reason;
}

export interface AgreedView {
  readonly peerRouterId: string;
  /** ibgp or ebgp */
  readonly type: string;
  readonly holdTimeSeconds: number;
  readonly families: readonly string[];
  readonly fourOctetAs: boolean;
  readonly routeRefresh: boolean;
  /** The peer's; absent when not agreed. */
  readonly gracefulRestartSeconds?: number;
  /** "10.9.0.1:179" */
  readonly local: string;
  readonly remote: string;
  /** We dialled. */
  readonly outgoing: boolean;
}

export interface PeerCountsView {
  readonly received: number;
  /** Best paths among the received ones. */
  readonly used: number;
  readonly rejected: number;
  readonly stale: number;
  readonly sent: number;
}

export interface PeerView {
  readonly name: string;
  /** mesh, node, global, file */
  readonly kind: string;
  readonly configuredBy: string;
  readonly address: string;
  readonly port: number;
  readonly asn: number;
  readonly localAsn: number;
  readonly passive: boolean;
  /** TCP MD5 is configured; the password itself is never shown. */
  readonly password: boolean;
  readonly holdTimeSeconds: number;
  readonly connectRetrySeconds: number;
  /** Idle, Connect, Active, OpenSent, OpenConfirm, Established */
  readonly state: string;
  readonly stateSince: string;
  readonly stateForSeconds: number;
  /** Why it is not Established; always present then. */
  readonly reason?: Reason;
  /** Until it is dialled next; absent while it is being dialled, and where nothing dials it: passive, or held down. */
  readonly retryInSeconds?: number;
  /** How the last session or attempt ended; kept while Established. */
  readonly lastDown?: PeerEventView;
  readonly flaps: number;
  /** Only while Established (or while its stale routes are kept). */
  readonly counts?: PeerCountsView;
  readonly agreed?: AgreedView;
  /** In the order in which they are offered. */
  readonly families: readonly PeerFamilyView[];
  /** Something to look at although the session is up: near its prefix limit, or above it. */
  readonly warning?: Reason;
  /** It is left down on purpose (maxPrefixes) for so long; absent also where that is until its configuration changes. */
  readonly heldForSeconds?: number;
  /** Where BFD is configured and an end of the path is known. */
  readonly bfd?: PeerBfdView;
}

export interface PeerFamilyView {
  /** ipv4-unicast, ipv6-unicast */
  readonly family: string;
  /** The session that is up has it. */
  readonly negotiated: boolean;
  readonly received: number;
  readonly used: number;
  readonly rejected: number;
  readonly stale: number;
  readonly sent: number;
  /** Announcements above the limit that were not taken. */
  readonly leftOut: number;
  readonly limit: number;
  /** At the limit: warn, drop, idle */
  readonly limitAction: string;
  /** Several paths of a prefix come, and go. RFC 7911 */
  readonly addPathReceive: boolean;
  readonly addPathSend: boolean;
  /** The peer's routes may be kept while it restarts, and it says that it goes on forwarding. RFC 4724 */
  readonly gracefulRestart: boolean;
  readonly forwarding: boolean;
  /** How much longer after that. RFC 9494 */
  readonly longLivedSeconds?: number;
  /** What is stale goes then, unless it is announced again. */
  readonly staleForSeconds?: number;
  /** What is stale is kept as a last resort. */
  readonly longLived: boolean;
}

export interface PeerBfdView {
  /** AdminDown, Down, Init, Up */
  readonly state: string;
  readonly remoteState?: string;
  readonly stateForSeconds: number;
  readonly reason: Reason;
  readonly sendIntervalMs?: number;
  readonly detectionTimeMs: number;
  readonly flaps: number;
}
