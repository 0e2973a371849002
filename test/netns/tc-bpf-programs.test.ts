/** The two programs themselves, run by the kernel on single frames (BPF_PROG_TEST_RUN): bytes in, bytes out, and the same as
 *  ipip-packet.ts makes of them in user space. */
// needs: root
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { decapsulateProgram } from '../../src/kernel/tunnels/bpf/decapsulate.ts';
import { encapsulateProgram } from '../../src/kernel/tunnels/bpf/encapsulate.ts';
import { type LoadedTunnel, loadTunnel } from '../../src/kernel/tunnels/bpf/loaded-tunnel.ts';
import { TC_ACT_SHOT, TC_ACT_UNSPEC } from '../../src/kernel/tunnels/bpf/tunnel-maps.ts';
import { decapsulate, dropReason, encapsulate, FRAME_AT, frameStart } from '../../src/kernel/tunnels/ipip-packet.ts';
import { BpfError, loadTcProgram, testRun } from '../../src/sys/bpf.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ''), 'hex');
const LOCAL = 0xc0a82265; // 192.168.34.101
const REMOTE = 0xc0a82266; // 192.168.34.102
const REMOTES = new Set([REMOTE]);
const TC_ACT_REDIRECT = 7;
const INNER = hex('45 28 00 18  12 34 40 00  3f 01 d2 7c  0a f4 01 02  0a f4 02 02  de ad be ef');
const frame = (inner: Uint8Array, mac = '02 00 c0 a8 22 66', type = '08 00'): Buffer =>
  Buffer.concat([hex(`${mac} 02 00 c0 a8 22 65 ${type}`), inner]);

let tunnel: LoadedTunnel;
let sender: number;
let receiver: number;
beforeAll(() => {
  tunnel = loadTunnel();
  tunnel.setRemotes(REMOTES);
  const { encapsulate: e, decapsulate: d } = tunnel.programs({ local: LOCAL, underlay: 1, companion: 1 });
  sender = e.fd;
  receiver = d.fd;
});
afterAll(() => tunnel.close());

/** The cause that was counted by one run. */
function cause(program: number, bytes: Buffer): { answer: number; cause: string } {
  const before = tunnel.counters().dropped;
  const { answer } = testRun(program, bytes);
  const moved = Object.entries(tunnel.counters().dropped).filter(([name, n]) => n !== (before[name] ?? 0));
  return { answer, cause: moved.map(([name]) => name).join() };
}

describe('encapsulation', () => {
  test('puts 20 bytes between Ethernet and the inner packet, TOS and DF copied, TTL 64 (RFC 2003 §3.1)', () => {
    const { answer, frame: out } = testRun(sender, frame(INNER));
    expect(answer).toBe(TC_ACT_REDIRECT);
    const outer = out.subarray(14, 34);
    expect(sum(outer)).toBe(0xffff);
    outer.fill(0, 4, 6).fill(0, 10, 12); // identification is by chance
    expect(out.subarray(14).toString('hex')).toBe(
      hex(`45 28 00 2c 0000 40 00 40 04 0000 c0a82265 c0a82266 ${INNER.toString('hex')}`).toString('hex'),
    );
  });
  test.each([
    ['an ARP request', frame(INNER, 'ff ff ff ff ff ff', '08 06'), 'not-ipv4'],
    ['a multicast', frame(INNER, '01 00 5e 00 00 05'), 'not-for-a-node'],
    ['a node that left', frame(INNER, '02 00 c0 a8 22 67'), 'unknown-remote'],
    ['this node itself', frame(INNER, '02 00 c0 a8 22 65'), 'next-hop-is-ourselves'],
    ['IPv6 under the type of IPv4', frame(Buffer.concat([hex('60'), INNER.subarray(1)])), 'malformed'],
  ])('%s is dropped with its cause', (_what, bytes, reason) => {
    expect(cause(sender, bytes)).toEqual({ answer: TC_ACT_SHOT, cause: reason });
  });
});

