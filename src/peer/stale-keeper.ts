/** Graceful restart as helper, of one peer and one family: how long a lost peer's routes stay; and enhanced refresh, which marks
 *  and sweeps in the same way. Pure of I/O: timers come in. RFC 4724 4.2, RFC 7313 4, RFC 9494 4.2.
 *
 *    lost, may keep --> all stale --restart time--> long-lived stale, least preferred --its time--> what is stale goes
 *                          |                          (without RFC 9494 agreed: goes)
 *                          '--back: no capability, no family, or F=0 -----> goes at once
 *                          '--back with F=1 ---> announced anew: fresh;
 *                                                End-of-RIB, or the cap --> the rest goes
 *    lost once more --> what is still stale from the first time goes, the rest is stale */
import type { Clock, Timers } from '../base/ports.ts';
import type { Agreed } from '../bgp-js/session/session-types.ts';
import { type Family, sameFamily } from '../bgp-js/wire/family.ts';
import type { LocRib } from '../rib/ribs/loc-rib.ts';
import type { PathSource } from '../rib/terms/feed.ts';

/** A restarted peer that never sends End-of-RIB, or a refresh without its end. Longer than any deferral of the peer's own: BIRD
 *  waits up to 240 s. */
const STALE_PATH_MS = 360_000;
/** A longer timer fires at once: 2^31 ms, 24 days. RFC 9494 3.1 would allow 194. */
const LONGEST_MS = 0x7fffffff;

/** no: nothing stays. restart: for the peer's restart time, and longer where that is agreed. longLived: as what is stale for
 *  long, from the start: the peer was silent, so that any other path is better, and none is worse. */
export type Keep = 'no' | 'restart' | 'longLived';

export class StaleKeeper {
  private readonly rib: LocRib;
  private readonly source: PathSource;
  private readonly family: Family;
  private readonly clock: Clock;
  private readonly timers: Timers;
  private cancel: (() => void) | undefined;
  private untilWall: number | undefined;
  private waitsForEndOfRib = false;
  private refreshing = false;
  private isLongLived = false;

  constructor(rib: LocRib, source: PathSource, family: Family, clock: Clock, timers: Timers) {
    this.rib = rib;
    this.source = source;
    this.family = family;
    this.clock = clock;
    this.timers = timers;
  }

  /** Wall clock, ms: what is stale then goes, or becomes long-lived. */
  get until(): number | undefined {
    return this.untilWall;
  }
  /** The restart time is over, and the routes are kept as a last resort. RFC 9494 */
  get longLived(): boolean {
    return this.isLongLived;
  }

  /** The session is gone. `agreed` is what it ran with. Answers how many routes stay as stale. */
  lost(keep: Keep, agreed: Agreed | undefined): number {
    // What a refresh had not repeated yet is no older than the rest.
    const already = this.refreshing ? 'stay' : 'go';
    this.stop();
    const longMs = this.longLivedMs(agreed);
    if (keep === 'no' || (keep === 'longLived' && longMs === 0)) {
      this.rib.dropSource(this.source);
      return 0;
    }
    const kept = this.rib.markStale(this.source, already);
    if (kept === 0) return 0;
    const restartMs = keep === 'restart' ? this.restartMs(agreed) : 0;
    if (restartMs > 0) this.after(restartMs, () => this.outlive(longMs));
    else this.outlive(longMs);
    return this.rib.countsOf(this.source).stale;
  }

  /** A session is up again. */
  back(agreed: Agreed): void {
    const wasLongLived = this.isLongLived;
    this.stop();
    if (this.rib.countsOf(this.source).stale === 0) return;
    const promises = wasLongLived ? agreed.longLivedGracefulRestart : agreed.gracefulRestart?.families;
    if (promises?.some(({ family, forwarding }) => forwarding && sameFamily(family, this.family)) !== true) {
      this.rib.sweepStale(this.source);
      return;
    }
    this.isLongLived = wasLongLived;
    this.waitsForEndOfRib = true;
    this.after(STALE_PATH_MS, () => void this.rib.sweepStale(this.source));
  }

  endOfRib(): void {
    if (!this.waitsForEndOfRib) return;
    this.stop();
    this.rib.sweepStale(this.source);
  }

  /** BoRR: all that the peer has comes again, and what does not is gone at the end. It may come once more before that.
   *  RFC 7313 4 */
  beginRefresh(): void {
    this.stop();
    if (this.rib.markStale(this.source, 'stay') === 0) return;
    this.refreshing = true;
    this.after(STALE_PATH_MS, () => void this.rib.sweepStale(this.source));
  }
  /** EoRR */
  endRefresh(): void {
    if (!this.refreshing) return;
    this.stop();
    this.rib.sweepStale(this.source);
  }

  /** Forgets its timers; routes stay as they are. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
    this.untilWall = undefined;
    this.waitsForEndOfRib = false;
    this.refreshing = false;
    this.isLongLived = false;
  }

  /** The restart time is over. RFC 9494 4.2 */
  private outlive(longMs: number): void {
    if (longMs === 0 || this.rib.keepLongLived(this.source) === 0) {
      this.rib.sweepStale(this.source);
      return;
    }
    this.isLongLived = true;
    this.after(longMs, () => void this.rib.sweepStale(this.source));
  }

  private restartMs(agreed: Agreed | undefined): number {
    const gr = agreed?.gracefulRestart;
    return gr?.families.some((f) => sameFamily(f.family, this.family)) === true ? gr.restartTimeSec * 1000 : 0;
  }
  private longLivedMs(agreed: Agreed | undefined): number {
    const lived = agreed?.longLivedGracefulRestart?.find((l) => sameFamily(l.family, this.family));
    return Math.min((lived?.staleTimeSec ?? 0) * 1000, LONGEST_MS);
  }

  private after(ms: number, what: () => void): void {
    this.untilWall = this.clock.wall() + ms;
    this.cancel = this.timers.after(ms, () => {
      this.stop();
      what();
    });
  }
}
