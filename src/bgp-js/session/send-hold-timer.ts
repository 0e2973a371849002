/** The send hold timer: a peer whose TCP takes nothing from us is not there, though it may still talk. Pure: clock and timers
 *  come in. RFC 9687 3. The RFC restarts the timer whenever a message is sent; sent is here what TCP has taken, not what waits
 *  in our queue, which is the case that the timer is for. */
import type { Clock, Timers } from '../../base/ports.ts';
import { Timer } from './timer.ts';

/** RFC 9687 3.1: 8 minutes, or twice the hold time where that is more. */
const LEAST_MS = 480_000;
/** The queue is looked at so many times per send hold time: the timer is late by one look at most, never early. */
const LOOKS = 8;

/** Milliseconds; 0 is off, as it is without a hold time. `configuredSec` undefined: the RFC's default. */
export function sendHoldMs(configuredSec: number | undefined, holdTimeSec: number): number {
  if (holdTimeSec === 0) return 0;
  return configuredSec === undefined ? Math.max(LEAST_MS, 2 * holdTimeSec * 1000) : configuredSec * 1000;
}

/** What it watches. */
export interface SendQueue {
  /** Octets that wait. */
  readonly unsent: number;
  /** Octets that TCP has taken, ever. */
  readonly taken: number;
}

export class SendHoldTimer {
  private ms = 0;
  private progressAt = 0;
  private taken = 0;
  private queue: SendQueue | undefined;
  private readonly clock: Clock;
  private readonly timer: Timer;
  private readonly expired: () => void;

  constructor(ports: { readonly clock: Clock; readonly timers: Timers }, expired: () => void) {
    this.clock = ports.clock;
    this.timer = new Timer(ports, () => this.look());
    this.expired = expired;
  }

  start(ms: number, queue: SendQueue): void {
    this.stop();
    if (ms === 0) return;
    this.ms = ms;
    this.queue = queue;
    this.progressAt = this.clock.now();
    this.taken = queue.taken;
    this.timer.start(ms / LOOKS);
  }
  stop(): void {
    this.timer.stop();
    this.queue = undefined;
  }

  private look(): void {
    const { queue } = this;
    if (queue === undefined) return;
    const now = this.clock.now();
    if (queue.unsent === 0 || queue.taken !== this.taken) {
      this.progressAt = now;
      this.taken = queue.taken;
    } else if (now - this.progressAt >= this.ms) {
      this.stop();
      this.expired();
      return;
    }
    this.timer.start(this.ms / LOOKS);
  }
}
