/** What is wrong in an attribute block and what it asks of the UPDATE it came in. Pure. RFC 7606 2 and 3; the subcodes are
 *  RFC 4271 6.3's, whether or not a NOTIFICATION carries them: most faults cost routes and not the session. */
import { type BgpError, bgpError } from '../wire/error.ts';

/** RFC 7606 2, mildest first. */
export type Disposition = 'accept' | 'discard' | 'withdraw' | 'reset';
const SEVERITY: readonly Disposition[] = ['accept', 'discard', 'withdraw', 'reset'];

/** The answer to a fault. discard: the attribute is dropped, the routes are good. withdraw: the announced routes are taken as
 *  withdrawn. reset: a NOTIFICATION ends the session. */
export type FaultAction = Exclude<Disposition, 'accept'>;

/** Subcodes of UPDATE Message Error (code 3). RFC 4271 4.5 */
export const MALFORMED_LIST = 1;
export const UNRECOGNISED_WELL_KNOWN = 2;
export const MISSING_WELL_KNOWN = 3;
export const FLAGS_ERROR = 4;
export const LENGTH_ERROR = 5;
export const INVALID_ORIGIN = 6;
export const INVALID_NEXT_HOP = 8;
export const OPTIONAL_ERROR = 9;
export const INVALID_NETWORK = 10;
export const MALFORMED_AS_PATH = 11;

/** One thing wrong, for logs, counters and `gingham decode`. */
export interface AttributeFault {
  readonly type: number;
  /** What was done about it. */
  readonly action: FaultAction;
  readonly text: string;
  /** Of code 3: what RFC 4271 6.3 calls it. */
  readonly subcode: number;
  /** Octets from the start of the attributes to the attribute; absent when it is missing. */
  readonly at?: number;
}

const MAX_FAULTS = 8;
/** A NOTIFICATION has at most 4096 octets, 21 of them its own. RFC 4271 4.1, 4.5 */
const MAX_DATA = 4096 - 21;

/** Type, length and value of the attribute at fault, as a copy. RFC 4271 6.3 */
export const attributeData = (bytes: Uint8Array, from: number, to: number): Uint8Array =>
  bytes.slice(from, Math.min(to, from + MAX_DATA));

/** What was found so far. The first few faults are kept: a hostile block could hold a thousand. */
export class Faults {
  readonly list: AttributeFault[] = [];
  disposition: Disposition = 'accept';
  error: BgpError | undefined;

  /** The strongest decides. RFC 7606 3 h */
  add(type: number, action: FaultAction, subcode: number, text: string, at?: number): void {
    if (this.list.length < MAX_FAULTS)
      this.list.push({ type, action, text, subcode, ...(at !== undefined ? { at } : {}) });
    if (SEVERITY.indexOf(action) > SEVERITY.indexOf(this.disposition)) this.disposition = action;
  }
  /** The first reset is the one that is sent. */
  reset(type: number, error: BgpError, at?: number): void {
    this.add(type, 'reset', error.subcode, error.text, at);
    this.error ??= error;
  }
}

export const malformedList = (text: string): BgpError => bgpError(3, MALFORMED_LIST, text);
