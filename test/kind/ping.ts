/** Pings that run beside a test, ten a second, and what became of each sequence number. */
import { beside, type Pod } from './cluster.ts';

export interface Pings {
  /** Ends them and tells, by pair, the sequence numbers that were never answered, and how many were sent. */
  stop(): Promise<{ readonly sent: number; readonly missing: readonly string[] }>;
}

const LAST_ANSWERS_MS = 1000;

/** From each pod to each other. */
export function pingPairs(pods: readonly Pod[]): Pings {
  const pairs = pods.flatMap((from) => pods.filter((to) => to !== from).map((to) => ({ from, to })));
  const running = pairs.map(({ from, to }) => ({
    name: `${from.node.name} -> ${to.node.name}`,
    ...beside('nsenter', [`--net=${from.netns}`, 'ping', '-n', '-i', '0.1', to.address]),
  }));
  return {
    stop: async () => {
      // What was answered until now must be a whole series; the very last may still be on its way.
      const until = running.map(({ said }) => Math.max(0, ...sequence(said())));
      await new Promise((on) => setTimeout(on, LAST_ANSWERS_MS));
      for (const { child } of running) child.kill('SIGINT');
      await Promise.all(running.map(({ ended }) => ended));
      const missing = running.flatMap(({ name, said }, i) => {
        const seen = new Set(sequence(said()));
        const last = until[i] ?? 0;
        if (last === 0) return [`${name}: no answer at all: ${said().slice(0, 200)}`];
        const lost = Array.from({ length: last }, (_, n) => n + 1).filter((n) => !seen.has(n));
        return lost.length === 0 ? [] : [`${name}: ${lost.length} of ${last}: ${lost.slice(0, 20).join(',')}`];
      });
      return { sent: until.reduce((sum, n) => sum + n, 0), missing };
    },
  };
}

const sequence = (text: string): readonly number[] =>
  [...text.matchAll(/bytes from .*icmp_seq=(\d+)/g)].map((match) => Number(match[1]));
