/** The table of IPv6 prefixes: as prefix-table.ts, with four words of address. Pure, hot: find and insert by octets on the wire. */
import type { PrefixIndex } from './prefix-index.ts';

export class Ipv6PrefixTable implements PrefixIndex<bigint> {
  get size(): number {
    throw new Error('to come');
  }
  get idBound(): number {
    throw new Error('to come');
  }
  has(_id: number): boolean {
    throw new Error('to come');
  }
  addressOf(_id: number): bigint {
    throw new Error('to come');
  }
  lengthOf(_id: number): number {
    throw new Error('to come');
  }
  find(_address: bigint, _length: number): number {
    throw new Error('to come');
  }
  insert(_address: bigint, _length: number): number {
    throw new Error('to come');
  }
  delete(_address: bigint, _length: number): number {
    throw new Error('to come');
  }
  deleteId(_id: number): void {
    throw new Error('to come');
  }
  longestMatch(_address: bigint, _atMost = 128): number {
    throw new Error('to come');
  }
  forEach(_visit: (id: number, address: bigint, length: number) => void): void {
    throw new Error('to come');
  }
  sortedIds(): Int32Array {
    throw new Error('to come');
  }
  /** The id of the prefix whose octets are at `at` of `slab`: (length + 7) >> 3 of them; bits beyond the length do not count. -1: none. */
  findOctets(_slab: Uint8Array, _at: number, _length: number): number {
    throw new Error('to come');
  }
  insertOctets(_slab: Uint8Array, _at: number, _length: number): number {
    throw new Error('to come');
  }
}
