/** A fault in BGP terms: what a NOTIFICATION carries. Pure. RFC 4271 4.5 and 6; names in notification.ts. */
import type { Brand } from '../../base/brand.ts';

/** The first octet of a NOTIFICATION. RFC 4271 4.5 */
export type ErrorCode = Brand<number, 'ErrorCode'>;
/** The second octet; 0 is unspecific. */
export type ErrorSubcode = Brand<number, 'ErrorSubcode'>;

/** What a NOTIFICATION says, sent or received. RFC 4271 4.5 */
export interface BgpError {
  readonly code: ErrorCode;
  readonly subcode: ErrorSubcode;
  readonly data: Uint8Array;
  /** For people: what was wrong, with the value and the RFC section. */
  readonly text: string;
}
const NO_DATA = new Uint8Array(0);

/** The one constructor. `text` is for people and not sent. */
export const bgpError = (code: number, subcode: number, text: string, data: Uint8Array = NO_DATA): BgpError => ({
  code: code as ErrorCode,
  subcode: subcode as ErrorSubcode,
  data,
  text,
});
