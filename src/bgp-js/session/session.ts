/** One peer: at most two connections, each a conversation driven from the FSM table. This file decides which of them lives
 *  (RFC 4271 6.8, RFC 6286 2.3, RFC 4724 4.2), when to try again, and what the listener hears. Clock, timers, chance and
 *  transport come in. */

import { type BgpError, bgpError } from '../wire/error.ts';
import { ROUTE_REFRESH_MESSAGE } from '../wire/message.ts';
import {
  ADMINISTRATIVE_SHUTDOWN,
  CEASE,
  COLLISION,
  hardReset,
  PEER_DECONFIGURED,
  shutdown,
} from '../wire/notification.ts';
import { Conversation, type ConversationOwner } from './conversation.ts';
import { type Ending, sessionDown } from './down.ts';
import { SESSION_STATES } from './fsm.ts';
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

export class BgpSession {
  private readonly config: SessionConfig;
  private readonly ports: SessionPorts;
  private readonly listener: SessionListener;
  private readonly owner: ConversationOwner;
  /** The one that dials; between attempts it waits in Active or Idle. */
  private readonly dialler: Conversation;
  /** Those the peer opened: one, or an established one and its challenger. */
  private arrivals: Conversation[] = [];
  private started = false;
  private cancelIdleHold: (() => void) | undefined;
  private shown: SessionState = 'Idle';
  private since: number;
  private establishedCount = 0;
  private pauses = 0;
  private lastDown: (SessionDown & { readonly at: number }) | undefined;
  private readonly received = noMessages();
  private readonly sent = noMessages();
  /** Dials that failed since a session was up, and sessions that failed young: each slows its own kind of retry. */
  private failedDials = 0;
  private failedSessions = 0;
  /** The last dial was answered or refused at once: somebody is there, and its BGP will be soon. */
  private answered = false;

