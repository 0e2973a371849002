/** Settings under /proc/sys, read and written synchronously (each is one short system call, never a disk). Not pure: files.
 *  In a container /proc/sys is often read-only while /proc/sys/net is mounted elsewhere: hence the root as an argument. */
import fs from 'node:fs';
import path from 'node:path';

export const SYSCTL_ROOT = '/proc/sys';

/** "net/ipv4/ip_forward" to its value; undefined when this kernel or namespace has no such setting. */
export function readSysctl(key: string, root = SYSCTL_ROOT): string | undefined {
  try {
    return fs.readFileSync(path.join(root, key), 'latin1').trim();
  } catch {
    return undefined; // ENOENT and EACCES mean the same to a caller: not to be had
  }
}

/** Undefined when written, else the error's code: EROFS, EACCES, ENOENT, EINVAL. */
export function writeSysctl(key: string, value: string, root = SYSCTL_ROOT): string | undefined {
  try {
    fs.writeFileSync(path.join(root, key), value);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}
