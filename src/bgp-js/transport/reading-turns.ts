/** Who may go on reading in this turn of the event loop. Pure but for the two ports.
 *
 *  libuv reads a busy socket up to 32 times before it looks at anything else, and all busy sockets in one turn: where thirty
 *  peers send their tables that is one turn of seconds, and no keepalive leaves in it. So reading has a share of each turn.
 *  Whoever reads when it is used up is held, and one of the held is released in each later turn. A short read has emptied its
 *  socket, and costs little: its reader is never held. Of a thousand peers that join a mesh and say a few words each, holding made
 *  a thousand turns, each with its own decisions and its own way to the kernel. */
export interface Reader {
  hold(): void;
  release(): void;
}

const SHARE_MS = 4;
/** As long as one message may be where nothing else was negotiated. */
const SHORT_OCTETS = 4096;

export interface TurnPorts {
  readonly now: () => number;
  /** After what waits to be read now: the check phase of the loop. */
  readonly nextTurn: (run: () => void) => void;
}

export class ReadingTurns {
  private readonly ports: TurnPorts;
  private readonly held: Reader[] = [];
  private began = 0;
  private open = false;
  private waits = false;

  constructor(ports: TurnPorts) {
    this.ports = ports;
  }

  /** Before what was read is worked on. */
  begin(): void {
    if (this.open) return;
    this.open = true;
    this.began = this.ports.now();
    this.await();
  }

  /** After it; a reader whose turn is over is held. `octets`: what it read. */
  end(reader: Reader, octets: number): void {
    if (octets <= SHORT_OCTETS || this.ports.now() - this.began < SHARE_MS) return;
    this.held.push(reader);
    reader.hold();
  }

  private readonly next = (): void => {
    this.waits = false;
    this.open = false;
    this.held.shift()?.release();
    // The released one may have nothing to read: the others must not wait for it.
    if (this.held.length > 0) this.await();
  };

  private await(): void {
    if (this.waits) return;
    this.waits = true;
    this.ports.nextTurn(this.next);
  }
}
