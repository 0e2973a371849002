/** One TCP connection with a peer, driven by the FSM table: performs the table's actions, keeps the timers, reads messages.
 *  Which of a peer's connections lives, and what comes after one, is session.ts. */
import type { Result } from '../../base/result.ts';
import { ReusableUpdate } from '../update/update.ts';
import { type BgpError, bgpError } from '../wire/error.ts';
import { AFI_IPV4, IPV4_UNICAST, SAFI_UNICAST } from '../wire/family.ts';
import { BAD_NOTIFICATION, frameError, frameLength } from '../wire/framer.ts';
import {
  HEADER_LENGTH,
  KEEPALIVE,
  KEEPALIVE_MESSAGE,
  NOTIFICATION,
  OPEN,
  ROUTE_REFRESH,
  UPDATE,
} from '../wire/message.ts';
import { decodeNotification, encodeNotification } from '../wire/notification.ts';
import { decodeOpen, encodeOpen } from '../wire/open.ts';
import type { Ending } from './down.ts';
import { type FsmAction, type FsmEvent, SESSION_STATES, step, type Transition } from './fsm.ts';
import { HoldTimer } from './hold-timer.ts';
import { negotiate, ourOpen } from './negotiate.ts';
import { jittered } from './pace.ts';
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

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What a conversation asks of its session. */
export interface ConversationOwner {
  readonly config: SessionConfig;
  readonly ports: SessionPorts;
  readonly listener: SessionListener;
  readonly received: Mutable<MessageCounters>;
  readonly sent: Mutable<MessageCounters>;
  /** A dial came to its end; undefined: with a connection. */
  dialled(fault: DialFault | undefined): void;
  /** Wait before the next dial: in Connect the patience with this one, in Active the backoff. */
  retryMs(next: SessionState): number;
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
  readonly tcp?: { readonly code: string; readonly text: string };
  readonly agreed?: Agreed;
}
const NONE: Circumstances = {};

/** RFC 4271 8.2.2: a "large value", suggested 4 minutes, while the peer's offer is unknown. */
const LARGE_HOLD_MS = 240_000;

export class Conversation {
  state: SessionState = 'Idle';
  agreed: Agreed | undefined;
  connection: Connection | undefined;
  /** Clock at Established. */
  establishedAt = 0;
  readonly outgoing: boolean;
  private readonly owner: ConversationOwner;
  private readonly update = new ReusableUpdate();
  private cancelDial: (() => void) | undefined;
  private cancelRetry: (() => void) | undefined;
  private readonly hold: HoldTimer;
  private cancelKeepalive: (() => void) | undefined;
  /** Clock at the read that is being worked on: one look at the clock per read, not per message. */
  private readAt = 0;
  private paused = false;
  private delivering: 'update' | 'endOfRib' | 'refresh' = 'update';

  constructor(owner: ConversationOwner, outgoing: boolean) {
    this.owner = owner;
    this.outgoing = outgoing;
    this.hold = new HoldTimer(
      owner.ports,
      (done) => this.readPending(done),
      () => this.happen('HoldExpired', { error: silence(this.hold.ms) }),
    );
  }

  /** Runs one event through the table. */
  happen(event: FsmEvent, about: Circumstances = NONE): void {
    const from = this.state;
    const transition = step(from, event);
    const over = transition.next === 'Idle' && from !== 'Idle';
    const sent = over ? notification(transition, from, event, about.error) : undefined;
    const agreed = this.agreed;
    this.state = transition.next;
    if (about.agreed !== undefined) this.agreed = about.agreed;
    if (from !== transition.next) this.owner.changed(this);
    for (const action of transition.actions) {
      // A listener may have ended us in between; what would follow belongs to the past.
      if (this.state !== transition.next) return;
      this.perform(action, sent);
    }
    const failed = event === 'TcpFailed' && transition.next === 'Active';
    const timedOut = event === 'ConnectRetryExpired' && from === 'Connect';
    if (!over && !failed && !timedOut) return;
    if (!timedOut) this.forget();
    this.owner.ended(this, { from, event, agreed, sent, received: about.received, tcp: about.tcp });
  }

