/** Puts split messages together again, whatever the reads look like. Pure. A message that a read splits is copied once, into
 *  an array of just its length; all others are looked at where they were read. RFC 4271 4.1, RFC 8654 */
import type { Connection } from '../session/session-types.ts';

const HEADER_LENGTH = 19;
const NOTHING = new Uint8Array(0);

/** Puts the messages of one connection together again, in the order of its reads. */
export class Reassembly {
  /** The unfinished message: its header at first, then as long as the header says. At most 65535 octets. */
  private carry: Uint8Array = NOTHING;
  private filled = 0;

  /** `bytes` [0, length) has just been read, and will be overwritten. A reader that goes away meanwhile gets no more. */
  take(bytes: Uint8Array, length: number, to: Pick<Connection, 'onData'>): void {
    const at = this.filled === 0 ? 0 : this.complete(bytes, length, to);
    if (at < length && to.onData !== undefined) this.keep(bytes, to.onData(bytes, at, length), length);
  }

  /** Fills the carried message up and gives it away. Answers where in `bytes` the next one begins. */
  private complete(bytes: Uint8Array, length: number, to: Pick<Connection, 'onData'>): number {
    let at = 0;
    for (;;) {
      const part = Math.min(this.carry.length - this.filled, length - at);
      this.carry.set(bytes.subarray(at, at + part), this.filled);
      this.filled += part;
      at += part;
      if (this.filled < this.carry.length) return at;
      const whole = this.carry;
      // Also at the end of a bare header: a bad one must not make us wait for the length that it claims.
      const start = to.onData?.(whole, 0, whole.length) ?? whole.length;
      const missing = start === 0 ? messageLength(whole) - whole.length : 0;
      if (missing <= 0) {
        this.filled = 0;
        this.carry = NOTHING;
        return at;
      }
      this.carry = new Uint8Array(whole.length + missing);
      this.carry.set(whole);
    }
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    const left = end - start;
    const total = left < HEADER_LENGTH ? HEADER_LENGTH : messageLength(bytes, start);
    // A whole message can be left only when nobody reads: then it is nobody's.
    if (left <= 0 || left >= total) return;
    this.carry = new Uint8Array(total);
    this.carry.set(bytes.subarray(start, end));
    this.filled = left;
  }
}

const messageLength = (bytes: Uint8Array, at = 0): number => ((bytes[at + 16] ?? 0) << 8) | (bytes[at + 17] ?? 0);
