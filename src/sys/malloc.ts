/** How glibc's malloc keeps what was freed. It is made for programs of many threads that ask and free at the same pace; a daemon
 *  has one that works, and bursts: V8's compilers free megabytes at once, columns leave arrays behind that were copied once. */
import { mallopt } from './ffi.ts';

const M_TRIM_THRESHOLD = -1;
const M_MMAP_THRESHOLD = -3;
const M_ARENA_MAX = -8;
const LARGE = 128 * 1024;

/** Memory that is freed goes back to the system: threads share one heap instead of keeping one each, and the sizes from which on
 *  a piece is mapped alone and a free end is given up stay at glibc's first values, which it would raise with each large piece
 *  that is freed, to 32 MiB and more. 8 MB less with a million routes, and no longer. */
export function returnFreedMemory(): void {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, LARGE);
  mallopt(M_TRIM_THRESHOLD, LARGE);
}
