/** One peer: at most two connections, each a conversation driven from the FSM table. This file decides which of them lives
 *  (RFC 4271 6.8, RFC 6286 2.3, RFC 4724 4.2), when to try again, and what the listener hears. Clock, timers, chance and
 *  transport come in. */

import { ifIpv4 } from '../../base/ip.ts';
import { type BgpError, bgpError } from '../wire/error.ts';
import { type Family, hasFamily, IPV4_UNICAST } from '../wire/family.ts';
import {
  ADMINISTRATIVE_SHUTDOWN,
  CEASE,
  COLLISION,
  hardReset,
  OTHER_CONFIGURATION_CHANGE,
  PEER_DECONFIGURED,
  shutdown,
} from '../wire/notification.ts';
import { REFRESH_BEGIN, REFRESH_END, REFRESH_REQUEST } from '../wire/route-refresh.ts';
import { challengerLives } from './collision.ts';
import { Conversation, type ConversationOwner } from './conversation.ts';
import { type Ending, sessionDown } from './down.ts';
import { SESSION_STATES } from './fsm.ts';
import { collision } from './own-errors.ts';
import { backoffMs, jittered } from './pace.ts';
import type {
  Agreed,
  Connection,
  MessageCounters,
  SessionConfig,
  SessionCounters,
  SessionDown,
  SessionListener,
  SessionPorts,
  SessionState,
  StopHow,
} from './session-types.ts';

/** A session that lived this long has earned a quick first retry. */
const STABLE_MS = 60_000;
/** A connection opened this soon after another got established was on its way already: a collision, not a restart. */
const COLLISION_WINDOW_MS = 3_000;

const noMessages = (): { -readonly [K in keyof MessageCounters]: MessageCounters[K] } => ({
  open: 0,
  update: 0,
  notification: 0,
  keepalive: 0,
  routeRefresh: 0,
});

/** One peer: dials it or takes its connections, keeps the session up, tells the listener. RFC 4271 8. */
export class BgpSession {
  private readonly config: SessionConfig;
  /** `config` with the password of this moment. */
  private dialConfig: SessionConfig;
  private readonly ports: SessionPorts;
  private readonly listener: SessionListener;
  private readonly owner: ConversationOwner;
  /** The one that dials; between attempts it waits in Active or Idle. */
  private readonly dialler: Conversation;
  /** Those the peer opened: one, or an established one and its challenger. */
  private arrivals: Conversation[] = [];
  /** What current() found. */
  private lastCurrent: Conversation | undefined;
  private started = false;
  private shown: SessionState = 'Idle';
  private since: number;
  private establishedCount = 0;
  private pauses = 0;
  private lastDown: (SessionDown & { readonly at: number }) | undefined;
  private readonly received = noMessages();
  private readonly sent = noMessages();
  /** Dials that failed since a session was up, and connections that failed otherwise (ConnectRetryCounter): each slows its
   *  own kind of retry. */
  private failedDials = 0;
  private retries = 0;
  /** The next OPEN goes without capabilities. */
  private bare = false;
  /** What the next idle hold takes, ms, beside letting the peer go first. */
  private idleHold = 0;
  /** The last dial was answered or refused at once: somebody is there, and its BGP will be soon. */
  private answered = false;

  constructor(config: SessionConfig, ports: SessionPorts, listener: SessionListener) {
    this.config = config;
    this.ports = ports;
    this.listener = listener;
    this.since = ports.clock.wall();
    this.dialConfig = config;
    this.owner = {
      config,
      dialConfig: () => this.dialConfig,
      ports,
      listener,
      received: this.received,
      sent: this.sent,
      dialled: (fault) => {
        this.answered = fault === undefined || fault.code === 'TCP_REFUSED';
      },
      retryMs: (next) => this.retryMs(next),
      bare: () => this.bare,
      idleHoldMs: () => this.idleHold + (this.yields ? jittered(config.yieldMs ?? 0, ports.random) : 0),
      met: () => this.arrivals.length > 0,
      countRetry: (conversation, said) => this.countRetry(conversation, said),
      clearRetryCount: () => {
        this.retries = 0;
      },
      survives: (conversation, agreed) => this.survives(conversation, agreed),
      changed: () => this.showState(),
      established: (_conversation, agreed) => this.established(agreed),
      ended: (conversation, ending) => this.ended(conversation, ending),
    };
    this.dialler = new Conversation(this.owner, true);
  }

