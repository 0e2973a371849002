/** One TCP connection with a peer, driven by the FSM table: performs the table's actions and keeps the timers. Reading messages
 *  is incoming.ts, sending them outbox.ts; which of a peer's connections lives, and what comes after one, is session.ts. */
import type { Result } from '../../base/result.ts';
import type { BgpError } from '../wire/error.ts';
import { type Family, familyOfKey } from '../wire/family.ts';
import { EXTENDED_MESSAGE_LENGTH, MAX_MESSAGE_LENGTH } from '../wire/message.ts';
import { encodeNotification } from '../wire/notification.ts';
import { decodeOpen, encodeOpen } from '../wire/open.ts';
import { encodeRouteRefresh } from '../wire/route-refresh.ts';
import type { Ending } from './down.ts';
import { type FsmAction, type FsmCondition, type FsmEvent, step } from './fsm.ts';
import { HoldTimer } from './hold-timer.ts';
import { Incoming } from './incoming.ts';
import { negotiate, ourOpen } from './negotiate.ts';
import { messageEnd, Outbox, sentEndOfRib } from './outbox.ts';
import { collision, notification, overflow, silence } from './own-errors.ts';
import { jittered } from './pace.ts';
import { SendHoldTimer, sendHoldMs } from './send-hold-timer.ts';
import type {
  Agreed,
  Connection,
  DialFault,
  MessageCounters,
  SessionConfig,
  SessionListener,
  SessionPorts,
  SessionState,
} from './session-types.ts';
import { closedReason, type TcpReason } from './tcp-reason.ts';
import { Timer } from './timer.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What a conversation asks of its session. */
export interface ConversationOwner {
  readonly config: SessionConfig;
  /** The same, with the TCP MD5 key of this moment. */
  readonly dialConfig: () => SessionConfig;
  readonly ports: SessionPorts;
  readonly listener: SessionListener;
  readonly received: Mutable<MessageCounters>;
  readonly sent: Mutable<MessageCounters>;
  /** A dial came to its end; undefined: with a connection. */
  dialled(fault: DialFault | undefined): void;
  /** Wait before the next dial: in Connect the patience with this one, in Active the backoff. */
  retryMs(next: SessionState): number;
  /** The peer refused the optional parameter that holds our capabilities. RFC 5492 3 */
  bare(): boolean;
  /** IdleHoldTimer: wait before the next start. */
  idleHoldMs(): number;
  /** The peer has opened a connection: no need to dial. */
  met(): boolean;
  /** ConnectRetryCounter; `said` is the NOTIFICATION that ended the connection. */
  countRetry(conversation: Conversation, said: BgpError | undefined): void;
  clearRetryCount(): void;
  /** A valid OPEN has come: settles with the other connections; false when this one is to go. RFC 4271 6.8 */
  survives(conversation: Conversation, agreed: Agreed): boolean;
  changed(conversation: Conversation): void;
  established(conversation: Conversation, agreed: Agreed): void;
  ended(conversation: Conversation, ending: Ending): void;
}

/** What an event brings beside its name: `error` is what `notify` sends, `received` and `tcp` are for the report. */
interface Circumstances {
  readonly error?: BgpError;
  readonly received?: BgpError;
  readonly tcp?: TcpReason;
  readonly agreed?: Agreed;
}
const NONE: Circumstances = {};

/** RFC 4271 8.2.2: a "large value", suggested 4 minutes, while the peer's offer is unknown. */
const LARGE_HOLD_MS = 240_000;
/** With a hold time of 3 a third of it is that long already, before the jitter. RFC 4271 4.4 */
const SHORTEST_KEEPALIVE_MS = 1_000;

