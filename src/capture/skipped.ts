/** In words: octets of a stream that are no message. Pure. */
import type { SkippedWhy } from './message-cutter.ts';

export const SKIPPED: Readonly<Record<SkippedWhy, (octets: number) => string>> = {
  middle: (n) => `joined in the middle of a message: ${n} octets before the next marker`,
  unsynchronised: (n) => `${n} octets stand where a marker of sixteen ff had to (RFC 4271 4.1)`,
  torn: (n) => `the start of a message, ${n} octets; its end is missing (RFC 4271 4.1)`,
};