  private perform(action: FsmAction, error: BgpError | undefined): void {
    switch (action) {
      case 'dial':
        this.dial();
        return;
      case 'abandonDial':
        this.cancelDial?.();
        this.cancelDial = undefined;
        return;
      case 'startConnectRetry':
        this.startRetry();
        return;
      case 'stopConnectRetry':
        this.cancelRetry?.();
        this.cancelRetry = undefined;
        return;
      case 'sendOpen':
        this.owner.sent.open++;
        this.connection?.write(encodeOpen(ourOpen(this.owner.config)));
        return;
      case 'startLargeHold':
        this.hold.start(LARGE_HOLD_MS);
        return;
      case 'startHold':
        this.hold.start((this.agreed?.holdTimeSec ?? 0) * 1000);
        return;
      case 'restartHold':
        this.hold.restart(this.readAt);
        return;
      case 'sendKeepalive':
        this.owner.sent.keepalive++;
        this.connection?.write(KEEPALIVE_MESSAGE);
        return;
      case 'startKeepalive':
        this.startKeepalive();
        return;
      case 'notify':
      case 'notifyUnexpected':
        this.notify(error);
        return;
      case 'close':
        this.connection?.destroy();
        return;
      case 'stopTimers':
        this.stopTimers();
        return;
      case 'establish':
        this.establishedAt = this.owner.ports.clock.now();
        if (this.agreed !== undefined) this.owner.established(this, this.agreed);
        return;
      case 'deliver':
        this.deliver();
        return;
    }
  }

  private dial(): void {
    const { config, ports } = this.owner;
    this.cancelDial = ports.transport.dial(config, (result: Result<Connection, DialFault>) => {
      this.cancelDial = undefined;
      this.owner.dialled(result.ok ? undefined : result.error);
      if (result.ok) this.take(result.value);
      else this.happen('TcpFailed', { tcp: result.error });
    });
  }

  /** A connection is there, dialled or accepted. */
  take(connection: Connection): void {
    this.connection = connection;
    connection.onData = (slab, start, end) => this.read(connection, slab, start, end);
    connection.onClose = (error) => {
      if (this.connection === connection) this.happen('TcpFailed', { tcp: closed(error) });
    };
    connection.onDrain = () => {
      if (this.state === 'Established') this.owner.listener.onDrain();
    };
    this.happen('TcpConnected');
  }

  private notify(error: BgpError | undefined): void {
    if (error === undefined) return void this.connection?.destroy();
    this.owner.sent.notification++;
    this.connection?.end(encodeNotification(error));
  }

  /** The connection belongs to nobody now; what it still says is not heard. */
  private forget(): void {
    const connection = this.connection;
    this.connection = undefined;
    this.agreed = undefined;
    this.paused = false;
    if (connection === undefined) return;
    connection.onData = (_slab, _start, end) => end;
    connection.onClose = undefined;
    connection.onDrain = undefined;
  }

  private stopTimers(): void {
    this.cancelRetry?.();
    this.cancelKeepalive?.();
    this.cancelRetry = this.cancelKeepalive = undefined;
    this.hold.stop();
  }

  private startRetry(): void {
    this.cancelRetry?.();
    // An accepted connection that failed is not ours to open again.
    if (!this.outgoing || this.owner.config.passive) return;
    this.cancelRetry = this.owner.ports.timers.after(this.owner.retryMs(this.state), () => {
      this.cancelRetry = undefined;
      this.happen('ConnectRetryExpired');
    });
  }

  /** Drawn anew each time; a third of the hold time, at most. RFC 4271 4.4 and 10 */
  private startKeepalive(): void {
    this.cancelKeepalive?.();
    this.cancelKeepalive = undefined;
    const hold = this.agreed?.holdTimeSec ?? 0;
    if (hold === 0) return;
    this.cancelKeepalive = this.owner.ports.timers.after(jittered((hold * 1000) / 3, this.owner.ports.random), () =>
      this.happen('KeepaliveExpired'),
    );
  }

