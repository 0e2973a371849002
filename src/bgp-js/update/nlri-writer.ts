/** Routes of any family -> UPDATEs, written one behind the other into large pieces. Pure, hot: nothing is allocated per route or
 *  attribute set. RFC 4271 4.3, RFC 4760 3 and 4, RFC 7911 3. MP_REACH_NLRI goes first among the attributes, and no message has
 *  more than one kind of routes: RFC 7606 5.1. For IPv4 without path identifiers update-writer.ts is faster. */

import { FLAG_EXTENDED, FLAG_OPTIONAL } from '../attributes/attribute-row.ts';
import { MP_REACH, MP_UNREACH } from '../attributes/mp-reach.ts';
import { type Rewrite, rewriteAttributes } from '../attributes/rewrite.ts';
import { HEADER_LENGTH, UPDATE } from '../wire/message.ts';

/** The family and what was agreed on for it. */
export interface NlriWriterOptions {
  /** familyKey number */
  readonly family: number;
  /** Every route has a path identifier. RFC 7911 3 */
  readonly addPath: boolean;
  readonly maxMessageLength: number;
}

const PIECE = 256 * 1024;
/** Less than this is handed over as a copy, and the piece is used again. */
const SMALL = 64 * 1024;
const LENGTHS = HEADER_LENGTH + 2;
/** Where Total Path Attribute Length ends when nothing is withdrawn in the old field. */
const ATTRIBUTES = HEADER_LENGTH + 4;
const NO_TAIL = new Uint8Array(0);
const TWO_ZEROS = new Uint8Array(2);

/** Writes UPDATEs of one family to one peer: begin with reach(), unreach(), nlri() or withdrawn(), add routes, finish(). */
export class NlriWriter {
  private readonly take: (messages: Uint8Array) => void;
  private readonly options: NlriWriterOptions;
  private readonly limit: number;
  private readonly pieceLength: number;
  private piece: Uint8Array;
  /** What stands in front of the routes of each message, and behind them. */
  private readonly head: Uint8Array;
  private headLength = 0;
  /** The attributes of the set at hand. */
  private scratch: Uint8Array;
  private keptLength = 0;
  private tail: Uint8Array = NO_TAIL;
  private tailLength = 0;
  /** Where the length of the routes' own field or attribute stands in a message, 0 for none, and what it counts from. */
  private lengthAt = 0;
  private lengthFrom = 0;
  private hasAttributes = false;
  private at = 0;
  private start = 0;
  /** Where the routes of the message at hand begin; start when there is none. */
  private routes = 0;

  /** `take` gets whole messages, ready for BgpSession.send, in bytes that nobody writes to again. */
  constructor(take: (messages: Uint8Array) => void, options: NlriWriterOptions) {
    this.take = take;
    this.options = options;
    this.limit = options.maxMessageLength;
    this.pieceLength = Math.max(PIECE, 2 * this.limit);
    this.piece = new Uint8Array(this.pieceLength);
    this.head = new Uint8Array(this.limit);
    this.scratch = new Uint8Array(this.limit);
    this.head.fill(0xff, 0, 16);
    this.head[18] = UPDATE;
  }

  /** The routes that follow are announced in MP_REACH_NLRI with this next hop (as on the wire, without its length) and the
   *  attributes [start, end) of `from`, which hold neither MP_REACH_NLRI nor NEXT_HOP, changed by `how` if it is given.
   *  False: they leave no room for any route (RFC 4271 9.2), and nothing may follow. */
  reach(nextHop: Uint8Array, from: Uint8Array, start: number, end: number, how?: Rewrite): boolean {
    this.close();
    const room = this.limit - ATTRIBUTES - 4 - 5 - nextHop.length;
    if (!this.keep(from, start, end, how, room)) return false;
    this.multiprotocol(MP_REACH);
    const { head } = this;
    let at = this.headLength;
    head[at++] = nextHop.length;
    for (let i = 0; i < nextHop.length; i++) head[at++] = nextHop[i]!;
    head[at++] = 0;
    this.headLength = at;
    this.tail = this.scratch;
    this.tailLength = this.keptLength;
    return true;
  }

  /** The routes that follow are withdrawn in MP_UNREACH_NLRI. */
  unreach(): void {
    this.close();
    this.multiprotocol(MP_UNREACH);
    this.tail = NO_TAIL;
    this.tailLength = 0;
  }

  /** The routes that follow, of IPv4 unicast, are announced in the NLRI field. As reach() in all else. */
  nlri(from: Uint8Array, start: number, end: number, how?: Rewrite): boolean {
    this.close();
    if (!this.keep(from, start, end, how, this.limit - ATTRIBUTES)) return false;
    const { head, keptLength } = this;
    head[LENGTHS - 2] = 0;
    head[LENGTHS - 1] = 0;
    head[ATTRIBUTES - 2] = keptLength >>> 8;
    head[ATTRIBUTES - 1] = keptLength;
    for (let i = 0; i < keptLength; i++) head[ATTRIBUTES + i] = this.scratch[i]!;
    this.headLength = ATTRIBUTES + keptLength;
    this.hasAttributes = false;
    this.lengthAt = 0;
    this.tail = NO_TAIL;
    this.tailLength = 0;
    return true;
  }

