/** No tunnel can be had, and why. Pure. */
import type { Reason } from '../../base/reason.ts';

export class TunnelError extends Error {
  override readonly name = 'TunnelError';
  /** One per carrier that was tried, best first. */
  readonly reasons: readonly Reason[];

  constructor(device: string, reasons: readonly Reason[]) {
    super(`${device} cannot be made: ${reasons.map((r) => r.text).join(' ')}`);
    this.reasons = reasons;
  }
}
