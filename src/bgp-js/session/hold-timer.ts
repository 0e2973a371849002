/** The hold timer: exact, never jittered, and not fooled by our own slowness. Pure: clock and timers come in. RFC 4271 6.5. */
import type { Clock, Timers } from '../../base/ports.ts';

export class HoldTimer {
  /** Milliseconds; 0 is off. */
  ms = 0;
  private heardAt = 0;
  private cancel: (() => void) | undefined;
  private readonly clock: Clock;
  private readonly timers: Timers;
  private readonly readPending: (done: () => void) => void;
  private readonly expired: () => void;

  /** `readPending` reads what already waits in the socket and then calls back. */
  constructor(
    ports: { readonly clock: Clock; readonly timers: Timers },
    readPending: (done: () => void) => void,
    expired: () => void,
  ) {
    this.clock = ports.clock;
    this.timers = ports.timers;
    this.readPending = readPending;
    this.expired = expired;
  }

  start(ms: number): void {
    this.stop();
    this.ms = ms;
    this.heardAt = this.clock.now();
    if (ms > 0) this.arm(ms);
  }
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
  /** A message came at `now`. It only moves the mark: the timer looks at it when it fires, and sleeps on for the rest. */
  restart(now: number): void {
    this.heardAt = now;
  }

  private arm(ms: number): void {
    this.cancel = this.timers.after(ms, () => this.fired(false));
  }
  /** What waits in the socket is read first: a busy process must not call its peer dead. */
  private fired(drained: boolean): void {
    this.cancel = undefined;
    const left = this.heardAt + this.ms - this.clock.now();
    if (left > 0) this.arm(left);
    else if (drained) this.expired();
    else this.drain();
  }
  private drain(): void {
    let live = true;
    this.cancel = () => {
      live = false;
    };
    this.readPending(() => {
      if (live) this.fired(true);
    });
  }
}
