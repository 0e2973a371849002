/** What the daemon's side knows of one path: what the engine told last, and what became of it. Pure; times come in. */
import type { Reason } from '../base/reason.ts';
import type { BfdTarget, BfdTiming, BfdView, WatchState } from './bfd-types.ts';
import { DISCARDED, PACKETS_IN, PACKETS_OUT, type SessionEvent } from './engine-types.ts';
import { outcomeOf, waitingReason } from './reasons.ts';
import type { SessionSnapshot } from './session.ts';

export class WatchedPath {
  readonly target: BfdTarget;
  readonly counters: Float64Array;
  private watchState: WatchState = 'down';
  private snapshot: SessionSnapshot | undefined;
  private since: number;
  private fault: Reason | undefined;
  private lastDiscard: Reason | undefined;
  private lastDown: (Reason & { readonly at: number }) | undefined;
  /** Why the state is what it is, while nothing newer is known. */
  private told: Reason | undefined;
  private flaps = 0;

  constructor(target: BfdTarget, counters: Float64Array, now: number) {
    this.target = target;
    this.counters = counters;
    this.since = now;
  }

  /** From Up it goes down or admin-down, and from there only up again: coming up step by step is no news to a client. */
  get state(): WatchState {
    return this.watchState;
  }
  get reason(): Reason {
    return this.told ?? this.fault ?? waitingReason(this.target, this.snapshot);
  }

  learn({ snapshot, change, fault, lastDiscard }: SessionEvent, now: number): void {
    if (snapshot.state !== this.snapshot?.state) this.since = now;
    this.snapshot = snapshot;
    this.fault = fault;
    this.lastDiscard = lastDiscard;
    this.told = undefined;
    if (change === undefined) return;
    const { state, reason } = outcomeOf(this.target, change, snapshot);
    this.watchState = state;
    this.told = reason;
    if (state !== 'up') this.wentDown(reason, now);
  }

  /** Whoever told us is gone. */
  lose(reason: Reason, now: number): void {
    const wasUp = this.watchState === 'up';
    this.watchState = 'admin-down';
    this.snapshot = undefined;
    this.fault = undefined;
    this.told = reason;
    this.since = now;
    if (wasUp) this.wentDown(reason, now);
  }

  /** Watched again after a stop. */
  restart(now: number): void {
    this.watchState = 'down';
    this.told = undefined;
    this.since = now;
  }

  private wentDown(reason: Reason, at: number): void {
    this.lastDown = { ...reason, at };
    this.flaps += 1;
  }

  view(timing: BfdTiming): BfdView {
    const { counters, lastDiscard, lastDown } = this;
    return {
      ...this.target,
      ...(this.snapshot ?? {
        state: 'Down',
        localDiscriminator: 0,
        receiveIntervalMs: timing.intervalMs,
        detectionTimeMs: 0,
        multiplier: timing.multiplier,
        diagnostic: 0,
      }),
      since: this.since,
      reason: this.reason,
      packetsIn: counters[PACKETS_IN] ?? 0,
      packetsOut: counters[PACKETS_OUT] ?? 0,
      discarded: counters[DISCARDED] ?? 0,
      ...(lastDiscard && { lastDiscard }),
      ...(lastDown && { lastDown }),
      flaps: this.flaps,
    };
  }
}
