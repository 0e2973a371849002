/** Lets a socket that brings a few octets all the time fill for some milliseconds, as a network card waits with its interrupt until
 *  there is more than one packet to tell of. Each read is a turn of the event loop, with a decision, a message to every peer and a
 *  write of its own; a table that churns costs several times less when a handful of its UPDATEs are read together. Who speaks after
 *  a silence is heard at once, and a whole table, whose reads are long, is never waited with. Pure. */

/** Reads follow each other when less lies between them. */
const GAP_MS = 2;
/** So many in a row: a session that comes up takes fewer. */
const READS_IN_A_ROW = 8;
/** As long as this, a read is worth its turn. */
const LONG_OCTETS = 16 * 1024;
/** Fewer save less, for a turn that begins with cold caches costs half a millisecond whatever it does; more would be noticed. */
const REST_MS = 20;

export class ReadingPace {
  private inARow = 0;
  /** When the last read was, or the rest after it is over. */
  private from = Number.NEGATIVE_INFINITY;

  /** A read of so many octets was worked on. Answers for how long the next one is to wait, in milliseconds. */
  restAfter(octets: number, now: number): number {
    const follows = now - this.from < GAP_MS && octets < LONG_OCTETS;
    this.from = now;
    if (!follows) this.inARow = 0;
    else if (this.inARow < READS_IN_A_ROW) this.inARow++;
    if (this.inARow < READS_IN_A_ROW) return 0;
    this.from += REST_MS;
    return REST_MS;
  }
}
