/** IP in IP, RFC 2003, between an Ethernet frame of a veth and an outer packet. Pure and hot: bytes are rewritten in place,
 *  answers are numbers, > 0 a length and < 0 a row of DROP.
 *
 *      frame   | to 6 | from 6 | 08 00 | inner IPv4 …            the destination MAC 02:00:a.b.c.d is the next hop a.b.c.d
 *      packet     | outer IPv4, 20 bytes  | inner IPv4 …         the inner packet never moves: 14 and 20 end at one place
 *
 *  The sockets are user-space-carrier.ts. */

export const ETHERNET_BYTES = 14;
export const OUTER_BYTES = 20;
/** Where a frame must lie in its buffer, so that the outer header fits before the inner packet. */
export const FRAME_AT = OUTER_BYTES - ETHERNET_BYTES;

const PROTOCOL_IPIP = 4;
const OUTER_TTL = 64;
const DF = 0x40;
const MORE_FRAGMENTS_OR_OFFSET = 0x3fff;
const ECN_MASK = 3;
const ECN_CE = 3;

/** Why a packet went no further; -1 is row 0. The names are what status shows. */
export const DROP = [
  'not-ipv4',
  'not-for-a-node',
  'unknown-remote',
  'malformed',
  'congestion-without-ecn',
  'outer-fragment',
] as const;
const NOT_IPV4 = -1;
const NOT_FOR_A_NODE = -2;
const UNKNOWN_REMOTE = -3;
const MALFORMED = -4;
const CE_WITHOUT_ECT = -5;
const OUTER_FRAGMENT = -6;
export const dropReason = (fault: number): string => DROP[-fault - 1] ?? 'unknown';

const u16 = (b: Uint8Array, at: number): number => (b[at]! << 8) | b[at + 1]!;
const u32 = (b: Uint8Array, at: number): number => ((u16(b, at) << 16) | u16(b, at + 2)) >>> 0;

/** Length of the IPv4 packet at `at`, of which `available` bytes are there; 0 when it is none. */
function innerLength(b: Uint8Array, at: number, available: number): number {
  if (available < 20 || b[at]! >>> 4 !== 4) return 0;
  const header = (b[at]! & 15) * 4;
  const total = u16(b, at + 2);
  return header >= 20 && header <= total && total <= available ? total : 0;
}

/** Turns the frame of `length` bytes at FRAME_AT into an outer packet at 0 and answers its length. TOS, with ECN, and DF are
 *  copied (RFC 2003 §3.1, RFC 6040 §4.1 normal mode); identification, checksum and length 0 are filled in by the kernel. */
export function encapsulate(b: Uint8Array, length: number, local: number, remotes: ReadonlySet<number>): number {
  if (length < ETHERNET_BYTES || u16(b, FRAME_AT + 12) !== 0x0800) return NOT_IPV4;
  const remote = u32(b, FRAME_AT + 2);
  if (u16(b, FRAME_AT) !== 0x0200) return NOT_FOR_A_NODE; // multicast, broadcast: ipip has none
  if (!remotes.has(remote)) return UNKNOWN_REMOTE; // a neighbour that outlived its node
  const inner = innerLength(b, OUTER_BYTES, length - ETHERNET_BYTES);
  if (inner === 0) return MALFORMED;
  b[0] = 0x45;
  b[1] = b[OUTER_BYTES + 1]!;
  b[2] = b[3] = b[4] = b[5] = 0;
  b[6] = b[OUTER_BYTES + 6]! & DF;
  b[7] = 0;
  b[8] = OUTER_TTL;
  b[9] = PROTOCOL_IPIP;
  b[10] = b[11] = 0;
  writeU32(b, 12, local);
  writeU32(b, 16, remote);
  return OUTER_BYTES + inner;
}

/** Where the frame made by `decapsulate` begins is `frameStart`. */
export const frameStart = (b: Uint8Array): number => (b[0]! & 15) * 4 - ETHERNET_BYTES;

/** Turns the outer packet of `length` bytes at 0 into a frame to `mac` that ends where the inner packet ends, and answers
 *  the inner length. The caller takes `frameStart` before, since the header is overwritten. The frame comes
 *  from 02:00:<remote>. What no known node sent is refused: the outer source is the tunnel's only guard. */
