/** An answer in time: "try again later" when the work is not done by then. Pure but for the timers it is given. */
import type { Timers } from '../base/ports.ts';
import { CniError } from './fault.ts';
import { CNI_CODE } from './protocol.ts';

export class Deadline {
  private readonly timers: Timers;
  private readonly ms: number;
  private readonly expired: Promise<never>;
  private reject: (error: CniError) => void = () => undefined;
  private cancel: () => void = () => undefined;
  private over: CniError | undefined;

  constructor(timers: Timers, ms: number, why: string) {
    this.timers = timers;
    this.ms = ms;
    this.expired = new Promise((_, reject) => {
      this.reject = reject;
    });
    this.restart(why);
  }

  /** Starts the time anew with another reason. Throws when it was over already: then the work must not begin. */
  restart(why: string): void {
    if (this.over !== undefined) throw this.over;
    this.cancel();
    this.cancel = this.timers.after(this.ms, () => {
      this.over = new CniError(CNI_CODE.tryAgainLater, `${why} after ${this.ms / 1000} s; try again`);
      this.reject(this.over);
    });
  }

  async race<T>(work: Promise<T>): Promise<T> {
    try {
      return await Promise.race([work, this.expired]);
    } finally {
      this.cancel();
    }
  }
}
