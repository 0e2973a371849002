/** What a ping(8) sums up when it ends, by itself or by us. */
import type { ChildProcess } from 'node:child_process';
import { until } from './namespaces.ts';

interface PingSum {
  readonly sent: number;
  readonly lost: number;
  readonly duplicates: number;
}

/** It waits for 'close', for 'exit' may come before the last lines are read. */
function pingSum(ping: ChildProcess): Promise<PingSum> {
  let out = '';
  ping.stdout?.on('data', (bytes: Buffer) => {
    out += bytes.toString();
  });
  const sum = new Promise<PingSum>((resolve, reject) => {
    ping.once('error', reject);
    ping.once('close', () => {
      const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(out) ?? [];
      const [, twice] = /\+(\d+) duplicates/.exec(out) ?? [];
      if (sent === undefined) reject(new Error(`ping said no sum: ${out}`));
      else resolve({ sent: Number(sent), lost: Number(sent) - Number(received), duplicates: Number(twice ?? 0) });
    });
  });
  sum.catch(() => {}); // a test that failed before it asked must not fail once more
  return sum;
}

/** Answers that are waited for before a ping is ended. */
const MORE_ANSWERS = 10;
const SILENCE_MS = 15_000;

/** Of a ping without end, and without -q, that tells a line for each answer. Call it where it is spawned; `interrupt` sends it a SIGINT. */
export function steadyPing(ping: ChildProcess, interrupt: () => void): { end(atLeast?: number): Promise<PingSum> } {
  const answered = new Set<number>();
  let highest = 0;
  let rest = '';
  ping.stdout?.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, seq] = /bytes from .*icmp_seq=(\d+)/.exec(line) ?? [];
      if (seq === undefined) continue;
      answered.add(Number(seq));
      highest = Math.max(highest, Number(seq));
    }
  });
  const sum = pingSum(ping);
  return {
    /** What is on its way at the interrupt is no loss, though ping counts it as one: judged is what was sent before an answer
     *  that came. Where no answers come any more, all that was sent without one is lost. `atLeast`: it goes on until the
     *  answer to this one, however quick all else was. */
    async end(atLeast = 0) {
      const mark = Math.max(highest + MORE_ANSWERS, atLeast);
      const goesOn = await until('more answers', () => highest >= mark, SILENCE_MS).catch(() => false);
      const judged = highest;
      interrupt();
      const { sent, lost, duplicates } = await sum;
      if (!goesOn) return { sent, lost, duplicates };
      const answers = [...answered].filter((seq) => seq <= judged).length;
      return { sent: judged, lost: judged - answers, duplicates };
    },
  };
}
