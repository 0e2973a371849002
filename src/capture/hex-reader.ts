/** Hex text to messages: bare messages with or without their marker, or whole packets as tcpdump -x and Wireshark copy them.
 *  Pure. All of the text is held, so it is bounded. */
import type { Captured, CaptureFault, CaptureReader, Place, ToldContext } from './captured.ts';
import { Connections } from './connections.ts';
import { type HexBlock, parseHexText } from './hex-text.ts';
import { MessageCutter } from './message-cutter.ts';
import { ipPacket, segmentOf } from './packet.ts';
import { UndirectedMessages } from './raw-reader.ts';

/** A megabyte of octets, as dumps write them; a larger thing is a file of its own kind. */
const MAX_TEXT = 4 << 20;
const ETHERNET = 1;
const RAW = 101;
const MARKER = new Uint8Array(16).fill(0xff);

/** Characters that a paste has: no octet below the blank but tab, line feed, form feed, carriage return; none above ASCII's. */
export const isText = (b: Uint8Array): boolean =>
  b.every((c) => (c >= 0x20 && c !== 0x7f) || (c >= 9 && c <= 13) || c >= 0x80);

export function hexReader(port: number, told: ToldContext): CaptureReader {
  const chunks: Uint8Array[] = [];
  let size = 0;
  return {
    push(chunk) {
      size += chunk.length;
      if (size <= MAX_TEXT) chunks.push(chunk.slice());
      return [];
    },
    *end() {
      if (size > MAX_TEXT) {
        const text = `hex text of ${size} octets, above ${MAX_TEXT}. Make it a file of packets or messages: xxd -r -p`;
        yield { kind: 'fault', fault: { offset: MAX_TEXT, text } };
      } else yield* decodeHex(Buffer.concat(chunks).toString('utf8'), port, told);
    },
  };
}

export function* decodeHex(text: string, port: number, told: ToldContext): Generator<Captured> {
  const blocks = parseHexText(text);
  if (!blocks.ok) {
    yield { kind: 'fault', fault: blocks.error };
    return;
  }
  const connections = new Connections(port, told);
  const messages = new UndirectedMessages(told);
  let before = 0;
  for (const block of blocks.value) {
    const at = before;
    const place: Place = (octet) => placeIn(block, at, octet - at);
    before += block.bytes.length;
    const linkType = packetIn(block.bytes);
    if (linkType !== undefined) yield* inText(connections.frame(linkType, block.bytes, at, undefined), place);
    else yield* messagesOf(block.bytes, at, place, messages);
  }
  // What the packets left unfinished lies in several blocks: its offset has to do.
  yield* inText(connections.end(), (offset) => ({ offset }));
}

/** Octets of the text count from its first; line and column say where it stands. */
function placeIn(block: HexBlock, before: number, octet: number): ReturnType<Place> {
  const i = Math.max(0, Math.min(octet, block.bytes.length - 1));
  return { offset: before + octet, line: block.lines[i] ?? 1, column: block.columns[i] ?? 1 };
}

/** Packets know offsets; here they become lines and columns. */
function* inText(items: Iterable<Captured>, place: Place): Generator<Captured> {
  for (const item of items)
    if (item.kind === 'fault') yield item;
    else yield { ...item, place: (octet) => place(item.place(octet).offset) };
}

/** The link type of a whole packet; undefined when it is none. */
function packetIn(bytes: Uint8Array): number | undefined {
  if (typeof ipPacket(bytes, 0, bytes.length, 0) !== 'string') return RAW;
  if (typeof segmentOf(ETHERNET, bytes, 0, bytes.length) !== 'string') return ETHERNET;
  return undefined;
}

function* messagesOf(
  bytes: Uint8Array,
  before: number,
  place: Place,
  messages: UndirectedMessages,
): Generator<Captured> {
  const { pieces, fault } = withMarkers(bytes, before);
  const cutter = new MessageCutter(false);
  for (const piece of pieces) cutter.add(piece.bytes, piece.offset);
  // A cut message is good until the next one is added: all are, already.
  yield* messages.captured(cutter.cut(), place);
  yield* messages.captured(cutter.broken(), place);
  if (fault !== undefined) yield { kind: 'fault', fault: { ...place(fault.offset), text: fault.text } };
}

interface Piece {
  readonly bytes: Uint8Array;
  readonly offset: number;
}
const ONE = MARKER.subarray(0, 1);
const hasMarker = (bytes: Uint8Array, at: number): boolean => MARKER.every((ff, i) => bytes[at + i] === ff);

/** Messages that begin with their length get the marker they lost: each of its octets lies where the length does. From a
 *  marker on, they have theirs. RFC 4271 4.1 */
function withMarkers(
  bytes: Uint8Array,
  before: number,
): { readonly pieces: readonly Piece[]; readonly fault?: CaptureFault } {
  const pieces: Piece[] = [];
  let at = 0;
  while (at < bytes.length) {
    const offset = before + at;
    if (hasMarker(bytes, at)) return { pieces: [...pieces, { bytes: bytes.subarray(at), offset }] };
    const length = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const type = bytes[at + 2] ?? 0;
    if (length < 19 || type < 1 || type > 5) return { pieces, fault: { offset, text: noMessage(at, length, type) } };
    for (let i = 0; i < MARKER.length; i++) pieces.push({ bytes: ONE, offset });
    const end = at + length - MARKER.length;
    pieces.push({ bytes: bytes.subarray(at, Math.min(end, bytes.length)), offset });
    at = end;
  }
  return { pieces };
}

const noMessage = (at: number, length: number, type: number): string =>
  at === 0
    ? 'neither a marker of sixteen ff, nor a length from 19 to 65535 and a type from 1 to 5 behind it, nor an IP packet (RFC 4271 4.1)'
    : `behind a message without marker stand a length of ${length} and a type of ${type} (RFC 4271 4.1)`;
