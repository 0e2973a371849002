import { expect, test } from 'vitest';
import {
  compareIp,
  formatIp,
  formatIpPrefix,
  type IpAddress,
  isIpv6,
  parseIp,
  parseIpPrefix,
  prefixHolds,
} from '../../../src/base/ip.ts';
import { formatIpv6, ipv6, isLinkLocal6, netmask6, parseIpv6, readIpv6, writeIpv6 } from '../../../src/base/ipv6.ts';

const address = (text: string): IpAddress => parseIp(text) ?? expect.fail(text);

test('an IPv6 address is read in each form of RFC 4291 2.2', () => {
  const same = (a: string, b: string): void => expect(parseIpv6(a)).toBe(parseIpv6(b) ?? expect.fail(b));
  same('ABCD:EF01:2345:6789:abcd:ef01:2345:6789', 'abcd:ef01:2345:6789:ABCD:EF01:2345:6789');
  same('2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a');
  same('FF01:0:0:0:0:0:0:101', 'ff01::101');
  same('0:0:0:0:0:FFFF:129.144.52.38', '::ffff:8190:3426');
  expect(parseIpv6('::')).toBe(0n);
  expect(parseIpv6('::1')).toBe(1n);
  expect(parseIpv6('1::')).toBe(1n << 112n);
  expect(parseIpv6('::13.1.68.3')).toBe(0x0d014403n);
  expect(parseIpv6('1:2:3:4:5:6:7::')).toBe(0x0001_0002_0003_0004_0005_0006_0007_0000n);
});

test.each([
  '',
  ':',
  ':::',
  '1',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '::1::',
  '1:::2',
  ':1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:',
  '12345::',
  'g::',
  'fe80::1%eth0',
  '1.2.3.4',
  '::1.2.3',
  '::1.2.3.04',
  '1.2.3.4::',
  '::1.2.3.4:5',
  '1:2:3:4:5:6:7:1.2.3.4',
  ' ::1',
  '::1 ',
  '[::1]',
  '::-1',
  '::+1',
  '0'.repeat(60),
])('%j is no IPv6 address', (text) => {
  expect(parseIpv6(text)).toBeUndefined();
});

test('an IPv6 address is written as RFC 5952 4 and 5 ask', () => {
  const shown = (text: string): string => formatIpv6(parseIpv6(text) ?? expect.fail(text));
  expect(shown('2001:0db8:0000:0000:0001:0000:0000:0001')).toBe('2001:db8::1:0:0:1'); // 4.2.3: the first of equal runs
  expect(shown('2001:0:0:1:0:0:0:1')).toBe('2001:0:0:1::1'); // the longest run
  expect(shown('2001:db8:0:1:1:1:1:1')).toBe('2001:db8:0:1:1:1:1:1'); // 4.2.2: not one group alone
  expect(shown('2001:DB8::A')).toBe('2001:db8::a'); // 4.3
  expect(shown('0:0:0:0:0:0:0:0')).toBe('::');
  expect(shown('::ffff:192.0.2.1')).toBe('::ffff:192.0.2.1'); // 5
  expect(shown('0:0:1::')).toBe('0:0:1::');
});

test('sixteen octets are read and written in network order, at any place', () => {
  const bytes = new Uint8Array(20).fill(0xee);
  const value = parseIpv6('2001:db8::8:800:200c:417a') ?? expect.fail();
  writeIpv6(bytes.subarray(1), 2, value);
  expect(Buffer.from(bytes).toString('hex')).toBe('eeeeee20010db80000000000080800200c417aee');
  expect(readIpv6(bytes.subarray(1), 2)).toBe(value);
  expect(() => readIpv6(bytes, 5)).toThrow(RangeError);
});

test('fe80::/10 is link-local, and nothing else', () => {
  const linkLocal = (text: string): boolean => isLinkLocal6(parseIpv6(text) ?? expect.fail(text));
  expect(['fe80::', 'fe80::1', 'febf:ffff::1'].map(linkLocal)).toEqual([true, true, true]);
  expect(['fec0::', 'fe7f::', '::', '2001:db8::1'].map(linkLocal)).toEqual([false, false, false, false]);
});

test('the family of an address is its type, and text with a colon is never IPv4', () => {
  expect(isIpv6(address('10.0.0.1'))).toBe(false);
  expect(isIpv6(address('::10.0.0.1'))).toBe(true);
  expect(formatIp(address('10.0.0.1'))).toBe('10.0.0.1');
  expect(formatIp(address('FE80::1'))).toBe('fe80::1');
  expect(parseIp('10.0.0')).toBeUndefined();
});

test('addresses sort by family, then by number', () => {
  const sorted = ['::', '255.255.255.255', 'ff::', '0.0.0.1', '::2'].map(address).sort(compareIp);
  expect(sorted.map(formatIp)).toEqual(['0.0.0.1', '255.255.255.255', '::', '::2', 'ff::']);
  expect(compareIp(ipv6(1n), ipv6(1n))).toBe(0);
});

test('a prefix has no bits beyond its length and a length of its family', () => {
  for (const text of ['0.0.0.0/0', '10.1.0.0/16', '10.0.0.1/32', '::/0', '2001:db8::/33', '::1/128'])
    expect(formatIpPrefix(parseIpPrefix(text) ?? expect.fail(text))).toBe(text);
  for (const text of [
    '10.0.0.1',
    '10.0.0.0/33',
    '10.0.0.1/31',
    '10.0.0.0/08',
    '::/129',
    '::1/127',
    '::/',
    '::/1.0',
    '/8',
  ])
    expect(parseIpPrefix(text)).toBeUndefined();
  expect(netmask6(0)).toBe(0n);
  expect(netmask6(128)).toBe((1n << 128n) - 1n);
});

test('a prefix holds addresses of its own family only', () => {
  const holds = (p: string, a: string): boolean => prefixHolds(parseIpPrefix(p) ?? expect.fail(p), address(a));
  expect(holds('10.0.0.0/8', '10.255.0.1')).toBe(true);
  expect(holds('10.0.0.0/8', '11.0.0.1')).toBe(false);
  expect(holds('2001:db8::/32', '2001:db8:ffff::1')).toBe(true);
  expect(holds('2001:db8::/32', '2001:db9::1')).toBe(false);
  expect(holds('::/0', '1.2.3.4')).toBe(false);
  expect(holds('0.0.0.0/0', '::1.2.3.4')).toBe(false);
});
