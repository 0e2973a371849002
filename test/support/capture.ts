/** Packets seen on the wire, as values: frames read just as far as the tests look. */
import { formatIpv4 } from '../../src/base/ipv4.ts';

export interface Seen {
  readonly protocol: number;
  readonly source: string;
  readonly destination: string;
  /** UDP only. */
  readonly destinationPort?: number;
  /** Of IPIP (protocol 4) and of VXLAN (UDP 4789). */
  readonly inner?: Seen;
  /** VXLAN network identifier. */
  readonly vni?: number;
}

const ETHERNET = 14;
const ETHERTYPE_IPV4 = 0x0800;
const VXLAN_PORT = 4789;

/** The IPv4 packet of an Ethernet frame; undefined for another protocol. */
export function packetOf(frame: Buffer): Seen | undefined {
  return frame.length > ETHERNET && frame.readUInt16BE(12) === ETHERTYPE_IPV4
    ? ipv4Packet(frame.subarray(ETHERNET))
    : undefined;
}

/** IPv4 packets of a classic pcap file with Ethernet link type; others are left out. */
export function packetsOf(pcap: Buffer): Seen[] {
  const seen: Seen[] = [];
  // 24 bytes of file header, then per packet 16: seconds, microseconds, captured length, true length.
  for (let at = 24; at + 16 <= pcap.length; ) {
    const length = pcap.readUInt32LE(at + 8);
    const packet = packetOf(pcap.subarray(at + 16, at + 16 + length));
    if (packet) seen.push(packet);
    at += 16 + length;
  }
  return seen;
}

function ipv4Packet(p: Buffer): Seen {
  const header = (p.readUInt8(0) & 15) * 4;
  const basic = {
    protocol: p.readUInt8(9),
    source: formatIpv4(p.readUInt32BE(12)),
    destination: formatIpv4(p.readUInt32BE(16)),
  };
  const payload = p.subarray(header);
  if (basic.protocol === 4) return { ...basic, inner: ipv4Packet(payload) };
  if (basic.protocol !== 17) return basic;
  const destinationPort = payload.readUInt16BE(2);
  if (destinationPort !== VXLAN_PORT) return { ...basic, destinationPort };
  const vni = payload.readUInt32BE(12) >>> 8;
  const inner = payload.subarray(16);
  const packet = packetOf(inner);
  return { ...basic, destinationPort, vni, ...(packet && { inner: packet }) };
}
