/** BFD for the rest of the daemon: watch a path, hear of it, show it. Pure of I/O: the sessions run in an engine behind a port
 *  (thread.ts), and only what changes comes from there. Who watches the same path shares its session. RFC 5882 */
import { formatIp } from '../base/ip.ts';
import type { Clock, Timers } from '../base/ports.ts';
import type { Reason } from '../base/reason.ts';
import {
  type BfdPort,
  type BfdTarget,
  type BfdTiming,
  type BfdView,
  type BfdWatch,
  MAX_INTERVAL_MS,
  MAX_MULTIPLIER,
  MIN_INTERVAL_MS,
  type OnWatchState,
  type WatchSpec,
} from './bfd-types.ts';
import { type BfdEngine, type BfdEngineEvent, COUNTERS, type SessionEvent, type StartEngine } from './engine-types.ts';
import { tooMany } from './reasons.ts';
import { WatchedPath } from './watched-path.ts';

export interface BfdServicePorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** Started with the first watch: who needs no BFD pays nothing. */
  readonly startEngine: StartEngine;
}

/** A packet for each of them every 10 ms would be a core's work. */
export const MOST_SESSIONS = 1024;
const RESTART_MS = 1000;
/** For the last words; the engine's thread may be busy, and we are leaving. */
const CLOSE_MS = 250;

interface Watcher {
  timing: BfdTiming;
  readonly onState: OnWatchState;
}

interface Shared {
  id: number;
  readonly path: WatchedPath;
  readonly watchers: Set<Watcher>;
}

export class BfdService implements BfdPort {
  private readonly ports: BfdServicePorts;
  private engine: BfdEngine | undefined;
  private readonly byKey = new Map<string, Shared>();
  private readonly byId = new Map<number, Shared>();
  private nextId = 1;
  private closing: (() => void) | undefined;
  private cancelRestart: (() => void) | undefined;
  private closed = false;

  constructor(ports: BfdServicePorts) {
    this.ports = ports;
  }

  /** Throws RangeError on a timing that BFD cannot have. */
  watch(spec: WatchSpec, onState: OnWatchState): BfdWatch {
    checkTiming(spec);
    const { intervalMs, multiplier } = spec;
    const watcher: Watcher = { timing: { intervalMs, multiplier }, onState };
    const target: BfdTarget = {
      address: spec.address,
      ...(spec.localAddress !== undefined && { localAddress: spec.localAddress }),
      ...(spec.interface !== undefined && { interface: spec.interface }),
    };
    const shared = this.closed ? undefined : this.join(target, watcher);
    if (shared === undefined) return refused(target, watcher.timing, tooMany(target, MOST_SESSIONS));
    const { path, watchers } = shared;
    return {
      get state() {
        return path.state;
      },
      get reason() {
        return path.reason;
      },
      view: () => path.view(strictest(watchers) ?? watcher.timing),
      change: (timing) => {
        checkTiming(timing);
        if (!watchers.has(watcher)) return;
        watcher.timing = { intervalMs: timing.intervalMs, multiplier: timing.multiplier };
        this.tellTiming(shared);
      },
      stop: () => this.leave(shared, watcher),
    };
  }

