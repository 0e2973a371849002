/** What comes in on one connection: frames, their meaning, and the FSM event that each of them is. Pure: the slab, the clock and
 *  the FSM come in. RFC 4271 6 and 8.1.5, RFC 2918 4, RFC 7313 5, RFC 8654 4. */
import type { Clock } from '../../base/ports.ts';
import { endOfRibFamily, ReusableUpdate } from '../update/update.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../update/update-context.ts';
import type { BgpError } from '../wire/error.ts';
import { familyOfKey } from '../wire/family.ts';
import { BAD_LENGTH, BAD_NOTIFICATION, frameError, frameLength } from '../wire/framer.ts';
import { HEADER_LENGTH, KEEPALIVE, NOTIFICATION, OPEN, ROUTE_REFRESH, UPDATE } from '../wire/message.ts';
import { decodeNotification } from '../wire/notification.ts';
import { decodeRouteRefresh, type RouteRefresh } from '../wire/route-refresh.ts';
import type { FsmEvent } from './fsm-events.ts';
import { RefreshWatch } from './refresh-watch.ts';
import type {
  Agreed,
  Connection,
  MessageCounters,
  RefreshKind,
  SessionListener,
  SessionState,
} from './session-types.ts';
import { updateContext } from './update-context.ts';

/** The FSM that the messages are for. */
export interface Receiver {
  readonly state: SessionState;
  readonly connection: Connection | undefined;
  happen(event: FsmEvent, about?: { readonly error?: BgpError; readonly received?: BgpError }): void;
  /** A framed OPEN: judging it takes more than its bytes. */
  open(slab: Uint8Array, start: number, end: number): void;
}

export class Incoming {
  /** Clock at the read that is being worked on: one look at the clock per read, not per message. */
  readAt = 0;
  /** Which refreshes count; undefined before the session is established. */
  refreshes: RefreshWatch | undefined;
  private readonly receiver: Receiver;
  private readonly listener: SessionListener;
  private readonly counters: { -readonly [K in keyof MessageCounters]: MessageCounters[K] };
  private readonly clock: Clock;
  /** 65535 where our OPEN offered extended messages, whatever the peer's said. RFC 8654 4 */
  private readonly longest: number;
  private readonly update = new ReusableUpdate();
  private context: UpdateContext = PLAIN_CONTEXT;
  private agreed: Agreed | undefined;
  /** What `deliver` is about. */
  private kind: 'update' | 'endOfRib' | 'refresh' | 'nothing' = 'nothing';
  private refresh: { readonly message: RouteRefresh; readonly kind: RefreshKind } | undefined;

  constructor(
    receiver: Receiver,
    listener: SessionListener,
    counters: { -readonly [K in keyof MessageCounters]: MessageCounters[K] },
    clock: Clock,
    longest: number,
  ) {
    this.receiver = receiver;
    this.listener = listener;
    this.counters = counters;
    this.clock = clock;
    this.longest = longest;
  }

  /** UPDATEs are read as agreed from now on. */
  establish(agreed: Agreed): void {
    this.agreed = agreed;
    this.context = updateContext(agreed, 'receive');
    this.refreshes = new RefreshWatch(agreed);
  }

  /** Works on [start, end) of the slab; answers where the first unfinished message starts. */
  read(connection: Connection, slab: Uint8Array, start: number, end: number): number {
    this.readAt = this.clock.now();
    let at = start;
    while (at < end) {
      const length = frameLength(slab, at, end, this.longest);
      if (length === 0) return at;
      if (length < 0) this.badFrame(length, slab, at);
      else this.message(slab, at, at + length);
      // A fault, or a listener, may have ended the connection; what is left belongs to nobody.
      if (this.receiver.connection !== connection) return end;
      at += length;
    }
    return at;
  }

  /** Hands the message of the event that was just raised to the listener. */
  deliver(): void {
    const { listener, refresh } = this;
    if (this.kind === 'update') listener.onUpdate(this.update);
    else if (this.kind === 'refresh' && refresh !== undefined)
      listener.onRouteRefresh(refresh.message.family, refresh.kind);
    else if (this.kind === 'endOfRib') {
      const family = familyOfKey(endOfRibFamily(this.update));
      this.refreshes?.endOfRib(family, 'received');
      listener.onEndOfRib(family);
    }
  }

  private badFrame(fault: number, slab: Uint8Array, at: number): void {
    const error = frameError(fault, slab, at);
    if (fault === BAD_NOTIFICATION) this.receiver.happen('Notification', { received: error });
    else this.receiver.happen('HeaderError', { error });
  }

  private message(slab: Uint8Array, start: number, end: number): void {
    const { counters, receiver } = this;
    switch (slab[start + 18]) {
      case OPEN:
        counters.open++;
        receiver.open(slab, start, end);
        return;
      case UPDATE:
        counters.update++;
        this.updateMessage(slab, start, end);
        return;
      case NOTIFICATION: {
        counters.notification++;
        const received = decodeNotification(slab, start, end);
        const version = received.code === 2 && received.subcode === 1;
        receiver.happen(version ? 'NotificationVersionError' : 'Notification', { received });
        return;
      }
      case KEEPALIVE:
        counters.keepalive++;
        receiver.happen('Keepalive');
        return;
      case ROUTE_REFRESH:
        counters.routeRefresh++;
        this.refreshMessage(slab, start, end);
        return;
    }
  }

  private updateMessage(slab: Uint8Array, start: number, end: number): void {
    if (this.receiver.state === 'Established') {
      const error = this.update.read(slab, start, end, this.context);
      if (error !== undefined) {
        this.receiver.happen('UpdateError', { error });
        return;
      }
      this.kind = endOfRibFamily(this.update) === 0 ? 'update' : 'endOfRib';
    }
    this.receiver.happen('Update');
  }

  private refreshMessage(slab: Uint8Array, start: number, end: number): void {
    if (this.receiver.state !== 'Established') {
      this.receiver.happen('RouteRefresh');
      return;
    }
    const decoded = decodeRouteRefresh(slab, start, end);
    if (!decoded.ok) {
      this.badRefresh(decoded.error, slab, start, end);
      return;
    }
    const kind = this.refreshes?.received(decoded.value);
    this.refresh = kind === undefined ? undefined : { message: decoded.value, kind };
    this.kind = kind === undefined ? 'nothing' : 'refresh';
    this.receiver.happen('RouteRefresh');
  }

  /** 7/1 is for those who know RFC 7313. To others the message is too short (1/2), or of a subtype that does not exist. */
  private badRefresh(error: BgpError, slab: Uint8Array, start: number, end: number): void {
    if (this.agreed?.enhancedRouteRefresh === true) this.receiver.happen('RouteRefreshError', { error });
    else if (end - start < HEADER_LENGTH + 4) this.badFrame(BAD_LENGTH, slab, start);
    else {
      this.kind = 'nothing';
      this.receiver.happen('RouteRefresh');
    }
  }
}
