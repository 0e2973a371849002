/** Graceful restart as helper: how long a lost peer's routes stay; and enhanced refresh, which marks and sweeps in the same way.
 *  Pure of I/O: timers come in. RFC 4724 4.2, RFC 7313 4.
 *
 *    lost, may keep --> all stale --restart time--------------------------> what is stale goes
 *                          '--back: no capability, no family, or F=0 -----> goes at once
 *                          '--back with F=1 ---> announced anew: fresh;
 *                                                End-of-RIB, or the cap --> the rest goes
 *    lost once more --> what is still stale from the first time goes, the rest is stale */
import type { Clock, Timers } from '../base/ports.ts';
import type { Agreed } from '../bgp-js/session/session-types.ts';
import type { PathSource } from '../rib/feed.ts';
import type { LocRib } from '../rib/loc-rib.ts';

/** A restarted peer that never sends End-of-RIB, or a refresh without its end. Longer than any deferral of the peer's own: BIRD
 *  waits up to 240 s. */
const STALE_PATH_MS = 360_000;

export class StaleKeeper {
  private readonly rib: LocRib;
  private readonly source: PathSource;
  private readonly clock: Clock;
  private readonly timers: Timers;
  private cancel: (() => void) | undefined;
  private untilWall: number | undefined;
  private waitsForEndOfRib = false;
  private refreshing = false;

  constructor(rib: LocRib, source: PathSource, clock: Clock, timers: Timers) {
    this.rib = rib;
    this.source = source;
    this.clock = clock;
    this.timers = timers;
  }

  /** Wall clock, ms: what is stale then goes. */
  get until(): number | undefined {
    return this.untilWall;
  }

  /** The session is gone. `agreed` is what it ran with. Answers how many routes stay as stale. */
  lost(keepRoutes: boolean, agreed: Agreed | undefined): number {
    // What a refresh had not repeated yet is no older than the rest.
    const already = this.refreshing ? 'stay' : 'go';
    this.stop();
    if (!keepRoutes) {
      this.rib.dropSource(this.source);
      return 0;
    }
    const kept = this.rib.markStale(this.source, already);
    if (kept > 0) this.sweepAfter((agreed?.gracefulRestart?.restartTimeSec ?? 0) * 1000);
    return kept;
  }

  /** A session is up again. */
  back(agreed: Agreed): void {
    this.stop();
    if (this.rib.countsOf(this.source).stale === 0) return;
    const gr = agreed.gracefulRestart;
    if (gr === undefined || !gr.ipv4 || !gr.forwarding) {
      this.rib.sweepStale(this.source);
      return;
    }
    this.waitsForEndOfRib = true;
    this.sweepAfter(STALE_PATH_MS);
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
    this.sweepAfter(STALE_PATH_MS);
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
  }

  private sweepAfter(ms: number): void {
    this.untilWall = this.clock.wall() + ms;
    this.cancel = this.timers.after(ms, () => {
      this.stop();
      this.rib.sweepStale(this.source);
    });
  }
}