  /** The highest state of the connections. */
  get state(): SessionState {
    return this.shown;
  }

  /** Wall clock, ms, of the next attempt to reach the peer; undefined while one is under way, with a connection, and when passive or
   *  stopped. */
  get dialsAt(): number | undefined {
    const talking = this.arrivals.some((c) => c.connection !== undefined);
    return this.started && !talking ? this.dialler.dialsAt : undefined;
  }

  /** What the OPENs agreed on; undefined unless Established. */
  get agreed(): Agreed | undefined {
    return this.current()?.agreed;
  }

  /** Both OPENs of the Established connection, whole messages: what RFC 7854 4.10 wants of a monitored router. */
  get opens(): { readonly sent: Uint8Array; readonly received: Uint8Array } | undefined {
    const { sent, received } = this.current()?.opens ?? {};
    return sent && received && { sent, received };
  }

  /** A copy. */
  get counters(): SessionCounters {
    return {
      received: { ...this.received },
      sent: { ...this.sent },
      establishedCount: this.establishedCount,
      pauses: this.pauses,
      since: this.since,
      ...(this.lastDown !== undefined ? { lastDown: this.lastDown } : {}),
    };
  }

  /** Begins to dial (unless passive) and to accept; does nothing when already started. */
  start(): void {
    if (this.started) return;
    this.started = true;
    this.failedDials = 0;
    this.idleHold = 0;
    if (this.config.passive) this.dialler.happen('ManualStartPassive');
    else this.dialler.happen(this.yields ? 'AutomaticStartDamped' : 'ManualStart');
  }

  /** Takes over a connection that the peer opened to us. Not started: it is closed (RFC 4271 8.2.2, Idle). */
  accept(connection: Connection): void {
    // The newest wins over one that has said nothing yet: its peer may be gone without a word.
    for (const waiting of this.arrivals.filter((c) => !hasSpoken(c))) this.discard(waiting);
    const connected = this.conversations().filter((c) => c.connection !== undefined).length;
    if (!this.started || connected >= 2) {
      connection.destroy();
      return;
    }
    const arrival = new Conversation(this.owner, false);
    this.arrivals.push(arrival);
    arrival.happen('AutomaticStartPassive');
    arrival.take(connection);
  }

  /** Ends for good, until start() is called again. The listener hears onDown before this returns. */
  stop(how: StopHow): void {
    if (!this.started) return;
    this.started = false;
    const main = this.current() ?? this.dialler;
    const others = this.conversations().filter((c) => c !== main);
    for (const other of others) this.discard(other, how.kind === 'restart' ? undefined : ceaseOf(how));
    const event = how.kind === 'restart' ? 'SilentStop' : 'ManualStop';
    // A session between two attempts has nobody to tell, but its listener.
    if (main.state === 'Idle')
      this.report({ from: 'Idle', event, agreed: undefined, sent: undefined, received: undefined, tcp: undefined });
    if (how.kind === 'restart') main.happen(event);
    else {
      const cease = ceaseOf(how);
      const hard = main.state === 'Established' && main.agreed?.gracefulRestart?.notification === true;
      main.happen(event, { error: hard ? hardReset(cease) : cease });
    }
    this.showState();
  }

  /** Ends the session with NOTIFICATION `error`; it comes back by itself. Without a connection it does nothing. */
  reset(error: BgpError): void {
    this.current()?.happen('AutomaticStop', { error });
  }

  /** Another TCP MD5 key, undefined for none, on the connections that are there and on those to come: the session goes on.
   *  What the peer signed meanwhile is dropped and sent again, so it has the hold time to do the same. A connection that
   *  cannot change its key ends. Listeners have keys of their own: BgpListener.setPassword(). RFC 2385 */
  setPassword(password: string | undefined): void {
    const { password: _before, ...rest } = this.config;
    this.dialConfig = password === undefined ? rest : { ...rest, password };
    for (const conversation of this.conversations()) {
      if (conversation.connection === undefined || conversation.connection.setPassword?.(password) === true) continue;
      conversation.happen('AutomaticStop', {
        error: bgpError(CEASE, OTHER_CONFIGURATION_CHANGE, 'our password of this peer changed (RFC 4486 4)'),
      });
    }
  }

