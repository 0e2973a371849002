/** Writing: a million routes of 150,000 attribute sets for a peer in another AS, next hop and AS path rewritten: grouped by
 *  set, packed to 4096 octets. And the same by values: decode, change, encode. */
import { ipv4 } from '../src/base/ipv4.ts';
import { prependAsn } from '../src/bgp-js/attributes/as-path.ts';
import { decodeAttributes, encodeAttributes } from '../src/bgp-js/attributes/attributes.ts';
import { ebgpRewrite } from '../src/bgp-js/attributes/rewrite.ts';
import { forEachPrefix, ReusableUpdate } from '../src/bgp-js/update/update.ts';
import { UpdateWriter } from '../src/bgp-js/update/update-writer.ts';
import { frameLength } from '../src/bgp-js/wire/framer.ts';
import { quickest } from './quickest.ts';
import type { Table } from './table.ts';

const NEXT_HOP = ipv4(0x0a000002);
const ASN = 64_512;

/** The sets as a speaker keeps them: as received, one behind the other. */
export interface FlatSets {
  readonly bytes: Uint8Array;
  /** One more than there are sets. */
  readonly offsets: Int32Array;
}
export function flatSets(table: Table): FlatSets {
  const offsets = new Int32Array(table.attributes.length + 1);
  for (const [i, set] of table.attributes.entries()) offsets[i + 1] = (offsets[i] as number) + set.length;
  const bytes = new Uint8Array(offsets[table.attributes.length] as number);
  for (const [i, set] of table.attributes.entries()) bytes.set(set, offsets[i]);
  return { bytes, offsets };
}

interface Grouped {
  readonly addresses: Uint32Array;
  readonly lengths: Uint8Array;
  /** Where each set's routes begin; one more than there are sets. */
  readonly starts: Int32Array;
}

/** Routes in the order of their sets: a counting sort that carries them along. Reading them through an order instead waits for
 *  memory at each. */
function grouped({ set, addresses, lengths }: Table, sets: number): Grouped {
  const starts = new Int32Array(sets + 1);
  for (let i = 0; i < set.length; i++) starts[(set[i] as number) + 1]!++;
  for (let k = 0; k < sets; k++) starts[k + 1]! += starts[k] as number;
  const next = starts.slice();
  const to = { addresses: new Uint32Array(set.length), lengths: new Uint8Array(set.length), starts };
  for (let i = 0; i < set.length; i++) {
    const at = next[set[i] as number]!++;
    to.addresses[at] = addresses[i] as number;
    to.lengths[at] = lengths[i] as number;
  }
  return to;
}

function write(table: Table, sets: FlatSets, take: (messages: Uint8Array) => void): void {
  const { addresses, lengths, starts } = grouped(table, table.attributes.length);
  const how = ebgpRewrite(NEXT_HOP, ASN);
  const writer = new UpdateWriter(take);
  for (let k = 0; k + 1 < starts.length; k++) {
    const from = starts[k] as number;
    const to = starts[k + 1] as number;
    if (from === to) continue;
    writer.attributes(sets.bytes, sets.offsets[k] as number, sets.offsets[k + 1] as number, how);
    for (let i = from; i < to; i++) writer.prefix(addresses[i] as number, lengths[i] as number);
  }
  writer.finish();
}

/** The same change of each set by way of its values. */
function changeByValues(table: Table, sets: FlatSets): number {
  let octets = 0;
  for (let k = 0; k < table.attributes.length; k++) {
    const { attributes } = decodeAttributes(sets.bytes, sets.offsets[k] as number, sets.offsets[k + 1] as number, {
      fourOctetAs: true,
      ibgp: false,
    });
    if (attributes === undefined) throw new Error('a set that does not decode');
    octets += encodeAttributes(
      { ...attributes, asPath: prependAsn(attributes.asPath, ASN), nextHop: NEXT_HOP },
      { fourOctetAs: true },
    ).length;
  }
  return octets;
}

export interface EncodeFigures {
  readonly milliseconds: number;
  readonly groupingMilliseconds: number;
  readonly byValuesMilliseconds: number;
  readonly octets: number;
  readonly messages: number;
}

export function encodeFigures(table: Table): EncodeFigures {
  const sets = flatSets(table);
  let pieces: Uint8Array[] = [];
  const seconds = quickest(() => {
    pieces = [];
    write(table, sets, (messages) => pieces.push(messages));
  });
  return {
    milliseconds: seconds * 1e3,
    groupingMilliseconds: quickest(() => void grouped(table, table.attributes.length)) * 1e3,
    byValuesMilliseconds: quickest(() => void changeByValues(table, sets)) * 1e3,
    octets: pieces.reduce((sum, piece) => sum + piece.length, 0),
    messages: readBack(table, pieces),
  };
}

/** Counts the messages, and sees that every route is there. */
function readBack(table: Table, pieces: readonly Uint8Array[]): number {
  const update = new ReusableUpdate();
  let messages = 0;
  let prefixes = 0;
  let digest = 0;
  const count = (address: number, length: number): void => {
    prefixes++;
    digest = (digest + Math.imul(address, 31) + length) | 0;
  };
  for (const piece of pieces)
    for (let at = 0; at < piece.length; messages++) {
      const length = frameLength(piece, at, piece.length);
      if (length <= 0 || update.read(piece, at, at + length) !== undefined)
        throw new Error(`message ${messages} is none`);
      forEachPrefix(piece, update.nlriStart, update.nlriEnd, count);
      at += length;
    }
  let wanted = 0;
  for (let i = 0; i < table.addresses.length; i++)
    wanted = (wanted + Math.imul(table.addresses[i] as number, 31) + (table.lengths[i] as number)) | 0;
  if (prefixes !== table.addresses.length || digest !== wanted)
    throw new Error(`${prefixes} routes came back, or others`);
  return messages;
}
