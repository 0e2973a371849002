import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpPrefix, ipPrefix, parseIpPrefix, prefixHolds } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { formatIpv6, ipv6, parseIpv6, readIpv6, writeIpv6 } from '../../../src/base/ipv6.ts';

/** Runs of zero groups, at every place and of every length, are what the text form is about. */
const anIpv6 = fc
  .array(fc.oneof(fc.constant(0), fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
  .map((groups) => ipv6(groups.reduce((sum, g) => (sum << 16n) | BigInt(g), 0n)));

/** What a URL parser makes of it is RFC 5952 too, but for the dotted quad of an IPv4-mapped address. */
const byUrl = (text: string): string => new URL(`http://[${text}]`).hostname.slice(1, -1);

test('an IPv6 address survives its text and its octets, and its text is the one RFC 5952 has', () => {
  fc.assert(
    fc.property(anIpv6, (address) => {
      const text = formatIpv6(address);
      expect(parseIpv6(text)).toBe(address);
      expect(isIPv6(text)).toBe(true);
      if (!text.includes('.')) expect(byUrl(text)).toBe(text);
      const bytes = new Uint8Array(17);
      writeIpv6(bytes, 1, address);
      expect(readIpv6(bytes, 1)).toBe(address);
    }),
  );
});

test('what parseIpv6 takes is what node:net takes, but for zones', () => {
  const piece = fc.constantFrom('::', ':', '0', '1', 'ffff', '00ab', '12345', '1.2.3.4', '256.1.1.1', '%', '.', 'g');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
      const text = pieces.join('');
      expect(parseIpv6(text) !== undefined).toBe(isIPv6(text) && !text.includes('%'));
    }),
    { numRuns: 2000 },
  );
});

test('a prefix survives its text and holds its own address', () => {
  const aPrefix = fc.oneof(
    fc.record({ a: anIpv6, n: fc.nat(128) }).map(({ a, n }) => ({ whole: a, p: ipPrefix(a, n) })),
    fc.record({ a: fc.nat(0xffffffff).map(ipv4), n: fc.nat(32) }).map(({ a, n }) => ({ whole: a, p: ipPrefix(a, n) })),
  );
  fc.assert(
    fc.property(aPrefix, ({ whole, p }) => {
      expect(parseIpPrefix(formatIpPrefix(p))).toEqual(p);
      expect(prefixHolds(p, whole)).toBe(true);
    }),
  );
});
