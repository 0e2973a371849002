/** A window into another network namespace. setns moves only the calling thread; foreign calls run on the JavaScript
 *  thread, so between entering and leaving only this function's callback runs, as long as nothing awaits.
 *  Danger: an asynchronous fs call begun inside would start libuv's pool in the other namespace and leave its threads
 *  there for ever. `primeThreadPool` at start closes that door; the check for promises closes the other. */
import fs from 'node:fs';
import { CLONE_NEWNET, O_CLOEXEC, O_RDONLY } from './constants.ts';
import * as ffi from './ffi.ts';

let home: number | undefined;

/** Starts libuv's threads while we are at home. Call once, early. */
export const primeThreadPool = (): Promise<void> => new Promise((done) => fs.stat('/', () => done()));

/** Runs `body` in the namespace at `path`. Synchronous only. Throws SysError (ENOENT when the namespace is gone). */
export function inNetns<T>(path: string, body: () => T): T {
  home ??= ffi.open('/proc/thread-self/ns/net', O_RDONLY | O_CLOEXEC);
  const there = ffi.open(path, O_RDONLY | O_CLOEXEC);
  try {
    ffi.setns(there, CLONE_NEWNET);
    try {
      const result = body();
      if (result instanceof Promise) throw new TypeError('inNetns: the body must be synchronous');
      return result;
    } finally {
      returnHome(home);
    }
  } finally {
    ffi.close(there);
  }
}

/** Going on in the wrong namespace would program a pod with the node's routes: better to die. */
function returnHome(home: number): void {
  try {
    ffi.setns(home, CLONE_NEWNET);
  } catch {
    process.abort();
  }
}
