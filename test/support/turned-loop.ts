/** The event loop of a test that turns it by hand, with a clock of its own. */
import type { TurnPorts } from '../../src/bgp-js/transport/turn-ports.ts';

export interface TurnedLoop extends TurnPorts {
  /** Time passes while something is worked on. */
  pass(ms: number): void;
  /** How many asked for it. Timers that are due run first, and do not count. */
  turn(): number;
}

export function turnedLoop(): TurnedLoop {
  let now = 0;
  let due: (() => void)[] = [];
  let timers: { readonly at: number; readonly run: () => void }[] = [];
  return {
    now: () => now,
    nextTurn: (run) => due.push(run),
    later: (ms, run) => timers.push({ at: now + ms, run }),
    pass(ms) {
      now += ms;
    },
    turn() {
      const over = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { run } of over) run();
      const run = due;
      due = [];
      for (const f of run) f();
      return run.length;
    },
  };
}