  /** Whole messages for an established session, which must not change afterwards; false: wait for onDrain before sending
   *  more. Who goes on all the same ends the session when 16 MiB wait (Cease/8). Not Established: dropped, and true. */
  send(messages: Uint8Array): boolean {
    return this.current()?.send(messages) ?? true;
  }

  /** Asks the peer for all its routes of a family again; false when it cannot, or has not got the family. RFC 2918 */
  requestRefresh(family: Family = IPV4_UNICAST): boolean {
    return this.current()?.sendRefresh(family, REFRESH_REQUEST) ?? false;
  }
  /** BoRR: all routes of the family follow, and then endRefresh(). False: send them without the marks, because the peer does not
   *  know them, or because our End-of-RIB has not gone out yet. RFC 7313 4 */
  beginRefresh(family: Family = IPV4_UNICAST): boolean {
    return this.current()?.sendRefresh(family, REFRESH_BEGIN) ?? false;
  }
  /** EoRR: the peer drops what was not sent since beginRefresh(). RFC 7313 4 */
  endRefresh(family: Family = IPV4_UNICAST): boolean {
    return this.current()?.sendRefresh(family, REFRESH_END) ?? false;
  }

  /** Stops reading for a while: TCP slows the peer down, and its hold timer waits for resume(). */
  pause(): void {
    const current = this.current();
    if (current === undefined) return;
    this.pauses++;
    current.pause();
  }
  resume(): void {
    this.current()?.resume();
  }

  private conversations(): readonly Conversation[] {
    return [this.dialler, ...this.arrivals];
  }
  /** The Established one: each write to each of hundreds of peers asks, and nearly always gets what the one before got. */
  private current(): Conversation | undefined {
    if (this.lastCurrent?.state !== 'Established')
      this.lastCurrent = this.conversations().find((c) => c.state === 'Established');
    return this.lastCurrent;
  }

  private showState(): void {
    const highest = Math.max(...this.conversations().map((c) => SESSION_STATES.indexOf(c.state)));
    const state = SESSION_STATES[highest] ?? 'Idle';
    if (state === this.shown) return;
    this.shown = state;
    this.since = this.ports.clock.wall();
    this.listener.onState(state);
  }

  private established(agreed: Agreed): void {
    this.establishedCount++;
    this.failedDials = 0;
    this.listener.onEstablished(agreed);
  }

  /** In Connect: the patience with one attempt. In Active: the wait before the next, short at first where somebody
   *  answered, if only to refuse. */
  private retryMs(next: SessionState): number {
    const patience = Math.max(1, this.config.connectRetrySec) * 1000;
    if (next === 'Connect') return jittered(patience, this.ports.random);
    return jittered(backoffMs(this.failedDials++, this.answered ? undefined : patience), this.ports.random);
  }

  /** A valid OPEN has come on `challenger`. */
  private survives(challenger: Conversation, agreed: Agreed): boolean {
    const others = this.conversations().filter((c) => c !== challenger);
    for (const other of others) {
      const lives = challengerLives(this.config, agreed, challenger, other);
      if (other.state === 'Established') {
        if (this.hasRestarted(challenger, other)) other.happen('PeerRestarted');
        else if (this.config.collisionDetectEstablishedState === true && lives)
          other.happen('CollisionDump', { error: collision() });
        else return false;
      } else if (other.state === 'OpenConfirm') {
        if (!lives) return false;
        other.happen('CollisionDump', { error: collision() });
      } else if (other.connection === undefined) other.happen('SilentStop');
      // A connection without an OPEN of the peer: nothing is known of it yet, its own OPEN will settle it.
    }
    return true;
  }

  /** A peer with graceful restart that opens another connection, and not at the same time as the established one. RFC 4724 4.2 */
  private hasRestarted(challenger: Conversation, established: Conversation): boolean {
    const families = established.agreed?.gracefulRestart?.families ?? [];
    const late = this.ports.clock.now() - established.establishedAt >= COLLISION_WINDOW_MS;
    return !challenger.outgoing && families.length > 0 && late;
  }

