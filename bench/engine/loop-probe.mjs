/** Loaded into the daemon before its own code (node --import) where a run is about its event loop: SIGURG begins the count
 *  anew, SIGUSR2 writes it to the file that GINGHAM_LOOP_DELAY names. Milliseconds; a delay is what a timer of
 *  2 ms comes later than that. */
import fs from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';

const RESOLUTION_MS = 2;
const file = process.env['GINGHAM_LOOP_DELAY'];

if (isMainThread && file !== undefined) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const late = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
  process.on('SIGURG', () => delays.reset());
  process.on('SIGUSR2', () => {
    fs.writeFileSync(file, JSON.stringify({ p99: late(delays.percentile(99)), max: late(delays.max) }));
  });
}
