/** pcap, the file that tcpdump -w writes: 24 octets, then per packet 16 and the octets of the frame. Pure; both byte orders,
 *  micro- and nanoseconds. draft-ietf-opsawg-pcap, cited below as "pcap" with its sections. */
import type { Captured, CaptureReader, Moment, ToldContext } from './captured.ts';
import { Connections } from './connections.ts';
import { InputBuffer } from './input-buffer.ts';
import { nothingFound } from './nothing-found.ts';
import { LINK_TYPES } from './packet.ts';

const FILE_HEADER = 24;
const PACKET_HEADER = 16;
/** What libpcap itself takes at most. */
export const MAX_FRAME = 1 << 18;

interface Magic {
  readonly littleEndian: boolean;
  readonly digits: 6 | 9;
}
const MAGICS: Readonly<Record<number, Magic>> = {
  2712847316: { littleEndian: false, digits: 6 },
  3569595041: { littleEndian: true, digits: 6 },
  2712812621: { littleEndian: false, digits: 9 },
  1295823521: { littleEndian: true, digits: 9 },
};
export const isPcap = (firstWord: number): boolean => firstWord in MAGICS;

export function pcapReader(port: number, told: ToldContext): CaptureReader {
  const input = new InputBuffer();
  const connections = new Connections(port, told);
  let head: (Magic & { readonly linkType: number }) | undefined;
  let failed = false;

  function* fail(text: string, at = 0): Generator<Captured> {
    failed = true;
    yield { kind: 'fault', fault: { offset: input.offset + at, text } };
  }
  function* push(chunk: Uint8Array): Generator<Captured> {
    if (failed) return;
    input.add(chunk);
    if (head === undefined) {
      if (input.size < FILE_HEADER) return;
      const magic = MAGICS[input.u32(0)] as Magic;
      // The upper bits say how long a frame check sequence is.
      const linkType = input.word(20, magic.littleEndian) & 0xffff;
      if (LINK_TYPES[linkType] === undefined) return yield* fail(unknownLink(linkType, 'pcap 4'), 20);
      head = { ...magic, linkType };
      input.skip(FILE_HEADER);
    }
    while (input.size >= PACKET_HEADER) {
      const { littleEndian, digits, linkType } = head;
      const captured = input.word(8, littleEndian);
      if (captured > MAX_FRAME) return yield* fail(`a packet of ${captured} octets, above ${MAX_FRAME} (pcap 5)`, 8);
      if (input.size < PACKET_HEADER + captured) return;
      const fraction = input.word(4, littleEndian);
      const time: Moment = {
        seconds: input.word(0, littleEndian),
        nanoseconds: digits === 9 ? fraction : fraction * 1000,
        digits,
      };
      const from = input.start + PACKET_HEADER;
      const frame = input.bytes.subarray(from, from + captured);
      yield* connections.frame(linkType, frame, input.offset + PACKET_HEADER, time);
      input.skip(PACKET_HEADER + captured);
    }
  }
  function* end(): Generator<Captured> {
    if (failed) return;
    yield* connections.end();
    if (head === undefined)
      yield* fail(`the file ends inside its header of ${FILE_HEADER} octets (pcap 4)`, input.size);
    else if (input.size > 0) yield* fail('the file ends inside a packet (pcap 5)', input.size);
    else yield* nothingFound(connections, port, input.offset);
  }
  return { push, end };
}

export const unknownLink = (linkType: number, section: string): string =>
  `link type ${linkType} is not read (${section}); those that are: ${Object.entries(LINK_TYPES)
    .map(([n, row]) => `${n} ${row.name}`)
    .join(', ')}`;