export class Conversation {
  state: SessionState = 'Idle';
  agreed: Agreed | undefined;
  /** Clock at Established; 0 before. */
  establishedAt = 0;
  readonly outgoing: boolean;
  private readonly owner: ConversationOwner;
  private readonly incoming: Incoming;
  private outbox: Outbox | undefined;
  private cancelDial: (() => void) | undefined;
  private readonly connectRetry: Timer;
  private readonly delayOpen: Timer;
  private readonly idleHold: Timer;
  private readonly keepalive: Timer;
  private readonly hold: HoldTimer;
  private readonly sendHold: SendHoldTimer;
  /** The KEEPALIVE interval that runs, and the clock at what was sent last: who sends UPDATEs need not send KEEPALIVEs. */
  private keepaliveMs = 0;
  private sentAt = 0;
  private paused = false;
  /** Our OPEN has no capabilities. */
  private bare = false;
  /** Both OPENs as they went over the wire. */
  opens: { sent?: Uint8Array; received?: Uint8Array } = {};

  constructor(owner: ConversationOwner, outgoing: boolean) {
    const { config, ports, listener, received } = owner;
    this.owner = owner;
    this.outgoing = outgoing;
    const longest = config.extendedMessages === true ? EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH;
    this.incoming = new Incoming(this, listener, received, ports.clock, longest);
    this.connectRetry = new Timer(ports, () => this.happen('ConnectRetryExpired'));
    this.delayOpen = new Timer(ports, () => this.happen('DelayOpenExpired'));
    this.idleHold = new Timer(ports, () => this.happen('IdleHoldExpired'));
    this.keepalive = new Timer(ports, () => this.keepaliveDue());
    this.hold = new HoldTimer(
      ports,
      (done) => this.readPending(done),
      () => this.happen('HoldExpired', { error: silence(this.hold.ms) }),
    );
    this.sendHold = new SendHoldTimer(ports, () => this.happen('SendHoldExpired'));
  }

  get connection(): Connection | undefined {
    return this.outbox?.connection;
  }
  /** Wall clock, ms, of the next dial, while nothing but time is waited for. */
  get dialsAt(): number | undefined {
    if (!this.outgoing || this.owner.config.passive) return undefined;
    return this.idleHold.endsAt ?? (this.state === 'Active' ? this.connectRetry.endsAt : undefined);
  }
  /** In Idle, and waiting to leave it. */
  get holdsIdle(): boolean {
    return this.idleHold.running;
  }

  /** Runs one event through the table. */
  happen(event: FsmEvent, about: Circumstances = NONE): void {
    const from = this.state;
    const transition = step(from, event, this.holds);
    const over = transition.next === 'Idle' && from !== 'Idle';
    const sent = over ? notification(transition, from, event, about.error) : undefined;
    const agreed = this.agreed;
    this.state = transition.next;
    if (about.agreed !== undefined) this.agreed = about.agreed;
    if (from !== transition.next) this.owner.changed(this);
    for (const action of transition.actions) {
      // A listener may have ended us in between; what would follow belongs to the past.
      if (this.state !== transition.next) return;
      if (action === 'countRetry') this.owner.countRetry(this, about.received ?? sent);
      else this.perform(action, sent);
    }
    const failed = event === 'TcpFailed' && transition.next === 'Active';
    const timedOut = event === 'ConnectRetryExpired' && from === 'Connect';
    if (!over && !failed && !timedOut) return;
    if (!timedOut) this.forget();
    this.owner.ended(this, { from, event, agreed, sent, received: about.received, tcp: about.tcp });
  }

  /** What the table's branches ask. */
  private readonly holds = (condition: FsmCondition): boolean => {
    const { config } = this.owner;
    switch (condition) {
      case 'passive':
        return config.passive;
      case 'met':
        return this.owner.met();
      case 'delayOpen':
        return (config.delayOpenSec ?? 0) > 0;
      case 'delayOpenRunning':
        return this.delayOpen.running;
      case 'notifyWithoutOpen':
        return config.sendNotificationWithoutOpen === true && this.outbox !== undefined;
    }
  };

