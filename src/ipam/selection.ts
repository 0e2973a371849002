/** In which order a node looks at the blocks of a pool. Pure. Each node starts at a place of its own, found from its name,
 *  so that nodes that start together do not all claim the same block and lose. */
import { formatPrefix, type Prefix, prefix } from '../base/prefix.ts';
import type { Pool } from '../model/pool.ts';

/** FNV-1, 32 bits, over UTF-8. */
export function fnv32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash, 0x01000193) ^ byte;
  return hash >>> 0;
}

/** FNV-1 leaves names that differ in their last letter side by side; this spreads them (the finisher of MurmurHash3). */
function spread(hash: number): number {
  let h = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Every block CIDR of the pool once, from the node's own place round to it again. */
export function* blockCidrs(pool: Pool, nodeName: string): Generator<Prefix> {
  const count = 2 ** (pool.blockSize - pool.cidr.length);
  const size = 2 ** (32 - pool.blockSize);
  const start = spread(fnv32(nodeName)) % count;
  for (let i = 0; i < count; i++) yield prefix(pool.cidr.address + ((start + i) % count) * size, pool.blockSize);
}

/** Whether two prefixes share an address: one then contains the other. */
const overlap = (a: Prefix, b: Prefix): boolean => {
  const shorter = a.length < b.length ? a : b;
  const longer = shorter === a ? b : a;
  return prefix(longer.address, shorter.length).address === shorter.address;
};

/** A test for "this CIDR or a part of it is taken". Blocks of another size than the pool's count too: a pool that was made
 *  anew with another block size still has the old blocks under it. */
export function takenBy(blocks: readonly Prefix[], blockSize: number): (cidr: Prefix) => boolean {
  const exact = new Set(blocks.filter((b) => b.length === blockSize).map(formatPrefix));
  const others = blocks.filter((b) => b.length !== blockSize);
  return (cidr) => exact.has(formatPrefix(cidr)) || others.some((b) => overlap(b, cidr));
}
