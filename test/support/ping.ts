/** What a ping(8) sums up when it ends. */
import type { ChildProcess } from 'node:child_process';

export interface PingSum {
  readonly sent: number;
  readonly lost: number;
  readonly duplicates: number;
}

/** Call it where the ping is spawned. It waits for 'close', for 'exit' may come before the last lines are read. */
export function pingSum(ping: ChildProcess): Promise<PingSum> {
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
