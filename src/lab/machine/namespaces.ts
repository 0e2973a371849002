/** Network namespaces, made in this process and pinned to files. They and the files live in the lab's own mount
 *  namespace and die with its last process: nothing has to be deleted, and nothing can be left over. */
import fs from 'node:fs';
import path from 'node:path';
import { CLONE_NEWNET, MNT_DETACH, MS_BIND, O_CLOEXEC, O_RDONLY } from '../../sys/constants.ts';
import * as ffi from '../../sys/ffi.ts';

const OWN = '/proc/thread-self/ns/net';

/** Where `ip netns` looks, when the machine has that folder: then `ip netns` in a lab's shell lists the lab. */
const IPROUTE_DIR = '/run/netns';

/** A private tmpfs for the pins; below the lab's folder when the machine has no /run/netns. */
export function mountNetnsDir(labDir: string): string {
  const dir = fs.existsSync(IPROUTE_DIR) ? IPROUTE_DIR : path.join(labDir, 'netns');
  fs.mkdirSync(dir, { recursive: true });
  ffi.mount('gingham', dir, 'tmpfs', 0, 'mode=0755');
  return dir;
}

/** Before the lab's folder is removed: where /run/netns does not exist, the mount lies inside it, and a folder with a mount on
 *  it is busy in the namespace that mounted. */
export const unmountNetnsDir = (dir: string): void => ffi.umount2(dir, MNT_DETACH);

/** A new namespace at `pin`. unshare moves the calling thread only, which is JavaScript's, and back before this returns. */
export function makeNetns(pin: string): void {
  fs.closeSync(fs.openSync(pin, 'wx'));
  const home = ffi.open(OWN, O_RDONLY | O_CLOEXEC);
  try {
    ffi.unshare(CLONE_NEWNET);
    try {
      ffi.mount(OWN, pin, '', MS_BIND);
    } finally {
      returnHome(home);
    }
  } finally {
    ffi.close(home);
  }
}

/** Building the lab from inside a node would be worse than not building it. */
function returnHome(home: number): void {
  try {
    ffi.setns(home, CLONE_NEWNET);
  } catch {
    process.abort();
  }
}

/** Runs `body` with an open descriptor of the namespace, which a netlink message then names. */
export async function withNetnsFd<T>(pin: string, body: (fd: number) => Promise<T>): Promise<T> {
  const fd = ffi.open(pin, O_RDONLY | O_CLOEXEC);
  try {
    return await body(fd);
  } finally {
    ffi.close(fd);
  }
}
