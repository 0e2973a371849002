/** The real clock, timers and chance behind the ports of base/. */
import type { Clock, Random, Timers } from '../base/ports.ts';

export const systemClock: Clock = { now: () => performance.now(), wall: () => Date.now() };

export const systemTimers: Timers = {
  after: (ms, fire) => {
    const timer = setTimeout(fire, ms);
    return () => clearTimeout(timer);
  },
};

export const systemRandom: Random = Math.random;
