/** Waiting for a condition, with a deadline and with the log of whoever did not meet it. */
import fs from 'node:fs';

const TAIL_BYTES = 4_096;
const TAIL_LINES = 8;

/** Asks every `everyMs` until `met` resolves with true; a rejection is a no, and the last one is told at the deadline. */
export async function until(
  patienceMs: number,
  everyMs: number,
  what: string,
  logFile: string,
  met: () => Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    let why = '';
    try {
      if (await met()) return;
    } catch (error) {
      why = error instanceof Error ? ` (${error.message})` : '';
    }
    if (performance.now() > deadline) {
      throw new Error(`Waited ${patienceMs / 1000} s in vain until ${what}${why}.${logTail(logFile)}`);
    }
    await new Promise((next) => setTimeout(next, everyMs));
  }
}

/** The last lines of a log, to stand below an error: the file itself goes with the lab. */
export function logTail(file: string): string {
  try {
    const size = fs.statSync(file).size;
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const fd = fs.openSync(file, 'r');
    try {
      fs.readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    } finally {
      fs.closeSync(fd);
    }
    const lines = bytes.toString('utf8').trimEnd().split('\n').slice(-TAIL_LINES);
    return lines.join('') === '' ? ` Its log ${file} is empty.` : `\nThe end of ${file}:\n  ${lines.join('\n  ')}`;
  } catch {
    return ` It wrote no log ${file}.`;
  }
}
