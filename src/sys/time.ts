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

/** A function that answers which part of the time since it was last asked the event loop was at work: 0 to 1. */
export function eventLoopLoad(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}
