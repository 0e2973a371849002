/** ICMP echo, bytes <-> values. Pure. RFC 792; the checksum is RFC 1071's. */
import { Writer } from '../../base/bytes.ts';
import { type Ipv4, ipv4 } from '../../base/ipv4.ts';

const ECHO_REPLY = 0;
const ECHO = 8;
const IPV4_HEADER = 20;

export interface EchoReply {
  readonly source: Ipv4;
  /** What is left of the sender's 64: one less per router on the way. */
  readonly ttl: number;
  readonly id: number;
  readonly sequence: number;
}

/** One's complement of the one's complement sum of 16-bit words; an odd last byte counts as its high half. */
export function internetChecksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** An echo request with 48 bytes of payload: 56 with the header, as ping(8) sends with -s 48. */
export function encodeEcho(id: number, sequence: number): Uint8Array {
  const w = new Writer(56);
  w.u8(ECHO);
  w.u8(0);
  w.u16(0);
  w.u16(id);
  w.u16(sequence);
  for (let i = 0; i < 48; i++) w.u8(i);
  const bytes = w.copy();
  const sum = internetChecksum(bytes);
  bytes[2] = sum >>> 8;
  bytes[3] = sum;
  return bytes;
}

/** What a raw ICMP socket receives: the IPv4 header comes with it. Anything but an echo reply is undefined. */
export function decodeEchoReply(packet: Uint8Array): EchoReply | undefined {
  const header = ((packet[0] ?? 0) & 15) * 4;
  if (header < IPV4_HEADER || packet.length < header + 8 || packet[header] !== ECHO_REPLY) return undefined;
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength);
  return {
    source: ipv4(view.getUint32(12)),
    ttl: view.getUint8(8),
    id: view.getUint16(header + 4),
    sequence: view.getUint16(header + 6),
  };
}
