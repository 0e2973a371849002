/** What the kernel is told of large tables. Huge pages: 2 MiB where the processor remembers one address instead of 512. Linux gives
 *  them on request where /sys/kernel/mm/transparent_hugepage/enabled says "madvise" or "always"; elsewhere asking does nothing.
 *  And what a table has outgrown goes back at once: of a million prefixes that is 8 MB, which the collector has no reason to look
 *  for. */
import { onLargeMemory } from '../base/growing-memory.ts';
import { ffiFault, madvise } from './ffi.ts';

const MADV_DONTNEED = 4;
const MADV_HUGEPAGE = 14;

/** From now on; tables that are there already stay as they are. */
export function adviseOnTables(): void {
  if (ffiFault() !== undefined) return;
  onLargeMemory({
    made: (bytes, octets) => void madvise(bytes, octets, MADV_HUGEPAGE),
    left: (bytes) => void madvise(bytes, bytes.length, MADV_DONTNEED),
  });
}
