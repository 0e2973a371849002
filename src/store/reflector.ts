/** Keeps a map equal to a kind's objects in a store: list, then watch with bookmarks; resume where it was after a dropped
 *  connection; list again, as a difference, when the store no longer reaches back so far (410). Pure but for what it is
 *  given: no clock, timer or chance of its own. A store that cannot be reached is waited for, never an exception. */
import type { Clock, Random, Timers } from '../base/ports.ts';
import { objectName } from './kinds.ts';
import { type Kind, type Resource, type Store, StoreError } from './port.ts';

export interface ReflectOptions {
  readonly store: Store;
  readonly kind: Kind;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** One object appeared (no `from`), changed (both), or went (no `to`). Runs after the map has it. */
  readonly onChange?: (change: ObjectChange) => void;
  /** After the first list, and after every batch of changes that arrived together: read `objects` and derive. */
  readonly onSnapshot?: (objects: ReadonlyMap<string, Resource>) => void;
  /** Each failed attempt, with what happens next. Never fatal: the reflector goes on until `signal`. */
  readonly onError?: (fault: ReflectFault) => void;
}

export interface ObjectChange {
  /** As in Store: "name", or "namespace/name". */
  readonly name: string;
  readonly from?: Resource;
  readonly to?: Resource;
}

export interface ReflectFault {
  readonly error: Error;
  readonly phase: 'list' | 'watch';
  /** How many in a row. */
  readonly failures: number;
  readonly retryInMs: number;
}

export interface ReflectorStatus {
  readonly phase: 'listing' | 'watching' | 'waiting' | 'stopped';
  readonly resourceVersion: string;
  readonly objects: number;
  readonly lists: number;
  readonly watches: number;
  readonly failures: number;
  /** The last fault, kept after recovery, and the clock's time of it. */
  readonly lastError?: { readonly text: string; readonly atMs: number };
  /** Clock's time of the last word from the store: a list, an event, a bookmark. */
  readonly heardAtMs?: number;
}

export interface Reflector {
  /** The objects as last known; stays through an outage. */
  readonly objects: ReadonlyMap<string, Resource>;
  /** Resolves after the first complete list; never rejects (it stays open when the signal came first). */
  readonly synced: Promise<void>;
  readonly isSynced: () => boolean;
  readonly status: () => ReflectorStatus;
  /** Resolves when the signal has stopped it for good. */
  readonly stopped: Promise<void>;
}

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
/** A watch that lived this long worked, even if it had nothing to say. */
const PROVEN_MS = 5000;

/** Starts at once and runs until `signal`. */
export function reflect(options: ReflectOptions): Reflector {
  const run = new Run(options);
  const stopped = run.loop();
  return {
    objects: run.objects,
    synced: run.synced,
    isSynced: () => run.listed,
    status: () => run.status(),
    stopped,
  };
}

class Run {
  readonly objects = new Map<string, Resource>();
  readonly synced: Promise<void>;
  listed = false;
  private readonly o: ReflectOptions;
  private resolveSynced: () => void = () => {};
  private phase: ReflectorStatus['phase'] = 'listing';
  private resourceVersion = '';
  private lists = 0;
  private watches = 0;
  private failures = 0;
  /** The list to come answers a 410: its success alone does not prove that watching works. */
  private afterGone = false;
  private lastError: ReflectorStatus['lastError'];
  private heardAtMs: number | undefined;
  private snapshotDue = false;

  constructor(options: ReflectOptions) {
    this.o = options;
    this.synced = new Promise((resolve) => {
      this.resolveSynced = resolve;
    });
  }

  status(): ReflectorStatus {
    const { phase, resourceVersion, lists, watches, failures, lastError, heardAtMs } = this;
    return {
      phase,
      resourceVersion,
      objects: this.objects.size,
      lists,
      watches,
      failures,
      ...(lastError === undefined ? {} : { lastError }),
      ...(heardAtMs === undefined ? {} : { heardAtMs }),
    };
  }

