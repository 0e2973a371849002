/** Communities of all kinds as text and back. RFC 1997, 3765, 4360, 5668, 5701, 7999, 8092, 8326, 9494. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv6 } from '../../../src/base/ipv6.ts';
import {
  formatCommunity,
  formatExtendedCommunity,
  formatIpv6ExtendedCommunity,
  formatLargeCommunity,
  isTransitive,
  parseCommunity,
  parseExtendedCommunity,
  parseIpv6ExtendedCommunity,
  parseLargeCommunity,
  transitiveCommunities,
} from '../../../src/bgp-js/attributes/communities.ts';

test.each([
  [0xffff0000, 'graceful-shutdown'], // RFC 8326 4.1
  [0xffff0006, 'llgr-stale'], // RFC 9494 4.1
  [0xffff0007, 'no-llgr'], // RFC 9494 4.1
  [0xffff029a, 'blackhole'], // RFC 7999 5
  [0xffffff01, 'no-export'], // RFC 1997 2
  [0xffffff02, 'no-advertise'],
  [0xffffff03, 'no-export-subconfed'],
  [0xffffff04, 'no-peer'], // RFC 3765 2
  [0xfde90007, '65001:7'],
])('community %i is %s', (value, text) => {
  expect(formatCommunity(value)).toBe(text);
  expect(parseCommunity(text)).toBe(value);
});

test('names are read in any case and with underscores, and GSHUT by its short name', () => {
  expect(parseCommunity('NO_EXPORT')).toBe(0xffffff01);
  expect(parseCommunity('GSHUT')).toBe(0xffff0000);
});

test.each(['65536:1', '1:65536', '1', '1:2:3', '01:2', '-1:2', 'no', ''])('"%s" is no community', (text) => {
  expect(parseCommunity(text)).toBeUndefined();
});

test.each<[bigint, string]>([
  [0x0002fde900000064n, 'rt:65001:100'], // RFC 4360 3.1 and 4
  [0x0003fde900000064n, 'soo:65001:100'], // RFC 4360 5
  [0x0102c00002010007n, 'rt:192.0.2.1:7'], // RFC 4360 3.2
  [0x0202fa56ea000007n, 'rt:4200000000:7'], // RFC 5668
  [0x02020000fde90007n, 'rt:65001L:7'],
  [0x4004fde94b189680n, 'link-bandwidth:65001:10000000'], // octets per second as a float
  [0x030b000000000064n, 'color:0:100'], // RFC 9012 4.3
  [0x030c000000000008n, 'encap:8'], // RFC 9012 4.1
  [0x0306112233445566n, 'opaque:0306:112233445566'], // RFC 4360 3.3
  [0x4306112233445566n, 'opaque:4306:112233445566'],
  [0x8006fde900000000n, '0x8006fde900000000'],
])('extended community %s is %s', (value, text) => {
  expect(formatExtendedCommunity(value)).toBe(text);
  expect(parseExtendedCommunity(text)).toBe(value);
});

test.each(['rt:65536:65536', 'rt:1', 'rt:1:2:3', 'xx:1:2', 'encap:65536', 'link-bandwidth:1:x', '0x12', ''])(
  '"%s" is no extended community',
  (text) => {
    expect(parseExtendedCommunity(text)).toBeUndefined();
  },
);

test('every extended community comes back from its text', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (value) => {
      expect(parseExtendedCommunity(formatExtendedCommunity(value))).toBe(value);
    }),
    { numRuns: 2000 },
  );
  const first = fc.constantFrom(0x0002, 0x0003, 0x0102, 0x0202, 0x4004, 0x030b, 0x030c, 0x4303);
  fc.assert(
    fc.property(first, fc.bigInt({ min: 0n, max: (1n << 48n) - 1n }), (type, rest) => {
      const value = (BigInt(type) << 48n) | rest;
      expect(parseExtendedCommunity(formatExtendedCommunity(value))).toBe(value);
    }),
    { numRuns: 2000 },
  );
});

test('non-transitive communities stay inside the AS (RFC 4360 6)', () => {
  expect(isTransitive(0x0002fde900000064n)).toBe(true);
  expect(isTransitive(0x4004fde94b189680n)).toBe(false);
  expect(transitiveCommunities([0x4004fde94b189680n, 1n])).toEqual([1n]);
  expect(transitiveCommunities([0x4004fde94b189680n])).toBeUndefined();
  expect(transitiveCommunities(undefined)).toBeUndefined();
});

test('large communities are three plain decimals (RFC 8092 5)', () => {
  const value = { global: 4_200_000_000, local1: 0, local2: 4_294_967_295 };
  expect(formatLargeCommunity(value)).toBe('4200000000:0:4294967295');
  expect(parseLargeCommunity('4200000000:0:4294967295')).toEqual(value);
  for (const bad of ['1:2', '1:2:3:4', '01:2:3', '1:2:4294967296', '0x1:2:3', ''])
    expect(parseLargeCommunity(bad)).toBeUndefined();
});

test('IPv6 extended communities have their address in brackets (RFC 5701 2)', () => {
  const value = { type: 2, address: ipv6(0x20010db8n << 96n), local: 7 };
  expect(formatIpv6ExtendedCommunity(value)).toBe('rt:[2001:db8::]:7');
  expect(parseIpv6ExtendedCommunity('rt:[2001:db8::]:7')).toEqual(value);
  const other = { ...value, type: 0x400b };
  expect(parseIpv6ExtendedCommunity(formatIpv6ExtendedCommunity(other))).toEqual(other);
  for (const bad of ['rt:2001:db8:::7', 'rt:[x]:7', 'rt:[::]:65536', 'zz:[::]:7', ''])
    expect(parseIpv6ExtendedCommunity(bad)).toBeUndefined();
});
