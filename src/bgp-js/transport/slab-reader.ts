/** What one socket reads: worked on in pieces, as long as the turn of the event loop allows, and kept where it does not. */
import type { Connection } from '../session/session-types.ts';
import { ReadingPace } from './reading-pace.ts';
import { type Reader, ReadingTurns } from './reading-turns.ts';
import { Reassembly } from './reassembly.ts';
import { eventLoop } from './turn-ports.ts';

/** All sockets read into it: libuv reads and calls back at once, so it holds one read at a time, and reading makes no garbage.
 *  No Buffer: whoever keeps a part of it takes a copy by slice(), and a Buffer's slice() is a view, which the next read
 *  would change. */
const slab = new Uint8Array(64 * 1024);
/** Between two looks at the clock. A thousand routes are a millisecond or two. */
const PIECE_OCTETS = 8 * 1024;
const NOTHING = new Uint8Array(0);

/** For all sockets. */
const loopTurns = new ReadingTurns(eventLoop);

export class SlabReader {
  private readonly turns: ReadingTurns;
  private readonly reassembly = new Reassembly();
  private readonly pace = new ReadingPace();
  /** Of the last read: what no turn has had time for, from `at` on. */
  private kept: Uint8Array = NOTHING;
  private at = 0;
  /** Who stops and starts the socket. Before it is there nobody reads. */
  socket: Reader | undefined;
  /** Whose onData is asked. */
  to: Pick<Connection, 'onData'> = { onData: undefined };

  constructor(turns = loopTurns) {
    this.turns = turns;
  }

  /** For net.Socket. */
  readonly onread = {
    buffer: slab,
    callback: (length: number): boolean => {
      const { socket } = this;
      if (socket === undefined) return true;
      this.turns.begin();
      const at = this.work(slab, 0, length);
      if (at < length) this.keep(slab.slice(at, length));
      if (at < length || this.turns.isOver(length)) this.turns.hold(socket);
      else this.rest(socket, length);
      return true;
    },
  };

  /** Works on what was kept; false when it took the share of this turn, and goes on in another. */
  goOn(): boolean {
    const { kept, socket } = this;
    if (kept.length === 0 || socket === undefined) return true;
    this.turns.begin();
    this.at = this.work(kept, this.at, kept.length);
    if (this.at < kept.length) {
      this.turns.hold(socket);
      return false;
    }
    this.keep(NOTHING);
    return true;
  }

  /** The same at once, however long it takes. */
  finish(): void {
    const { kept, at } = this;
    this.keep(NOTHING);
    if (kept.length > 0) this.reassembly.take(kept, at, kept.length, this.to);
  }

  private rest(socket: Reader, length: number): void {
    const ms = this.pace.restAfter(length, this.turns.now());
    if (ms > 0) this.turns.rest(socket, ms);
  }

  private keep(bytes: Uint8Array): void {
    this.kept = bytes;
    this.at = 0;
  }

  /** Answers how far the turn went. */
  private work(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    while (at < end && !this.turns.isOver(end - at)) {
      const next = Math.min(end, at + PIECE_OCTETS);
      this.reassembly.take(bytes, at, next, this.to);
      at = next;
    }
    return at;
  }
}
