/** What /proc knows of a daemon's processes. */
import fs from 'node:fs';

const read = (file: string): string => {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return ''; // It ended meanwhile.
  }
};

/** The process and all below it, parents first. */
export function processTree(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(' ').map(Number);
  return [pid, ...children.filter((n) => n > 0).flatMap(processTree)];
}

/** Octets of memory at most resident at once. */
export const peakMemory = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024;
