/** The event loop of a test that turns it by hand, with a clock of its own. */
import type { TurnPorts } from '../../src/bgp-js/transport/turn-ports.ts';

export interface TurnedLoop extends TurnPorts {
  /** Time passes while something is worked on. */
  pass(ms: number): void;
  /** How many asked for it. */
  turn(): number;
}

export function turnedLoop(): TurnedLoop {
  let now = 0;
  let due: (() => void)[] = [];
  return {
    now: () => now,
    nextTurn: (run) => due.push(run),
    pass(ms) {
      now += ms;
    },
    turn() {
      const run = due;
      due = [];
      for (const f of run) f();
      return run.length;
    },
  };
}