  private perform(action: FsmAction, error: BgpError | undefined): void {
    const { config, ports, sent } = this.owner;
    switch (action) {
      case 'dial':
        this.dial();
        return;
      case 'startConnectRetry':
        // An accepted connection that failed is not ours to open again.
        if (this.outgoing && !config.passive) this.connectRetry.start(this.owner.retryMs(this.state));
        return;
      case 'stopConnectRetry':
        this.connectRetry.stop();
        return;
      case 'startIdleHold':
        this.idleHold.start(this.owner.idleHoldMs());
        return;
      case 'stopIdleHold':
        this.idleHold.stop();
        return;
      case 'startDelayOpen':
        this.delayOpen.start((config.delayOpenSec ?? 0) * 1000);
        return;
      case 'stopDelayOpen':
        this.delayOpen.stop();
        return;
      case 'sendOpen':
        sent.open++;
        this.opens = { ...this.opens, sent: encodeOpen(ourOpen(config, this.bare)) };
        if (this.opens.sent) this.outbox?.write(this.opens.sent);
        return;
      case 'startLargeHold':
        this.hold.start(LARGE_HOLD_MS);
        return;
      case 'startHold':
        this.hold.start((this.agreed?.holdTimeSec ?? 0) * 1000);
        return;
      case 'restartHold':
        this.hold.restart(this.incoming.readAt);
        return;
      case 'sendKeepalive':
        if (this.outbox?.keepalive(this.state !== 'Established') === true) sent.keepalive++;
        return;
      case 'startKeepalive':
        this.startKeepalive();
        return;
      case 'startSendHold':
        if (this.outbox !== undefined && this.agreed !== undefined)
          this.sendHold.start(sendHoldMs(config.sendHoldTimeSec, this.agreed.holdTimeSec), this.outbox);
        return;
      case 'notify':
      case 'notifyUnexpected':
        this.notify(error);
        return;
      case 'close':
        this.cancelDial?.();
        this.cancelDial = undefined;
        this.connection?.destroy();
        return;
      case 'stopTimers':
        this.stopTimers();
        return;
      case 'clearRetryCount':
        this.owner.clearRetryCount();
        return;
      case 'countRetry': // needs the circumstances: happen() does it
        return;
      case 'establish':
        this.establishedAt = ports.clock.now();
        if (this.agreed === undefined) return;
        this.incoming.establish(this.agreed);
        this.owner.established(this, this.agreed);
        return;
      case 'deliver':
        this.incoming.deliver();
        return;
    }
  }

  private dial(): void {
    const { dialConfig, ports } = this.owner;
    this.cancelDial = ports.transport.dial(dialConfig(), (result: Result<Connection, DialFault>) => {
      this.cancelDial = undefined;
      this.owner.dialled(result.ok ? undefined : result.error);
      if (result.ok) this.take(result.value);
      else this.happen('TcpFailed', { tcp: result.error });
    });
  }

  /** A connection is there, dialled or accepted. */
  take(connection: Connection): void {
    this.outbox = new Outbox(connection);
    this.bare = this.owner.bare();
    connection.onData = (slab, start, end) => this.incoming.read(connection, slab, start, end);
    connection.onClose = (error) => {
      if (this.connection === connection) this.happen('TcpFailed', { tcp: closedReason(error) });
    };
    connection.onDrain = () => {
      if (this.state === 'Established') this.owner.listener.onDrain();
    };
    this.happen(this.outgoing ? 'TcpAcked' : 'TcpConfirmed');
  }

  private notify(error: BgpError | undefined): void {
    if (error === undefined) return void this.connection?.destroy();
    this.owner.sent.notification++;
    const limit = this.agreed?.extendedMessages === true ? EXTENDED_MESSAGE_LENGTH : MAX_MESSAGE_LENGTH;
    this.connection?.end(encodeNotification(error, limit));
  }

  /** The connection belongs to nobody now; what it still says is not heard. */
  private forget(): void {
    const connection = this.connection;
    this.outbox = undefined;
    this.agreed = undefined;
    this.establishedAt = 0;
    this.incoming.refreshes = undefined;
    this.paused = false;
    if (connection === undefined) return;
    connection.onData = (_slab, _start, end) => end;
    connection.onClose = undefined;
    connection.onDrain = undefined;
  }

