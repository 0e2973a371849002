/** How long what was read is worked on in one turn of the event loop, and who comes next. Pure but for the two ports.
 *
 *  libuv reads a busy socket up to 32 times before it looks at anything else, and all busy sockets in one turn: where thirty
 *  peers send their tables that is one turn of seconds, and no keepalive leaves in it. So the work has a share of each turn.
 *  Whoever has octets left when it is used up keeps them, is held, and goes on in a later turn, behind those held before.
 *  A few octets cost little, and are worked on long after: of a thousand peers that join a mesh and say a few words each, holding
 *  made a thousand turns, each with its own decisions and its own way to the kernel. */
import type { TurnPorts } from './turn-ports.ts';

export interface Reader {
  /** Reads no more before release(). */
  hold(): void;
  /** Works on what it kept, and has itself held again if something is left. */
  release(): void;
}

const SHARE_MS = 4;
/** For those who have but a few octets. */
const LONG_SHARE_MS = 40;
/** As long as one message may be where nothing else was negotiated. */
const FEW_OCTETS = 4096;

export class ReadingTurns {
  private readonly ports: TurnPorts;
  private readonly held: Reader[] = [];
  private began = 0;
  private open = false;

  constructor(ports: TurnPorts) {
    this.ports = ports;
  }

  /** Before anything is worked on: the share is counted from the first such call of a turn. */
  begin(): void {
    if (this.open) return;
    this.open = true;
    this.began = this.ports.now();
    this.ports.nextTurn(this.next);
  }

  /** Whether the share of this turn is used up, for one who has `octets`. */
  isOver(octets: number): boolean {
    return this.ports.now() - this.began >= (octets <= FEW_OCTETS ? LONG_SHARE_MS : SHARE_MS);
  }

  /** `reader` goes on in a later turn. */
  hold(reader: Reader): void {
    this.begin();
    this.held.push(reader);
    reader.hold();
  }

  /** `reader` goes on when so many milliseconds have passed. */
  rest(reader: Reader, ms: number): void {
    reader.hold();
    this.ports.later(ms, () => reader.release());
  }

  /** In milliseconds. */
  now(): number {
    return this.ports.now();
  }

  private readonly next = (): void => {
    this.open = false;
    if (this.held.length === 0) return;
    this.begin();
    // Each once: who is held again waits for the turn after this one.
    for (let due = this.held.length; due > 0; due--) {
      this.held.shift()?.release();
      if (this.ports.now() - this.began >= SHARE_MS) return;
    }
  };
}
