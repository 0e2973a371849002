/** Graceful restart as the one who restarted: until when we are "restarting". Pure of I/O: timers come in. RFC 4724 4.1.
 *
 *  What the RFC leaves open, and how we choose:
 *  - Every start is a restart (R=1): a process has no memory of whether somebody keeps routes for it.
 *  - Our own routes are sent as soon as a session is up: no selection can change them. Learned ones, and End-of-RIB, wait.
 *  - We wait for End-of-RIB only from peers whose capability covers IPv4 and that did not set R themselves; others may never
 *    send one. Two nodes that restart together do not wait for each other.
 *  - What the kernel still forwards from before waits a little longer: a peer that did set R sends its End-of-RIB as soon as
 *    its own wait is over, which does not depend on ours. So after a power cut of all nodes no route goes to come back.
 *  - A peer that is not up yet is waited for a short time only (3 s), one that was up in this phase and went until the cap
 *    (15 s): never all routes for one dead peer, which is what makes BIRD's 240 s hurt.
 *  - End-of-RIB also says "these were all": it must not go out before our own routes are known, or helpers sweep what they
 *    kept for us. There is no cap on that: the helpers' restart time is one already. */
import type { Timers } from '../base/ports.ts';
import type { Agreed } from '../bgp-js/session/session-types.ts';

export type RestartEnd = 'all-peers' | 'cap' | 'no-peers';

export interface RestartOptions {
  /** Routes of ours were found in the kernel: F=1. RFC 4724 3 */
  readonly forwarding: boolean;
  /** Longest wait for the peers' End-of-RIB; default 15 s. */
  readonly capMs?: number;
  /** A peer that is not Established by then is not waited for; default 3 s. */
  readonly connectMs?: number;
  /** True: the phase does not end before localRoutesReady() was called (the store told us our blocks). */
  readonly waitForLocalRoutes?: boolean;
  /** The wait is over: learned routes and End-of-RIB may go out. */
  readonly onComplete?: (why: RestartEnd) => void;
  /** Those that restarted with us have spoken too: what nobody announced may leave the kernel. Never before onComplete. */
  readonly onAllHeard?: (why: RestartEnd) => void;
}

const CAP_MS = 15_000;
const CONNECT_MS = 3_000;

/** What of a peer counts here. */
interface Awaited {
  /** Undefined while no session is up. */
  agreed: Agreed | undefined;
  wasUp: boolean;
  endOfRib: boolean;
}

export class RestartPhase {
  private readonly options: RestartOptions;
  private readonly timers: Timers;
  private readonly peers = new Map<string, Awaited>();
  private cancelTimers: (() => void)[] = [];
  private begun = false;
  private graceOver = false;
  private capped = false;
  private localReady: boolean;
  private done = false;
  private allHeard = false;
  private abandoned = false;

  constructor(options: RestartOptions, timers: Timers) {
    this.options = options;
    this.timers = timers;
    this.localReady = options.waitForLocalRoutes !== true;
  }

  get active(): boolean {
    return !this.done;
  }

  /** R and F of our OPENs. After the phase a lost session is no restart, and nothing of what we forward was lost: F=1. */
  get bits(): { readonly restarting: boolean; readonly forwarding: boolean } {
    return { restarting: this.active, forwarding: !this.active || this.options.forwarding };
  }

  /** These peers are configured now. The first call starts the clock: no apply() before the configuration is known. */
  configured(names: readonly string[]): void {
    for (const name of this.peers.keys()) if (!names.includes(name)) this.peers.delete(name);
    for (const name of names) {
      if (!this.peers.has(name)) this.peers.set(name, { agreed: undefined, wasUp: false, endOfRib: false });
    }
    if (!this.begun) this.begin();
    this.check();
  }

  up(name: string, agreed: Agreed): void {
    this.peers.set(name, { agreed, wasUp: true, endOfRib: false });
    this.check();
  }

  down(name: string): void {
    const peer = this.peers.get(name);
    if (peer === undefined) return;
    peer.agreed = undefined;
    this.check();
  }

  endOfRib(name: string): void {
    const peer = this.peers.get(name);
    if (peer === undefined) return;
    peer.endOfRib = true;
    this.check();
  }

  localRoutesReady(): void {
    this.localReady = true;
    this.check();
  }

  /** The process ends: the phase will not, or somebody would sweep on a half-heard story. */
  abandon(): void {
    this.abandoned = true;
    this.cancel();
  }

  private cancel(): void {
    for (const cancel of this.cancelTimers.splice(0)) cancel();
  }

  /** Those whose End-of-RIB is waited for: for people. */
  awaited(): string[] {
    if (this.allHeard || this.capped) return [];
    return [...this.peers].filter(([, peer]) => this.isAwaited(peer)).map(([name]) => name);
  }

  private begin(): void {
    this.begun = true;
    this.cancelTimers = [
      this.timers.after(this.options.connectMs ?? CONNECT_MS, () => {
        this.graceOver = true;
        this.check();
      }),
      this.timers.after(this.options.capMs ?? CAP_MS, () => {
        this.capped = true;
        this.check();
      }),
    ];
  }

  /** While we defer, a peer that restarts too does not count, and one that is not up counts for 3 s; for what the kernel kept
   *  both count until the cap. */
  private isAwaited(peer: Awaited): boolean {
    if (peer.endOfRib) return false;
    if (peer.agreed === undefined) return peer.wasUp || this.done || !this.graceOver;
    const gr = peer.agreed.gracefulRestart;
    return gr?.ipv4 === true && (this.done || !gr.restarting);
  }

  private check(): void {
    if (this.allHeard || this.abandoned || !this.begun || !this.localReady) return;
    if (this.awaited().length > 0) return;
    const why = this.capped ? 'cap' : this.peers.size === 0 ? 'no-peers' : 'all-peers';
    if (!this.done) {
      this.done = true;
      this.options.onComplete?.(why);
      if (this.awaited().length > 0) return;
    }
    this.allHeard = true;
    this.cancel();
    this.options.onAllHeard?.(why);
  }
}