  /** The routes that follow, of IPv4 unicast, are withdrawn in the Withdrawn Routes field. */
  withdrawn(): void {
    this.close();
    this.headLength = LENGTHS;
    this.hasAttributes = false;
    this.lengthAt = LENGTHS - 2;
    this.lengthFrom = LENGTHS;
    // Total Path Attribute Length.
    this.tail = TWO_ZEROS;
    this.tailLength = 2;
  }

  /** One route, [start, end) of `bytes` as on the wire without its path identifier. False: it fits into no message. */
  add(bytes: Uint8Array, start: number, end: number, pathId: number): boolean {
    if (!this.room(end - start)) return false;
    this.identifier(pathId);
    const { piece } = this;
    let at = this.at;
    for (let i = start; i < end; i++) piece[at++] = bytes[i]!;
    this.at = at;
    return true;
  }

  /** One prefix: its address are the 32-bit words at `at` of a column, one for IPv4 and four for IPv6. */
  prefix(words: Uint32Array, at: number, length: number, pathId: number): boolean {
    const octets = (length + 7) >>> 3;
    if (!this.room(1 + octets)) return false;
    this.identifier(pathId);
    const { piece } = this;
    let out = this.at;
    piece[out++] = length;
    for (let i = 0; i < octets; i++) piece[out++] = words[at + (i >>> 2)]! >>> (24 - 8 * (i & 3));
    this.at = out;
    return true;
  }

  /** Hands over what is left. The writer can be used again. */
  finish(): void {
    this.close();
    this.hand();
  }

  /** Puts the attributes aside; they come before the routes or behind them. */
  private keep(from: Uint8Array, start: number, end: number, how: Rewrite | undefined, room: number): boolean {
    const most = end - start + (how === undefined ? 0 : how.growth);
    if (most > this.scratch.length) this.scratch = new Uint8Array(2 * most);
    const { scratch } = this;
    if (how !== undefined) this.keptLength = rewriteAttributes(from, start, end, how, scratch, 0);
    else {
      for (let i = start; i < end; i++) scratch[i - start] = from[i]!;
      this.keptLength = end - start;
    }
    return this.keptLength <= room;
  }

  private multiprotocol(type: number): void {
    const { head } = this;
    const { family } = this.options;
    head[LENGTHS - 2] = 0;
    head[LENGTHS - 1] = 0;
    head[ATTRIBUTES] = FLAG_OPTIONAL | FLAG_EXTENDED;
    head[ATTRIBUTES + 1] = type;
    head[ATTRIBUTES + 4] = family >>> 16;
    head[ATTRIBUTES + 5] = family >>> 8;
    head[ATTRIBUTES + 6] = family;
    this.headLength = ATTRIBUTES + 7;
    this.hasAttributes = true;
    this.lengthAt = ATTRIBUTES + 2;
    this.lengthFrom = ATTRIBUTES + 4;
  }

  private identifier(pathId: number): void {
    if (!this.options.addPath) return;
    const { piece } = this;
    piece[this.at++] = pathId >>> 24;
    piece[this.at++] = pathId >>> 16;
    piece[this.at++] = pathId >>> 8;
    piece[this.at++] = pathId;
  }

  /** After it there is a message with room for a route of so many octets. */
  private room(octets: number): boolean {
    const needed = octets + (this.options.addPath ? 4 : 0) + this.tailLength;
    if (this.routes > this.start) {
      if (this.at - this.start + needed <= this.limit) return true;
      this.close();
    }
    if (this.headLength + needed > this.limit) return false;
    this.open();
    return true;
  }

  private open(): void {
    if (this.at + this.limit > this.pieceLength) this.hand();
    const { piece, head, headLength, at } = this;
    for (let i = 0; i < headLength; i++) piece[at + i] = head[i]!;
    this.start = at;
    this.at = at + headLength;
    this.routes = this.at;
  }

  /** Ends the message at hand, if there is one. */
  private close(): void {
    const { piece, start } = this;
    if (this.routes === start) return;
    if (this.lengthAt > 0) this.u16(start + this.lengthAt, this.at - start - this.lengthFrom);
    const { tail, tailLength } = this;
    for (let i = 0; i < tailLength; i++) piece[this.at + i] = tail[i]!;
    this.at += tailLength;
    if (this.hasAttributes) this.u16(start + ATTRIBUTES - 2, this.at - start - ATTRIBUTES);
    this.u16(start + 16, this.at - start);
    this.start = this.at;
    this.routes = this.at;
  }

  private u16(at: number, value: number): void {
    this.piece[at] = value >>> 8;
    this.piece[at + 1] = value;
  }

  private hand(): void {
    if (this.at === 0) return;
    if (this.at < SMALL) {
      this.take(this.piece.slice(0, this.at));
    } else {
      this.take(this.piece.subarray(0, this.at));
      this.piece = new Uint8Array(this.pieceLength);
    }
    this.at = 0;
    this.start = 0;
    this.routes = 0;
  }
}
