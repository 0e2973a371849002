/** Packets and capture files made by hand: TCP segments in IP in whatever carries it, as pcap and pcapng. */
import { parseIp } from '../../src/base/ip.ts';
import { writeIpv6 } from '../../src/base/ipv6.ts';

export interface SegmentFields {
  readonly from?: string;
  readonly to?: string;
  readonly fromPort?: number;
  readonly toPort?: number;
  readonly sequence?: number;
  /** 'S', 'F', 'R', 'A' */
  readonly flags?: string;
  readonly payload?: Uint8Array;
}

export const bytesOf = (...parts: (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((p) => [...p]));

export function u16(n: number): number[] {
  return [(n >>> 8) & 255, n & 255];
}
export const u32 = (n: number): number[] => [...u16(n >>> 16), ...u16(n & 0xffff)];

const FLAGS: Readonly<Record<string, number>> = { F: 1, S: 2, R: 4, P: 8, A: 16 };

export function tcp(s: SegmentFields): Uint8Array {
  const flags = [...(s.flags ?? 'A')].reduce((sum, f) => sum | (FLAGS[f] ?? 0), 0);
  const ports = [...u16(s.fromPort ?? 40000), ...u16(s.toPort ?? 179)];
  // Data offset 8: twelve octets of options, as Linux has them.
  const rest = [0x80, flags, ...u16(65535), 0, 0, 0, 0, 1, 1, 8, 10, ...u32(1), ...u32(2)];
  return bytesOf(ports, u32(s.sequence ?? 1), u32(0), rest, s.payload ?? []);
}

export function addressBytes(text: string): Uint8Array {
  const address = parseIp(text);
  if (address === undefined) throw new Error(text);
  if (typeof address === 'number') return Uint8Array.from(u32(address));
  const bytes = new Uint8Array(16);
  writeIpv6(bytes, 0, address);
  return bytes;
}

/** An IPv4 or IPv6 packet, by the address. */
export function ip(from: string, to: string, protocol: number, payload: Uint8Array): Uint8Array {
  const addresses = [addressBytes(from), addressBytes(to)];
  if (addresses[0]?.length === 4)
    return bytesOf([0x45, 0], u16(20 + payload.length), [0, 0, 0x40, 0, 64, protocol, 0, 0], ...addresses, payload);
  return bytesOf([0x60, 0, 0, 0], u16(payload.length), [protocol, 64], ...addresses, payload);
}

export const packet = (s: SegmentFields): Uint8Array => ip(s.from ?? '10.0.0.1', s.to ?? '10.0.0.2', 6, tcp(s));

export function ethernet(packetBytes: Uint8Array, tags: readonly number[] = []): Uint8Array {
  const type = (packetBytes[0] as number) >>> 4 === 6 ? 0x86dd : 0x0800;
  const vlans = tags.flatMap((tag) => [...u16(tag), 0, 7]);
  const frame = bytesOf(new Uint8Array(12).fill(2), vlans, u16(type), packetBytes);
  // The shortest frame on a cable has 60 octets without its check sequence.
  return frame.length < 60 ? bytesOf(frame, new Uint8Array(60 - frame.length)) : frame;
}

/** A classic pcap file, big-endian, microseconds; `captured` cuts every frame to so many octets. */
export function pcapFile(linkType: number, frames: readonly Uint8Array[], captured = 262144): Uint8Array {
  const header = [...u32(0xa1b2c3d4), ...u16(2), ...u16(4), ...u32(0), ...u32(0), ...u32(captured), ...u32(linkType)];
  return bytesOf(
    header,
    ...frames.map((f, i) => {
      const kept = f.subarray(0, captured);
      return bytesOf(u32(1_700_000_000 + i), u32(i), u32(kept.length), u32(f.length), kept);
    }),
  );
}

const word = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
const half = (n: number): number[] => [n & 255, n >>> 8];

function block(type: number, body: readonly number[]): Uint8Array {
  const padded = [...body, ...new Array<number>((4 - (body.length % 4)) % 4).fill(0)];
  const length = 12 + padded.length;
  return bytesOf(word(type), word(length), padded, word(length));
}

/** A little-endian pcapng file of one interface with a clock of nanoseconds. */
export function pcapngFile(linkType: number, frames: readonly Uint8Array[]): Uint8Array {
  const section = block(0x0a0d0d0a, [...word(0x1a2b3c4d), ...half(1), ...half(0), ...new Array<number>(8).fill(255)]);
  const resolution = [...half(9), ...half(1), 9, 0, 0, 0, 0, 0, 0, 0];
  const description = block(1, [...half(linkType), 0, 0, ...word(0), ...resolution]);
  const packets = frames.map((f, i) => {
    const time = 1_700_000_000_000_000_000n + BigInt(i) * 1001n;
    const head = [...word(0), ...word(Number(time >> 32n)), ...word(Number(time & 0xffffffffn))];
    return block(6, [...head, ...word(f.length), ...word(f.length), ...f]);
  });
  // A block that nobody knows stands between.
  return bytesOf(section, description, block(0x0bad, [1, 2, 3]), ...packets);
}
