/** One direction of a TCP connection, put in order by sequence number. Pure, bounded: what is out of order waits in a
 *  limited room, and when that is full, what is missing is given up as a gap. RFC 9293 3.4; numbers are modulo 2^32. */

/** What waits for octets before it, per direction. A peer's window can be larger; its capture then has a gap anyhow. */
const MAX_WAITING_OCTETS = 1 << 20;
const MAX_WAITING_SEGMENTS = 1024;
/** The same for all streams of a capture together. */
const MAX_WAITING_TOGETHER = 64 << 20;

/** What waits in all streams of one capture. */
export interface WaitingRoom {
  octets: number;
}

/** Either octets that follow those before them (at `offset` of the input), or that `octets` are not in the capture. */
export type Ordered =
  | { readonly kind: 'octets'; readonly bytes: Uint8Array; readonly offset: number }
  | { readonly kind: 'gap'; readonly octets: number; readonly offset: number };

interface Waiting {
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Octets behind `bytes` that the capture has cut off. */
  readonly cut: number;
}

/** a - b on the circle of sequence numbers: negative when a comes first. */
const distance = (a: number, b: number): number => (a - b) | 0;

export class TcpStream {
  /** Sequence number of the SYN, if it was seen. */
  initial: number | undefined;
  private next: number | undefined;
  private waiting: Waiting[] = [];
  private waitingOctets = 0;
  private readonly room: WaitingRoom;

  constructor(room: WaitingRoom = { octets: 0 }) {
    this.room = room;
  }
  /** True once an octet or a SYN came. */
  get started(): boolean {
    return this.next !== undefined;
  }
  synchronise(sequence: number): void {
    this.initial = sequence;
    this.next = (sequence + 1) >>> 0;
  }
  /** `bytes` may be a view: what has to wait is copied. `cut` octets more were on the wire. */
  *segment(sequence: number, bytes: Uint8Array, offset: number, cut: number): Generator<Ordered> {
    if (bytes.length === 0 && cut === 0) return;
    this.next ??= sequence;
    if (distance(sequence, this.next) > 0) {
      this.wait({ sequence, bytes: bytes.slice(), offset, cut });
      while (this.tooMuch()) yield* this.giveUp();
      return;
    }
    yield* this.take({ sequence, bytes, offset, cut });
    yield* this.release();
  }
  /** Nothing more comes: what waits is handed out, with the gaps before it. */
  *end(): Generator<Ordered> {
    while (this.waiting.length > 0) yield* this.giveUp();
  }
  /** Forgets what waits: nobody wants it any more. */
  drop(): void {
    this.count(-this.waitingOctets);
    this.waiting = [];
  }
  private tooMuch(): boolean {
    if (this.waiting.length === 0) return false;
    const { room, waiting, waitingOctets } = this;
    return (
      waitingOctets > MAX_WAITING_OCTETS || waiting.length > MAX_WAITING_SEGMENTS || room.octets > MAX_WAITING_TOGETHER
    );
  }
  private count(octets: number): void {
    this.waitingOctets += octets;
    this.room.octets += octets;
  }
  private wait(segment: Waiting): void {
    const at = this.waiting.findLastIndex((w) => distance(w.sequence, segment.sequence) <= 0) + 1;
    this.waiting.splice(at, 0, segment);
    this.count(segment.bytes.length);
  }
  /** A segment that begins at `next` or before it: what is old of it is a retransmission. */
  private *take({ sequence, bytes, offset, cut }: Waiting): Generator<Ordered> {
    const next = this.next ?? sequence;
    const old = distance(next, sequence);
    if (old < bytes.length) {
      yield { kind: 'octets', bytes: bytes.subarray(old), offset: offset + old };
      this.next = (sequence + bytes.length) >>> 0;
    }
    const missing = cut === 0 ? 0 : bytes.length + cut - Math.max(old, bytes.length);
    if (missing > 0) {
      this.next = (sequence + bytes.length + cut) >>> 0;
      yield { kind: 'gap', octets: missing, offset: offset + bytes.length };
    }
  }
  private *release(): Generator<Ordered> {
    for (;;) {
      const [first] = this.waiting;
      if (first === undefined || this.next === undefined || distance(first.sequence, this.next) > 0) return;
      this.waiting.shift();
      this.count(-first.bytes.length);
      yield* this.take(first);
    }
  }
  private *giveUp(): Generator<Ordered> {
    const [first] = this.waiting;
    if (first === undefined || this.next === undefined) return;
    const octets = distance(first.sequence, this.next);
    this.next = first.sequence;
    if (octets > 0) yield { kind: 'gap', octets, offset: first.offset };
    yield* this.release();
  }
}