  private stopTimers(): void {
    for (const timer of [this.connectRetry, this.delayOpen, this.keepalive, this.hold, this.sendHold]) timer.stop();
  }

  /** A third of the hold time at most, drawn anew each time, and never more than one a second. RFC 4271 4.4 and 10 */
  private startKeepalive(): void {
    const { ports, config } = this.owner;
    const { clock, random } = ports;
    this.keepalive.stop();
    const holdMs = (this.agreed?.holdTimeSec ?? 0) * 1000;
    if (holdMs === 0) return;
    this.sentAt = clock.now();
    const everyMs = Math.min(holdMs / 3, (config.keepaliveSec ?? Infinity) * 1000);
    this.keepaliveMs = Math.max(SHORTEST_KEEPALIVE_MS, jittered(everyMs, random));
    this.keepalive.start(this.keepaliveMs);
  }
  /** What was sent since moved the mark: the timer sleeps on for the rest. RFC 4271 8.2.2, Established, event 27 */
  private keepaliveDue(): void {
    const left = this.sentAt + this.keepaliveMs - this.owner.ports.clock.now();
    if (left > 0) this.keepalive.start(left);
    else this.happen('KeepaliveExpired');
  }

  /** Whole messages; false: wait for onDrain. A queue that only grows ends the session. */
  send(messages: Uint8Array): boolean {
    const { outbox } = this;
    if (outbox === undefined || this.state !== 'Established' || messages.length === 0) return true;
    if (outbox.overflowing) {
      this.happen('AutomaticStop', { error: overflow(outbox.unsent) });
      return true;
    }
    for (let at = 0, end = messageEnd(messages, at); end > at; at = end, end = messageEnd(messages, at)) {
      this.owner.sent.update++;
      const ended = sentEndOfRib(messages, at, end);
      if (ended !== 0) this.incoming.refreshes?.endOfRib(familyOfKey(ended), 'sent');
    }
    this.sentAt = this.owner.ports.clock.now();
    return outbox.write(messages);
  }

  /** A ROUTE-REFRESH; false when the agreement, or a queue that does not move, forbids it. */
  sendRefresh(family: Family, subtype: number): boolean {
    const { outbox } = this;
    const message = { family, subtype };
    if (outbox === undefined || this.incoming.refreshes?.maySend(message) !== true || outbox.overflowing) return false;
    this.owner.sent.routeRefresh++;
    outbox.write(encodeRouteRefresh(message));
    return true;
  }

  /** Also while we do not read: one slab then shows whether the peer lives. */
  private readPending(done: () => void): void {
    const { connection } = this;
    if (connection === undefined) return;
    if (this.paused) connection.resume();
    connection.readPending(() => {
      if (this.paused) connection.pause();
      done();
    });
  }

  pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.connection?.pause();
  }
  /** The time that we did not listen is not the peer's: the hold timer runs anew. */
  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.hold.restart(this.owner.ports.clock.now());
    this.connection?.resume();
  }

  /** A framed OPEN. Only the first one is looked into: the table answers the others. */
  open(slab: Uint8Array, start: number, end: number): void {
    const delayed = this.delayOpen.running;
    if (this.state !== 'OpenSent' && !delayed) {
      this.happen('Open');
      return;
    }
    const open = decodeOpen(slab, start, end);
    this.opens = { ...this.opens, received: slab.slice(start, end) };
    const agreed = open.ok ? negotiate(this.owner.config, open.value, this.bare) : open;
    if (!agreed.ok) {
      this.happen('OpenError', { error: agreed.error });
      return;
    }
    const { connection } = this;
    if (connection === undefined) return;
    const all: Agreed = {
      ...agreed.value,
      localAddress: connection.localAddress,
      localPort: connection.localPort,
      peerPort: connection.remotePort,
      outgoing: this.outgoing,
    };
    if (this.owner.survives(this, all)) this.happen(delayed ? 'DelayedOpen' : 'Open', { agreed: all });
    else this.happen('CollisionDump', { error: collision() });
  }
}
