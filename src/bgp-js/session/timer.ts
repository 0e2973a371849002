/** One timer of the FSM that can be asked whether it runs, and until when. Pure: timers and clock come in. RFC 4271 10. */
import type { Clock, Timers } from '../../base/ports.ts';

export interface TimerPorts {
  readonly clock: Clock;
  readonly timers: Timers;
}

export class Timer {
  private cancel: (() => void) | undefined;
  private readonly ports: TimerPorts;
  private until = 0;
  private readonly expired: () => void;

  constructor(ports: TimerPorts, expired: () => void) {
    this.ports = ports;
    this.expired = expired;
  }
  get running(): boolean {
    return this.cancel !== undefined;
  }
  /** Wall clock, ms; undefined while it does not run. */
  get endsAt(): number | undefined {
    return this.running ? this.until : undefined;
  }
  /** From now on anew. */
  start(ms: number): void {
    this.stop();
    this.until = this.ports.clock.wall() + ms;
    this.cancel = this.ports.timers.after(ms, () => {
      this.cancel = undefined;
      this.expired();
    });
  }
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}
