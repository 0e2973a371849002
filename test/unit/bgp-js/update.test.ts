/** The framer over split streams, UPDATE frames, NLRI, and packing. */
import { expect, test } from 'vitest';
import { formatPrefix, parsePrefix, prefix, prefixKey } from '../../../src/base/prefix.ts';
import {
  END_OF_RIB,
  MAX_ATTRIBUTES_LENGTH,
  packAnnouncements,
  packWithdrawals,
} from '../../../src/bgp-js/update/packer.ts';
import { forEachPrefix, ReusableUpdate, splitUpdate } from '../../../src/bgp-js/update/update.ts';
import {
  BAD_LENGTH,
  BAD_NOTIFICATION,
  BAD_TYPE,
  frameError,
  frameLength,
  NOT_SYNCHRONISED,
} from '../../../src/bgp-js/wire/framer.ts';
import { KEEPALIVE_MESSAGE } from '../../../src/bgp-js/wire/message.ts';
import { hex, toHex } from '../../support/hex.ts';

const MARKER = hex`ffffffffffffffffffffffffffffffff`;
const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));
const key = (text: string): number => {
  const p = parsePrefix(text);
  if (p === undefined) throw new Error(text);
  return prefixKey(p.address, p.length);
};
const prefixesOf = (slab: Uint8Array, start: number, end: number): string[] => {
  const seen: string[] = [];
  forEachPrefix(slab, start, end, (a, l) => seen.push(formatPrefix(prefix(a, l))));
  return seen;
};

//   ff x 16 | 0017 | 02 | 0000 0000     header, no withdrawn routes, no attributes
test('End-of-RIB of IPv4 unicast is 23 octets, and is recognised (RFC 4724 2)', () => {
  expect(toHex(END_OF_RIB)).toBe(toHex(join(MARKER, hex`0017 02 0000 0000`)));
  const frame = new ReusableUpdate();
  expect(frame.read(END_OF_RIB, 0, 23)).toBeUndefined();
  expect(frame.isEndOfRib).toBe(true);
});

const UPDATE = join(
  MARKER,
  hex`
  0035 02         # 53 octets, UPDATE
  0005            # withdrawn routes: 5 octets
  08 0a           #   10.0.0.0/8
  10 ac10         #   172.16.0.0/16
  0012            # path attributes: 18 octets
  40 01 01 00  40 02 00  40 03 04 c0000201  80 04 01 00
  00              # 0.0.0.0/0
  1a c0000240     # 192.0.2.64/26`,
);

test('an UPDATE is split into its three parts, and bits beyond a prefix are masked (RFC 4271 4.3)', () => {
  const bytes = join(hex`aabb`, UPDATE, hex`cc`);
  bytes[18] = 0;
  bytes[19] = UPDATE.length;
  expect(UPDATE.length).toBe(52);
  const split = splitUpdate(bytes, 2, 2 + UPDATE.length);
  if (!split.ok) throw new Error(split.error.text);
  const f = split.value;
  expect(prefixesOf(f.slab, f.withdrawnStart, f.withdrawnEnd)).toEqual(['10.0.0.0/8', '172.16.0.0/16']);
  expect(f.attributesEnd - f.attributesStart).toBe(18);
  expect(prefixesOf(f.slab, f.nlriStart, f.nlriEnd)).toEqual(['0.0.0.0/0', '192.0.2.64/26']);
  const stray = hex`09 0aff`;
  expect(prefixesOf(stray, 0, stray.length)).toEqual(['10.128.0.0/9']);
  const host = hex`20 ffffffff`;
  expect(prefixesOf(host, 0, host.length)).toEqual(['255.255.255.255/32']);
});

test.each([
  ['length 33', hex`21 0102030405`],
  ['a cut off prefix', hex`18 0a00`],
  ['a length and nothing', hex`08`],
])('NLRI with %s is 3/10 (RFC 7606 5.3)', (_name, bytes) => {
  expect(forEachPrefix(bytes, 0, bytes.length, () => {})).toMatchObject({ code: 3, subcode: 10 });
});

test('the framer answers the length, 0 for more, and a fault below 0 (RFC 4271 6.1)', () => {
  expect(frameLength(KEEPALIVE_MESSAGE, 0, 19)).toBe(19);
  for (let end = 0; end < 19; end++) expect(frameLength(KEEPALIVE_MESSAGE, 0, end)).toBe(0);
  expect(frameLength(END_OF_RIB, 0, 22)).toBe(0);
  expect(frameLength(new Uint8Array(19), 0, 19)).toBe(NOT_SYNCHRONISED);
  expect(frameLength(join(MARKER, hex`0014 04 00`), 0, 20)).toBe(BAD_LENGTH);
  expect(frameLength(join(MARKER, hex`0013 02`), 0, 19)).toBe(BAD_LENGTH);
  expect(frameLength(join(MARKER, hex`0013 00`), 0, 19)).toBe(BAD_TYPE);
  expect(frameLength(join(MARKER, hex`0013 06`), 0, 19)).toBe(BAD_TYPE);
  expect(frameLength(join(MARKER, hex`0014 03`), 0, 19)).toBe(BAD_NOTIFICATION);
  const four = join(MARKER, hex`0004 04`);
  expect(frameError(BAD_LENGTH, four, 0)).toMatchObject({ code: 1, subcode: 2, data: hex`0004` });
});

const messages = (bytes: Uint8Array): Uint8Array[] => {
  const list: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const n = frameLength(bytes, at, bytes.length);
    expect(n).toBeGreaterThan(0);
    list.push(bytes.subarray(at, at + n));
    at += n;
  }
  return list;
};

test('announcements share attributes and fill messages up to 4096 octets (RFC 4271 4.1, 4.3)', () => {
  const keys = Array.from({ length: 2000 }, (_, i) => key('10.0.0.0/8') - 8 + i * 64 * 64 + 26);
  const attributes = hex`40 01 01 00`;
  const packed = messages(packAnnouncements(attributes, keys));
  expect(packed.map((m) => m.length)).toEqual([4092, 4092, 27 + 5 * (2000 - 2 * 813)]);
  const back = packed.flatMap((m) => prefixesOf(m, 27, m.length));
  expect(back.length).toBe(2000);
  expect(back[1]).toBe('10.0.0.64/26');
});

test('withdrawals have no attributes (RFC 4271 4.3), and no prefixes make no message', () => {
  const packed = packWithdrawals([key('10.0.0.0/8'), key('0.0.0.0/0')]);
  expect(toHex(packed)).toBe(toHex(join(MARKER, hex`001a 02 0003 080a 00 0000`)));
  expect(packWithdrawals([]).length).toBe(0);
  expect(packAnnouncements(hex`400101 00`, []).length).toBe(0);
});

test('attributes too long for a message withdraw the prefix instead (RFC 4271 9.2)', () => {
  const keys = [key('10.1.2.3/32')];
  expect(messages(packAnnouncements(new Uint8Array(MAX_ATTRIBUTES_LENGTH), keys)).map((m) => m.length)).toEqual([4096]);
  expect(toHex(packAnnouncements(new Uint8Array(MAX_ATTRIBUTES_LENGTH + 1), keys))).toBe(toHex(packWithdrawals(keys)));
});
