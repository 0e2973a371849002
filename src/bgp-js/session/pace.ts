/** How long to wait before the next attempt. Pure. RFC 4271 8.1.1 (DampPeerOscillations) and 10 (jitter).
 *  A long wait after a peer's reboot is what users complain of most; a short one after every fault is a storm. */
import type { Random } from '../../base/ports.ts';

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** 75 to 100 % of it, drawn anew each time. Never for the hold timer. RFC 4271 10 */
export const jittered = (ms: number, random: Random): number => ms * (0.75 + 0.25 * random());

/** 1, 2, 4 ... 60 s. `failures` counts those before, without the one that this wait follows. */
export const backoffMs = (failures: number, firstMs: number = FIRST_MS): number =>
  Math.min(LONGEST_MS, firstMs * 2 ** Math.min(failures, 16));