export function decapsulate(b: Uint8Array, length: number, mac: Uint8Array, remotes: ReadonlySet<number>): number {
  const start = frameStart(b);
  if (length < OUTER_BYTES || start < FRAME_AT) return MALFORMED;
  const remote = u32(b, 12);
  if (!remotes.has(remote)) return UNKNOWN_REMOTE;
  if ((u16(b, 6) & MORE_FRAGMENTS_OR_OFFSET) !== 0) return OUTER_FRAGMENT; // nothing here puts them together
  const at = start + ETHERNET_BYTES;
  const inner = innerLength(b, at, length - at);
  if (inner === 0) return MALFORMED;
  if ((b[1]! & ECN_MASK) === ECN_CE && !carryCongestion(b, at)) return CE_WITHOUT_ECT;
  b.set(mac, start);
  b[start + 6] = 0x02;
  b[start + 7] = 0x00;
  writeU32(b, start + 8, remote);
  b[start + 12] = 0x08;
  b[start + 13] = 0x00;
  return inner;
}

/** struct virtio_net_hdr: flags, gso_type, hdr_len, gso_size, csum_start, csum_offset. Offsets count from the frame's begin. */
export const VNET_BYTES = 10;
const NEEDS_CHECKSUM = 1;

/** Where the outer packet begins in what a packet socket received, after the header of its device: Ethernet's 14 bytes, or none
 *  at all (tun, WireGuard). 0: neither. The socket's filter has seen the address already, so this only finds the place. */
export function outerStart(b: Uint8Array, length: number, local: number): number {
  for (const at of [VNET_BYTES + ETHERNET_BYTES, VNET_BYTES])
    if (length >= at + OUTER_BYTES && b[at]! >>> 4 === 4 && b[at + 9] === PROTOCOL_IPIP && u32(b, at + 16) === local)
      return at;
  return 0;
}

/** Moves the virtio_net_hdr at 0 before the frame at `frame`, which lost `removed` bytes of what was before the checksum. Only
 *  what is still to be done is carried over. Its integers are little-endian. */
export function moveVnetHeader(b: Uint8Array, frame: number, removed: number): void {
  const at = frame - VNET_BYTES;
  const flags = b[0]! & NEEDS_CHECKSUM;
  const gsoType = b[1]!;
  const headers = b[2]! | (b[3]! << 8);
  const segment = b[4]! | (b[5]! << 8);
  const checksumAt = b[6]! | (b[7]! << 8);
  const offset = b[8]! | (b[9]! << 8);
  const less = (v: number): number => (v > removed ? v - removed : 0);
  b[at] = flags;
  b[at + 1] = gsoType;
  writeU16LE(b, at + 2, gsoType === 0 ? 0 : less(headers));
  writeU16LE(b, at + 4, segment);
  writeU16LE(b, at + 6, flags === 0 ? 0 : less(checksumAt));
  writeU16LE(b, at + 8, flags === 0 ? 0 : offset);
}

function writeU16LE(b: Uint8Array, at: number, v: number): void {
  b[at] = v & 255;
  b[at + 1] = v >>> 8;
}

/** The underlay marked the outer header: mark the inner one, or say that it cannot be marked. RFC 6040 §4.2. */
function carryCongestion(b: Uint8Array, at: number): boolean {
  const ecn = b[at + 1]! & ECN_MASK;
  if (ecn === 0) return false;
  const before = u16(b, at);
  b[at + 1] = b[at + 1]! | ECN_CE;
  // RFC 1624 eqn. 3: HC' = ~(~HC + ~m + m')
  let sum = (~u16(b, at + 10) & 0xffff) + (~before & 0xffff) + u16(b, at);
  sum = (sum & 0xffff) + (sum >>> 16);
  sum = (sum & 0xffff) + (sum >>> 16);
  b[at + 10] = (~sum >>> 8) & 255;
  b[at + 11] = ~sum & 255;
  return true;
}

function writeU32(b: Uint8Array, at: number, v: number): void {
  b[at] = v >>> 24;
  b[at + 1] = (v >>> 16) & 255;
  b[at + 2] = (v >>> 8) & 255;
  b[at + 3] = v & 255;
}
