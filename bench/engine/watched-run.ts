/** A run of its own with keepalives every second: how late the latest message came, and for Gingham how long its event loop
 *  stood still. No figure of the table comes from it. */
import { until } from '../../test/support/namespaces.ts';
import { makeArena } from './arena.ts';
import type { Tools } from './load.ts';
import { gingham, readLoopDelay, watchedGingham } from './peers/gingham.ts';
import type { Contestant } from './peers/peer.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** The least that BGP allows: a keepalive every second. */
const HOLD_SEC = 3;

export interface Watched {
  readonly name: string;
  /** Of the latest message beyond the second. */
  readonly lateMs?: number;
  readonly loop?: { readonly p99: number; readonly max: number };
  readonly failure?: string;
}

export async function watchedRun(
  scenario: Scenario,
  contestant: Contestant,
  tools: Tools,
  stream: (name: string) => string,
): Promise<Watched> {
  const arena = makeArena(tools);
  const ours = contestant === gingham;
  const signal = (which: 'SIGURG' | 'SIGUSR2'): void => {
    const [pid] = arena.pids();
    if (ours && pid !== undefined) process.kill(pid, which);
  };
  const { name } = contestant;
  try {
    // The first word begins the count anew; a scenario that is about the start has none, and there all counts.
    const settled = (): void => signal('SIGURG');
    await scenario.run({ arena, contestant: ours ? watchedGingham : contestant, holdSec: HOLD_SEC, stream, settled });
    const { latestNs } = await arena.load.ask('silence');
    if (!ours) return { name, lateMs: latestNs / 1e6 };
    signal('SIGUSR2');
    const loop = await until('the loop delay is written', () => readLoopDelay(arena.folder));
    return { name, lateMs: latestNs / 1e6, loop };
  } catch (error) {
    return { name, failure: String(error).split('\n')[0] ?? '' };
  } finally {
    await arena.remove();
  }
}

/** Pure. */
export function watchedText(watched: readonly Watched[]): string[] {
  if (watched.length === 0) return [];
  const each = watched.map(({ name, lateMs, loop, failure }) => {
    if (failure !== undefined) return `${name} failed (${failure.slice(0, 200)})`;
    const delay =
      loop === undefined
        ? ''
        : `, its event loop's delay is ${loop.p99.toFixed(1)} ms at p99 and ${loop.max.toFixed(1)} ms at most`;
    return `${name}'s latest message is ${(lateMs ?? 0).toFixed(0)} ms late${delay}`;
  });
  return [`With a keepalive every second, in a run of its own: ${each.join('; ')}.`, ''];
}