  /** Ends a connection that nobody shall hear of. */
  private discard(conversation: Conversation, error?: BgpError): void {
    this.arrivals = this.arrivals.filter((c) => c !== conversation);
    if (error === undefined) conversation.happen('SilentStop');
    else conversation.happen('ManualStop', { error });
  }

  private ended(conversation: Conversation, ending: Ending): void {
    const discarded = conversation !== this.dialler && !this.arrivals.includes(conversation);
    this.arrivals = this.arrivals.filter((c) => c !== conversation);
    this.bare = refusesCapabilities(ending) && hasFamily(this.config.families ?? [IPV4_UNICAST], IPV4_UNICAST);
    // While another connection is on its way the peer is not down: a collision has one loser and no victim.
    const talking = this.conversations().some((c) => c.connection !== undefined);
    this.park();
    this.showState();
    if (ending.from === 'Established' || (!talking && !discarded)) this.report(ending);
    if (this.started && !talking) this.wakeLater();
  }

  /** A dialler that fell back to waiting must not dial a peer we are talking with: to a peer with graceful restart a new
   *  connection says that we have restarted. */
  private park(): void {
    const waiting = this.dialler.connection === undefined && this.dialler.state !== 'Idle';
    const met = this.arrivals.some((c) => c.state === 'OpenConfirm' || c.state === 'Established');
    if (waiting && met) this.dialler.happen('SilentStop');
  }

  private report(ending: Ending): void {
    const down = sessionDown(ending);
    this.lastDown = { ...down, at: this.ports.clock.wall() };
    this.listener.onDown(down);
  }

  /** Where the peer's address is the higher one, its connection would win a collision: let it go first. An IPv6 address says
   *  nothing about the identifier. */
  private get yields(): boolean {
    const address = ifIpv4(this.config.peerAddress);
    return this.config.yieldMs !== undefined && address !== undefined && address > this.config.bgpIdentifier;
  }

  /** ConnectRetryCounter. Nobody's fault are ends by our or the peer's will, and what happens to one connection while another
   *  lives; a session that lived long has earned a quick first retry. RFC 4271 8.1.1 */
  private countRetry(conversation: Conversation, said: BgpError | undefined): void {
    if (conversation.establishedAt > 0 && this.ports.clock.now() - conversation.establishedAt >= STABLE_MS)
      this.retries = 0;
    const talking = this.conversations().some((c) => c !== conversation && c.connection !== undefined);
    if (!talking && !isInnocent(said)) this.retries++;
  }

  /** After an end the peer gets time: the idle hold timer. Who only waits for it to come need not wait to do so. */
  private wakeLater(): void {
    if (this.dialler.state !== 'Idle' || this.dialler.holdsIdle) return;
    if (this.config.passive) {
      this.dialler.happen('AutomaticStartPassive');
      return;
    }
    const before = this.config.dampPeerOscillations === false ? 0 : Math.max(0, this.retries - 1);
    this.idleHold = jittered(backoffMs(before), this.ports.random);
    this.dialler.happen('AutomaticStartDamped');
  }
}

/** The peer has said something on it. */
const hasSpoken = (c: Conversation): boolean => c.state === 'OpenConfirm' || c.state === 'Established';

const ceaseOf = (how: Exclude<StopHow, { kind: 'restart' }>): BgpError =>
  how.kind === 'leave'
    ? shutdown(how.text)
    : bgpError(CEASE, PEER_DECONFIGURED, 'the peer was removed from our configuration');

/** A peer from before RFC 5492 takes no optional parameter: the next attempt goes without, and the one after it with them again.
 *  RFC 5492 3 */
const refusesCapabilities = ({ from, received }: Ending): boolean =>
  from !== 'Established' && received?.code === 2 && received.subcode === 4;

/** Ends that are nobody's fault do not make the next wait longer. */
const isInnocent = (said: BgpError | undefined): boolean =>
  said?.code === CEASE && [ADMINISTRATIVE_SHUTDOWN, PEER_DECONFIGURED, COLLISION].includes(said.subcode);
