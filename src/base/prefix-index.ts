/** What a table of prefixes offers, of either family: a stable small number for each prefix, by which others keep columns. Pure:
 *  types. IPv4 (prefix-table.ts) has its addresses as numbers, IPv6 (ipv6-prefix-table.ts) as bigints: `typeof` tells them apart,
 *  and whoever is hot uses the table's own methods, which allocate nothing. */

/** A number is IPv4, a bigint IPv6. */
export interface PrefixIndex<A extends number | bigint = number | bigint> {
  readonly size: number;
  /** All ids ever given are below it: the size for columns by id. */
  readonly idBound: number;
  has(id: number): boolean;
  /** Of an id that is in use. */
  addressOf(id: number): A;
  lengthOf(id: number): number;
  /** The id, or -1. The prefix must be canonical (no bit beyond its length). */
  find(address: A, length: number): number;
  /** The id of the prefix, which is added if it is not there. The id of a deleted prefix is given out again. */
  insert(address: A, length: number): number;
  /** Frees the prefix and answers the id it had, or -1. */
  delete(address: A, length: number): number;
  /** The same by id, which is in use: without the address as a value. */
  deleteId(id: number): void;
  /** The id of the longest prefix that contains `address` and is no longer than `atMost`, or -1. Calling it again with the length
   *  found, less one, walks to the less specific ones. */
  longestMatch(address: A, atMost?: number): number;
  forEach(visit: (id: number, address: A, length: number) => void): void;
  /** The ids by address, then shorter first. Made on demand: a table has no order. */
  sortedIds(): Int32Array;
}
