/** A session that is left down on purpose: for a time, or until the peer's configuration changes. Pure of I/O: timers come in. */
import type { Clock, Timers } from '../base/ports.ts';
import type { Reason } from '../base/reason.ts';

const FOREVER = 0;

export class IdleHold {
  private readonly clock: Clock;
  private readonly timers: Timers;
  private held: Reason | undefined;
  private untilWall = FOREVER;
  private cancel: (() => void) | undefined;

  constructor(clock: Clock, timers: Timers) {
    this.clock = clock;
    this.timers = timers;
  }

  get active(): boolean {
    return this.held !== undefined;
  }

  /** Wall clock, ms; 0: until somebody changes something. Undefined: not held. */
  get until(): number | undefined {
    return this.held === undefined ? undefined : this.untilWall;
  }

  /** As of now: the time that is left is in it. */
  get reason(): Reason | undefined {
    if (this.held === undefined) return undefined;
    const { code, text } = this.held;
    const left = Math.max(0, Math.ceil((this.untilWall - this.clock.wall()) / 1000));
    const when = this.untilWall === FOREVER ? 'until its configuration changes' : `for ${left} s more`;
    return { code, text: `${text}; the session stays down ${when}` };
  }

  /** `seconds` 0: for good. */
  begin(reason: Reason, seconds: number, onOver: () => void): void {
    this.end();
    this.held = reason;
    if (seconds === 0) return;
    this.untilWall = this.clock.wall() + seconds * 1000;
    this.cancel = this.timers.after(seconds * 1000, () => {
      this.end();
      onOver();
    });
  }

  end(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.held = undefined;
    this.untilWall = FOREVER;
  }
}
