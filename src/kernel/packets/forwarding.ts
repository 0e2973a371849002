/** Settings of the kernel that make a machine a router. Not pure: /proc/sys. */
import type { Reason } from '../../base/reason.ts';
import { readSysctl, SYSCTL_ROOT, writeSysctl } from '../devices/sysctl.ts';

export interface SettingChange {
  /** "net/ipv4/ip_forward" */
  readonly key: string;
  readonly from: string;
  readonly to: string;
}

export interface ForwardingReport {
  /** What was changed, for the record; empty when all was so already. */
  readonly changed: readonly SettingChange[];
  /** What is wrong and could not be mended, with the remedy. */
  readonly problems: readonly Reason[];
}

interface Setting {
  readonly key: string;
  readonly wanted: string;
  readonly why: string;
  /** Without it no pod reaches another node; else it is only said. */
  readonly needed: boolean;
}

const SETTINGS: readonly Setting[] = [
  { key: 'net/ipv4/ip_forward', wanted: '1', why: 'this node drops what it should forward to pods', needed: true },
  // New devices inherit it: a cali device that appears before its own setting is written must forward as well.
  {
    key: 'net/ipv4/conf/default/forwarding',
    wanted: '1',
    why: 'new pod devices start without forwarding',
    needed: false,
  },
];

/** Idempotent; run at start. `root` is /proc/sys, or what a container has of it. */
export function applyForwarding(root: string = SYSCTL_ROOT): ForwardingReport {
  const changed: SettingChange[] = [];
  const problems: Reason[] = [];
  for (const { key, wanted, why, needed } of SETTINGS) {
    const from = readSysctl(key, root);
    if (from === wanted) continue;
    const failure = from === undefined ? 'ENOENT' : writeSysctl(key, wanted, root);
    if (failure === undefined) changed.push({ key, from: from ?? '', to: wanted });
    else if (needed) problems.push(notWritten(key, wanted, from, failure, why));
  }
  return { changed, problems };
}

const notWritten = (key: string, wanted: string, from: string | undefined, failure: string, why: string): Reason => ({
  code: 'FORWARDING_OFF',
  text: `${key.replaceAll('/', '.')} is ${from ?? 'unreadable'} and could not be set to ${wanted} (${failure}): ${why}. Set it with "sysctl -w ${key.replaceAll('/', '.')}=${wanted}" on the node.`,
});
