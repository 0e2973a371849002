/** pcapng, the file that Wireshark and dumpcap write: blocks of type, length, body, length again. Pure; sections of either
 *  byte order, clocks of any resolution. draft-ietf-opsawg-pcapng, cited below as "pcapng" with its sections. */
import type { Captured, CaptureReader, Moment, ToldContext } from './captured.ts';
import { Connections } from './connections.ts';
import { InputBuffer } from './input-buffer.ts';
import { nothingFound } from './nothing-found.ts';
import { LINK_TYPES } from './packet.ts';
import { MAX_FRAME, unknownLink } from './pcap.ts';

const SECTION = 0x0a0d0d0a;
const INTERFACE = 1;
const PACKET = 2; // obsolete, still met
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;
/** A frame with all that may stand round it. */
const MAX_BLOCK = 4 * MAX_FRAME;
const MAX_INTERFACES = 1024;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

export const isPcapng = (firstWord: number): boolean => firstWord === SECTION;

interface Interface {
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of its clock per second. */
  readonly resolution: bigint;
  readonly digits: number;
  readonly offsetSeconds: number;
}

export function pcapngReader(port: number, told: ToldContext): CaptureReader {
  const input = new InputBuffer();
  const connections = new Connections(port, told);
  let little = true;
  let interfaces: Interface[] = [];
  let failed = false;

  function* fail(text: string, at = 0): Generator<Captured> {
    failed = true;
    yield { kind: 'fault', fault: { offset: input.offset + at, text } };
  }
  function* push(chunk: Uint8Array): Generator<Captured> {
    if (failed) return;
    input.add(chunk);
    while (input.size >= 12) {
      const section = input.u32(0) === SECTION;
      if (section) {
        if (input.word(8, true) === BYTE_ORDER_MAGIC) little = true;
        else if (input.word(8, false) === BYTE_ORDER_MAGIC) little = false;
        else return yield* fail('the byte-order magic of a section is not 1a2b3c4d (pcapng 4.1)', 8);
      }
      const length = input.word(4, little);
      if (length < 12 || length % 4 !== 0 || length > MAX_BLOCK)
        return yield* fail(`a block of ${length} octets: not a multiple of 4 from 12 to ${MAX_BLOCK} (pcapng 3.1)`, 4);
      if (input.size < length) return;
      if (input.word(length - 4, little) !== length)
        return yield* fail(`the length behind the block is not the ${length} before it (pcapng 3.1)`, length - 4);
      if (section) interfaces = [];
      else yield* block(input.word(0, little), length);
      if (failed) return;
      input.skip(length);
    }
  }
  function* block(type: number, length: number): Generator<Captured> {
    if (type === INTERFACE) return yield* addInterface(length);
    if (type !== ENHANCED_PACKET && type !== PACKET && type !== SIMPLE_PACKET) return;
    const simple = type === SIMPLE_PACKET;
    const header = simple ? 12 : 28;
    if (length < header + 4) return yield* fail('a packet block is too short for its header (pcapng 4.3)');
    const index = simple ? 0 : type === PACKET ? input.half(8, little) : input.word(8, little);
    const on = interfaces[index];
    if (on === undefined)
      return yield* fail(`a packet of interface ${index}, which no block describes (pcapng 4.2)`, 8);
    const wire = input.word(simple ? 8 : 24, little);
    const room = length - header - 4;
    const captured = simple ? Math.min(wire, on.snapLength, room) : input.word(20, little);
    if (captured > room)
      return yield* fail(`${captured} octets of a packet in a block with room for ${room} (pcapng 4.3)`, 20);
    const from = input.start + header;
    const frame = input.bytes.subarray(from, from + captured);
    const time = simple ? undefined : moment(on, input.word(12, little), input.word(16, little));
    yield* connections.frame(on.linkType, frame, input.offset + header, time);
  }
  function* addInterface(length: number): Generator<Captured> {
    if (length < 20) return yield* fail('an interface description is too short (pcapng 4.2)');
    const linkType = input.half(8, little);
    if (LINK_TYPES[linkType] === undefined) return yield* fail(unknownLink(linkType, 'pcapng 4.2'), 8);
    if (interfaces.length >= MAX_INTERFACES) return yield* fail(`more than ${MAX_INTERFACES} interfaces`);
    const snapLength = input.word(12, little) || MAX_FRAME;
    let [resolution, digits, offsetSeconds] = [1_000_000n, 6, 0];
    for (let at = 16; at + 4 <= length - 4; ) {
      const code = input.half(at, little);
      const octets = input.half(at + 2, little);
      if (code === 0) break;
      if (code === 9 && octets === 1) [resolution, digits] = clockOf(input.u8(at + 4));
      if (code === 14 && octets === 8) offsetSeconds = input.word(at + (little ? 4 : 8), little);
      at += 4 + Math.ceil(octets / 4) * 4;
    }
    interfaces.push({ linkType, snapLength, resolution, digits, offsetSeconds });
  }
  function* end(): Generator<Captured> {
    if (failed) return;
    yield* connections.end();
    if (input.size > 0) yield* fail('the file ends inside a block (pcapng 3.1)', input.size);
    else yield* nothingFound(connections, port, input.offset);
  }
  return { push, end };
}

/** if_tsresol: the highest bit tells powers of 2 from powers of 10. pcapng 4.2 */
function clockOf(value: number): [bigint, number] {
  if ((value & 0x80) !== 0) return [1n << BigInt(Math.min(value & 0x7f, 63)), 9];
  const power = Math.min(value, 18);
  return [10n ** BigInt(power), Math.min(9, Math.ceil(power / 3) * 3)];
}

function moment(on: Interface, high: number, low: number): Moment {
  const units = (BigInt(high) << 32n) | BigInt(low);
  const nanoseconds = Number(((units % on.resolution) * 1_000_000_000n) / on.resolution);
  return { seconds: Number(units / on.resolution) + on.offsetSeconds, nanoseconds, digits: on.digits };
}
