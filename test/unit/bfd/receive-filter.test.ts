/** The kernel's filter, run by an interpreter of the few instructions that it uses. */
import { expect, test } from 'vitest';
import { type IpAddress, parseIp } from '../../../src/base/ip.ts';
import { writeIpv6 } from '../../../src/base/ipv6.ts';
import { type Expected, receiveFilter } from '../../../src/bfd/receive-filter.ts';
import { type FilterStep, JUMP_EQUAL, LOAD_BYTE, LOAD_WORD, NETWORK, RETURN } from '../../../src/sys/socket-filter.ts';

const ip = (text: string): IpAddress => parseIp(text) as IpAddress;

/** What the kernel has: the network header, and the datagram from its UDP header on. */
function accepts(steps: readonly FilterStep[], network: Buffer, datagram: Buffer): boolean {
  let accumulator = 0;
  for (let at = 0; at < steps.length; at++) {
    const [code, jt, jf, value] = steps[at] as FilterStep;
    const [bytes, offset] = value >= NETWORK ? [network, value - NETWORK] : [datagram, value];
    if (code === RETURN) return value !== 0;
    if (code === JUMP_EQUAL) at += accumulator === value >>> 0 ? jt : jf;
    else {
      const width = code === LOAD_WORD ? 4 : 1;
      if (offset + width > bytes.length) return false;
      if (code === LOAD_WORD) accumulator = bytes.readUInt32BE(offset);
      else if (code === LOAD_BYTE) accumulator = bytes.readUInt8(offset);
      else throw new Error(`instruction ${code}`);
    }
  }
  throw new Error('ran off the end');
}

function network(source: IpAddress, ttl: number): Buffer {
  const header = Buffer.alloc(40);
  if (typeof source === 'bigint') {
    header[7] = ttl;
    writeIpv6(header, 8, source);
  } else {
    header[8] = ttl;
    header.writeUInt32BE(source, 12);
  }
  return header;
}
function datagram(yourDiscriminator: number): Buffer {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(yourDiscriminator, 16);
  return bytes;
}

const EXPECTED = {
  ipv4: [
    { address: ip('10.0.0.1'), discriminator: 0xfffffff1 },
    { address: ip('200.0.0.2'), discriminator: 7 },
  ],
  ipv6: [
    { address: ip('2001:db8::1'), discriminator: 9 },
    { address: ip('fe80::ff:fe00:1'), discriminator: 11 },
  ],
} as const satisfies Record<string, readonly Expected[]>;

test.each(['ipv4', 'ipv6'] as const)('%s: TTL 255, and from a neighbour or for a session of ours', (family) => {
  const steps = receiveFilter(family, EXPECTED[family]);
  const stranger = ip(family === 'ipv4' ? '10.0.0.3' : '2001:db8::3');
  for (const { address, discriminator } of EXPECTED[family]) {
    expect(accepts(steps, network(address, 255), datagram(0))).toBe(true);
    expect(accepts(steps, network(address, 254), datagram(0))).toBe(false);
    expect(accepts(steps, network(stranger, 255), datagram(discriminator))).toBe(true);
    expect(accepts(steps, network(stranger, 64), datagram(discriminator))).toBe(false);
  }
  expect(accepts(steps, network(stranger, 255), datagram(0))).toBe(false);
  expect(accepts(steps, network(stranger, 255), datagram(8))).toBe(false);
  // Too short to hold a discriminator.
  expect(accepts(steps, network(stranger, 255), Buffer.alloc(10))).toBe(false);
});

test('more neighbours than a program can name leave the TTL alone to decide', () => {
  const many = Array.from({ length: 2000 }, (_, i) => ({
    address: ip(`10.1.${i >> 8}.${i & 255}`),
    discriminator: i + 1,
  }));
  const steps = receiveFilter('ipv4', many);
  expect(steps.length).toBeLessThan(4096);
  expect(accepts(steps, network(ip('192.0.2.1'), 255), datagram(0))).toBe(true);
  expect(accepts(steps, network(ip('192.0.2.1'), 254), datagram(0))).toBe(false);
});