  /** The neighbours are told AdminDown, so that our leaving is no failure to them. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelRestart?.();
    const { engine } = this;
    if (engine === undefined) return;
    await new Promise<void>((resolve) => {
      const cancel = this.ports.timers.after(CLOSE_MS, resolve);
      this.closing = () => {
        cancel();
        resolve();
      };
      engine.tell({ kind: 'close' });
    });
  }

  private join(target: BfdTarget, watcher: Watcher): Shared | undefined {
    const key = keyOf(target);
    const there = this.byKey.get(key);
    if (there !== undefined) {
      const wasStopping = there.watchers.size === 0;
      there.watchers.add(watcher);
      if (wasStopping) {
        there.path.restart(this.ports.clock.wall());
        this.engine?.tell({ kind: 'resume', id: there.id });
      }
      this.tellTiming(there);
      return there;
    }
    if (this.byKey.size >= MOST_SESSIONS) return undefined;
    const counters = new Float64Array(new SharedArrayBuffer(COUNTERS * Float64Array.BYTES_PER_ELEMENT));
    const path = new WatchedPath(target, counters, this.ports.clock.wall());
    const made: Shared = { id: 0, path, watchers: new Set([watcher]) };
    this.byKey.set(key, made);
    this.open(made, watcher.timing);
    return made;
  }

  private open(shared: Shared, timing: BfdTiming): void {
    this.byId.delete(shared.id);
    shared.id = this.nextId++;
    this.byId.set(shared.id, shared);
    const { target, counters } = shared.path;
    this.engine ??= this.ports.startEngine((event) => this.onEvent(event));
    this.engine.tell({ kind: 'open', id: shared.id, target, timing, counters });
  }

  private leave(shared: Shared, watcher: Watcher): void {
    if (!shared.watchers.delete(watcher)) return;
    if (shared.watchers.size > 0) this.tellTiming(shared);
    else if (this.engine !== undefined) this.engine.tell({ kind: 'stop', id: shared.id });
    else this.forget(shared);
  }

  private tellTiming(shared: Shared): void {
    const timing = strictest(shared.watchers);
    if (timing !== undefined) this.engine?.tell({ kind: 'change', id: shared.id, timing });
  }

  private forget(shared: Shared): void {
    this.byId.delete(shared.id);
    this.byKey.delete(keyOf(shared.path.target));
  }

  private onEvent(event: BfdEngineEvent): void {
    switch (event.kind) {
      case 'session':
        this.onSession(event);
        return;
      case 'gone': {
        const shared = this.byId.get(event.id);
        if (shared === undefined) return;
        // Somebody came back while the word was under way.
        const timing = strictest(shared.watchers);
        if (timing === undefined) this.forget(shared);
        else this.open(shared, timing);
        return;
      }
      case 'closed':
        this.closing?.();
        return;
      case 'broken':
        this.onBroken(event.reason);
        return;
    }
  }

  private onSession(event: SessionEvent): void {
    const shared = this.byId.get(event.id);
    if (shared === undefined) return;
    const before = shared.path.state;
    shared.path.learn(event, this.ports.clock.wall());
    if (event.change !== undefined && shared.path.state !== before) notify(shared);
  }

  /** Nothing is known of any path from here on, which is not the same as their being down. */
  private onBroken(reason: Reason): void {
    this.engine = undefined;
    this.closing?.();
    for (const shared of [...this.byKey.values()]) {
      const wasUp = shared.path.state === 'up';
      shared.path.lose(reason, this.ports.clock.wall());
      if (shared.watchers.size === 0) this.forget(shared);
      else if (wasUp) notify(shared);
    }
    if (this.closed || this.byKey.size === 0) return;
    this.cancelRestart = this.ports.timers.after(RESTART_MS, () => {
      for (const shared of [...this.byKey.values()]) {
        const timing = strictest(shared.watchers);
        if (timing !== undefined) this.open(shared, timing);
      }
    });
  }
}

/** Watchers may come and go in answer. */
function notify({ path, watchers }: Shared): void {
  const { state, reason } = path;
  for (const { onState } of [...watchers]) onState(state, reason);
}

const keyOf = ({ address, localAddress, interface: device }: BfdTarget): string =>
  `${formatIp(address)} ${localAddress === undefined ? '' : formatIp(localAddress)} ${device ?? ''}`;

/** Who asks for the shortest interval is to be satisfied, and the shorter detection time then. */
function strictest(watchers: ReadonlySet<Watcher>): BfdTiming | undefined {
  const all = [...watchers].map((w) => w.timing);
  return all.sort((a, b) => a.intervalMs - b.intervalMs || a.multiplier - b.multiplier)[0];
}

function checkTiming({ intervalMs, multiplier }: BfdTiming): void {
  if (!(intervalMs >= MIN_INTERVAL_MS && intervalMs <= MAX_INTERVAL_MS))
    throw new RangeError(`BFD interval of ${intervalMs} ms: use ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS}`);
  if (!(Number.isInteger(multiplier) && multiplier >= 1 && multiplier <= MAX_MULTIPLIER))
    throw new RangeError(`BFD multiplier ${multiplier}: use 1 to ${MAX_MULTIPLIER}`);
}

/** A watch of nothing. */
function refused(target: BfdTarget, timing: BfdTiming, reason: Reason): BfdWatch {
  const path = new WatchedPath(target, new Float64Array(COUNTERS), 0);
  path.lose(reason, 0);
  return {
    state: 'admin-down',
    reason,
    view: (): BfdView => path.view(timing),
    change: () => {},
    stop: () => {},
  };
}
