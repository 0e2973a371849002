/** Where the next message ends. Pure, hot: over the receive slab, no object per message. RFC 4271 4.1 and 6.1.
 *  The checks run in the order of 6.1: marker, length, type. A fault is a row of FRAME_FAULTS. */
import { type BgpError, bgpError } from './error.ts';
import { HEADER_LENGTH, KEEPALIVE, MAX_MESSAGE_LENGTH, NOTIFICATION, OPEN } from './message.ts';

export const NOT_SYNCHRONISED = -1;
export const BAD_LENGTH = -2;
export const BAD_TYPE = -3;
/** A NOTIFICATION of impossible length: the session ends, and no NOTIFICATION answers it. RFC 4271 6.4 */
export const BAD_NOTIFICATION = -4;

/** Smallest length by type; index 0 is no message. RFC 4271 4.2 to 4.5. A ROUTE-REFRESH of any length is let through: what
 *  its length must be depends on what is in it, and the answer is a NOTIFICATION of its own (route-refresh.ts). */
const MIN_LENGTH = [0, 29, 23, 21, 19, 19];

/** Greater than 0: a whole message of that length stands at `start`. 0: more bytes are needed. Less: a fault.
 *  `limit`: 65535 where we offered extended messages; OPEN and KEEPALIVE stay within 4096 (RFC 8654 4). */
export function frameLength(slab: Uint8Array, start: number, end: number, limit: number = MAX_MESSAGE_LENGTH): number {
  if (end - start < HEADER_LENGTH) return 0;
  for (let i = start; i < start + 16; i++) if (slab[i] !== 0xff) return NOT_SYNCHRONISED;
  const length = (slab[start + 16]! << 8) | slab[start + 17]!;
  const type = slab[start + 18]!;
  if (length < HEADER_LENGTH || length > limit) return lengthFault(type);
  const least = MIN_LENGTH[type];
  if (type === 0 || least === undefined) return BAD_TYPE;
  // A KEEPALIVE is a header and nothing else.
  if (length < least || (type === KEEPALIVE && length > least) || (type === OPEN && length > MAX_MESSAGE_LENGTH))
    return lengthFault(type);
  return end - start < length ? 0 : length;
}

const lengthFault = (type: number): number => (type === NOTIFICATION ? BAD_NOTIFICATION : BAD_LENGTH);

interface FrameFault {
  readonly subcode: number;
  /** The octets of the header that NOTIFICATION carries as data, as offsets. RFC 4271 6.1 */
  readonly data: readonly [number, number];
  readonly text: (slab: Uint8Array, start: number) => string;
}
const lengthText = (slab: Uint8Array, start: number): string =>
  `message of type ${slab[start + 18]} has length ${((slab[start + 16] ?? 0) << 8) | (slab[start + 17] ?? 0)} (RFC 4271 6.1)`;

const FRAME_FAULTS: Readonly<Record<number, FrameFault>> = {
  [NOT_SYNCHRONISED]: { subcode: 1, data: [0, 0], text: () => 'the marker is not all ones (RFC 4271 6.1)' },
  [BAD_LENGTH]: { subcode: 2, data: [16, 18], text: lengthText },
  [BAD_TYPE]: {
    subcode: 3,
    data: [18, 19],
    text: (slab, start) => `message type ${slab[start + 18]} is unknown (RFC 4271 6.1)`,
  },
  [BAD_NOTIFICATION]: { subcode: 2, data: [16, 18], text: lengthText },
};

/** The fault in BGP terms. The data is a copy: the slab will be overwritten. */
export function frameError(fault: number, slab: Uint8Array, start: number): BgpError {
  const row = FRAME_FAULTS[fault];
  if (row === undefined) return bgpError(1, 0, `framer fault ${fault}`);
  return bgpError(1, row.subcode, row.text(slab, start), slab.slice(start + row.data[0], start + row.data[1]));
}
