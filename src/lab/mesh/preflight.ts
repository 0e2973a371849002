/** What can be found out before anything is made: the programs a lab calls, and why a namespace was refused.
 *  Reads files only; the attempt itself is trial.ts's, inside. */
import fs from 'node:fs';
import path from 'node:path';
import type { LabOptions } from './options.ts';

/** An ordinary user's PATH often lacks these, and nft, bird and nsenter live there. */
const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** PATH for everything the lab starts. */
export const searchPath = (): string => [...(process.env['PATH'] ?? '').split(':').filter(Boolean), ...SBIN].join(':');

export function findProgram(name: string): string | undefined {
  return searchPath()
    .split(':')
    .map((dir) => path.join(dir, name))
    .find((file) => {
      try {
        fs.accessSync(file, fs.constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

export interface Preflight {
  /** A lab is impossible. */
  readonly faults: readonly string[];
  /** A lab is possible, with less. */
  readonly warnings: readonly string[];
  readonly unshare?: string;
  readonly bird?: string;
}

export function preflight(options: LabOptions, find = findProgram, platform: string = process.platform): Preflight {
  const faults: string[] = [];
  const warnings: string[] = [];
  if (platform !== 'linux') {
    return {
      faults: [`A lab is made of Linux network namespaces, and this is ${platform}. Use a Linux machine or VM.`],
      warnings,
    };
  }
  const unshare = find('unshare');
  if (!unshare)
    faults.push('unshare is not installed. Debian, Ubuntu: apt install util-linux; Alpine: apk add util-linux.');
  const bird = options.bird > 0 ? find('bird') : undefined;
  if (options.bird > 0 && !bird) {
    faults.push(`--bird ${options.bird} needs BIRD 2, and bird is not installed. Debian, Ubuntu: apt install bird2.`);
  }
  if (options.topology !== undefined) {
    // Its own programs are looked for where the file is read.
    if (!find('nsenter') || !find('pivot_root'))
      faults.push('nsenter and pivot_root are needed for a topology. Debian, Ubuntu: apt install util-linux.');
  } else if (!find('nft')) {
    warnings.push(
      'nft is not installed: pods reach each other, but natOutgoing is off. Debian, Ubuntu: apt install nftables.',
    );
  }
  return { faults, warnings, ...(unshare && { unshare }), ...(bird && { bird }) };
}

/** Why the kernel or a container said no to unshare, each with the line that mends it. `said` is unshare's own message. */
export function whyUnshareFailed(said: string, root: boolean, read = readSetting): string[] {
  const found: string[] = [];
  if (!root && read('/proc/sys/kernel/apparmor_restrict_unprivileged_userns') === '1') {
    found.push(
      'kernel.apparmor_restrict_unprivileged_userns is 1, so an ordinary user gets a user namespace without rights in it. ' +
        'Run as root, or: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0',
    );
  }
  if (!root && read('/proc/sys/kernel/unprivileged_userns_clone') === '0') {
    found.push(
      'kernel.unprivileged_userns_clone is 0. Run as root, or: sudo sysctl -w kernel.unprivileged_userns_clone=1',
    );
  }
  for (const kind of root ? ['net', 'mnt', 'pid'] : ['user', 'net', 'mnt', 'pid']) {
    if (read(`/proc/sys/user/max_${kind}_namespaces`) === '0') {
      found.push(`user.max_${kind}_namespaces is 0. As root: sysctl -w user.max_${kind}_namespaces=15000`);
    }
  }
  if (found.length === 0 && /^Seccomp:\s*2$/m.test(read('/proc/self/status') ?? '')) {
    found.push(
      'a seccomp filter is on this process, as in a container, and it refuses unshare. Start the container with ' +
        '--privileged, or with --security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined',
    );
  }
  const what = root ? 'Namespaces cannot be made' : 'A user namespace cannot be made';
  if (found.length === 0)
    return [`${what}: ${said || 'unshare failed'}. ${root ? 'CAP_SYS_ADMIN is needed.' : 'Run as root.'}`];
  return found.map((why) => `${what} (${said || 'unshare failed'}): ${why}`);
}

function readSetting(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
