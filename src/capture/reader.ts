/** Any input to its reader, by its first octets: pcap, pcapng, MRT, messages as they are on the wire, or hex text. Pure.
 *  A new format is a new line of `readerFor`. */
import type { Captured, CaptureReader, ToldContext } from './captured.ts';
import { hexReader, isText } from './hex-reader.ts';
import { isMrt, mrtReader } from './mrt.ts';
import { isPcap, pcapReader } from './pcap.ts';
import { isPcapng, pcapngReader } from './pcapng.ts';
import { rawReader } from './raw-reader.ts';

export interface ReaderOptions {
  /** TCP port that is BGP's in captures of packets. */
  readonly port: number;
  readonly told: ToldContext;
}

/** Enough to tell all formats from one another. */
const HEAD = 16;

/** Packed files, by their first octets, and what unpacks them. gzip is unpacked before it comes here. */
const PACKED: readonly (readonly [string, string, string])[] = [
  ['425a68', 'bzip2', 'bzcat'],
  ['fd377a585a', 'xz', 'xzcat'],
  ['28b52ffd', 'zstd', 'zstdcat'],
];

export function captureReader(options: ReaderOptions): CaptureReader {
  let head = new Uint8Array(0);
  let chosen: CaptureReader | undefined;
  const choose = function* (): Generator<Captured> {
    const reader = readerFor(head, options);
    if (typeof reader === 'string') {
      chosen = { push: () => [], end: () => [] };
      yield { kind: 'fault', fault: { offset: 0, text: reader } };
    } else {
      chosen = reader;
      yield* reader.push(head);
    }
  };
  return {
    *push(chunk) {
      if (chosen !== undefined) return yield* chosen.push(chunk);
      const joined = new Uint8Array(head.length + chunk.length);
      joined.set(head);
      joined.set(chunk, head.length);
      head = joined;
      if (head.length >= HEAD) yield* choose();
    },
    *end() {
      if (chosen === undefined) yield* choose();
      yield* chosen?.end() ?? [];
    },
  };
}

function readerFor(head: Uint8Array, { port, told }: ReaderOptions): CaptureReader | string {
  if (head.length === 0) return 'the input is empty';
  const word = head.length < 4 ? 0 : new DataView(head.buffer, head.byteOffset).getUint32(0);
  if (isPcap(word)) return pcapReader(port, told);
  if (isPcapng(word)) return pcapngReader(port, told);
  const digits = Buffer.from(head.subarray(0, 8)).toString('hex');
  const packed = PACKED.find(([magic]) => digits.startsWith(magic));
  if (packed !== undefined) return `the input is packed by ${packed[1]}: ${packed[2]} FILE | gingham decode -`;
  if (head.length >= HEAD && head.subarray(0, HEAD).every((octet) => octet === 0xff)) return rawReader(told);
  if (isText(head.subarray(0, HEAD))) return hexReader(port, told);
  if (isMrt(head)) return mrtReader(told);
  return `the input begins with ${digits}: neither pcap (a1b2c3d4), pcapng (0a0d0d0a), MRT (RFC 6396 2), a marker (RFC 4271 4.1) nor hex text`;
}
