/** The octets of one attribute set, and what is read out of them again. Pure, hot: no values are made. A set that is asked is in good
 *  order, as attribute-table.ts keeps those that are used, so that lengths need no second look. RFC 4271 4.3 */
import { FLAG_EXTENDED } from '../../bgp-js/attributes/attribute-row.ts';

/** Where the octets of a set lie: valid until the next call of anything that adds sets. */
export interface SetOctets {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const NONE = -1;
const ORIGINATOR_ID = 9;
const CLUSTER_LIST = 10;

/** -1 where there is none. RFC 4456 8 */
export function originatorIn(octets: SetOctets): number {
  const { bytes } = octets;
  const head = headOf(octets, ORIGINATOR_ID);
  if (head === NONE) return NONE;
  const at = head + (isLong(bytes, head) ? 4 : 3);
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** In cluster identifiers. RFC 4456 8 */
export function clusterLengthIn(octets: SetOctets): number {
  const head = headOf(octets, CLUSTER_LIST);
  return head === NONE ? 0 : lengthAt(octets.bytes, head) >>> 2;
}

/** Where the attribute of this type begins. */
function headOf({ bytes, start, end }: SetOctets, type: number): number {
  let at = start;
  while (at < end && bytes[at + 1] !== type) at += lengthAt(bytes, at) + (isLong(bytes, at) ? 4 : 3);
  return at < end ? at : NONE;
}

const isLong = (bytes: Uint8Array, head: number): boolean => (bytes[head]! & FLAG_EXTENDED) !== 0;
const lengthAt = (bytes: Uint8Array, head: number): number =>
  isLong(bytes, head) ? (bytes[head + 2]! << 8) | bytes[head + 3]! : bytes[head + 2]!;
