/** NOTIFICATION, bytes <-> BgpError, and the Hard Reset that wraps another one (RFC 8538). Pure. RFC 4271 4.5. Names and the
 *  meaning of data are in notification-names.ts, the shutdown text in shutdown.ts. */
import { type BgpError, bgpError } from './error.ts';
import type { Family } from './family.ts';
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH, message, NOTIFICATION } from './message.ts';
import { CEASE, HARD_RESET, MAXIMUM_PREFIXES } from './notification-codes.ts';
import { explainData, notificationName } from './notification-names.ts';
import { hasBadShutdownText, shutdownText } from './shutdown.ts';

export * from './notification-codes.ts';
export { notificationName } from './notification-names.ts';
export { administrativeReset, shutdown, shutdownText } from './shutdown.ts';

/** Data beyond `limit` is not sent: 4096 octets of message, which every peer takes, or 65535 where extended ones were agreed
 *  and the data must be whole (RFC 7313 5, RFC 8654 4). */
export function encodeNotification(error: BgpError, limit: number = MAX_MESSAGE_LENGTH): Uint8Array {
  const data = error.data.subarray(0, limit - HEADER_LENGTH - 2);
  const body = new Uint8Array(2 + data.length);
  body[0] = error.code;
  body[1] = error.subcode;
  body.set(data, 2);
  return message(NOTIFICATION, body);
}

/** Decodes a framed NOTIFICATION, header included: every byte string that got through the framer has a meaning. */
export function decodeNotification(bytes: Uint8Array, start: number, end: number): BgpError {
  const body = Uint8Array.prototype.slice.call(bytes, start + HEADER_LENGTH, end);
  return inWords(bgpError(body[0] ?? 0, body[1] ?? 0, '', body.subarray(2)));
}

/** With `text` made of code, subcode and data. */
function inWords(error: BgpError): BgpError {
  const name = notificationName(error.code, error.subcode);
  const said = unwrapHardReset(error)?.text ?? quoted(error) ?? explainData(error.code, error.subcode, error.data);
  return { ...error, text: said === undefined ? name : `${name}: ${said}` };
}

function quoted(error: BgpError): string | undefined {
  const said = shutdownText(error);
  if (said !== undefined) return `"${said}"`;
  return hasBadShutdownText(error) ? 'with a text that is malformed (RFC 9003 4)' : undefined;
}

export const isHardReset = (error: BgpError): boolean => error.code === CEASE && error.subcode === HARD_RESET;

/** A Hard Reset round `inner`: the receiver drops our routes at once although N was agreed. RFC 8538 3.1 */
export function hardReset(inner: BgpError): BgpError {
  const data = new Uint8Array(2 + inner.data.length);
  data[0] = inner.code;
  data[1] = inner.subcode;
  data.set(inner.data, 2);
  return bgpError(CEASE, HARD_RESET, `Hard Reset: ${inner.text}`, data);
}

/** What a Hard Reset carries; undefined when it is none or is empty. One level: a Hard Reset inside one is not opened. */
export function unwrapHardReset(error: BgpError): BgpError | undefined {
  const [code, subcode] = error.data;
  if (!isHardReset(error) || code === undefined || subcode === undefined) return undefined;
  const inner = bgpError(code, subcode, notificationName(code, subcode), error.data.subarray(2));
  return isHardReset(inner) ? inner : inWords(inner);
}

/** Cease/1: family and limit are its data, for the other operator. RFC 4486 4 */
export function maximumPrefixes(family: Family, limit: number): BgpError {
  const { afi, safi } = family;
  const octets = [24, 16, 8, 0].map((shift) => (limit >>> shift) & 0xff);
  const data = new Uint8Array([afi >>> 8, afi & 0xff, safi, ...octets]);
  return inWords(bgpError(CEASE, MAXIMUM_PREFIXES, '', data));
}
