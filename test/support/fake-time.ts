/** A clock that only moves when told, and its timers, in order. */
import type { Clock, Timers } from '../../src/base/ports.ts';

export class FakeTime implements Clock, Timers {
  private ms = 0;
  private order = 0;
  private waiting: { at: number; order: number; fire: () => void }[] = [];

  now(): number {
    return this.ms;
  }
  wall(): number {
    return 1_800_000_000_000 + this.ms;
  }
  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.ms + Math.max(0, ms), order: this.order++, fire };
    this.waiting.push(timer);
    return () => {
      this.waiting = this.waiting.filter((t) => t !== timer);
    };
  }
  /** Lets `ms` pass, firing what is due on the way, in order. */
  pass(ms: number): void {
    const until = this.ms + ms;
    for (let rounds = 0; rounds < 100_000; rounds++) {
      const [next] = this.waiting.filter((t) => t.at <= until).sort((a, b) => a.at - b.at || a.order - b.order);
      if (next === undefined) break;
      this.waiting = this.waiting.filter((t) => t !== next);
      this.ms = next.at;
      next.fire();
    }
    this.ms = until;
  }
  /** How many timers wait: leaks show here. */
  get pending(): number {
    return this.waiting.length;
  }
}
