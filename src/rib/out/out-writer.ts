/** Routes by id -> UPDATEs of one family. Pure, hot: one writer serves all groups of peers that agreed on the same form. The packers
 *  are bgp-js's; which of them is the faster one for a form is decided here. */
import { NlriWriter } from '../../bgp-js/update/nlri-writer.ts';
import { UpdateWriter } from '../../bgp-js/update/update-writer.ts';
import { IPV4_UNICAST_KEY, IPV6_UNICAST_KEY } from '../../bgp-js/wire/family.ts';
import type { OutFormat } from './out-encoder.ts';
import { PREFIX_AT, ROW_BITS } from '../tables/route-rows.ts';
import type { RouteTable } from '../tables/route-table.ts';

const NONE = -1;
/** Pieces of less than this together are sent as one. */
const SMALL = 64 * 1024;

export class OutWriter {
  private readonly table: RouteTable;
  private readonly isIpv6: boolean;
  private readonly any: NlriWriter;
  /** IPv4 without path identifiers. */
  private readonly plain: UpdateWriter | undefined;
  private usesPlain = false;
  private pieces: Uint8Array[] = [];
  private readonly words = new Uint32Array(4);

  constructor(table: RouteTable, { family, addPath, maxMessageLength }: OutFormat) {
    const take = (messages: Uint8Array): void => void this.pieces.push(messages);
    this.table = table;
    this.isIpv6 = family === 'ipv6';
    const key = this.isIpv6 ? IPV6_UNICAST_KEY : IPV4_UNICAST_KEY;
    this.any = new NlriWriter(take, { family: key, addPath, maxMessageLength });
    this.plain = this.isIpv6 || addPath ? undefined : new UpdateWriter(take, maxMessageLength);
  }

  /** The routes that follow are withdrawn. */
  withdraw(): void {
    this.usesPlain = false;
    if (this.isIpv6) this.any.unreach();
    else this.any.withdrawn();
  }

  /** The routes that follow are announced with these octets: a next hop of `hopLength`, 0 where it is among the attributes, and
   *  `length` of attributes behind it. They leave room for a route. */
  announce(bytes: Uint8Array, at: number, hopLength: number, length: number): void {
    const start = at + hopLength;
    this.usesPlain = hopLength === 0 && this.plain !== undefined;
    if (this.usesPlain) this.plain?.attributes(bytes, start, start + length);
    else if (hopLength === 0) this.any.nlri(bytes, start, start + length);
    else this.any.reach(bytes.subarray(at, start), bytes, start, start + length);
  }

  /** `path` is the table's: the identifier is one more, so that none is 0. */
  route(route: number, path: number): void {
    const { table, words } = this;
    if (this.isIpv6) {
      const { prefixes6 } = table;
      for (let i = 0; i < 4; i++) words[i] = prefixes6.wordOf(route, i);
      this.any.prefix(words, 0, prefixes6.lengthOf(route), path + 1);
      return;
    }
    const { prefixes } = table;
    if (this.usesPlain) {
      (this.plain as UpdateWriter).prefix(prefixes.addressOf(route), prefixes.lengthOf(route));
      return;
    }
    words[0] = prefixes.addressOf(route);
    this.any.prefix(words, 0, prefixes.lengthOf(route), path + 1);
  }

  /** The routes list[order[i]] for i in [from, to), without path identifiers. */
  routes(list: Int32Array, order: Int32Array, from: number, to: number): void {
    if (!this.usesPlain) {
      for (let i = from; i < to; i++) this.route(list[order[i]!]!, NONE);
      return;
    }
    const { table, plain } = this;
    const { at } = table.routes.cells;
    for (let i = from; i < to; i++) {
      const prefix = (list[order[i]!]! << ROW_BITS) + PREFIX_AT;
      (plain as UpdateWriter).prefix(at[prefix]!, at[prefix + 1]!);
    }
  }

  /** What was written since the last time, in pieces that nobody writes to again. */
  finish(): Uint8Array[] {
    this.any.finish();
    this.plain?.finish();
    const { pieces } = this;
    this.pieces = [];
    return pieces;
  }
}

/** One behind the other, in as few writes as pays. */
export function joined(first: readonly Uint8Array[], second: readonly Uint8Array[]): readonly Uint8Array[] {
  if (first.length === 0) return second;
  if (second.length === 0) return first;
  const all = [...first, ...second];
  const length = all.reduce((sum, piece) => sum + piece.length, 0);
  if (length > SMALL) return all;
  const one = new Uint8Array(length);
  let at = 0;
  for (const piece of all) {
    one.set(piece, at);
    at += piece.length;
  }
  return [one];
}
