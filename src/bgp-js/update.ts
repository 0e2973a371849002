/** UPDATE frames and IPv4 NLRI. Pure, hot. RFC 4271 4.3, RFC 7606 3 and 5.3. */
import type { Result } from '../base/result.ts';
import type { BgpError } from './error.ts';
import type { UpdateFrame } from './session-types.ts';

/** Visits (address, length) of each prefix in [start, end). The session has checked the syntax before onUpdate, so that
 *  inside onUpdate this never answers a fault. Bits beyond the length are masked. */
export declare function forEachPrefix(
  slab: Uint8Array,
  start: number,
  end: number,
  visit: (address: number, length: number) => void,
): BgpError | undefined;

export declare function splitUpdate(slab: Uint8Array, start: number, end: number): Result<UpdateFrame, BgpError>;
