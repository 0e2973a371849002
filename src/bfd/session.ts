/** One BFD session: the variables of RFC 5880 6.8.1, moved by the table, with the two timers. Pure of I/O: packets, time and
 *  chance come and go by ports. Asynchronous mode; a neighbour's Demand mode is obeyed; Echo is not offered.
 *
 *  Silence is believed only after everything that has arrived was read: a thread that comes late to its own timer finds the
 *  packets in the socket that prove the neighbour alive. So a stall of ours may delay a detection, and never makes one. */
import { assertNever } from '../base/invariant.ts';
import type { Clock, Random, Timers } from '../base/ports.ts';
import type { BfdState, BfdTiming, BfdView } from './bfd-types.ts';
import { type ControlPacket, encodeControlPacket, PACKET_BYTES } from './packet.ts';
import { BFD_TABLE, type BfdAction, type BfdEvent, NO_DIAGNOSTIC, RECEIVED } from './state-table.ts';
import { jitter, msOf, receiveIntervalUs, SLOW_US, sendIntervalUs, usOf, wakeAfterMs } from './timing.ts';

export interface SessionPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  /** The bytes are good during the call only. */
  transmit(bytes: Uint8Array): void;
  /** Hands on all that has arrived and waits. */
  readWaiting(): void;
  onState(change: StateChange): void;
  /** What snapshot() says has changed, the state included. */
  onChange(): void;
}

export interface StateChange {
  readonly from: BfdState;
  readonly to: BfdState;
  readonly cause: BfdEvent;
  /** Of the session that ended, where one did. */
  readonly detectionTimeMs: number;
}

/** The session's part of a BfdView. */
export type SessionSnapshot = Pick<
  BfdView,
  | 'state'
  | 'remoteState'
  | 'localDiscriminator'
  | 'remoteDiscriminator'
  | 'sendIntervalMs'
  | 'receiveIntervalMs'
  | 'detectionTimeMs'
  | 'multiplier'
  | 'remoteMultiplier'
  | 'diagnostic'
  | 'remoteDiagnostic'
>;

export class BfdSession {
  private readonly ports: SessionPorts;
  private readonly buffer = new Uint8Array(PACKET_BYTES);
  readonly localDiscriminator: number;
  private configured: BfdTiming;
  private sessionState: BfdState = 'Down';
  private diagnostic = NO_DIAGNOSTIC;
  /** What our packets say, and what is in force until a Poll Sequence has told the neighbour. 6.8.3 */
  private desiredMinTxUs: number;
  private requiredMinRxUs: number;
  private txInForceUs: number;
  private rxInForceUs: number;
  /** Of the neighbour's last packet, with the initial values of 6.8.1. */
  private remoteState: BfdState = 'Down';
  private remoteDiscriminator = 0;
  private remoteMinRxUs = 1;
  private remoteDesiredMinTxUs = 0;
  private remoteMultiplier = 0;
  private remoteDiagnostic = NO_DIAGNOSTIC;
  private remoteDemand = false;
  private polling = false;
  private pollAgain = false;
  /** After a Final, a packet without it must come before the next Poll, or nobody knows which Poll a Final answers. 6.8.3 */
  private finalSeen = false;
  private share: number;
  private sentAt: number | undefined;
  private cancelSend: (() => void) | undefined;
  private heardAt = 0;
  private cancelDetect: (() => void) | undefined;
  private detectTimerAt = 0;
  private closed = false;

  /** The discriminator is unique on this machine and not 0. Nothing is sent before start(). */
  constructor(localDiscriminator: number, timing: BfdTiming, ports: SessionPorts) {
    this.localDiscriminator = localDiscriminator;
    this.configured = timing;
    this.ports = ports;
    this.desiredMinTxUs = Math.max(SLOW_US, usOf(timing.intervalMs));
    this.requiredMinRxUs = usOf(timing.intervalMs);
    this.txInForceUs = this.desiredMinTxUs;
    this.rxInForceUs = this.requiredMinRxUs;
    this.share = jitter(timing.multiplier, ports.random());
  }

  get state(): BfdState {
    return this.sessionState;
  }
  get detectionTimeMs(): number {
    return msOf(this.remoteMultiplier * receiveIntervalUs(this.rxInForceUs, this.remoteDesiredMinTxUs));
  }
  /** The neighbour, as we know it, detects our silence in this time. */
  get remoteDetectionTimeMs(): number {
    return msOf(this.configured.multiplier * Math.max(this.desiredMinTxUs, this.remoteMinRxUs));
  }

