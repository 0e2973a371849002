/** The quickest of several runs, in seconds of processor time: other processes on the machine can only make a run longer, and
 *  the collector's threads are ours and count. */
const RUNS = Number(process.env['BENCH_RUNS'] ?? 7);

export function quickest(run: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < RUNS; i++) {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1e6);
  }
  return best;
}
