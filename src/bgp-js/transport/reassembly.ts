/** Puts split messages together again, whatever the reads look like. Pure. A message that a read splits is copied once, to
 *  where it has room; all others are looked at where they were read. RFC 4271 4.1, RFC 8654 */
import type { Connection } from '../session/session-types.ts';

const HEADER_LENGTH = 19;
const NOTHING = new Uint8Array(0);

/** Puts the messages of one connection together again, in the order of its reads. */
export class Reassembly {
  /** As long as the longest message that was split: at most 65535 octets, and mostly none. */
  private carry = NOTHING;
  /** Octets of the unfinished message, 0 for none, and how many it shall have: its header at first, then what that says. */
  private filled = 0;
  private wanted = 0;

  /** `bytes` [start, end) come next, and will be overwritten. A reader that goes away meanwhile gets no more. */
  take(bytes: Uint8Array, start: number, end: number, to: Pick<Connection, 'onData'>): void {
    const at = this.filled === 0 ? start : this.complete(bytes, start, end, to);
    if (at < end && to.onData !== undefined) this.keep(bytes, to.onData(bytes, at, end), end);
  }

  /** Fills the carried message up and gives it away. Answers where in `bytes` the next one begins. */
  private complete(bytes: Uint8Array, from: number, end: number, to: Pick<Connection, 'onData'>): number {
    let at = from;
    for (;;) {
      const part = Math.min(this.wanted - this.filled, end - at);
      this.carry.set(bytes.subarray(at, at + part), this.filled);
      this.filled += part;
      at += part;
      if (this.filled < this.wanted) return at;
      // Also at the end of a bare header: a bad one must not make us wait for the length that it claims.
      const start = to.onData?.(this.carry, 0, this.wanted) ?? this.wanted;
      const whole = start === 0 ? messageLength(this.carry) : 0;
      if (whole <= this.wanted) {
        this.filled = 0;
        return at;
      }
      this.makeRoom(whole);
    }
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    const left = end - start;
    const whole = left < HEADER_LENGTH ? HEADER_LENGTH : messageLength(bytes, start);
    // A whole message can be left only when nobody reads: then it is nobody's.
    if (left <= 0 || left >= whole) return;
    this.makeRoom(whole);
    this.carry.set(bytes.subarray(start, end));
    this.filled = left;
  }

  private makeRoom(length: number): void {
    this.wanted = length;
    if (length <= this.carry.length) return;
    const before = this.carry;
    this.carry = new Uint8Array(length);
    this.carry.set(before.subarray(0, this.filled));
  }
}

const messageLength = (bytes: Uint8Array, at = 0): number => ((bytes[at + 16] ?? 0) << 8) | (bytes[at + 17] ?? 0);