  start(): void {
    this.send(false);
  }
  /** No more packets and timers. */
  close(): void {
    this.closed = true;
    this.cancelSend?.();
    this.cancelDetect?.();
  }
  /** 6.8.16 */
  enable(): void {
    this.step('Enable');
  }
  disable(): void {
    this.step('Disable');
  }
  /** 6.8.3, 6.8.12 */
  change(timing: BfdTiming): void {
    const isNewMultiplier = timing.multiplier !== this.configured.multiplier;
    this.configured = timing;
    const changed = this.setIntervals(this.sessionState === 'Up');
    // A neighbour in Demand mode gets no other packet that would tell it of a new multiplier. 6.6
    if (!changed && isNewMultiplier && this.remoteIsInDemandMode()) this.requestPoll();
    this.scheduleSend();
    this.armDetection();
    this.ports.onChange();
  }

  /** A packet that is this session's: demultiplexed and without fault. 6.8.6, from "Set bfd.RemoteDiscr" on. */
  receive(p: ControlPacket): void {
    if (this.closed) return;
    const before = this.sendIntervalUs();
    const differs = this.differsFromLast(p);
    this.remoteDiscriminator = p.myDiscriminator;
    this.remoteState = p.state;
    this.remoteDemand = p.demand;
    this.remoteMinRxUs = p.requiredMinRxUs;
    this.remoteDesiredMinTxUs = p.desiredMinTxUs;
    this.remoteMultiplier = p.multiplier;
    this.remoteDiagnostic = p.diagnostic;
    this.heardAt = this.ports.clock.now();
    const wasPolling = this.polling;
    this.heardFinal(p.final);
    if (this.sessionState !== 'AdminDown') this.step(RECEIVED[p.state]);
    this.armDetection();
    if (this.sendIntervalUs() !== before || wasPolling !== this.polling) this.scheduleSend();
    if (p.poll && this.sessionState !== 'AdminDown') this.send(true);
    if (differs || wasPolling !== this.polling) this.ports.onChange();
  }

  snapshot(): SessionSnapshot {
    const interval = this.sendIntervalUs();
    const known = this.remoteDiscriminator !== 0;
    return {
      state: this.sessionState,
      ...(known && { remoteState: this.remoteState, remoteDiscriminator: this.remoteDiscriminator }),
      localDiscriminator: this.localDiscriminator,
      ...(interval !== undefined && { sendIntervalMs: msOf(interval) }),
      receiveIntervalMs: msOf(receiveIntervalUs(this.rxInForceUs, this.remoteDesiredMinTxUs)),
      detectionTimeMs: this.detectionTimeMs,
      multiplier: this.configured.multiplier,
      ...(known && { remoteMultiplier: this.remoteMultiplier, remoteDiagnostic: this.remoteDiagnostic }),
      diagnostic: this.diagnostic,
    };
  }

  private differsFromLast(p: ControlPacket): boolean {
    return (
      p.myDiscriminator !== this.remoteDiscriminator ||
      p.state !== this.remoteState ||
      p.demand !== this.remoteDemand ||
      p.requiredMinRxUs !== this.remoteMinRxUs ||
      p.desiredMinTxUs !== this.remoteDesiredMinTxUs ||
      p.multiplier !== this.remoteMultiplier ||
      p.diagnostic !== this.remoteDiagnostic
    );
  }

  private step(cause: BfdEvent): void {
    const from = this.sessionState;
    const { next, diagnostic, actions } = BFD_TABLE[from][cause];
    const { detectionTimeMs } = this;
    this.sessionState = next;
    this.diagnostic = diagnostic ?? this.diagnostic;
    for (const action of actions) this.perform(action);
    if (next === from && actions.length === 0) return;
    if (next !== from) this.ports.onState({ from, to: next, cause, detectionTimeMs });
    this.ports.onChange();
  }

  private perform(action: BfdAction): void {
    switch (action) {
      case 'forgetNeighbour':
        this.remoteDiscriminator = 0;
        this.polling = false;
        this.pollAgain = false;
        this.finalSeen = false;
        return;
      case 'quicken':
        this.setIntervals(true);
        return;
      case 'slowDown':
        this.setIntervals(false);
        return;
      case 'announce':
        this.send(false);
        return;
      default:
        assertNever(action);
    }
  }

