/** NOTIFICATION: names, bytes <-> BgpError, the shutdown text (RFC 9003) and the Hard Reset (RFC 8538). Pure. RFC 4271 4.5.
 *  A new subcode is a new line of NAMES. */
import { type BgpError, bgpError } from './error.ts';
import { HEADER_LENGTH, message, NOTIFICATION } from './message.ts';

interface CodeRow {
  readonly name: string;
  readonly subcodes: Readonly<Record<number, string>>;
}

/** RFC 4271 4.5, 4486, 5492, 6608, 7313, 8538, 9234, 9384, 9687, with the registry's words. */
const NAMES: Readonly<Record<number, CodeRow>> = {
  1: {
    name: 'Message Header Error',
    subcodes: { 1: 'Connection Not Synchronized', 2: 'Bad Message Length', 3: 'Bad Message Type' },
  },
  2: {
    name: 'OPEN Message Error',
    subcodes: {
      1: 'Unsupported Version Number',
      2: 'Bad Peer AS',
      3: 'Bad BGP Identifier',
      4: 'Unsupported Optional Parameter',
      5: 'Authentication Failure (deprecated)',
      6: 'Unacceptable Hold Time',
      7: 'Unsupported Capability',
      8: 'Deprecated',
      11: 'Role Mismatch',
    },
  },
  3: {
    name: 'UPDATE Message Error',
    subcodes: {
      1: 'Malformed Attribute List',
      2: 'Unrecognized Well-known Attribute',
      3: 'Missing Well-known Attribute',
      4: 'Attribute Flags Error',
      5: 'Attribute Length Error',
      6: 'Invalid ORIGIN Attribute',
      7: 'AS Routing Loop (deprecated)',
      8: 'Invalid NEXT_HOP Attribute',
      9: 'Optional Attribute Error',
      10: 'Invalid Network Field',
      11: 'Malformed AS_PATH',
    },
  },
  4: { name: 'Hold Timer Expired', subcodes: {} },
  5: {
    name: 'Finite State Machine Error',
    subcodes: {
      1: 'Receive Unexpected Message in OpenSent State',
      2: 'Receive Unexpected Message in OpenConfirm State',
      3: 'Receive Unexpected Message in Established State',
    },
  },
  6: {
    name: 'Cease',
    subcodes: {
      1: 'Maximum Number of Prefixes Reached',
      2: 'Administrative Shutdown',
      3: 'Peer De-configured',
      4: 'Administrative Reset',
      5: 'Connection Rejected',
      6: 'Other Configuration Change',
      7: 'Connection Collision Resolution',
      8: 'Out of Resources',
      9: 'Hard Reset',
      10: 'BFD Down',
    },
  },
  7: { name: 'ROUTE-REFRESH Message Error', subcodes: { 1: 'Invalid Message Length' } },
  8: { name: 'Send Hold Timer Expired', subcodes: {} },
};

export const CEASE = 6;
export const ADMINISTRATIVE_SHUTDOWN = 2;
export const PEER_DECONFIGURED = 3;
export const ADMINISTRATIVE_RESET = 4;
export const OTHER_CONFIGURATION_CHANGE = 6;
export const COLLISION = 7;
export const OUT_OF_RESOURCES = 8;
export const HARD_RESET = 9;

/** "Cease / Administrative Shutdown"; numbers stand where there is no name. Subcode 0 is "unspecific" and left out. */
export function notificationName(code: number, subcode: number): string {
  const row = NAMES[code];
  const name = row?.name ?? `code ${code}`;
  return subcode === 0 ? name : `${name} / ${row?.subcodes[subcode] ?? `subcode ${subcode}`}`;
}

/** Data beyond this cannot be sent: 4096 less header and codes. */
const MAX_DATA = 4096 - HEADER_LENGTH - 2;

export function encodeNotification(error: BgpError): Uint8Array {
  const data = error.data.subarray(0, MAX_DATA);
  const body = new Uint8Array(2 + data.length);
  body[0] = error.code;
  body[1] = error.subcode;
  body.set(data, 2);
  return message(NOTIFICATION, body);
}

/** Decodes a framed NOTIFICATION, header included: every byte string that got through the framer has a meaning. */
export function decodeNotification(bytes: Uint8Array, start: number, end: number): BgpError {
  const body = bytes.slice(start + HEADER_LENGTH, end);
  return received(body[0] ?? 0, body[1] ?? 0, body.subarray(2));
}

function received(code: number, subcode: number, data: Uint8Array): BgpError {
  const name = notificationName(code, subcode);
  const bare = bgpError(code, subcode, name, data);
  const inner = unwrapHardReset(bare);
  if (inner !== undefined) return bgpError(code, subcode, `${name}: ${inner.text}`, data);
  const said = shutdownText(bare);
  return said === undefined ? bare : bgpError(code, subcode, `${name}: "${said}"`, data);
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
  const said = shutdownText(inner);
  return said === undefined ? inner : { ...inner, text: `${inner.text}: "${said}"` };
}

/** Cease/2 with a text for the other operator: one length octet, then UTF-8, cut at a character. RFC 9003 2 */
export function shutdown(text: string): BgpError {
  let said = new TextEncoder().encode(text);
  if (said.length > 255) {
    let cut = 255;
    while (cut > 0 && ((said[cut] ?? 0) & 0xc0) === 0x80) cut--;
    said = said.subarray(0, cut);
  }
  const data = new Uint8Array(1 + said.length);
  data[0] = said.length;
  data.set(said, 1);
  const name = notificationName(CEASE, ADMINISTRATIVE_SHUTDOWN);
  return bgpError(CEASE, ADMINISTRATIVE_SHUTDOWN, text === '' ? name : `${name}: "${text}"`, data);
}

/** The text of a Cease/2 or Cease/4; undefined when there is none, its length lies, or it is no UTF-8. RFC 9003 2 */
export function shutdownText(error: BgpError): string | undefined {
  const carries = error.subcode === ADMINISTRATIVE_SHUTDOWN || error.subcode === ADMINISTRATIVE_RESET;
  const length = error.data[0];
  if (error.code !== CEASE || !carries || length === undefined || length === 0 || 1 + length > error.data.length)
    return undefined;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(error.data.subarray(1, 1 + length));
    // It goes into logs and terminals: a peer must not send cursor movements there.
    return text.replace(/\p{C}/gu, ' ');
  } catch {
    return undefined;
  }
}
