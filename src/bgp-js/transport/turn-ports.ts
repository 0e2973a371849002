/** Turns of the event loop, for those who do only so much in each. */

export interface TurnPorts {
  /** In milliseconds. */
  readonly now: () => number;
  /** After what waits to be read now: the check phase of the loop. */
  readonly nextTurn: (run: () => void) => void;
  /** When so many milliseconds have passed, in some later turn. */
  readonly later: (ms: number, run: () => void) => void;
}

/** The one of this thread. */
export const eventLoop: TurnPorts = {
  now: () => performance.now(),
  nextTurn: (run) => void setImmediate(run),
  later: (ms, run) => void setTimeout(run, ms),
};
