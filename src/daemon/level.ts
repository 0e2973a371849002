/** A level-triggered job: poked as often as you like, it runs once at a time and once more when poked meanwhile.
 *  A failed run is tried again after a pause that doubles up to a cap; a poke goes first. Pure: timers come in. */
import type { Timers } from '../base/ports.ts';

export interface Level {
  poke(): void;
  /** Resolves after the run that the present pokes lead to, whether it failed or not. */
  settled(): Promise<void>;
  stop(): void;
}

const FIRST_RETRY_MS = 200;
const LONGEST_RETRY_MS = 15_000;

export function levelTriggered(
  run: () => Promise<void>,
  timers: Timers,
  onFault: (error: unknown, retryInMs: number) => void,
): Level {
  let wanted = false;
  let running: Promise<void> | undefined;
  let stopped = false;
  let failures = 0;
  let cancelRetry = (): void => {};

  const loop = async (): Promise<void> => {
    // A run may poke before its first await; by then `running` must be set.
    await Promise.resolve();
    while (wanted && !stopped) {
      wanted = false;
      cancelRetry();
      try {
        await run();
        failures = 0;
      } catch (error) {
        if (stopped) break;
        const pause = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** failures++);
        onFault(error, pause);
        cancelRetry = timers.after(pause, poke);
      }
    }
    running = undefined;
  };
  const poke = (): void => {
    wanted = true;
    running ??= loop();
  };
  return {
    poke,
    settled: () => running ?? Promise.resolve(),
    stop: () => {
      stopped = true;
      cancelRetry();
    },
  };
}
