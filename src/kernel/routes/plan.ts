/** What to do about one prefix. Pure. The rules that a kernel whose REPLACE ignores the protocol forces on us:
 *  an add is EXCL; a replace only where ours is the first of its metric; a delete names the protocol. */

export type RouteStep =
  /** The kernel has it as wanted, or nothing is wanted and nothing is there. */
  | 'none'
  | 'add'
  | 'replace'
  /** Add the new one first; the old one, of another metric, becomes surplus and goes in the next round. */
  | 'add-beside'
  | 'delete'
  /** A foreign route stands where ours is to be: nothing is done. */
  | 'blocked'
  /** Nobody wants it, but not all owners have spoken yet. */
  | 'withheld';

export interface PlanInput {
  /** Metrics, as the kernel has them; undefined: no route. */
  readonly wanted: number | undefined;
  readonly installed: number | undefined;
  /** wanted and installed are the same interned target. */
  readonly same: boolean;
  /** Where a foreign route of the wanted metric (and TOS 0) stands: REPLACE hits the first of them, whose ever it is. */
  readonly foreign: 'none' | 'behind-ours' | 'first';
  readonly mayDelete: boolean;
}

export function planRoute({ wanted, installed, same, foreign, mayDelete }: PlanInput): RouteStep {
  if (wanted === undefined) {
    if (installed === undefined) return 'none';
    return mayDelete ? 'delete' : 'withheld';
  }
  if (same) return 'none';
  if (installed === undefined) return foreign === 'none' ? 'add' : 'blocked';
  // Where a foreign route is in the way, ours, which is outdated, goes all the same (what the kernel has is to follow from
  // what is wanted now, not from what was); the next round finds itself blocked. REPLACE might hit the foreign one.
  if (wanted !== installed) return foreign === 'none' ? 'add-beside' : 'delete';
  return foreign === 'first' ? 'delete' : 'replace';
}
