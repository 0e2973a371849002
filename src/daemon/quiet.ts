/** Waiting until the event loop has time again, for what is long and can wait: loading gRPC holds the loop for as long as two hundred
 *  sessions take to come up, and both together begin when the daemon does. Pure but for its ports. */
import type { Clock, Timers } from '../base/ports.ts';

export interface QuietPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The part of the time since it was last asked in which the loop was at work. */
  readonly load: () => number;
}

const LOOK_MS = 20;
const BUSY = 0.5;

/** Resolves when the loop waited for more than half of a while, or after `mostMs`: a node that never rests is to be asked why. */
export function whenQuiet({ clock, timers, load }: QuietPorts, mostMs: number): Promise<void> {
  const latest = clock.now() + mostMs;
  return new Promise((resolve) => {
    const look = (): void => {
      if (load() < BUSY || clock.now() >= latest) resolve();
      else timers.after(LOOK_MS, look);
    };
    timers.after(LOOK_MS, look);
  });
}
