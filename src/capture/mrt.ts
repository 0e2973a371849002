/** MRT, what route collectors and daemons' dump commands write. Pure. RFC 6396: BGP4MP and BGP4MP_ET (4.4), TABLE_DUMP_V2
 *  (4.3); RFC 8050 for ADD-PATH. A record of another kind is noted, once for each kind. */

import { ShortRead } from '../base/bytes.ts';
import type { Captured, CaptureReader, Moment, ToldContext } from './captured.ts';
import { InputBuffer } from './input-buffer.ts';
import { readBgp4mp } from './mrt-bgp4mp.ts';
import { TableDump } from './mrt-table-dump.ts';

const HEADER = 12;
/** A prefix seen by a thousand peers fits ten times. */
const MAX_RECORD = 16 << 20;

const BGP4MP = 16;
const BGP4MP_ET = 17;
const TABLE_DUMP_V2 = 13;
/** RFC 6396 4 and 5, and the registry. */
const TYPES: Readonly<Record<number, string>> = {
  0: 'NULL',
  1: 'START',
  2: 'DIE',
  3: 'I_AM_DEAD',
  4: 'PEER_DOWN',
  5: 'BGP',
  6: 'RIP',
  7: 'IDRP',
  8: 'RIPNG',
  9: 'BGP4PLUS',
  10: 'BGP4PLUS_01',
  11: 'OSPFv2',
  12: 'TABLE_DUMP',
  [TABLE_DUMP_V2]: 'TABLE_DUMP_V2',
  [BGP4MP]: 'BGP4MP',
  [BGP4MP_ET]: 'BGP4MP_ET',
  32: 'ISIS',
  33: 'ISIS_ET',
  48: 'OSPFv3',
  49: 'OSPFv3_ET',
};

/** Whether the first twelve octets can be a record: a known type, a length that one has, a subtype of few. */
export const isMrt = (b: Uint8Array): boolean => {
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  return b.length >= HEADER && view.getUint16(4) in TYPES && view.getUint16(6) < 32 && view.getUint32(8) <= MAX_RECORD;
};

export function mrtReader(told: ToldContext): CaptureReader {
  const input = new InputBuffer();
  const table = new TableDump();
  const noted = new Set<number>();
  let failed = false;

  function* fail(text: string, at = 0): Generator<Captured> {
    failed = true;
    yield { kind: 'fault', fault: { offset: input.offset + at, text } };
  }
  function* push(chunk: Uint8Array): Generator<Captured> {
    if (failed) return;
    input.add(chunk);
    while (input.size >= HEADER) {
      const [type, subtype, length] = [input.u16(4), input.u16(6), input.u32(8)];
      if (!(type in TYPES)) return yield* fail(`record type ${type} is unknown (RFC 6396 4)`, 4);
      if (length > MAX_RECORD) return yield* fail(`a record of ${length} octets, above ${MAX_RECORD} (RFC 6396 2)`, 8);
      if (input.size < HEADER + length) return;
      const from = input.start + HEADER;
      const body = input.bytes.subarray(from, from + length);
      yield* record(type, subtype, body, input.offset + HEADER, input.u32(0));
      if (failed) return;
      input.skip(HEADER + length);
    }
  }
  function* record(
    type: number,
    subtype: number,
    body: Uint8Array,
    offset: number,
    seconds: number,
  ): Generator<Captured> {
    const extended = type === BGP4MP_ET;
    // RFC 6396 3: the microseconds are the first four octets of the body, and counted by its length.
    if (extended && body.length < 4) return yield* fail('a record too short for its microseconds (RFC 6396 3)', 8);
    const microseconds = extended ? new DataView(body.buffer, body.byteOffset).getUint32(0) : 0;
    const time: Moment = { seconds, nanoseconds: microseconds * 1000, digits: extended ? 6 : 0 };
    const at = extended ? 4 : 0;
    const origin = { body: body.subarray(at), offset: offset + at, time };
    try {
      const read =
        type === BGP4MP || extended
          ? readBgp4mp(subtype, origin, told)
          : type === TABLE_DUMP_V2
            ? table.read(subtype, origin)
            : undefined;
      if (read !== undefined) yield* read;
      else yield* unknown(type, subtype, offset);
    } catch (error) {
      if (!(error instanceof ShortRead)) throw error;
      const section = type === TABLE_DUMP_V2 ? '4.3' : '4.4';
      yield* fail(
        `record ${TYPES[type]} subtype ${subtype} of ${body.length} octets ends inside a field: ${error.message} (RFC 6396 ${section})`,
        HEADER,
      );
    }
  }
  function* unknown(type: number, subtype: number, offset: number): Generator<Captured> {
    if (noted.has(type * 65536 + subtype) || noted.size > 64) return;
    noted.add(type * 65536 + subtype);
    const text = `records of type ${type} (${TYPES[type]}) subtype ${subtype} are passed over: RFC 6396 4.3 and 4.4 are read`;
    yield { kind: 'note', text, place: (octet) => ({ offset: offset + octet }) };
  }
  function* end(): Generator<Captured> {
    if (!failed && input.size > 0) yield* fail('the file ends inside a record (RFC 6396 2)', input.size);
  }
  return { push, end };
}
