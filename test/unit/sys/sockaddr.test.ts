import { expect, test } from 'vitest';
import { formatIp, parseIp } from '../../../src/base/ip.ts';
import { leastTtl } from '../../../src/bgp-js/transport/tcp-options.ts';
import { hostText, needsInterface, readHost, sockaddr } from '../../../src/sys/sockaddr.ts';

const ip = (text: string) => parseIp(text) ?? expect.fail(text);
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

test('a socket address has the family in host order and the rest in network order', () => {
  //                                     family port address  zero
  expect(hexOf(sockaddr(ip('192.0.2.1'), 179))).toBe(`0200${'00b3'}c0000201${'00'.repeat(8)}`);
  //                  family port flow info  address                          scope, host order
  expect(hexOf(sockaddr(ip('fe80::1'), 179, 7))).toBe(`0a0000b300000000${'fe80'.padEnd(28, '0')}000107000000`);
});

test('a link-local address goes to node:net with its zone and comes from it with one (RFC 4007 11)', () => {
  expect(needsInterface(ip('fe80::1'))).toBe(true);
  expect(needsInterface(ip('2001:db8::1'))).toBe(false);
  expect(needsInterface(ip('169.254.0.1'))).toBe(false);
  expect(hostText(ip('fe80::1'), 'eth0')).toBe('fe80::1%eth0');
  expect(hostText(ip('2001:db8::1'), 'eth0')).toBe('2001:db8::1');
  expect(readHost('fe80::1%eth0')).toEqual({ address: ip('fe80::1'), device: 'eth0' });
  expect(readHost('2001:db8::1')).toEqual({ address: ip('2001:db8::1') });
  expect(readHost(undefined)).toBeUndefined();
});

test('an IPv4 peer on a socket of both families is an IPv4 peer', () => {
  expect(formatIp(readHost('::ffff:192.0.2.1')?.address ?? ip('::'))).toBe('192.0.2.1');
});

test('TTL security takes 255 of a neighbour, and one less for each hop between (RFC 5082 3)', () => {
  expect([1, 2, 255].map(leastTtl)).toEqual([255, 254, 1]);
});
