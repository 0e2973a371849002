/** Waiting for a condition, with a deadline and with the log of whoever did not meet it. */
import fs from 'node:fs';

const TAIL_BYTES = 4_096;
const TAIL_LINES = 8;
const LINE_CHARS = 200;

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
  const lines = endOf(file);
  if (lines === undefined) return ` It wrote no log ${file}.`;
  if (lines.length === 0) return ` Its log ${file} is empty.`;
  return `\nThe end of ${file}:\n  ${lines.slice(-TAIL_LINES).join('\n  ')}`;
}

/** The last thing said, shortened to stand in a line; empty when nothing was. */
export function lastLine(file: string): string {
  const line = endOf(file)?.at(-1);
  return line === undefined ? '' : `; its last words: ${line.slice(0, LINE_CHARS)}`;
}

function endOf(file: string): string[] | undefined {
  try {
    const size = fs.statSync(file).size;
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const fd = fs.openSync(file, 'r');
    try {
      fs.readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    } finally {
      fs.closeSync(fd);
    }
    return bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
  } catch {
    return undefined;
  }
}
