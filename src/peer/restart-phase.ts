/** Graceful restart as the one who restarted: until when we are "restarting". Pure of I/O: timers come in. RFC 4724 4.1. One
 *  phase for all families: a peer is waited for until it has said End-of-RIB for each that its capability covers. What a
 *  thousand peers do is counted, never gone through.
 *
 *  What the RFC leaves open, and how we choose:
 *  - Every start is a restart (R=1): a process has no memory of whether somebody keeps routes for it.
 *  - Our own routes are sent as soon as a session is up: no selection can change them. Learned ones, and End-of-RIB, wait.
 *  - We wait for End-of-RIB only from peers whose capability covers the family and that did not set R themselves; others may
 *    never send one. Two nodes that restart together do not wait for each other.
 *  - What the kernel still forwards from before waits a little longer: a peer that did set R sends its End-of-RIB as soon as
 *    its own wait is over, which does not depend on ours. So after a power cut of all nodes no route goes to come back.
 *  - A peer that is not up yet is waited for a short time only (3 s), one that was up in this phase and went until the cap
 *    (15 s): never all routes for one dead peer, which is what makes BIRD's 240 s hurt.
 *  - Who may come by a range of addresses is not known: strangers are waited for as long as peers that are not up.
 *  - End-of-RIB also says "these were all": it must not go out before our own routes are known, or helpers sweep what they
 *    kept for us. There is no cap on that: the helpers' restart time is one already. */
import type { Timers } from '../base/ports.ts';
import type { Agreed } from '../bgp-js/session/session-types.ts';
import { type Family, keyOfFamily } from '../bgp-js/wire/family.ts';

export type RestartEnd = 'all-peers' | 'cap' | 'no-peers';

export interface RestartOptions {
  /** Routes of ours were found in the kernel, of all families or of each: F=1. RFC 4724 3 */
  readonly forwarding: boolean | ((family: Family) => boolean);
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
class Awaited {
  /** Undefined while no session is up. */
  restarting: boolean | undefined;
  wasUp = false;
  /** keyOfFamily() of those whose End-of-RIB is to come. */
  families = new Set<number>();
  /** The last of them came. */
  heard = false;
  /** As it was counted. */
  counted = false;
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
  private strangers = false;
  private done = false;
  private allHeard = false;
  private abandoned = false;
  /** Peers that are waited for now. */
  private count = 0;

  constructor(options: RestartOptions, timers: Timers) {
    this.options = options;
    this.timers = timers;
    this.localReady = options.waitForLocalRoutes !== true;
  }

  get active(): boolean {
    return !this.done;
  }

  /** R and F of our OPENs. After the phase a lost session is no restart, and nothing of what we forward was lost: F=1. */
  get bits(): { readonly restarting: boolean; readonly forwarding: boolean | ((family: Family) => boolean) } {
    return { restarting: this.active, forwarding: this.active ? this.options.forwarding : true };
  }

  /** These peers are configured now; `strangers`: others may come. The first call starts the clock: no apply() before the
   *  configuration is known. */
  configured(names: Iterable<string>, strangers = false): void {
    this.strangers = strangers;
    const wanted = new Set(names);
    for (const name of this.peers.keys()) if (!wanted.has(name)) this.forget(name);
    for (const name of wanted) this.peerOf(name);
    if (!this.begun) this.begin();
    this.check();
  }

  up(name: string, agreed: Agreed): void {
    const peer = this.peerOf(name);
    peer.restarting = agreed.gracefulRestart?.restarting === true;
    peer.wasUp = true;
    peer.heard = false;
    peer.families = new Set(agreed.gracefulRestart?.families.map((f) => keyOfFamily(f.family)));
    this.recount(peer);
    this.check();
  }

  down(name: string): void {
    const peer = this.peers.get(name);
    if (peer === undefined) return;
    peer.restarting = undefined;
    this.recount(peer);
    this.check();
  }

  endOfRib(name: string, family: Family): void {
    const peer = this.peers.get(name);
    if (peer === undefined || !peer.families.delete(keyOfFamily(family))) return;
    peer.heard = peer.families.size === 0;
    this.recount(peer);
    this.check();
  }

  /** It is no peer any more. */
  gone(name: string): void {
    this.forget(name);
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

  private peerOf(name: string): Awaited {
    let peer = this.peers.get(name);
    if (peer === undefined) {
      peer = new Awaited();
      this.peers.set(name, peer);
      this.recount(peer);
    }
    return peer;
  }

  private forget(name: string): void {
    if (this.peers.get(name)?.counted === true) this.count--;
    this.peers.delete(name);
  }

  private begin(): void {
    this.begun = true;
    this.cancelTimers = [
      this.timers.after(this.options.connectMs ?? CONNECT_MS, () => {
        this.graceOver = true;
        this.recountAll();
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
    if (peer.heard) return false;
    if (peer.restarting === undefined) return peer.wasUp || this.awaitsUnseen;
    return peer.families.size > 0 && (this.done || !peer.restarting);
  }

  private get awaitsUnseen(): boolean {
    return this.done || !this.graceOver;
  }

  private recount(peer: Awaited): void {
    const counts = this.isAwaited(peer);
    if (counts === peer.counted) return;
    peer.counted = counts;
    this.count += counts ? 1 : -1;
  }

  private recountAll(): void {
    for (const peer of this.peers.values()) this.recount(peer);
  }

  private get waits(): boolean {
    return !this.capped && (this.count > 0 || (this.strangers && this.awaitsUnseen));
  }

  private check(): void {
    if (this.allHeard || this.abandoned || !this.begun || !this.localReady) return;
    if (this.waits) return;
    const why = this.capped ? 'cap' : this.peers.size === 0 ? 'no-peers' : 'all-peers';
    if (!this.done) {
      this.done = true;
      this.recountAll();
      this.options.onComplete?.(why);
      if (this.waits) return;
    }
    this.allHeard = true;
    this.cancel();
    this.options.onAllHeard?.(why);
  }
}
