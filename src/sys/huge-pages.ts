/** Huge pages for large tables: 2 MiB where the processor remembers one address instead of 512. Linux gives them on request where
 *  /sys/kernel/mm/transparent_hugepage/enabled says "madvise" or "always"; elsewhere asking does nothing. */
import { onLargeMemory } from '../base/growing-memory.ts';
import { ffiFault, madvise } from './ffi.ts';

const MADV_HUGEPAGE = 14;

/** From now on; tables that are there already stay as they are. */
export function useHugePages(): void {
  if (ffiFault() !== undefined) return;
  onLargeMemory((bytes, octets) => void madvise(bytes, octets, MADV_HUGEPAGE));
}
