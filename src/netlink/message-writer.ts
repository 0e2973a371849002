/** Netlink messages into one growing slab. Pure. Integers are in host order: the views do that for free, and every
 *  message and attribute begins at a multiple of four. An IPv4 address travels in network order: `wireWord`. */
import type { IpAddress } from '../base/ip.ts';
import { writeIpv6 } from '../base/ipv6.ts';
import { NLM_F_ACK, NLM_F_REQUEST } from './constants.ts';

const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
/** An address as the host-order word whose four bytes in memory are the address; its own inverse. */
export const wireWord = (a: number): number =>
  LITTLE_ENDIAN ? ((a >>> 24) | ((a >>> 8) & 0xff00) | ((a << 8) & 0xff0000) | ((a & 0xff) << 24)) >>> 0 : a >>> 0;

const NLA_F_NESTED = 0x8000;

export class MessageWriter {
  private u8: Uint8Array;
  private u16: Uint16Array;
  private u32: Uint32Array;
  length = 0;
  private message = 0;

  constructor(capacity = 4096) {
    const slab = new ArrayBuffer((capacity + 7) & ~7);
    this.u8 = new Uint8Array(slab);
    this.u16 = new Uint16Array(slab);
    this.u32 = new Uint32Array(slab);
  }
  private room(n: number): number {
    const at = this.length;
    if (at + n > this.u8.length) {
      const slab = new ArrayBuffer(Math.max(this.u8.length * 2, (at + n + 7) & ~7));
      const grown = new Uint8Array(slab);
      grown.set(this.u8.subarray(0, at));
      this.u8 = grown;
      this.u16 = new Uint16Array(slab);
      this.u32 = new Uint32Array(slab);
    }
    this.length = at + n;
    return at;
  }
  reset(): void {
    this.length = 0;
  }
  /** nlmsghdr; `end` fills its length in. */
  begin(type: number, flags: number, seq: number): void {
    const at = this.room(16);
    this.message = at;
    this.u16[(at + 4) >> 1] = type;
    this.u16[(at + 6) >> 1] = flags | NLM_F_REQUEST;
    this.u32[(at + 8) >> 2] = seq;
    this.u32[(at + 12) >> 2] = 0;
  }
  end(): void {
    this.u32[this.message >> 2] = this.length - this.message;
  }
  /** Four bytes that a family header begins with. */
  u8x4(a: number, b: number, c: number, d: number): void {
    const at = this.room(4);
    this.u8[at] = a;
    this.u8[at + 1] = b;
    this.u8[at + 2] = c;
    this.u8[at + 3] = d;
  }
  /** u16, u8, u8: the second half of ndmsg. */
  u16u8u8(a: number, b: number, c: number): void {
    const at = this.room(4);
    this.u16[at >> 1] = a;
    this.u8[at + 2] = b;
    this.u8[at + 3] = c;
  }
  u32Word(v: number): void {
    this.u32[this.room(4) >> 2] = v;
  }
  attributeU32(type: number, v: number): void {
    const at = this.room(8);
    this.u16[at >> 1] = 8;
    this.u16[(at + 2) >> 1] = type;
    this.u32[(at + 4) >> 2] = v;
  }
  attributeIpv4(type: number, address: number): void {
    this.attributeU32(type, wireWord(address));
  }
  /** In network order: 4 octets or 16. */
  attributeIp(type: number, address: IpAddress): void {
    if (typeof address !== 'bigint') {
      this.attributeIpv4(type, address);
      return;
    }
    const at = this.room(20);
    this.u16[at >> 1] = 20;
    this.u16[(at + 2) >> 1] = type;
    writeIpv6(this.u8, at + 4, address);
  }
  attributeU8(type: number, v: number): void {
    this.attributeBytes(type, Uint8Array.of(v));
  }
  /** In host order, as netlink has its 64-bit attributes. */
  attributeU64(type: number, v: number): void {
    this.attributeBytes(type, new Uint8Array(new BigUint64Array([BigInt(v)]).buffer));
  }
  attributeBytes(type: number, bytes: Uint8Array): void {
    const padded = (bytes.length + 3) & ~3;
    const at = this.room(4 + padded);
    this.u16[at >> 1] = 4 + bytes.length;
    this.u16[(at + 2) >> 1] = type;
    this.u8.fill(0, at + 4 + bytes.length, at + 4 + padded);
    this.u8.set(bytes, at + 4);
  }
  /** Text with the closing NUL the kernel wants. */
  attributeText(type: number, text: string): void {
    this.attributeBytes(type, new TextEncoder().encode(`${text}\0`));
  }
  /** An attribute around those that `body` writes. */
  nest(type: number, body: () => void, flag = NLA_F_NESTED): void {
    const at = this.room(4);
    this.u16[(at + 2) >> 1] = type | flag;
    body();
    this.u16[at >> 1] = this.length - at;
  }
  /** rtnexthop, an attribute list that begins with its own eight bytes. */
  nextHop(flags: number, ifindex: number, body: () => void): void {
    const at = this.room(8);
    this.u8[at + 2] = flags;
    this.u8[at + 3] = 0;
    this.u32[(at + 4) >> 2] = ifindex;
    body();
    this.u16[at >> 1] = this.length - at;
  }
  /** Octets as they are; their number must be a multiple of four. Answers where they begin. */
  octets(bytes: Uint8Array): number {
    const at = this.room(bytes.length);
    this.u8.set(bytes, at);
    return at;
  }
  patchWord(at: number, v: number): void {
    this.u32[at >> 2] = v;
  }
  /** The message that begins at `at` asks for an answer, also when all is well. */
  askAck(at: number): void {
    this.u16[(at + 6) >> 1] = (this.u16[(at + 6) >> 1] as number) | NLM_F_ACK;
  }
  /** What was written, to be changed in place. Valid until the next write. */
  get slab(): Uint8Array {
    return this.u8;
  }
  /** A view until the next write. */
  view(): Uint8Array {
    return this.u8.subarray(0, this.length);
  }
}