  async loop(): Promise<void> {
    const { signal, clock } = this.o;
    while (!signal.aborted) {
      const phase = this.resourceVersion === '' ? 'list' : 'watch';
      const startedMs = clock.now();
      try {
        if (phase === 'list') await this.list();
        else {
          await this.watch();
          // The store ends a watch now and then; one that ends at once, unheard, would have us spin.
          if (clock.now() - startedMs < PROVEN_MS && (this.heardAtMs ?? 0) < startedMs && !signal.aborted)
            throw new StoreError('Server', `the watch of ${this.o.kind.plural} was ended at once by the store`);
        }
        if (phase === 'watch') this.failures = 0;
      } catch (error) {
        if (signal.aborted) break;
        if (phase === 'watch' && clock.now() - startedMs >= PROVEN_MS) this.failures = 0;
        await this.pause(error instanceof Error ? error : new Error(String(error)), phase);
      }
    }
    this.phase = 'stopped';
  }

  private async list(): Promise<void> {
    this.phase = 'listing';
    const { kind, store, signal } = this.o;
    const { items, resourceVersion } = await store.list(kind);
    if (signal.aborted) return;
    this.heard();
    if (!this.afterGone) this.failures = 0;
    this.lists++;
    const gone = new Set(this.objects.keys());
    for (const object of items) {
      gone.delete(objectName(kind, object));
      this.put(object);
    }
    for (const name of gone) this.drop(name);
    this.resourceVersion = resourceVersion;
    this.listed = true;
    this.snapshotDue = false;
    this.deliver(() => this.o.onSnapshot?.(this.objects));
    this.resolveSynced();
  }

  private async watch(): Promise<void> {
    this.phase = 'watching';
    this.watches++;
    const { kind, store, signal } = this.o;
    for await (const event of store.watch(kind, this.resourceVersion, signal)) {
      if (signal.aborted) return;
      this.heard();
      this.failures = 0;
      this.afterGone = false;
      if (event.type === 'BOOKMARK') {
        this.resourceVersion = event.resourceVersion;
        continue;
      }
      if (event.type === 'DELETED') this.drop(objectName(kind, event.object));
      else this.put(event.object);
      this.resourceVersion = event.object.metadata.resourceVersion ?? this.resourceVersion;
    }
  }

  private put(object: Resource): void {
    const name = objectName(this.o.kind, object);
    const from = this.objects.get(name);
    if (from !== undefined && from.metadata.resourceVersion === object.metadata.resourceVersion) return;
    this.objects.set(name, object);
    this.changed(from === undefined ? { name, to: object } : { name, from, to: object });
  }

  private drop(name: string): void {
    const from = this.objects.get(name);
    if (from === undefined) return;
    this.objects.delete(name);
    this.changed({ name, from });
  }

  private changed(change: ObjectChange): void {
    this.deliver(() => this.o.onChange?.(change));
    if (this.snapshotDue) return;
    this.snapshotDue = true;
    // Events of one chunk follow each other without a turn of the loop: the timer fires after the last of them.
    this.o.timers.after(0, () => {
      if (!this.snapshotDue || this.o.signal.aborted || !this.listed) return;
      this.snapshotDue = false;
      this.deliver(() => this.o.onSnapshot?.(this.objects));
    });
  }

  /** A callback's exception is the callback's bug: it must surface as one, and not pass for a fault of the store. */
  private deliver(callback: () => void): void {
    try {
      callback();
    } catch (error) {
      this.o.timers.after(0, () => {
        throw error;
      });
    }
  }

  private heard(): void {
    this.heardAtMs = this.o.clock.now();
  }

  private pause(error: Error, phase: 'list' | 'watch'): Promise<void> {
    const { signal, timers, random, clock } = this.o;
    this.phase = 'waiting';
    this.failures++;
    if (error instanceof StoreError && error.reason === 'Gone') {
      this.resourceVersion = '';
      this.afterGone = true;
    }
    this.lastError = { text: error.message, atMs: clock.now() };
    const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.failures - 1, 20));
    const retryInMs = Math.round(ceiling * (0.5 + random() / 2));
    this.deliver(() => this.o.onError?.({ error, phase, failures: this.failures, retryInMs }));
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = timers.after(retryInMs, done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });
  }
}