  constructor(config: SessionConfig, ports: SessionPorts, listener: SessionListener) {
    this.config = config;
    this.ports = ports;
    this.listener = listener;
    this.since = ports.clock.wall();
    this.owner = {
      config,
      ports,
      listener,
      received: this.received,
      sent: this.sent,
      dialled: (fault) => {
        this.answered = fault === undefined || fault.code === 'TCP_REFUSED';
      },
      retryMs: (next) => this.retryMs(next),
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

  /** What the OPENs agreed on; undefined unless Established. */
  get agreed(): Agreed | undefined {
    return this.current()?.agreed;
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
    this.failedSessions = 0;
    this.wake();
  }

  /** Takes over a connection that the peer opened to us. Not started: it is closed (RFC 4271 8.2.2, Idle). */
  accept(connection: Connection): void {
    // The newest wins over one that has said nothing yet: its peer may be gone without a word.
    for (const waiting of this.arrivals.filter((c) => c.state === 'OpenSent')) this.discard(waiting);
    const connected = this.conversations().filter((c) => c.connection !== undefined).length;
    if (!this.started || connected >= 2) {
      connection.destroy();
      return;
    }
    const arrival = new Conversation(this.owner, false);
    this.arrivals.push(arrival);
    arrival.happen('PassiveStart');
    arrival.take(connection);
  }

  /** Ends for good, until start() is called again. The listener hears onDown before this returns. */
  stop(how: StopHow): void {
    if (!this.started) return;
    this.started = false;
    this.cancelIdleHold?.();
    this.cancelIdleHold = undefined;
    const main = this.current() ?? this.dialler;
    const others = this.conversations().filter((c) => c !== main);
    for (const other of others) this.discard(other, how.kind === 'restart' ? undefined : ceaseOf(how));
    const event = how.kind === 'restart' ? 'SilentStop' : 'Stop';
    // A session between two attempts has nobody to tell, but its listener.
    if (main.state === 'Idle')
      this.report({ from: 'Idle', event, agreed: undefined, sent: undefined, received: undefined, tcp: undefined });
    else if (how.kind === 'restart') main.happen('SilentStop');
    else {
      const cease = ceaseOf(how);
      const hard = main.state === 'Established' && main.agreed?.gracefulRestart?.notification === true;
      main.happen('Stop', { error: hard ? hardReset(cease) : cease });
    }
    this.showState();
  }

  /** Ends the session with NOTIFICATION `error`; it comes back by itself. Without a connection it does nothing. */
  reset(error: BgpError): void {
    this.current()?.happen('Reset', { error });
  }

  /** Whole messages for an established session, which must not change afterwards; false: wait for onDrain before sending
   *  more. Not Established: dropped, and true. */
  send(messages: Uint8Array): boolean {
    const connection = this.current()?.connection;
    if (connection === undefined || messages.length === 0) return true;
    for (let at = 0; at + 18 < messages.length; ) {
      this.sent.update++;
      at += Math.max(19, ((messages[at + 16] ?? 0) << 8) | (messages[at + 17] ?? 0));
    }
    return connection.write(messages);
  }

  /** Asks the peer for all its IPv4 unicast routes again; false when it cannot. RFC 2918 */
  requestRefresh(): boolean {
    const current = this.current();
    if (current?.connection === undefined || current.agreed?.routeRefresh !== true) return false;
    this.sent.routeRefresh++;
    current.connection.write(ROUTE_REFRESH_MESSAGE);
    return true;
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
  private current(): Conversation | undefined {
    if (this.dialler.state === 'Established') return this.dialler;
    return this.arrivals.find((c) => c.state === 'Established');
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
    const now = this.ports.clock.now();
    for (const other of others) {
      if (other.state === 'Established') {
        const gr = other.agreed?.gracefulRestart;
        const late = now - other.establishedAt >= COLLISION_WINDOW_MS;
        if (challenger.outgoing || gr === undefined || !gr.ipv4 || !late) return false;
        other.happen('PeerRestarted');
      } else if (other.state === 'OpenConfirm') {
        if (!this.beats(challenger, other, agreed)) return false;
        other.happen('CollisionDump', { error: collision() });
      } else if (other.state === 'Connect' || other.state === 'Active') other.happen('SilentStop');
      // OpenSent: nothing is known of it yet; its own OPEN will settle it.
    }
    return true;
  }

  /** The connection opened by the side with the higher BGP identifier lives; equal ones are told apart by AS number.
   *  Both are unsigned. RFC 4271 6.8, RFC 6286 2.3. Of two that the peer opened, the later. */
  private beats(challenger: Conversation, other: Conversation, agreed: Agreed): boolean {
    if (challenger.outgoing === other.outgoing) return true;
    const { bgpIdentifier, localAsn } = this.config;
    const same = bgpIdentifier === agreed.peerBgpIdentifier;
    const oursIsHigher = same ? localAsn > agreed.peerAsn : bgpIdentifier > agreed.peerBgpIdentifier;
    return challenger.outgoing === oursIsHigher;
  }

  /** Ends a connection that nobody shall hear of. */
  private discard(conversation: Conversation, error?: BgpError): void {
    this.arrivals = this.arrivals.filter((c) => c !== conversation);
    if (error === undefined) conversation.happen('SilentStop');
    else conversation.happen('Stop', { error });
  }

  private ended(conversation: Conversation, ending: Ending): void {
    const discarded = conversation !== this.dialler && !this.arrivals.includes(conversation);
    this.arrivals = this.arrivals.filter((c) => c !== conversation);
    if (ending.from === 'Established' && this.ports.clock.now() - conversation.establishedAt >= STABLE_MS)
      this.failedSessions = 0;
    // While another connection is on its way the peer is not down: a collision has one loser and no victim.
    const talking = this.conversations().some((c) => c.connection !== undefined);
    this.park();
    this.showState();
    if (ending.from === 'Established' || (!talking && !discarded)) this.report(ending);
    if (this.started && !talking) this.wakeLater(ending);
  }

  /** A dialler that fell back to waiting must not dial a peer we are talking with: to a peer with graceful restart a new
   *  connection says that we have restarted. */
  private park(): void {
    const waiting = this.dialler.state === 'Active' || this.dialler.state === 'Connect';
    const met = this.arrivals.some((c) => c.state === 'OpenConfirm' || c.state === 'Established');
    if (waiting && met) this.dialler.happen('SilentStop');
  }

  private report(ending: Ending): void {
    const down = sessionDown(ending);
    this.lastDown = { ...down, at: this.ports.clock.wall() };
    this.listener.onDown(down);
  }

  private wake(): void {
    const { passive, yieldMs, peerAddress, bgpIdentifier } = this.config;
    if (passive) this.dialler.happen('PassiveStart');
    else if (yieldMs !== undefined && peerAddress > bgpIdentifier) this.dialAfter(jittered(yieldMs, this.ports.random));
    else this.dialler.happen('Start');
  }

  /** Unless the peer was quicker: when its connection ends, wakeLater() is asked again. */
  private dialAfter(ms: number): void {
    this.cancelIdleHold = this.ports.timers.after(ms, () => {
      this.cancelIdleHold = undefined;
      if (this.arrivals.length === 0) this.dialler.happen('Start');
    });
  }

  /** IdleHoldTimer: after a fault the peer gets time; who only waits for it to come need not wait to do so. */
  private wakeLater(ending: Ending): void {
    if (this.dialler.state !== 'Idle' || this.cancelIdleHold !== undefined) return;
    if (this.config.passive) {
      this.wake();
      return;
    }
    const ms = jittered(backoffMs(this.failedSessions), this.ports.random);
    if (!innocent(ending)) this.failedSessions++;
    this.cancelIdleHold = this.ports.timers.after(ms, () => {
      this.cancelIdleHold = undefined;
      // The peer was quicker: when its connection ends, we come here again.
      if (this.arrivals.length === 0) this.wake();
    });
  }
}

const collision = (): BgpError => bgpError(CEASE, COLLISION, 'another connection to this peer lives (RFC 4271 6.8)');

const ceaseOf = (how: Exclude<StopHow, { kind: 'restart' }>): BgpError =>
  how.kind === 'leave'
    ? shutdown(how.text)
    : bgpError(CEASE, PEER_DECONFIGURED, 'the peer was removed from our configuration');

/** Ends that are nobody's fault do not make the next wait longer. */
const innocent = (ending: Ending): boolean => {
  const said = ending.received ?? ending.sent;
  return said?.code === CEASE && [ADMINISTRATIVE_SHUTDOWN, PEER_DECONFIGURED, COLLISION].includes(said.subcode);
};
