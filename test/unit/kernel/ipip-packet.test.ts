/** Frames to outer packets and back, byte by byte. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decapsulate,
  dropReason,
  ETHERNET_BYTES,
  encapsulate,
  FRAME_AT,
  frameStart,
  moveVnetHeader,
  OUTER_BYTES,
  outerStart,
  VNET_BYTES,
} from '../../../src/kernel/tunnels/ipip-packet.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const show = (b: Uint8Array): string => Buffer.from(b).toString('hex');

const LOCAL = 0xc0a82265; // 192.168.34.101
const REMOTE = 0xc0a82266; // 192.168.34.102
const REMOTES = new Set([REMOTE]);
const MAC = hex('02 00 c0 a8 22 65');

//  45 28 0018 1234 4000 3f 01 7a..  10.244.1.2 > 10.244.2.2, TOS 0x28, DF, 24 bytes, 4 of them payload
const INNER = hex('45 28 00 18  12 34 40 00  3f 01 d2 7c  0a f4 01 02  0a f4 02 02  de ad be ef');

const frame = (inner: Uint8Array, mac = '02 00 c0 a8 22 66', type = '08 00'): Uint8Array =>
  hex(`${mac} ${show(MAC)} ${type} ${show(inner)}`);

function sent(f: Uint8Array, remotes: ReadonlySet<number> = REMOTES): { length: number; slab: Uint8Array } {
  const slab = new Uint8Array(2048);
  slab.set(f, FRAME_AT);
  return { length: encapsulate(slab, f.length, LOCAL, remotes), slab };
}

const outer = (inner: Uint8Array, head = '45 28', source = 'c0a82266', options = ''): Uint8Array =>
  hex(`${head} 0000 0000 4000 4004 0000 ${source} c0a82265 ${options} ${show(inner)}`);

describe('encapsulate', () => {
  test('the MAC names the next hop; TOS and DF are copied, TTL is 64, protocol 4 (RFC 2003 §3.1)', () => {
    const { length, slab } = sent(frame(INNER));
    expect(length).toBe(44);
    //                                      TOS  len  id    DF        TTL 4  sum
    expect(show(slab.subarray(0, 20))).toBe(show(hex('45 28 0000 0000 40 00 40 04 0000 c0a82265 c0a82266')));
    expect(show(slab.subarray(20, length))).toBe(show(INNER));
  });
  test('an inner packet without DF has none outside', () => {
    const inner = INNER.slice();
    inner[6] = 0;
    expect(sent(frame(inner)).slab[6]).toBe(0);
  });
  test('padding after the inner packet is not sent', () => {
    expect(sent(frame(hex(`${show(INNER)} 0000 0000 0000`))).length).toBe(44);
  });
  test.each([
    ['an ARP request', frame(INNER, 'ff ff ff ff ff ff', '08 06'), 'not-ipv4'],
    ['a short frame', hex('02 00'), 'not-ipv4'],
    ['a multicast', frame(INNER, '01 00 5e 00 00 05'), 'not-for-a-node'],
    ['a node that left', frame(INNER, '02 00 c0 a8 22 67'), 'unknown-remote'],
    ['IPv6 under the type of IPv4', frame(hex(`60 ${show(INNER).slice(2)}`)), 'malformed'],
    ['a header length of 4 words', frame(hex(`44 ${show(INNER).slice(2)}`)), 'malformed'],
    ['a packet cut short', frame(INNER).subarray(0, 34), 'malformed'],
  ])('%s is dropped with its reason', (_what, f, reason) => {
    const { length } = sent(f);
    expect(length).toBeLessThan(0);
    expect(dropReason(length)).toBe(reason);
  });
});

describe('decapsulate', () => {
  const received = (packet: Uint8Array): { inner: number; frame: Uint8Array } => {
    const slab = new Uint8Array(2048);
    slab.set(packet);
    const start = frameStart(slab);
    const inner = decapsulate(slab, packet.length, MAC, REMOTES);
    return { inner, frame: slab.subarray(Math.max(0, start), start + ETHERNET_BYTES + Math.max(0, inner)) };
  };
  test('the frame goes to the MAC of tunl0 and comes from the remote node', () => {
    const { inner, frame: f } = received(outer(INNER));
    expect(inner).toBe(24);
    expect(show(f)).toBe(show(hex(`${show(MAC)} 02 00 c0 a8 22 66 08 00 ${show(INNER)}`)));
  });
  test('options of the outer header are skipped', () => {
    const { inner, frame: f } = received(outer(INNER, '46 00', 'c0a82266', '01010101'));
    expect(inner).toBe(24);
    expect(show(f.subarray(14))).toBe(show(INNER));
  });
  test('congestion marked outside is marked inside, with a right checksum (RFC 6040 §4.2, RFC 1624)', () => {
    const ect = hex('45 02 00 18  12 34 40 00  3f 01 00 00  0a f4 01 02  0a f4 02 02  de ad be ef');
    const sum = checksum(ect.subarray(0, 20));
    ect[10] = sum >>> 8;
    ect[11] = sum & 255;
    const { inner, frame: f } = received(outer(ect, '45 03'));
    expect(inner).toBe(24);
    expect(f[15]).toBe(0x03);
    expect(checksum(f.subarray(14, 34))).toBe(0);
  });
  test('congestion marked outside on a packet that knows none drops it (RFC 6040 §4.2)', () => {
    expect(dropReason(received(outer(INNER, '45 03')).inner)).toBe('congestion-without-ecn');
  });
  test.each([
    ['a node that nobody named', outer(INNER, '45 28', 'c0a82267'), 'unknown-remote'],
    ['an inner packet that is IPv6', outer(hex(`60 ${show(INNER).slice(2)}`)), 'malformed'],
    ['an inner packet cut short', outer(INNER).subarray(0, 40), 'malformed'],
    ['a first fragment', withBytes(outer(INNER), 6, '20 00'), 'outer-fragment'],
    ['a last fragment', withBytes(outer(INNER), 6, '00 b9'), 'outer-fragment'],
    ['nothing at all', hex(''), 'malformed'],
  ])('%s is dropped with its reason', (_what, packet, reason) => {
    expect(dropReason(received(packet).inner)).toBe(reason);
  });
});

describe('what a packet socket puts before a packet', () => {
  //   01 01 4a 00 68 05 36 00 10 00
  //   |  |  |     |     |     '------ csum_offset: 16, in a TCP header
  //   |  |  |     |     '------------ csum_start: 54, from the Ethernet header to the inner TCP header
  //   |  |  |     '------------------ gso_size: segments of 1384 bytes
  //   |  |  '------------------------ hdr_len: 74
  //   |  '--------------------------- gso_type: TCPV4
  //   '------------------------------ flags: NEEDS_CSUM
  const VNET = hex('01 01 4a 00 68 05 36 00 10 00');
  const ETHERNET = hex('66 77 88 99 aa bb 02 00 c0 a8 22 66 08 00');

  test('is Ethernet or nothing, and the address tells which', () => {
    const packet = withBytes(outer(INNER), 16, 'c0a82265');
    expect(outerStart(Uint8Array.of(...VNET, ...ETHERNET, ...packet), 24 + packet.length, LOCAL)).toBe(24);
    expect(outerStart(Uint8Array.of(...VNET, ...packet), 10 + packet.length, LOCAL)).toBe(10);
    expect(outerStart(Uint8Array.of(...VNET, ...ETHERNET, ...packet), 24 + packet.length, 0x0a000001)).toBe(0);
    expect(outerStart(VNET, VNET.length, LOCAL)).toBe(0);
  });
  test('moves with the frame: lengths and places are less by the outer header, the rest stays', () => {
    const slab = Uint8Array.of(...VNET, ...new Uint8Array(60));
    const frame = VNET_BYTES + ETHERNET_BYTES + OUTER_BYTES - ETHERNET_BYTES; // 30: the inner packet stays at 44
    moveVnetHeader(slab, frame, OUTER_BYTES);
    expect(show(slab.subarray(frame - VNET_BYTES, frame))).toBe(show(hex('01 01 36 00 68 05 22 00 10 00')));
  });
  test('of a finished packet says nothing: that its checksum was found right is not for the next device', () => {
    const slab = Uint8Array.of(...hex('02 00 4a 00 00 00 00 00 00 00'), ...new Uint8Array(60));
    moveVnetHeader(slab, 30, OUTER_BYTES);
    expect(show(slab.subarray(20, 30))).toBe('00000000000000000000');
  });
});

test('any bytes give a length within the packet or a reason, both ways', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, known) => {
      const slab = new Uint8Array(256);
      slab.set(bytes);
      if (known) slab.set(hex('c0a82266'), 12);
      const inner = decapsulate(slab, bytes.length, MAC, REMOTES);
      expect(inner < 0 ? dropReason(inner) !== 'unknown' : inner + OUTER_BYTES <= bytes.length).toBe(true);
      slab.set(bytes, FRAME_AT);
      if (known) slab.set(hex('0200c0a82266'), FRAME_AT);
      const outer = encapsulate(slab, bytes.length, LOCAL, REMOTES);
      expect(outer < 0 ? dropReason(outer) !== 'unknown' : outer <= bytes.length - ETHERNET_BYTES + OUTER_BYTES).toBe(
        true,
      );
    }),
  );
});

test('what one node encapsulates the other decapsulates to the same packet', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 1400 }), fc.integer({ min: 0, max: 255 }), (payload, tos) => {
      fc.pre((tos & 3) !== 3);
      const total = 20 + payload.length;
      const inner = Uint8Array.from([...INNER.subarray(0, 20), ...payload]);
      inner[1] = tos;
      inner[2] = total >>> 8;
      inner[3] = total & 255;
      const { length, slab } = sent(frame(inner));
      expect(length).toBe(total + OUTER_BYTES);
      const there = Uint8Array.of(2, 0, 0xc0, 0xa8, 0x22, 0x66);
      expect(decapsulate(slab, length, there, new Set([LOCAL]))).toBe(total);
      expect(show(slab.subarray(20, 20 + total))).toBe(show(inner));
    }),
  );
});

function withBytes(packet: Uint8Array, at: number, bytes: string): Uint8Array {
  const changed = packet.slice();
  changed.set(hex(bytes), at);
  return changed;
}

function checksum(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < header.length; i += 2) sum += (header[i]! << 8) | header[i + 1]!;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
