/** What BFD offers to its clients: a path to watch, what became of it, and what people may see of it. Pure: types and limits.
 *  RFC 5880, RFC 5881 (single hop), RFC 5882 (clients). */
import type { IpAddress } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';

/** Wire values: AdminDown 0, Down 1, Init 2, Up 3. RFC 5880 4.1 */
export type BfdState = 'AdminDown' | 'Down' | 'Init' | 'Up';

/** What a client acts on. admin-down: one side was told to stop, which says nothing about the path, so a client goes on without
 *  BFD. RFC 5882 3.2 */
export type WatchState = 'up' | 'down' | 'admin-down';

export const MIN_INTERVAL_MS = 10;
/** RFC 5880 4.1 has 32 bits of microseconds; past a minute BGP's own hold timer is as quick. */
export const MAX_INTERVAL_MS = 60_000;
export const MAX_MULTIPLIER = 255;

/** One path to one neighbour. */
export interface BfdTarget {
  readonly address: IpAddress;
  /** Absent: what the kernel takes for this destination. */
  readonly localAddress?: IpAddress;
  /** Always with a link-local address. */
  readonly interface?: string;
}

/** MIN_INTERVAL_MS..MAX_INTERVAL_MS, both for sending and receiving; 1..MAX_MULTIPLIER. */
export interface BfdTiming {
  readonly intervalMs: number;
  readonly multiplier: number;
}

export interface WatchSpec extends BfdTarget, BfdTiming {}

/** Called at each change, never for the state a watch starts in: that is `down`, and means "not yet up". A client that tears
 *  down on `down` does so because the state was `up` before. */
export type OnWatchState = (state: WatchState, reason: Reason) => void;

export interface BfdWatch {
  readonly state: WatchState;
  /** Why the state is what it is. */
  readonly reason: Reason;
  view(): BfdView;
  /** Other timing without losing the session: a Poll Sequence. RFC 5880 6.8.3 */
  change(timing: BfdTiming): void;
  /** The neighbour is told AdminDown when this was the last watch of the path. */
  stop(): void;
}

/** One session, as `gingham peers PEER` shows it. Times are wall clock, ms. */
export interface BfdView extends BfdTarget {
  readonly state: BfdState;
  /** Absent: nothing was heard within the detection time. */
  readonly remoteState?: BfdState;
  readonly since: number;
  readonly reason: Reason;
  readonly localDiscriminator: number;
  readonly remoteDiscriminator?: number;
  /** As agreed: between two packets of ours; absent when the peer wants none. */
  readonly sendIntervalMs?: number;
  /** Between two packets of the peer, at most. */
  readonly receiveIntervalMs: number;
  /** Silence of this length takes the session down. */
  readonly detectionTimeMs: number;
  readonly multiplier: number;
  readonly remoteMultiplier?: number;
  /** Of RFC 5880 4.1, ours and the peer's last one. */
  readonly diagnostic: number;
  readonly remoteDiagnostic?: number;
  readonly packetsIn: number;
  readonly packetsOut: number;
  /** From this peer, and not taken; the last one's reason. */
  readonly discarded: number;
  readonly lastDiscard?: Reason;
  /** Why it left Up last. */
  readonly lastDown?: Reason & { readonly at: number };
  /** How often it left Up. */
  readonly flaps: number;
}

/** What peer/ needs of it; `undefined` where BFD cannot be had at all is the port's own absence. */
export interface BfdPort {
  watch(spec: WatchSpec, onState: OnWatchState): BfdWatch;
}
