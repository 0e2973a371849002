/** BGP messages out of one direction's octets, which come in pieces from anywhere in the input. Pure, bounded: never holds
 *  more than one message and the chunk behind it. Lenient where a session would reset: a message whose header lies is handed
 *  on for its fault to be told, and the next marker is looked for. RFC 4271 4.1 */
import type { Place } from './captured.ts';
import { InputBuffer } from './input-buffer.ts';

const HEADER = 19;
const MARKER = 16;
const HIGHEST_TYPE = 5;

/** `message`: its octets, a view until the next `add`. `skipped`: octets that are no message, and why. */
export type Cut =
  | { readonly kind: 'message'; readonly bytes: Uint8Array; readonly place: Place }
  | { readonly kind: 'skipped'; readonly octets: number; readonly place: Place; readonly why: SkippedWhy };

/** `middle`: before the first marker of a stream that was joined late. `unsynchronised`: where a marker had to stand.
 *  `torn`: the start of a message whose end is not there. */
export type SkippedWhy = 'middle' | 'unsynchronised' | 'torn';

/** From octet `position` of the stream on, octets lie at `offset` of the input and onwards. */
interface Run {
  readonly position: number;
  readonly offset: number;
}

export class MessageCutter {
  private readonly buffer = new InputBuffer(1024);
  private runs: Run[] = [];
  private why: SkippedWhy;
  private searching: boolean;
  private skipped = 0;

  /** `joined`: the first octet may be the middle of a message. */
  constructor(joined: boolean) {
    this.searching = joined;
    this.why = joined ? 'middle' : 'unsynchronised';
  }
  add(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    this.runs.push({ position: this.buffer.offset + this.buffer.size, offset });
    this.buffer.add(bytes);
  }
  *cut(): Generator<Cut> {
    for (;;) {
      if (this.searching) {
        this.search();
        if (this.searching) return;
        if (this.skipped > 0) yield this.takeSkipped();
      }
      const { buffer } = this;
      if (buffer.size < HEADER) {
        // A wrong first octet need not wait for the rest of a header.
        if (markerRun(buffer, 0) < Math.min(buffer.size, MARKER)) this.lose('unsynchronised');
        if (this.searching) continue;
        return;
      }
      if (markerRun(buffer, 0) < MARKER) {
        this.lose('unsynchronised');
        continue;
      }
      const length = buffer.u16(MARKER);
      if (plausible(buffer, 0)) {
        if (buffer.size < length) return;
        yield this.take(length);
      } else {
        // A header that lies: nobody knows where its message ends.
        yield this.take(Math.min(buffer.size, HEADER));
        this.lose('unsynchronised');
      }
    }
  }
  /** Nothing more comes, or what comes next is not what comes next in the stream. */
  *broken(): Generator<Cut> {
    this.skipped += this.buffer.size;
    if (!this.searching) this.why = 'torn';
    this.buffer.skip(this.buffer.size);
    if (this.skipped > 0) yield this.takeSkipped();
    this.lose('middle');
  }
  private lose(why: SkippedWhy): void {
    this.searching = true;
    this.why = why;
  }
  /** To the next header that can be one, or to where one may begin. */
  private search(): void {
    const { buffer } = this;
    const last = buffer.size - HEADER;
    let at = 0;
    for (; at <= last; at++) {
      const run = markerRun(buffer, at);
      if (run < MARKER) at += run;
      else if (plausible(buffer, at)) {
        this.searching = false;
        break;
      }
    }
    if (this.searching) while (at < buffer.size && markerRun(buffer, at) < Math.min(buffer.size - at, MARKER)) at++;
    this.skipped += Math.min(at, buffer.size);
    this.drop(Math.min(at, buffer.size));
  }
  private takeSkipped(): Cut {
    const octets = this.skipped;
    this.skipped = 0;
    const first = this.runAt(this.buffer.offset - octets) ?? this.runs[0];
    const offset = first === undefined ? 0 : Math.max(0, first.offset + this.buffer.offset - octets - first.position);
    return { kind: 'skipped', octets, why: this.why, place: (octet) => ({ offset: offset + octet }) };
  }
  private take(length: number): Cut {
    const { buffer } = this;
    const from = buffer.offset;
    const bytes = buffer.bytes.subarray(buffer.start, buffer.start + length);
    const runs = this.runs.filter((run) => run.position < from + length);
    this.drop(length);
    const place: Place = (octet) => {
      const run = runs.findLast((r) => r.position <= from + octet) ?? runs[0];
      return { offset: run === undefined ? 0 : run.offset + (from + octet - run.position) };
    };
    return { kind: 'message', bytes, place };
  }
  private drop(n: number): void {
    this.buffer.skip(n);
    const from = this.buffer.offset;
    const keep = this.runs.findLastIndex((run) => run.position <= from);
    if (keep > 0 && this.skipped === 0) this.runs = this.runs.slice(keep);
    // While it searches, the first run says where the search began.
    else if (keep > 1) this.runs = [this.runs[0] as Run, ...this.runs.slice(keep)];
  }
  private runAt(position: number): Run | undefined {
    return this.runs.findLast((run) => run.position <= position);
  }
}

/** Octets of ones from `at` on, at most a marker's. */
function markerRun(buffer: InputBuffer, at: number): number {
  let n = 0;
  while (n < MARKER && at + n < buffer.size && buffer.u8(at + n) === 0xff) n++;
  return n;
}

function plausible(buffer: InputBuffer, at: number): boolean {
  const type = buffer.u8(at + MARKER + 2);
  return buffer.u16(at + MARKER) >= HEADER && type >= 1 && type <= HIGHEST_TYPE;
}
