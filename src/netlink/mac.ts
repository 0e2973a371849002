/** Ethernet addresses, text <-> six bytes. Pure. */
import { invariant } from '../base/invariant.ts';

export const formatMac = (bytes: Uint8Array): string =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(':');

/** "ee:ee:ee:ee:ee:ee" to bytes. The caller's own value: anything else is our fault. */
export function macBytes(text: string): Uint8Array {
  invariant(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text), `not an Ethernet address: "${text}"`);
  return Uint8Array.from(text.split(':'), (h) => Number.parseInt(h, 16));
}
