/** What a session needs and what it tells. Pure: types. session.ts drives one peer from the FSM table. */
import type { IpAddress } from '../../base/ip.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import type { Clock, Random, Timers } from '../../base/ports.ts';
import type { Result } from '../../base/result.ts';
import type { UpdateFrame } from '../update/update-frame.ts';
import type { BgpError } from '../wire/error.ts';
import type { Family } from '../wire/family.ts';
import type { BgpRole } from '../wire/role.ts';

/** The states of RFC 4271 8.2.2. */
export type SessionState = 'Idle' | 'Connect' | 'Active' | 'OpenSent' | 'OpenConfirm' | 'Established';

/** Everything about one peer that does not change while its session object lives. */
export interface SessionConfig {
  readonly localAsn: number;
  readonly peerAsn: number;
  /** In the place of `peerAsn` any of these, both ends included: for peers of which only the address is known. `peerAsn` is
   *  then what our OPEN takes it for (roles). */
  readonly peerAsns?: readonly { readonly from: number; readonly to: number }[];
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
  /** Seconds from one KEEPALIVE to the next, at least 1; absent, and where it is more, a third of the agreed hold time. */
  readonly keepaliveSec?: number;
  readonly connectRetrySec: number;
  /** Where the peer's address is above our identifier, its connection would win a collision (RFC 4271 6.8): wait so long
   *  for it before dialling. Absent: dial at once. */
  readonly yieldMs?: number;
  /** Offered in this order; absent: IPv4 unicast. RFC 4760 8 */
  readonly families?: readonly Family[];
  /** Absent: the capability is not sent. R and F bits are asked for at every OPEN. RFC 4724 3 */
  readonly gracefulRestart?: {
    readonly restartTimeSec: number;
    /** F of all families, or of each. */
    readonly bits: () => {
      readonly restarting: boolean;
      readonly forwarding: boolean | ((family: Family) => boolean);
    };
  };
  /** Seconds that routes of a family may stay as long-lived stale; needs `gracefulRestart`. RFC 9494 3.1 */
  readonly longLivedGracefulRestart?: readonly { readonly family: Family; readonly staleTimeSec: number }[];
  /** Families with several paths per prefix, by direction. RFC 7911 4 */
  readonly addPath?: { readonly receive?: readonly Family[]; readonly send?: readonly Family[] };
  /** IPv4 families that may have an IPv6 next hop. Offered only when asked for: it confuses old peers. RFC 8950 4 */
  readonly extendedNextHop?: readonly Family[];
  /** Messages up to 65535 octets, both ways. RFC 8654 4 */
  readonly extendedMessages?: boolean;
  /** The peer's refreshes are marked with BoRR and EoRR; whoever sets it marks its own too (beginRefresh, endRefresh). RFC 7313 */
  readonly enhancedRouteRefresh?: boolean;
  /** What we are to an eBGP peer; strict: a peer without a role is refused. RFC 9234 4.2 */
  readonly role?: BgpRole;
  readonly strictRole?: boolean;
  /** The peer is in our confederation, and `localAsn` is our member AS there. RFC 5065 4 */
  readonly confederation?: boolean;
  /** For the other operator's eyes only: host and domain name. draft-walton-bgp-hostname-capability */
  readonly hostName?: { readonly host: string; readonly domain: string };
  /** DelayOpen: a new connection waits so long for the peer's OPEN before ours goes out. RFC 4271 8.1.1 */
  readonly delayOpenSec?: number;
  /** Each session that fails makes the wait for the next longer, up to a minute; false: it is always a second. RFC 4271 8.1.1 */
  readonly dampPeerOscillations?: boolean;
  /** An established connection takes part in collisions, as if it were in OpenConfirm. RFC 4271 6.8 */
  readonly collisionDetectEstablishedState?: boolean;
  /** A fault in front of our OPEN is answered with a NOTIFICATION too. RFC 4271 8.1.1, attribute 14 */
  readonly sendNotificationWithoutOpen?: boolean;
  /** The peer's TCP takes nothing for so long: the session ends. Absent: 8 minutes or twice the hold time, whichever is more;
   *  0: never. RFC 9687 3 */
  readonly sendHoldTimeSec?: number;
}

