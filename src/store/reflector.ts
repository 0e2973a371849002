/** Keeps a map equal to a kind's objects in a store: list, then watch, resume, relist. No clock, timer or chance of its own. */
import type { Clock, Random, Timers } from '../base/ports.ts';
import type { Kind, Resource, Store } from './port.ts';

export interface ReflectOptions {
  readonly store: Store;
  readonly kind: Kind;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** One object appeared, changed (both given), or went (`to` undefined). `name` as in Store: "name" or "namespace/name". */
  readonly onChange?: (change: ObjectChange) => void;
  /** After the first list, and after every batch of changes that arrived together: read `objects` and derive. */
  readonly onSnapshot?: (objects: ReadonlyMap<string, Resource>) => void;
  /** Each failed attempt, with what happens next. Never fatal: the reflector goes on until `signal`. */
  readonly onError?: (fault: ReflectFault) => void;
}

export interface ObjectChange {
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
  /** Text of the last fault, kept after recovery; with the clock's time it happened. */
  readonly lastError?: { readonly text: string; readonly atMs: number };
  /** Clock's time of the last word from the store: an event, a bookmark, or a list. */
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

/** Starts at once and runs until `signal`. Store unreachable: waits, says so through onError and status. */
export declare function reflect(options: ReflectOptions): Reflector;
