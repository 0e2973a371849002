/** What the side that acts on BFD and the side that runs it say to each other. Pure: types; all of it can cross to a thread.
 *  Commands name a session by the number that the commanding side gave it. */
import type { Reason } from '../base/reason.ts';
import type { BfdTarget, BfdTiming } from './bfd-types.ts';
import type { SessionSnapshot, StateChange } from './session.ts';

export type BfdCommand =
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly target: BfdTarget;
      readonly timing: BfdTiming;
      /** COUNTERS of them, on shared memory where the engine is on another thread: counting tells nobody. */
      readonly counters: Float64Array;
    }
  | { readonly kind: 'change'; readonly id: number; readonly timing: BfdTiming }
  /** AdminDown, and gone when the neighbour must have noticed. */
  | { readonly kind: 'stop'; readonly id: number }
  /** Back from a stop that is not over. */
  | { readonly kind: 'resume'; readonly id: number }
  /** AdminDown to all neighbours at once, and nothing after it. */
  | { readonly kind: 'close' };

/** Columns of the counters. */
export const PACKETS_IN = 0;
export const PACKETS_OUT = 1;
export const DISCARDED = 2;
export const COUNTERS = 3;

export interface SessionEvent {
  readonly kind: 'session';
  readonly id: number;
  readonly snapshot: SessionSnapshot;
  /** To or from Up, at once. All else that changes comes a little later, and what changed twice comes once. */
  readonly change?: StateChange;
  /** Why our packets do not leave. */
  readonly fault?: Reason;
  readonly lastDiscard?: Reason;
}

export type BfdEngineEvent =
  | SessionEvent
  /** After a stop. */
  | { readonly kind: 'gone'; readonly id: number }
  /** After `close`: nothing more comes. */
  | { readonly kind: 'closed' }
  /** The engine died: all its sessions are gone, and it takes no more commands. */
  | { readonly kind: 'broken'; readonly reason: Reason };

export interface BfdEngine {
  tell(command: BfdCommand): void;
}
export type StartEngine = (onEvent: (event: BfdEngineEvent) => void) => BfdEngine;