describe('decapsulation', () => {
  // The kernel takes a frame for ours that is for lo's MAC.
  const outer = (head: string, inner = INNER, source = 'c0a82266', to = 'c0a82265', protocol = '04'): Buffer => {
    const ip = hex(
      `${head} ${(20 + inner.length).toString(16).padStart(4, '0')} 0000 4000 40 ${protocol} 0000 ${source} ${to}`,
    );
    ip.writeUInt16BE(~sum(ip) & 0xffff, 10);
    return Buffer.concat([hex('00 00 00 00 00 00 66 77 88 99 aa bb 08 00'), ip, inner]);
  };
  const broken = (bytes: Buffer, at: number, to: string): Buffer => {
    const copy = Buffer.from(bytes);
    hex(to).copy(copy, at);
    return copy;
  };
  const fragment = (flags: string): Buffer => {
    const bytes = broken(outer('45 28'), 20, flags);
    bytes.writeUInt16BE(0, 24);
    bytes.writeUInt16BE(~sum(bytes.subarray(14, 34)) & 0xffff, 24);
    return bytes;
  };

  test("leaves the inner packet in a frame from the remote's MAC to tunl0's", () => {
    const { answer, frame: out } = testRun(receiver, outer('45 28'));
    expect(answer).toBe(TC_ACT_REDIRECT);
    expect(out.toString('hex')).toBe(`0200c0a822650200c0a822660800${INNER.toString('hex')}`);
  });
  test('congestion marked outside is marked inside (RFC 6040 §4.2)', () => {
    const ect = hex('45 02 00 18  12 34 40 00  3f 01 00 00  0a f4 01 02  0a f4 02 02  de ad be ef');
    ect.writeUInt16BE(~sum(ect.subarray(0, 20)) & 0xffff, 10);
    const { frame: out } = testRun(receiver, outer('45 03', ect));
    expect(out[15]).toBe(0x03);
    expect(sum(out.subarray(14, 34))).toBe(0xffff);
  });
  test.each([
    ['from a node that nobody named', outer('45 28', INNER, 'c0a82267'), 'unknown-remote'],
    ['with a wrong checksum', broken(outer('45 28'), 24, '0000'), 'malformed'],
    ['with options', outer('46 28'), 'malformed'],
    ['around IPv6', outer('45 28', Buffer.concat([hex('60'), INNER.subarray(1)])), 'malformed'],
    ['that is a first fragment', fragment('2000'), 'outer-fragment'],
    ['that is a last fragment', fragment('00b9'), 'outer-fragment'],
    ['marked, around one that knows no congestion', outer('45 03', INNER), 'congestion-without-ecn'],
  ])('a packet %s is dropped with its cause', (_what, bytes, reason) => {
    expect(cause(receiver, bytes)).toEqual({ answer: TC_ACT_SHOT, cause: reason });
  });
  test.each([
    ['to another address', outer('45 28', INNER, 'c0a82266', 'c0a82201')],
    ['of another protocol', outer('45 28', INNER, 'c0a82266', 'c0a82265', '11')],
    ['for another machine', broken(outer('45 28'), 0, '02 00 00 00 00 09')],
  ])('a packet %s goes on as if we were not there', (_what, bytes) => {
    const { answer, frame: out } = testRun(receiver, bytes);
    expect(answer).toBe(TC_ACT_UNSPEC);
    expect(out.equals(bytes)).toBe(true);
  });
});

test('both carriers make the same of any inner packet, there and back', () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 1400 });
  fc.assert(
    fc.property(bytes, fc.integer({ min: 0, max: 255 }), fc.constantFrom(0x00, 0x40, 0x20), (payload, tos, flags) => {
      const inner = Buffer.concat([INNER.subarray(0, 20), payload]);
      inner.writeUInt8(tos, 1);
      inner.writeUInt16BE(inner.length, 2);
      inner.writeUInt8(flags, 6);
      inner.writeUInt16BE(0, 10);
      inner.writeUInt16BE(~sum(inner.subarray(0, 20)) & 0xffff, 10);

      const { frame: byKernel } = testRun(sender, frame(inner));
      const slab = Buffer.alloc(2048);
      frame(inner).copy(slab, FRAME_AT);
      const length = encapsulate(slab, frame(inner).length, LOCAL, REMOTES);
      const withoutIdentity = Buffer.from(byKernel.subarray(14));
      withoutIdentity.fill(0, 2, 6).fill(0, 10, 12); // length, too, is filled in by the kernel for a raw socket
      expect(withoutIdentity.toString('hex')).toBe(slab.subarray(0, length).toString('hex'));

      // Back, as from the remote: addresses exchanged, the sum is the same.
      const back = Buffer.from(byKernel);
      back.fill(0, 0, 6);
      back.writeUInt32BE(REMOTE, 26);
      back.writeUInt32BE(LOCAL, 30);
      const user = Buffer.from(back.subarray(14));
      const start = frameStart(user);
      const taken = decapsulate(user, user.length, Uint8Array.of(2, 0, 0xc0, 0xa8, 0x22, 0x65), REMOTES);
      const { answer, frame: out } = testRun(receiver, back);
      if (taken < 0) expect([answer, dropReason(taken)]).toEqual([TC_ACT_SHOT, 'congestion-without-ecn']);
      else expect(out.toString('hex')).toBe(user.subarray(start, start + 14 + taken).toString('hex'));
    }),
    { numRuns: 300 },
  );
});

test('a program that the verifier refuses is an error with its reasons', () => {
  expect(() => loadTcProgram('no_answer', hex('95 00 0000 00000000'))).toThrow(BpfError);
  expect(() => loadTcProgram('no_answer', hex('95 00 0000 00000000'))).toThrow(/EACCES.*R0 !read_ok/s);
});

test('constants beyond 2^31 are taken: the highest address and the highest interface number', () => {
  const maps = { remotes: 0, counters: 0 };
  expect(encapsulateProgram(maps, { local: 0xffffffff, underlay: 0x7fffffff }).length).toBeGreaterThan(0);
  expect(decapsulateProgram(maps, { local: 0xdffffffe, companion: 0x7fffffff }).length).toBeGreaterThan(0);
});

/** One's complement sum: 0xffff for a header whose checksum is right (RFC 1071). */
function sum(header: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < header.length; i += 2) total += ((header[i] ?? 0) << 8) | (header[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}
