/** What a session needs and what it tells. Pure: types. session.ts drives one peer from the FSM table. */
import type { IpAddress } from '../../base/ip.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import type { Clock, Random, Timers } from '../../base/ports.ts';
import type { Result } from '../../base/result.ts';
import type { UpdateFrame } from '../update/update-frame.ts';
import type { BgpError } from '../wire/error.ts';

export type SessionState = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';

/** Everything about one peer that does not change while its session object lives. */
export interface SessionConfig {
  readonly localAsn: number;
  readonly peerAsn: number;
  /** Non-zero. RFC 6286 */
  readonly bgpIdentifier: Ipv4;
  readonly peerAddress: IpAddress;
  readonly peerPort: number;
  /** Where we dial from; absent: the kernel's choice. Of the peer's family. */
  readonly localAddress?: IpAddress;
  /** Both ends are on this device; a must for a link-local address (RFC 4291 2.5.6). For others the connection is bound to
   *  it (SO_BINDTODEVICE). */
  readonly interface?: string;
  /** GTSM: the peer is at most so many hops away, 1 where nothing is between. What came farther is dropped. RFC 5082 */
  readonly ttlSecurity?: number;
  /** TTL or hop limit of what we send; absent: the system's (64), 255 with ttlSecurity. 1 keeps a session on the link. */
  readonly ttl?: number;
  /** Never dials; waits for accept(). */
  readonly passive: boolean;
  /** TCP MD5, RFC 2385 */
  readonly password?: string;
  /** Seconds: 0 or at least 3. */
  readonly holdTimeSec: number;
  readonly connectRetrySec: number;
  /** Where the peer's address is above our identifier, its connection would win a collision (RFC 4271 6.8): wait so long
   *  for it before dialling. Absent: dial at once. */
  readonly yieldMs?: number;
  /** Absent: the capability is not sent. R and F bits are asked for at every OPEN. RFC 4724 3 */
  readonly gracefulRestart?: {
    readonly restartTimeSec: number;
    readonly bits: () => { readonly restarting: boolean; readonly forwarding: boolean };
  };
}

/** What both OPENs agreed on. */
export interface Agreed {
  readonly peerAsn: number;
  readonly peerBgpIdentifier: Ipv4;
  readonly ibgp: boolean;
  readonly holdTimeSec: number;
  readonly fourOctetAs: boolean;
  readonly routeRefresh: boolean;
  /** The peer's GR capability, if it sent one and we did too. RFC 4724 3, RFC 8538 */
  readonly gracefulRestart?: {
    readonly restartTimeSec: number;
    readonly restarting: boolean;
    /** The capability lists IPv4 unicast; only then may its routes be kept. */
    readonly ipv4: boolean;
    readonly forwarding: boolean;
    readonly notification: boolean;
  };
  readonly localAddress: IpAddress;
  readonly localPort: number;
  readonly peerPort: number;
  /** We dialled. */
  readonly outgoing: boolean;
}

/** Why a session or an attempt ended. `code` is stable: HOLD_TIMER_EXPIRED, NOTIFICATION_RECEIVED, TCP_CLOSED, TCP_REFUSED,
 *  TCP_TIMEOUT, BAD_PEER_AS, ADMIN_DOWN, COLLISION, ... */
export interface SessionDown {
  readonly code: string;
  readonly text: string;
  readonly wasEstablished: boolean;
  /** The peer may still forward for us: TCP went without a NOTIFICATION (or RFC 8538 lets us keep), and GR was agreed for IPv4. */
  readonly keepRoutes: boolean;
  readonly sent?: BgpError;
  readonly received?: BgpError;
}

/** How we leave. `leave`: Cease/2 with text, inside a Hard Reset when both sides set N (RFC 8538). `restart`: TCP closes
 *  without a NOTIFICATION, so that helpers keep our routes. `reset`: NOTIFICATION `error`, then the session may come back. */
export type StopHow =
  | { readonly kind: 'leave'; readonly text: string }
  | { readonly kind: 'deconfigured' }
  | { readonly kind: 'restart' };

export interface SessionListener {
  onState(state: SessionState): void;
  onEstablished(agreed: Agreed): void;
  onUpdate(update: UpdateFrame): void;
  onEndOfRib(): void;
  onRouteRefresh(): void;
  /** The transport took what was queued: sending may go on. */
  onDrain(): void;
  onDown(down: SessionDown): void;
}

/** One TCP connection, dialled or accepted. The callbacks are properties because a connection has one owner at a time. */
export interface Connection {
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly localAddress: IpAddress;
  readonly localPort: number;
  /** The device that a link-local `remoteAddress` belongs to. */
  readonly remoteInterface?: string;
  /** Queues bytes, which must not change afterwards. False: the queue is above its mark; wait for onDrain. */
  write(bytes: Uint8Array): boolean;
  /** Octets that wait in our process because the peer's TCP takes no more. */
  readonly unsent: number;
  /** Half-closes after `lastBytes`, so that the peer can read them, and destroys within a second. */
  end(lastBytes?: Uint8Array): void;
  /** Closes at once, without a word. No callback comes afterwards. */
  destroy(): void;
  /** Another TCP MD5 key from the next segment on, undefined for none; false where that cannot be. What the peer signed
   *  with the old one is dropped, and sent again by its TCP. RFC 2385 */
  setPassword?(key: string | undefined): boolean;
  pause(): void;
  resume(): void;
  /** Calls `done` once, after what already waits in the kernel has been given to onData. */
  readPending(done: () => void): void;
  /** Unconsumed bytes of `slab` are [start, end); answers the new start. What is left comes again with more behind it. */
  onData: ((slab: Uint8Array, start: number, end: number) => number) | undefined;
  /** The connection is gone; without an error the peer closed it in order. At most once. */
  onClose: ((error?: NodeJS.ErrnoException) => void) | undefined;
  onDrain: (() => void) | undefined;
}

/** A connection that did not come about: `code` is TCP_REFUSED, TCP_TIMEOUT, TCP_UNREACHABLE, TCP_MD5_UNAVAILABLE, ... */
export interface DialFault {
  readonly code: string;
  readonly text: string;
}

export interface Transport {
  /** Calls `done` once, never before returning, unless the answer was called first: it cancels. */
  dial(config: SessionConfig, done: (result: Result<Connection, DialFault>) => void): () => void;
}

export interface SessionPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly transport: Transport;
}

export interface MessageCounters {
  readonly open: number;
  readonly update: number;
  readonly notification: number;
  readonly keepalive: number;
  readonly routeRefresh: number;
}

export interface SessionCounters {
  readonly received: MessageCounters;
  readonly sent: MessageCounters;
  /** Times Established was reached since the session object was made. */
  readonly establishedCount: number;
  /** Times we paused reading because the peer sent faster than we work. */
  readonly pauses: number;
  /** Wall clock of the last change of `state`, ms. */
  readonly since: number;
  readonly lastDown?: SessionDown & { readonly at: number };
}
