/** The shutdown communication: a text for the other operator in Cease/2 and Cease/4. Pure. RFC 9003, which widens RFC 8203's 128
 *  octets to 255. */
import { type BgpError, bgpError } from './error.ts';
import { ADMINISTRATIVE_RESET, ADMINISTRATIVE_SHUTDOWN, CEASE } from './notification-codes.ts';
import { notificationName } from './notification-names.ts';
import { printable, utf8 } from './utf8.ts';

const MAX_OCTETS = 255;

/** Cease/2 with a text: one length octet, then UTF-8, cut at a character. RFC 9003 2 */
export const shutdown = (text: string): BgpError => withText(ADMINISTRATIVE_SHUTDOWN, text);
/** Cease/4, for a session that comes back. RFC 4486 4 */
export const administrativeReset = (text: string): BgpError => withText(ADMINISTRATIVE_RESET, text);

function withText(subcode: number, text: string): BgpError {
  const said = utf8(text, MAX_OCTETS);
  const data = new Uint8Array(1 + said.length);
  data[0] = said.length;
  data.set(said, 1);
  const name = notificationName(CEASE, subcode);
  return bgpError(CEASE, subcode, text === '' ? name : `${name}: "${text}"`, data);
}

const carriesText = (error: BgpError): boolean =>
  error.code === CEASE && (error.subcode === ADMINISTRATIVE_SHUTDOWN || error.subcode === ADMINISTRATIVE_RESET);

/** The text of a Cease/2 or Cease/4; undefined when there is none, its length lies, or it is no UTF-8. RFC 9003 2 */
export function shutdownText(error: BgpError): string | undefined {
  const length = error.data[0];
  if (!carriesText(error) || length === undefined || length === 0 || 1 + length > error.data.length) return undefined;
  try {
    return printable(new TextDecoder('utf-8', { fatal: true }).decode(error.data.subarray(1, 1 + length)));
  } catch {
    return undefined;
  }
}

/** There is a text, and it cannot be read: the operator shall hear of that. RFC 9003 4 */
export const hasBadShutdownText = (error: BgpError): boolean =>
  carriesText(error) && (error.data[0] ?? 0) > 0 && shutdownText(error) === undefined;
