/** Timers that do not wait: pauses of a lost compare-and-swap take one turn of the event loop. */
import type { Timers } from '../../src/base/ports.ts';

export const instantTimers: Timers = {
  after: (_ms, fire) => {
    const immediate = setImmediate(fire);
    return () => clearImmediate(immediate);
  },
};
