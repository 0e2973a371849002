/** Settings under /proc/sys, read and written synchronously (each is one short system call, never a disk). Not pure: files.
 *  In a container /proc/sys is often read-only while /proc/sys/net is mounted elsewhere: hence the root as an argument. */
import fs from 'node:fs';
import path from 'node:path';

export const SYSCTL_ROOT = '/proc/sys';
/** Where a container that may not write below /proc/sys has the host's /proc/sys/net. */
const NET_MOUNT = '/host/proc-sys-net';

/** The root to work with here. */
export const sysctlRoot = (): string => (fs.existsSync(NET_MOUNT) ? NET_MOUNT : SYSCTL_ROOT);

/** A folder of that name is what /proc/sys/net is: keys, which begin with "net/", are looked up without it. */
const fileOf = (key: string, root: string): string =>
  path.join(root, path.basename(root) === path.basename(NET_MOUNT) ? key.replace(/^net\//, '') : key);

/** "net/ipv4/ip_forward" to its value; undefined when this kernel or namespace has no such setting. */
export function readSysctl(key: string, root = SYSCTL_ROOT): string | undefined {
  try {
    return fs.readFileSync(fileOf(key, root), 'latin1').trim();
  } catch {
    return undefined; // ENOENT and EACCES mean the same to a caller: not to be had
  }
}

/** Undefined when written, else the error's code: EROFS, EACCES, ENOENT, EINVAL. */
export function writeSysctl(key: string, value: string, root = SYSCTL_ROOT): string | undefined {
  try {
    fs.writeFileSync(fileOf(key, root), value);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
