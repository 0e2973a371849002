/** Settings of the kernel that make a machine a router. Not pure: /proc/sys. */
import type { Reason } from '../base/reason.ts';

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

/** Idempotent; run at start. `root` is /proc/sys, or what a container has of it. */
export declare function applyForwarding(root?: string): ForwardingReport;
