/** One captured frame down to its TCP segment. Pure. Link layers as tcpdump.org numbers them, VLAN tags, IPv4, IPv6 with its
 *  extension headers, and IP in IP, where a pod network carries BGP inside a tunnel. What is not TCP says what it is. */
import type { IpAddress } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { readIpv6 } from '../base/ipv6.ts';

export interface Segment {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly syn: boolean;
  /** No more octets come behind those of this segment. */
  readonly fin: boolean;
  readonly reset: boolean;
  /** The payload that was captured, in the bytes of the frame. */
  readonly start: number;
  readonly end: number;
  /** Octets of payload that were on the wire and are not in the capture (snapshot length). */
  readonly cut: number;
}

/** Why a frame has no segment for us; counted and told at the end. */
export type NoSegment = 'not IP' | 'not TCP' | 'an IP fragment' | 'cut off inside its headers';

interface LinkRow {
  readonly name: string;
  /** Length of the header, and where its EtherType stands; without one the first nibble tells the version. */
  readonly header: number;
  readonly etherType?: number;
}

/** tcpdump.org/linktypes */
export const LINK_TYPES: Readonly<Record<number, LinkRow>> = {
  0: { name: 'NULL', header: 4 }, // an address family in the byte order of the capturing host
  1: { name: 'ETHERNET', header: 14, etherType: 12 },
  12: { name: 'RAW', header: 0 }, // DLT_RAW of most systems
  14: { name: 'RAW', header: 0 }, // of OpenBSD
  101: { name: 'RAW', header: 0 },
  108: { name: 'LOOP', header: 4 },
  113: { name: 'LINUX_SLL', header: 16, etherType: 14 },
  228: { name: 'IPV4', header: 0 },
  229: { name: 'IPV6', header: 0 },
  276: { name: 'LINUX_SLL2', header: 20, etherType: 0 },
};

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
/** 802.1Q, 802.1ad, and what came before it. */
const VLAN = new Set([0x8100, 0x88a8, 0x9100]);
const MAX_TAGS = 4;
const MAX_TUNNELS = 4;
const MAX_EXTENSIONS = 8;

const TCP = 6;
const IPV4_IN_IP = 4;
const IPV6_IN_IP = 41;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
/** Hop-by-hop, routing, destination options, mobility: next header, length in eights less one. RFC 8200 4 */
const EXTENSIONS = new Set([0, 43, 60, 135]);

const u16 = (b: Uint8Array, at: number): number => ((b[at] as number) << 8) | (b[at + 1] as number);
const u32 = (b: Uint8Array, at: number): number => ((u16(b, at) << 16) | u16(b, at + 2)) >>> 0;

/** `length` octets of frame were captured from [start, end); the wire may have had more. */
export function segmentOf(linkType: number, bytes: Uint8Array, start: number, end: number): Segment | NoSegment {
  const row = LINK_TYPES[linkType];
  if (row === undefined) return 'not IP';
  let at = start + row.header;
  if (at >= end) return 'cut off inside its headers';
  if (row.etherType !== undefined) {
    let type = u16(bytes, start + row.etherType);
    for (let tags = 0; VLAN.has(type) && tags < MAX_TAGS; tags++) {
      if (at + 4 > end) return 'cut off inside its headers';
      type = u16(bytes, at + 2);
      at += 4;
    }
    if (type !== ETHERTYPE_IPV4 && type !== ETHERTYPE_IPV6) return 'not IP';
  }
  return ipPacket(bytes, at, end, 0);
}

/** A packet from its IP header on. */
export function ipPacket(bytes: Uint8Array, start: number, end: number, depth: number): Segment | NoSegment {
  if (start >= end) return 'cut off inside its headers';
  const version = (bytes[start] as number) >>> 4;
  if (version === 4) return ipv4Packet(bytes, start, end, depth);
  if (version === 6) return ipv6Packet(bytes, start, end, depth);
  return 'not IP';
}

function ipv4Packet(bytes: Uint8Array, start: number, end: number, depth: number): Segment | NoSegment {
  if (start + 20 > end) return 'cut off inside its headers';
  const header = ((bytes[start] as number) & 15) * 4;
  if (header < 20) return 'not IP';
  // More fragments, or not the first one. RFC 791 3.1
  if ((u16(bytes, start + 6) & 0x3fff) !== 0) return 'an IP fragment';
  // 0 is what segmentation offload leaves behind; then the frame's end is the packet's.
  const length = u16(bytes, start + 2);
  const wireEnd = length === 0 ? end : start + length;
  const source = ipv4(u32(bytes, start + 12));
  const destination = ipv4(u32(bytes, start + 16));
  return upper(bytes, start + header, end, wireEnd, bytes[start + 9] as number, source, destination, depth);
}

function ipv6Packet(bytes: Uint8Array, start: number, end: number, depth: number): Segment | NoSegment {
  if (start + 40 > end) return 'cut off inside its headers';
  const length = u16(bytes, start + 4);
  const wireEnd = length === 0 ? end : start + 40 + length;
  const source = readIpv6(bytes, start + 8);
  const destination = readIpv6(bytes, start + 24);
  let next = bytes[start + 6] as number;
  let at = start + 40;
  for (let i = 0; i < MAX_EXTENSIONS; i++) {
    if (next === FRAGMENT) return 'an IP fragment';
    const authentication = next === AUTHENTICATION;
    if (!authentication && !EXTENSIONS.has(next)) break;
    if (at + 8 > end) return 'cut off inside its headers';
    next = bytes[at] as number;
    // RFC 4302 2.2 counts fours less two.
    at += authentication ? ((bytes[at + 1] as number) + 2) * 4 : ((bytes[at + 1] as number) + 1) * 8;
  }
  return upper(bytes, at, end, wireEnd, next, source, destination, depth);
}

function upper(
  bytes: Uint8Array,
  at: number,
  end: number,
  wireEnd: number,
  protocol: number,
  source: IpAddress,
  destination: IpAddress,
  depth: number,
): Segment | NoSegment {
  // Ethernet pads short frames: what is behind the packet's own end is not of it.
  const captured = Math.min(end, wireEnd);
  if (protocol === IPV4_IN_IP || protocol === IPV6_IN_IP)
    return depth < MAX_TUNNELS ? ipPacket(bytes, at, captured, depth + 1) : 'not TCP';
  if (protocol !== TCP) return 'not TCP';
  if (at + 20 > captured) return 'cut off inside its headers';
  const header = ((bytes[at + 12] as number) >>> 4) * 4;
  if (header < 20) return 'not TCP';
  const start = at + header;
  if (start > wireEnd) return 'cut off inside its headers';
  const flags = bytes[at + 13] as number;
  const from = Math.min(start, captured);
  return {
    source,
    destination,
    sourcePort: u16(bytes, at),
    destinationPort: u16(bytes, at + 2),
    sequence: u32(bytes, at + 4),
    fin: (flags & 1) !== 0,
    syn: (flags & 2) !== 0,
    reset: (flags & 4) !== 0,
    start: from,
    end: captured,
    cut: wireEnd - Math.max(captured, start),
  };
}
