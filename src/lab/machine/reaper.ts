/** PID 1 of a namespace inherits every orphan of it, and libuv waits for its own children only: what `lab exec` left in
 *  the background would stay a zombie for ever. */
import fs from 'node:fs';
import { reap } from '../../sys/ffi.ts';
import { isOurChild } from './process.ts';

const EVERY_MS = 2_000;

/** Collects dead orphans now and then; the answer stops it. */
export function startReaper(): () => void {
  const timer = setInterval(reapOrphans, EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
}

function reapOrphans(): void {
  for (const entry of fs.readdirSync('/proc')) {
    const pid = Number(entry);
    if (Number.isInteger(pid) && isZombieOfOurs(pid) && !isOurChild(pid)) reap(pid);
  }
}

function isZombieOfOurs(pid: number): boolean {
  try {
    const stat = fs.readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' && Number(parent) === process.pid;
  } catch {
    return false; // it went while we looked
  }
}
