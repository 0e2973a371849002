/** The quickest of several runs, in seconds of processor time: other processes on the machine can only make a run longer, and
 *  the collector's threads are ours and count. */
import v8 from 'node:v8';
import vm from 'node:vm';

const RUNS = Number(process.env['BENCH_RUNS'] ?? 7);

v8.setFlagsFromString('--expose-gc');
/** Before each run: what another job left behind is not this one's to clear away. */
export const collect = vm.runInNewContext('gc') as () => void;

export function quickest(run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    collect();
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}