  /** What grows is in force once the neighbour has said that it knows, what shrinks our sending is so at once; and a detection
   *  time may only shrink when the neighbour sends faster already. 6.8.3 */
  private setIntervals(up: boolean): boolean {
    const us = usOf(this.configured.intervalMs);
    const desired = up ? us : Math.max(SLOW_US, us);
    const changed = desired !== this.desiredMinTxUs || us !== this.requiredMinRxUs;
    this.desiredMinTxUs = desired;
    this.requiredMinRxUs = us;
    if (this.sessionState !== 'Up' || desired < this.txInForceUs) this.txInForceUs = desired;
    if (this.sessionState !== 'Up' || us > this.rxInForceUs) this.rxInForceUs = us;
    if (changed) this.requestPoll();
    return changed;
  }

  /** 6.5. Who has not heard of a neighbour has nobody to ask. */
  private requestPoll(): void {
    if (this.remoteDiscriminator === 0) return;
    if (this.polling || this.finalSeen) this.pollAgain = true;
    else this.polling = true;
  }

  private heardFinal(final: boolean): void {
    if (!final) {
      this.finalSeen = false;
      if (!this.pollAgain || this.polling) return;
      this.pollAgain = false;
      this.polling = true;
    } else if (this.polling) {
      this.polling = false;
      this.finalSeen = true;
      // What was asked for meanwhile is in force after its own Poll.
      if (this.pollAgain) return;
      this.txInForceUs = this.desiredMinTxUs;
      this.rxInForceUs = this.requiredMinRxUs;
    }
  }

  private remoteIsInDemandMode(): boolean {
    return this.remoteDemand && this.sessionState === 'Up' && this.remoteState === 'Up';
  }

  /** Undefined: nothing is to be sent by the clock. 6.8.7 */
  private sendIntervalUs(): number | undefined {
    if (this.remoteIsInDemandMode() && !this.polling) return undefined;
    return sendIntervalUs(this.txInForceUs, this.remoteMinRxUs);
  }

  /** `final` answers a Poll, beside all timers. 6.8.7 */
  private send(final: boolean): void {
    if (this.closed) return;
    encodeControlPacket(
      {
        diagnostic: this.diagnostic,
        state: this.sessionState,
        poll: this.polling && !final,
        final,
        controlPlaneIndependent: false,
        demand: false,
        multiplier: this.configured.multiplier,
        myDiscriminator: this.localDiscriminator,
        yourDiscriminator: this.remoteDiscriminator,
        desiredMinTxUs: this.desiredMinTxUs,
        requiredMinRxUs: this.requiredMinRxUs,
        requiredMinEchoRxUs: 0,
      },
      this.buffer,
    );
    this.ports.transmit(this.buffer);
    if (final) return;
    this.sentAt = this.ports.clock.now();
    this.share = jitter(this.configured.multiplier, this.ports.random());
    this.scheduleSend();
  }

  /** Counted from the last packet, so that a shorter interval is so at once. */
  private scheduleSend(): void {
    this.cancelSend?.();
    this.cancelSend = undefined;
    const interval = this.sendIntervalUs();
    if (interval === undefined || this.sentAt === undefined || this.closed) return;
    const wait = this.sentAt + wakeAfterMs(interval, this.share) - this.ports.clock.now();
    this.cancelSend = this.ports.timers.after(Math.max(0, wait), () => this.send(false));
  }

  /** One timer stands while packets come: it looks at the time of the last one when it fires, and is only set anew when the
   *  detection time has become shorter. */
  private armDetection(): void {
    if (this.remoteMultiplier === 0 || this.closed) return;
    const at = this.heardAt + this.detectionTimeMs;
    if (this.cancelDetect !== undefined && this.detectTimerAt <= at) return;
    this.cancelDetect?.();
    this.detectTimerAt = at;
    this.cancelDetect = this.ports.timers.after(Math.max(0, at - this.ports.clock.now()), () => this.onDetectTimer());
  }

  private onDetectTimer(): void {
    this.cancelDetect = undefined;
    if (this.isSilent()) this.ports.readWaiting();
    if (!this.isSilent()) this.armDetection();
    else if (this.remoteDiscriminator !== 0) this.step('DetectionExpired');
  }
  private isSilent(): boolean {
    return this.ports.clock.now() >= this.heardAt + this.detectionTimeMs;
  }
}
