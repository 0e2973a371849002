/** What we send on one connection, and what of it still waits in our process. Bounded: a peer that does not read costs us a
 *  stated number of octets, and then the session. Pure: the connection comes in. */
import { familyKey, IPV4_UNICAST_KEY } from '../wire/family.ts';
import { HEADER_LENGTH, KEEPALIVE_MESSAGE, UPDATE } from '../wire/message.ts';
import type { SendQueue } from './send-hold-timer.ts';
import type { Connection } from './session-types.ts';

/** Far above the mark at which write() asks for a pause: who goes on all the same has lost the thread. */
export const MAX_UNSENT = 16 * 1024 * 1024;

export class Outbox implements SendQueue {
  readonly connection: Connection;
  private written = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }
  get unsent(): number {
    return this.connection.unsent;
  }
  get taken(): number {
    return this.written - this.connection.unsent;
  }
  get overflowing(): boolean {
    return this.connection.unsent > MAX_UNSENT;
  }

  write(bytes: Uint8Array): boolean {
    this.written += bytes.length;
    return this.connection.write(bytes);
  }

  /** True: one was sent. `confirms`: it answers an OPEN, and must go. Else it says nothing that is not said by what still waits,
   *  and thousands of them would pile up behind that. RFC 4271 4.4 */
  keepalive(confirms: boolean): boolean {
    if (!confirms && this.connection.unsent > 0) return false;
    this.write(KEEPALIVE_MESSAGE);
    return true;
  }
}

/** Where the message at `at` ends; `at` itself behind the last one, and at what is none. */
export function messageEnd(messages: Uint8Array, at: number): number {
  if (at + HEADER_LENGTH > messages.length) return at;
  const length = ((messages[at + 16] ?? 0) << 8) | (messages[at + 17] ?? 0);
  return length < HEADER_LENGTH ? at : at + length;
}

/** The family (a familyKey number) whose End-of-RIB we send there; 0 when it is none. Looks at lengths first: nearly every
 *  UPDATE is longer. RFC 4724 2 */
export function sentEndOfRib(messages: Uint8Array, start: number, end: number): number {
  const length = end - start;
  if (length > HEADER_LENGTH + 11 || messages[start + 18] !== UPDATE) return 0;
  if (length === HEADER_LENGTH + 4) return IPV4_UNICAST_KEY;
  // No withdrawn routes, one attribute: MP_UNREACH_NLRI of three octets, with one or two octets of length.
  const at = end - 3;
  const short = length === HEADER_LENGTH + 10 && messages[start + 24] === 15;
  const long = length === HEADER_LENGTH + 11 && messages[start + 24] === 15 && messages[start + 26] === 3;
  if (!short && !long) return 0;
  return familyKey(((messages[at] ?? 0) << 8) | (messages[at + 1] ?? 0), messages[at + 2] ?? 0);
}
