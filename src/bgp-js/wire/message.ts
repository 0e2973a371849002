/** The fixed numbers of BGP messages and their 19-octet header. Pure. RFC 4271 4.1. */

export const HEADER_LENGTH = 19;
/** RFC 4271 4.1. OPEN and KEEPALIVE are never longer. RFC 8654 4 */
export const MAX_MESSAGE_LENGTH = 4096;
/** With the extended message capability. RFC 8654 3 */
export const EXTENDED_MESSAGE_LENGTH = 65535;

export const OPEN = 1;
export const UPDATE = 2;
export const NOTIFICATION = 3;
export const KEEPALIVE = 4;
/** RFC 2918 */
export const ROUTE_REFRESH = 5;

/** Writes marker, length and type of a message of `length` octets at `at`. */
export function writeHeader(bytes: Uint8Array, at: number, length: number, type: number): void {
  bytes.fill(0xff, at, at + 16);
  bytes[at + 16] = length >>> 8;
  bytes[at + 17] = length;
  bytes[at + 18] = type;
}

/** A whole message round `body`. */
export function message(type: number, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + body.length);
  writeHeader(bytes, 0, bytes.length, type);
  bytes.set(body, HEADER_LENGTH);
  return bytes;
}

/** The one KEEPALIVE there is. Shared: never write to it. RFC 4271 4.4 */
export const KEEPALIVE_MESSAGE = message(KEEPALIVE, new Uint8Array(0));

/** A request for all IPv4 unicast routes again. RFC 2918 3 */
export const ROUTE_REFRESH_MESSAGE = message(ROUTE_REFRESH, new Uint8Array([0, 1, 0, 1]));
