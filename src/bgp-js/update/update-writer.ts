/** A table on its way to a peer: UPDATEs written one behind the other into large pieces, attributes rewritten in place. Pure,
 *  hot: nothing is allocated per route or per attribute set, one piece per quarter megabyte. RFC 4271 4.3 and 9.2.
 *  For a few routes packer.ts is the simpler way. */
import { type Rewrite, rewriteAttributes } from '../attributes/rewrite.ts';
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH, UPDATE } from '../wire/message.ts';

/** No attributes before, no withdrawn routes: header and the two lengths. */
const FIXED = HEADER_LENGTH + 4;
const LONGEST_PREFIX = 5;
/** Room for the longest message twice, and for attributes that turn out to be longer than any. */
const PIECE = 256 * 1024;
/** Less than this is handed over as a copy, and the piece is used again. */
const SMALL = 64 * 1024;
/** The last prefix is written with all its octets. */
const SLACK = LONGEST_PREFIX;

/** Writes the IPv4 unicast routes of a table to one peer: attributes(), then prefix() for each route, and finish() at the end. */
export class UpdateWriter {
  private readonly take: (messages: Uint8Array) => void;
  private readonly limit: number;
  private readonly pieceLength: number;
  private piece: Uint8Array;
  /** Where the next octet goes; where its message starts; and where that one's routes start. */
  private at = 0;
  private start = 0;
  private routes = 0;

  /** `take` gets whole messages, ready for BgpSession.send, in bytes that nobody writes to again. */
  constructor(take: (messages: Uint8Array) => void, maxMessageLength: number = MAX_MESSAGE_LENGTH) {
    this.take = take;
    this.limit = maxMessageLength;
    this.pieceLength = PIECE;
    this.piece = new Uint8Array(this.pieceLength + SLACK);
  }

  /** The routes that follow have the set [start, end) of `from`, changed by `how` if it is given. False: it leaves no room for
   *  a route, and they must not be announced (RFC 4271 9.2); nothing may follow before another set. */
  attributes(from: Uint8Array, start: number, end: number, how?: Rewrite): boolean {
    this.close();
    const most = FIXED + end - start + (how === undefined ? 0 : how.growth);
    if (this.at + Math.max(most, this.limit) > this.pieceLength) this.hand();
    if (most > this.pieceLength) return false;
    const { piece } = this;
    const at = this.at;
    this.start = at;
    for (let i = at; i < at + 16; i++) piece[i] = 0xff;
    piece[at + 18] = UPDATE;
    piece[at + 19] = 0;
    piece[at + 20] = 0;
    if (how === undefined) {
      for (let i = start; i < end; i++) piece[at + FIXED + i - start] = from[i]!;
      this.routes = at + FIXED + end - start;
    } else {
      this.routes = rewriteAttributes(from, start, end, how, piece, at + FIXED);
    }
    const length = this.routes - at - FIXED;
    if (FIXED + length + LONGEST_PREFIX > this.limit) {
      this.routes = at;
      return false;
    }
    piece[at + 21] = length >>> 8;
    piece[at + 22] = length;
    this.at = this.routes;
    return true;
  }

  /** One route of the set at hand; octets beyond the length are not written. */
  prefix(address: number, length: number): void {
    const octets = (length + 7) >>> 3;
    if (this.at - this.start + 1 + octets > this.limit) this.another();
    const { piece } = this;
    const at = this.at;
    // All five, whatever the length: lengths come in no order, and a wrong guess of the processor costs more than four writes.
    // What is too many is written over next, and behind the last message lies SLACK.
    piece[at] = length;
    piece[at + 1] = address >>> 24;
    piece[at + 2] = address >>> 16;
    piece[at + 3] = address >>> 8;
    piece[at + 4] = address;
    this.at = at + 1 + octets;
  }

  /** Hands over what is left. The writer can be used again. */
  finish(): void {
    this.close();
    this.hand();
  }

  /** Ends the message at hand; one without a route is none. */
  private close(): void {
    if (this.at === this.routes) this.at = this.start;
    const length = this.at - this.start;
    if (length > 0) {
      this.piece[this.start + 16] = length >>> 8;
      this.piece[this.start + 17] = length;
    }
    this.start = this.at;
    this.routes = this.at;
  }

  /** The next message of the same set: its beginning is that of the one before. */
  private another(): void {
    const from = this.start;
    const length = this.routes - from;
    this.close();
    const old = this.piece;
    if (this.at + this.limit > this.pieceLength) this.hand();
    this.start = this.at;
    if (old === this.piece) old.copyWithin(this.at, from, from + length);
    else this.piece.set(old.subarray(from, from + length), this.at);
    this.at += length;
    this.routes = this.at;
  }

  private hand(): void {
    if (this.at === 0) return;
    if (this.at < SMALL) {
      this.take(this.piece.slice(0, this.at));
    } else {
      this.take(this.piece.subarray(0, this.at));
      this.piece = new Uint8Array(this.pieceLength + SLACK);
    }
    this.at = 0;
    this.start = 0;
    this.routes = 0;
  }
}
