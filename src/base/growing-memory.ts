/** The memory behind one column: it grows where it lies. Pure, but for what it takes from the system.
 *
 *  A large array that doubles is copied whole, the old one waits for the collector, and the process has both: pauses of tens of
 *  milliseconds and half the memory for nothing. A WebAssembly memory reserves addresses, not memory, and grows in place; access
 *  costs what it always costs (a resizable ArrayBuffer costs twice as much: Node 20). Small ones are plain, so that a table of ten
 *  routes takes nothing special.
 *
 *  It is a shared one, although nobody shares it: growth detaches the buffer of one that is not, and with the first buffer of a
 *  process that is detached V8 throws away all code that was compiled for typed arrays, and from then on has each access look
 *  whether its buffer is still there, which makes it half as slow again. */

/** As much of the global as is used; the types of ES2023 do not have it. */
declare const WebAssembly:
  | {
      readonly Memory: new (descriptor: {
        initial: number;
        maximum: number;
        shared: boolean;
      }) => { readonly buffer: ArrayBuffer; grow(pages: number): number };
    }
  | undefined;

type Reserved = InstanceType<NonNullable<typeof WebAssembly>['Memory']>;

const PAGE = 65536;
/** From here on in place. What is copied when it begins is no more than this. */
const LARGE = 4 * PAGE;
/** Addresses that one column may come to: 1 GiB. */
const MAX_PAGES = 16384;
/** A larger step would itself be a pause: somebody fills it. */
const LONGEST_STEP = 8;
/** From here on in steps of a huge page, 2 MiB: smaller ones would never be given one. */
const HUGE = 64 * PAGE;
const HUGE_STEP = 32;

/** Told of large pieces of memory. */
export interface LargeMemory {
  /** Before it is written to: a table is read in no order, and where the system gives it huge pages, a look into it costs half.
   *  `octets` may be more than the view has so far. */
  made(bytes: Uint8Array, octets: number): void;
  /** Nobody will read or write it any more, long before the collector finds that out. */
  left(bytes: Uint8Array): void;
}
let onLarge: LargeMemory | undefined;
export function onLargeMemory(listener: LargeMemory | undefined): void {
  onLarge = listener;
}

/** New octets of a size that stays: zero. */
export function fixedMemory(octets: number): ArrayBuffer {
  const buffer = new ArrayBuffer(octets);
  if (octets >= HUGE) onLarge?.made(new Uint8Array(buffer), octets);
  return buffer;
}

/** What lies behind a whole view of fixedMemory() is of no use any more. */
export function leaveMemory({ buffer, byteLength }: ArrayBufferView): void {
  if (byteLength >= LARGE) onLarge?.left(new Uint8Array(buffer));
}

export class GrowingMemory {
  buffer: ArrayBuffer;
  private reserved: Reserved | undefined;

  constructor(octets: number) {
    this.buffer = new ArrayBuffer(octets);
  }

  /** After it there are at least so many octets, those before unchanged, new ones zero. Every view of the old buffer is void. */
  reach(octets: number): void {
    const { byteLength } = this.buffer;
    if (octets <= byteLength) return;
    if (octets <= LARGE || !this.growInPlace(octets)) this.copyTo(Math.max(byteLength * 2, octets));
  }

  private growInPlace(octets: number): boolean {
    const pages = Math.ceil(octets / PAGE);
    if (pages > MAX_PAGES || WebAssembly === undefined) return false;
    try {
      if (this.reserved === undefined) {
        const reserved = new WebAssembly.Memory({ initial: pages, maximum: MAX_PAGES, shared: true });
        onLarge?.made(new Uint8Array(reserved.buffer), MAX_PAGES * PAGE);
        new Uint8Array(reserved.buffer).set(new Uint8Array(this.buffer));
        this.reserved = reserved;
      } else {
        const has = this.buffer.byteLength / PAGE;
        const needed = Math.max(pages - has, Math.min(Math.max(has >>> 3, 1), LONGEST_STEP));
        const most = MAX_PAGES - has;
        const isHuge = onLarge !== undefined && (has + needed) * PAGE > HUGE;
        this.reserved.grow(Math.min(isHuge ? upTo(has + needed, HUGE_STEP) - has : needed, most));
      }
    } catch (error) {
      // Addresses are limited here (ulimit -v), or used up: then it is copied as ever.
      if (error instanceof RangeError) return false;
      throw error;
    }
    this.buffer = this.reserved.buffer;
    return true;
  }

  private copyTo(octets: number): void {
    const grown = new ArrayBuffer(octets);
    new Uint8Array(grown).set(new Uint8Array(this.buffer));
    this.buffer = grown;
    this.reserved = undefined;
  }
}

const upTo = (n: number, multiple: number): number => Math.ceil(n / multiple) * multiple;
