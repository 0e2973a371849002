/** That this node stays drained: a file of the state folder, there until the drain is taken back. A daemon that is killed
 *  meanwhile, or moves to another version, comes back drained. I/O: files. */
import fs from 'node:fs';
import path from 'node:path';

const fileIn = (stateDir: string): string => path.join(stateDir, 'drained');

export const isMarkedDrained = (stateDir: string): boolean => fs.existsSync(fileIn(stateDir));

/** Throws the file system's error. */
export function markDrained(stateDir: string): void {
  fs.mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  fs.writeFileSync(fileIn(stateDir), '');
}

/** The same. */
export function unmarkDrained(stateDir: string): void {
  fs.rmSync(fileIn(stateDir), { force: true });
}
