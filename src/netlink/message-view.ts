/** One datagram of netlink messages, read by index. Pure. Nothing here copies; a decoder copies what it keeps.
 *  The kernel is trusted to be well-formed, yet every walk is bounded by lengths and ends on a step below four. */
import type { IpAddress } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { readIpv6 } from '../base/ipv6.ts';
import { NLM_F_ACK_TLVS, NLM_F_CAPPED, NLMSGERR_ATTR_MSG } from './constants.ts';
import { wireWord } from './message-writer.ts';

const text = new TextDecoder();

export class MessageView {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  /** Of the current message: where it begins, and where it ends. */
  at = 0;
  end = 0;
  private next = 0;
  private readonly length: number;

  /** `bytes` must begin at a multiple of four, as Node's own large buffers do; anything else is copied. */
  constructor(bytes: Uint8Array, length = bytes.length) {
    this.u8 = bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0 ? bytes : aligned(bytes);
    this.u16 = new Uint16Array(this.u8.buffer, this.u8.byteOffset, this.u8.length >> 1);
    this.u32 = new Uint32Array(this.u8.buffer, this.u8.byteOffset, this.u8.length >> 2);
    this.length = length;
  }
  /** Steps to the next message; false at the end. */
  advance(): boolean {
    const at = this.next;
    if (at + 16 > this.length) return false;
    const size = this.u32[at >> 2] as number;
    if (size < 16 || at + size > this.length) return false;
    this.at = at;
    this.end = at + size;
    this.next = at + ((size + 3) & ~3);
    return true;
  }
  get type(): number {
    return this.u16[(this.at + 4) >> 1] as number;
  }
  get flags(): number {
    return this.u16[(this.at + 6) >> 1] as number;
  }
  get seq(): number {
    return this.u32[(this.at + 8) >> 2] as number;
  }
  get portId(): number {
    return this.u32[(this.at + 12) >> 2] as number;
  }
  byte(at: number): number {
    return this.u8[at] as number;
  }
  half(at: number): number {
    return this.u16[at >> 1] as number;
  }
  word(at: number): number {
    return this.u32[at >> 2] as number;
  }
  ipv4(at: number): number {
    return wireWord(this.u32[at >> 2] as number);
  }
  /** 16 octets are IPv6, all else IPv4. */
  ip(at: number, length: number): IpAddress {
    return length === 16 ? readIpv6(this.u8, at) : ipv4(this.ipv4(at));
  }
  text(at: number, length: number): string {
    const nul = this.u8.subarray(at, at + length).indexOf(0);
    return text.decode(this.u8.subarray(at, at + (nul < 0 ? length : nul)));
  }
  /** The attributes between two offsets: type without its flag bits, where the payload is, and its length. */
  attributes(from: number, to: number, on: (type: number, at: number, length: number) => void): void {
    for (let at = from; at + 4 <= to; ) {
      const size = this.u16[at >> 1] as number;
      if (size < 4 || at + size > to) return;
      on((this.u16[(at + 2) >> 1] as number) & 0x3fff, at + 4, size - 4);
      at += (size + 3) & ~3;
    }
  }
  /** The errno of NLMSG_ERROR, or of the NLMSG_DONE that ends a dump: 0 is success. Positive. */
  errno(): number {
    return this.end - this.at >= 20 ? -(this.word(this.at + 16) | 0) : 0;
  }
  /** The kernel's own words on an NLMSG_ERROR: they follow the echoed header, and the echoed payload unless capped. */
  errorText(): string {
    if ((this.flags & NLM_F_ACK_TLVS) === 0) return '';
    const echoed = (this.flags & NLM_F_CAPPED) !== 0 ? 16 : this.word(this.at + 20);
    return this.extAck(this.at + 20 + ((echoed + 3) & ~3));
  }
  /** The same on an NLMSG_DONE: they follow the integer. */
  doneText(): string {
    return (this.flags & NLM_F_ACK_TLVS) === 0 ? '' : this.extAck(this.at + 20);
  }
  private extAck(from: number): string {
    let found = '';
    this.attributes(from, this.end, (type, at, length) => {
      if (type === NLMSGERR_ATTR_MSG) found = this.text(at, length);
    });
    return found;
  }
}

function aligned(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array((bytes.length + 3) & ~3);
  copy.set(bytes);
  return copy;
}