  /** Also while we do not read: one slab then shows whether the peer lives. */
  private readPending(done: () => void): void {
    const connection = this.connection;
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

  private read(connection: Connection, slab: Uint8Array, start: number, end: number): number {
    this.readAt = this.owner.ports.clock.now();
    let at = start;
    while (at < end) {
      const length = frameLength(slab, at, end);
      if (length === 0) return at;
      if (length < 0) this.badFrame(length, slab, at);
      else this.message(slab, at, at + length);
      if (this.connection !== connection) return end;
      at += length;
    }
    return at;
  }

  private badFrame(fault: number, slab: Uint8Array, at: number): void {
    const error = frameError(fault, slab, at);
    if (fault === BAD_NOTIFICATION) this.happen('Notification', { received: error });
    else this.happen('HeaderError', { error });
  }

  private message(slab: Uint8Array, start: number, end: number): void {
    const { received } = this.owner;
    switch (slab[start + 18]) {
      case OPEN:
        received.open++;
        this.openMessage(slab, start, end);
        return;
      case UPDATE:
        received.update++;
        this.updateMessage(slab, start, end);
        return;
      case NOTIFICATION: {
        received.notification++;
        const said = decodeNotification(slab, start, end);
        const version = said.code === 2 && said.subcode === 1;
        this.happen(version ? 'NotificationVersionError' : 'Notification', { received: said });
        return;
      }
      case KEEPALIVE:
        received.keepalive++;
        this.happen('Keepalive');
        return;
      case ROUTE_REFRESH:
        received.routeRefresh++;
        this.refreshMessage(slab, start + HEADER_LENGTH);
        return;
    }
  }

  private openMessage(slab: Uint8Array, start: number, end: number): void {
    if (this.state !== 'OpenSent') {
      this.happen('Open');
      return;
    }
    const open = decodeOpen(slab, start, end);
    const agreed = open.ok ? negotiate(this.owner.config, open.value) : open;
    if (!agreed.ok) {
      this.happen('OpenError', { error: agreed.error });
      return;
    }
    const connection = this.connection;
    if (connection === undefined) return;
    const all: Agreed = {
      ...agreed.value,
      localAddress: connection.localAddress,
      localPort: connection.localPort,
      peerPort: connection.remotePort,
      outgoing: this.outgoing,
    };
    if (this.owner.survives(this, all)) this.happen('Open', { agreed: all });
    else
      this.happen('CollisionDump', { error: bgpError(6, 7, 'another connection to this peer lives (RFC 4271 6.8)') });
  }

  private updateMessage(slab: Uint8Array, start: number, end: number): void {
    if (this.state !== 'Established') {
      this.happen('Update');
      return;
    }
    const error = this.update.read(slab, start, end);
    if (error !== undefined) {
      this.happen('UpdateError', { error });
      return;
    }
    this.delivering = this.update.isEndOfRib ? 'endOfRib' : 'update';
    this.happen('Update');
  }

  /** A family that was not agreed and a subtype that we do not know are ignored. RFC 2918 4, RFC 7313 5 */
  private refreshMessage(slab: Uint8Array, at: number): void {
    const family = ((slab[at] ?? 0) << 8) | (slab[at + 1] ?? 0);
    const request = family === AFI_IPV4 && slab[at + 2] === 0 && slab[at + 3] === SAFI_UNICAST;
    if (this.state === 'Established' && (!request || this.agreed?.routeRefresh !== true)) return;
    this.delivering = 'refresh';
    this.happen('RouteRefresh');
  }

  private deliver(): void {
    const { listener } = this.owner;
    if (this.delivering === 'refresh') listener.onRouteRefresh(IPV4_UNICAST, 'request');
    else if (this.delivering === 'endOfRib') listener.onEndOfRib(IPV4_UNICAST);
    else listener.onUpdate(this.update);
  }
}

const silence = (ms: number): BgpError => bgpError(4, 0, `nothing heard for ${ms / 1000} s (RFC 4271 6.5)`);

/** The NOTIFICATION that a transition into Idle sends, if any. */
function notification(t: Transition, from: SessionState, event: FsmEvent, error?: BgpError): BgpError | undefined {
  if (t.actions.includes('notifyUnexpected')) return unexpected(from, event);
  return t.actions.includes('notify') ? error : undefined;
}

/** RFC 6608 3 and 4 */
const unexpected = (state: SessionState, event: FsmEvent): BgpError =>
  bgpError(5, SESSION_STATES.indexOf(state) - 2, `${event} in ${state} (RFC 6608 4)`);

function closed(error: NodeJS.ErrnoException | undefined): { code: string; text: string } {
  if (error === undefined) return { code: 'TCP_CLOSED', text: 'the peer closed the TCP connection' };
  if (error.code === 'ETIMEDOUT') return { code: 'TCP_TIMEOUT', text: 'TCP gave the connection up (ETIMEDOUT)' };
  const gone = error.code === 'EHOSTUNREACH' || error.code === 'ENETUNREACH';
  return {
    code: gone ? 'TCP_UNREACHABLE' : 'TCP_CLOSED',
    text: `the TCP connection failed (${error.code ?? error.message})`,
  };
}
