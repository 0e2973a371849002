/** UPDATE messages, packed to the negotiated size, out of many IPv4 prefixes. Pure, hot. RFC 4271 4.3; End-of-RIB RFC 4724 2.
 *  Prefixes are given as prefixKey() numbers (base/prefix.ts): no object per prefix. Other families, and path identifiers:
 *  nlri-writer.ts; whole tables: update-writer.ts. */
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH, message, UPDATE, writeHeader } from '../wire/message.ts';
import { prefixOctets, writePrefix } from './update.ts';

/** Header and the two lengths. */
const FIXED = HEADER_LENGTH + 4;
const LONGEST_PREFIX = 5;

/** The 23 octets that end the initial routes of IPv4 unicast. Shared: never write to it. */
export const END_OF_RIB: Uint8Array = message(UPDATE, new Uint8Array(4));

/** Attributes beyond this leave no room for a prefix in a message of 4096 octets. */
export const MAX_ATTRIBUTES_LENGTH: number = MAX_MESSAGE_LENGTH - FIXED - LONGEST_PREFIX;

const NO_ATTRIBUTES = new Uint8Array(0);

/** Whole messages, one behind the other, ready for BgpSession.send. Empty for no prefixes. */
export const packWithdrawals = (keys: readonly number[], maxMessageLength: number = MAX_MESSAGE_LENGTH): Uint8Array =>
  pack(NO_ATTRIBUTES, keys, true, maxMessageLength);

/** The same attributes for all prefixes; `attributes` as from encodeAttributes. Attributes too long for any message make
 *  withdrawals instead: the peer must not go on with what it had before. RFC 4271 9.2 */
export const packAnnouncements = (
  attributes: Uint8Array,
  keys: readonly number[],
  maxMessageLength: number = MAX_MESSAGE_LENGTH,
): Uint8Array =>
  attributes.length > maxMessageLength - FIXED - LONGEST_PREFIX
    ? packWithdrawals(keys, maxMessageLength)
    : pack(attributes, keys, false, maxMessageLength);

function pack(
  attributes: Uint8Array,
  keys: readonly number[],
  withdraw: boolean,
  maxMessageLength: number,
): Uint8Array {
  const fixed = FIXED + attributes.length;
  const bytes = new Uint8Array(packedLength(fixed, keys, maxMessageLength));
  // A withdrawal ends with the two zero octets of Total Path Attribute Length.
  const limit = maxMessageLength - (withdraw ? 2 : 0);
  let start = 0;
  let at = 0;
  for (const key of keys) {
    // A key has 38 bits: `%` on it is a division of doubles, this is not.
    const address = Math.floor(key / 64);
    const length = key - address * 64;
    if (at === 0 || at - start + 1 + prefixOctets(length) > limit) {
      if (at > 0) start = finish(bytes, start, at, withdraw);
      at = begin(bytes, start, attributes, withdraw);
    }
    at = writePrefix(bytes, at, address, length);
  }
  if (at > 0) finish(bytes, start, at, withdraw);
  return bytes;
}

/** The exact sum, so that one allocation does. */
function packedLength(fixed: number, keys: readonly number[], maxMessageLength: number): number {
  let total = 0;
  let room = 0;
  for (const key of keys) {
    const octets = 1 + prefixOctets(key - Math.floor(key / 64) * 64);
    if (octets > room) {
      total += fixed;
      room = maxMessageLength - fixed;
    }
    total += octets;
    room -= octets;
  }
  return total;
}

/** Everything in front of the prefixes; answers where they go. */
function begin(bytes: Uint8Array, start: number, attributes: Uint8Array, withdraw: boolean): number {
  const at = start + HEADER_LENGTH;
  if (withdraw) return at + 2;
  bytes[at + 2] = attributes.length >>> 8;
  bytes[at + 3] = attributes.length;
  bytes.set(attributes, at + 4);
  return at + 4 + attributes.length;
}

/** The lengths that are known only now; answers where the next message starts. */
function finish(bytes: Uint8Array, start: number, at: number, withdraw: boolean): number {
  const end = withdraw ? at + 2 : at;
  if (withdraw) {
    const withdrawn = at - start - HEADER_LENGTH - 2;
    bytes[start + HEADER_LENGTH] = withdrawn >>> 8;
    bytes[start + HEADER_LENGTH + 1] = withdrawn;
  }
  writeHeader(bytes, start, end - start, UPDATE);
  return end;
}
