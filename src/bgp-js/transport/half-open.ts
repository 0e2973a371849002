/** How many accepted connections may wait for their first message. Pure. Whoever holds a peer's address could else open
 *  connections without end: each costs a descriptor and a few kilobytes. RFC 4272 3.2 */
import type { IpAddress } from '../../base/ip.ts';

/** How many accepted connections may be silent at a time. */
export interface HalfOpenLimits {
  /** Of one address. */
  readonly perSource: number;
  readonly total: number;
}

/** A peer opens one at a time, and another when it lost the first. A thousand nodes that start together fit four times. */
export const HALF_OPEN_LIMITS: HalfOpenLimits = { perSource: 4, total: 4096 };

export class HalfOpen {
  private readonly limits: HalfOpenLimits;
  private readonly bySource = new Map<IpAddress, number>();
  private all = 0;

  constructor(limits: HalfOpenLimits) {
    this.limits = limits;
  }
  get total(): number {
    return this.all;
  }
  /** Counts one more of `source`, or names the limit that is reached. */
  enter(source: IpAddress): keyof HalfOpenLimits | undefined {
    const count = this.bySource.get(source) ?? 0;
    if (count >= this.limits.perSource) return 'perSource';
    if (this.all >= this.limits.total) return 'total';
    this.bySource.set(source, count + 1);
    this.all++;
    return undefined;
  }
  leave(source: IpAddress): void {
    const count = this.bySource.get(source) ?? 0;
    if (count === 0) return;
    if (count === 1) this.bySource.delete(source);
    else this.bySource.set(source, count - 1);
    this.all--;
  }
}