/** What both OPENs agreed on. */
export interface Agreed {
  readonly localAsn: number;
  readonly peerAsn: number;
  readonly peerBgpIdentifier: Ipv4;
  readonly ibgp: boolean;
  /** The peer is of our confederation. RFC 5065 */
  readonly confederation: boolean;
  readonly holdTimeSec: number;
  readonly fourOctetAs: boolean;
  /** Offered by both, in our order; never empty. RFC 4760 8 */
  readonly families: readonly Family[];
  /** Of `families`, those whose NLRI carry path identifiers, as we see it. RFC 7911 4 */
  readonly addPath: { readonly receive: readonly Family[]; readonly send: readonly Family[] };
  /** Of `families`, those that may have an IPv6 next hop. RFC 8950 4 */
  readonly extendedNextHop: readonly Family[];
  /** Both offered it: what we send may be 65535 octets long. RFC 8654 4 */
  readonly extendedMessages: boolean;
  readonly routeRefresh: boolean;
  /** Both offered it: refreshes are marked with BoRR and EoRR. RFC 7313 4 */
  readonly enhancedRouteRefresh: boolean;
  /** Ours, when a role counts here: eBGP, and the peer's is its counterpart or, without strict mode, absent. RFC 9234 4.2 */
  readonly role?: BgpRole;
  readonly peerRole?: BgpRole;
  /** The peer's GR capability, if it sent one and we did too. RFC 4724 3, RFC 8538 */
  readonly gracefulRestart?: {
    readonly restartTimeSec: number;
    readonly restarting: boolean;
    /** The capability lists IPv4 unicast; only then may its routes be kept. */
    readonly ipv4: boolean;
    /** F of IPv4 unicast. */
    readonly forwarding: boolean;
    readonly notification: boolean;
    /** All that the capability lists and the session has. */
    readonly families: readonly { readonly family: Family; readonly forwarding: boolean }[];
  };
  /** The peer's LLGR capability, where both sent one beside GR: how long its routes may stay after the restart time. RFC 9494 4.2 */
  readonly longLivedGracefulRestart?: readonly {
    readonly family: Family;
    readonly forwarding: boolean;
    readonly staleTimeSec: number;
  }[];
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
  /** The same, family by family. RFC 4724 4.2, RFC 9494 4.2 */
  readonly keepFamilies: readonly Family[];
  readonly sent?: BgpError;
  readonly received?: BgpError;
}

/** How we leave. `leave`: Cease/2 with text, inside a Hard Reset when both sides set N (RFC 8538). `restart`: TCP closes
 *  without a NOTIFICATION, so that helpers keep our routes. `reset`: NOTIFICATION `error`, then the session may come back. */
export type StopHow =
  | { readonly kind: 'leave'; readonly text: string }
  | { readonly kind: 'deconfigured' }
  | { readonly kind: 'restart' };

/** What a ROUTE-REFRESH says: send again, or the marks round what is sent again. RFC 2918, RFC 7313 3.2 */
export type RefreshKind = 'request' | 'begin' | 'end';

/** What a session tells its owner; sessionListener() makes one of the few that are wanted. */
export interface SessionListener {
  onState(state: SessionState): void;
  onEstablished(agreed: Agreed): void;
  onUpdate(update: UpdateFrame): void;
  /** RFC 4724 2 */
  onEndOfRib(family: Family): void;
  /** `request`: send all routes of the family again (RFC 2918 4). `begin`, `end`: between them the peer sends all that it has,
   *  and what was not repeated is gone (RFC 7313 4); they come in pairs, but `begin` may come again. */
  onRouteRefresh(family: Family, kind: RefreshKind): void;
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

/** How connections to a peer are made. */
export interface Transport {
  /** Calls `done` once, never before returning, unless the answer was called first: it cancels. */
  dial(config: SessionConfig, done: (result: Result<Connection, DialFault>) => void): () => void;
}

/** What a session needs of the world: nodePorts are the real ones. */
export interface SessionPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly transport: Transport;
}

/** Messages by type, since the session object was made. */
export interface MessageCounters {
  readonly open: number;
  readonly update: number;
  readonly notification: number;
  readonly keepalive: number;
  readonly routeRefresh: number;
}

/** What a session object has seen, for metrics and for people. */
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
