/** One timer of the FSM that can be asked whether it runs. Pure: timers come in. RFC 4271 10. */
import type { Timers } from '../../base/ports.ts';

export class Timer {
  private cancel: (() => void) | undefined;
  private readonly timers: Timers;
  private readonly expired: () => void;

  constructor(timers: Timers, expired: () => void) {
    this.timers = timers;
    this.expired = expired;
  }
  get running(): boolean {
    return this.cancel !== undefined;
  }
  /** From now on anew. */
  start(ms: number): void {
    this.stop();
    this.cancel = this.timers.after(ms, () => {
      this.cancel = undefined;
      this.expired();
    });
  }
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}
