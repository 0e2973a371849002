/** NLRI of all families: cut where their formats say, never read beyond their end, faults as RFC 7606 5.3 asks. */
import { expect, test } from 'vitest';
import { formatIpPrefix, parseIpPrefix } from '../../../src/base/ip.ts';
import { checkNlri, forEachNlri, prefixWord } from '../../../src/bgp-js/update/nlri.ts';
import { nlriOf, readNlri } from '../../../src/bgp-js/update/nlri-value.ts';
import {
  BGP_LS,
  type Family,
  IPV4_FLOWSPEC,
  IPV4_LABELED_UNICAST,
  IPV4_MULTICAST,
  IPV4_UNICAST,
  IPV6_LABELED_UNICAST,
  IPV6_UNICAST,
  keyOfFamily,
  L2VPN_EVPN,
  L2VPN_VPLS,
  L3VPN_IPV4,
  L3VPN_IPV6,
  ROUTE_TARGET,
} from '../../../src/bgp-js/wire/family.ts';
import { hex, toHex } from '../../support/hex.ts';

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));
/** The elements as hex, or the fault. */
function cut(bytes: Uint8Array, family: Family, addPath = false): string[] | string {
  const around = join(hex`ff`, bytes, hex`ffffffffff`);
  const end = 1 + bytes.length;
  const seen: string[] = [];
  const stop = forEachNlri(around, 1, end, keyOfFamily(family), addPath, (at, next, pathId) => {
    expect(next).toBeLessThanOrEqual(end);
    seen.push(`${addPath ? `${pathId} ` : ''}${toHex(around.subarray(at, next))}`);
  });
  const fault = checkNlri(around, 1, end, keyOfFamily(family), addPath);
  expect(fault === undefined).toBe(stop === end);
  return fault ?? seen;
}

test.each<[string, Family, Uint8Array, string[]]>([
  ['IPv4 prefixes', IPV4_UNICAST, hex`00 08 0a 20 c0000201`, ['00', '080a', '20c0000201']],
  ['IPv4 multicast', IPV4_MULTICAST, hex`10 e9fc`, ['10e9fc']],
  ['IPv6 prefixes', IPV6_UNICAST, hex`20 20010db8 00`, ['2020010db8', '00']],
  [
    'IPv6 host routes',
    IPV6_UNICAST,
    hex`80 20010db8000000000000000000000001 01 80`,
    ['8020010db8000000000000000000000001', '0180'],
  ],
  //   38: 24 bits of label 100 with the bottom bit, 32 of prefix
  [
    'labelled IPv4 (RFC 8277 2.2)',
    IPV4_LABELED_UNICAST,
    hex`38 000641 c0000201 20 000641 0a`,
    ['38000641c0000201', '200006410a'],
  ],
  //   48: two labels
  ['two labels (RFC 8277 2.3)', IPV4_LABELED_UNICAST, hex`38 000640 000651 0a`, ['380006400006510a']],
  [
    'a withdrawn label (RFC 8277 2.4)',
    IPV4_LABELED_UNICAST,
    hex`20 800000 0a 38 000000 c0000201`,
    ['208000000a', '38000000c0000201'],
  ],
  [
    'labelled IPv6',
    IPV6_LABELED_UNICAST,
    hex`98 000641 20010db8000000000000000000000001`,
    ['9800064120010db8000000000000000000000001'],
  ],
  //   label, distinguisher 65001:1, 10.0.0.0/8
  ['VPN IPv4 (RFC 4364 4.3.4)', L3VPN_IPV4, hex`60 000641 0000fde900000001 0a`, ['600006410000fde9000000010a']],
  [
    'VPN IPv6 (RFC 4659 3.2)',
    L3VPN_IPV6,
    hex`78 000641 0000fde900000001 20010db8`,
    ['780006410000fde90000000120010db8'],
  ],
  [
    'route targets and the default one (RFC 4684 4)',
    ROUTE_TARGET,
    hex`00 60 0000fde9 0002fde900000064`,
    ['00', '600000fde90002fde900000064'],
  ],
  ['FlowSpec of a short length (RFC 8955 4.1)', IPV4_FLOWSPEC, hex`03 010800 02 0308`, ['03010800', '020308']],
  ['FlowSpec of a long length (RFC 8955 4.1)', IPV4_FLOWSPEC, hex`f003 010800`, ['f003010800']],
  ['EVPN routes of any type (RFC 7432 7)', L2VPN_EVPN, hex`02 02 aabb c8 00`, ['0202aabb', 'c800']],
  ['VPLS (RFC 4761 3.2.2)', L2VPN_VPLS, hex`0002 aabb 0000`, ['0002aabb', '0000']],
  ['BGP-LS (RFC 9552 5.2)', BGP_LS, hex`0001 0002 aabb 0003 0000`, ['00010002aabb', '00030000']],
  ['a family that we know nothing of, as one', { afi: 7, safi: 99 }, hex`010203`, ['010203']],
])('%s', (_name, family, bytes, elements) => {
  expect(cut(bytes, family)).toEqual(elements);
  const withIds = join(
    ...elements.map((e, i) => join(Uint8Array.of(0, 0, 1, i), Uint8Array.from(Buffer.from(e, 'hex')))),
  );
  if (family.afi !== 7) expect(cut(withIds, family, true)).toEqual(elements.map((e, i) => `${256 + i} ${e}`));
});

test.each<[string, Family, Uint8Array]>([
  ['an IPv4 prefix of length 33', IPV4_UNICAST, hex`21 0102030405`],
  ['an IPv6 prefix of length 129', IPV6_UNICAST, hex`81 0102030405060708090a0b0c0d0e0f1011`],
  ['a prefix that is cut off', IPV6_UNICAST, hex`20 20010d`],
  ['a labelled route of 23 bits', IPV4_LABELED_UNICAST, hex`17 000641`],
  ['a labelled prefix of length 33', IPV4_LABELED_UNICAST, hex`39 000641 0102030405`],
  ['a VPN route without a whole distinguisher', L3VPN_IPV4, hex`50 000641 0000fde9000000`],
  ['a VPN prefix of length 33', L3VPN_IPV4, hex`79 000641 0000fde900000001 0102030405`],
  ['a route target of 31 bits', ROUTE_TARGET, hex`1f 00000000`],
  ['a FlowSpec route that is cut off', IPV4_FLOWSPEC, hex`03 0108`],
  ['a FlowSpec length that is cut off', IPV4_FLOWSPEC, hex`f0`],
  ['an EVPN route that is cut off', L2VPN_EVPN, hex`02 03 aabb`],
  ['an EVPN type alone', L2VPN_EVPN, hex`02`],
  ['a BGP-LS route that is cut off', BGP_LS, hex`0001 0003 aabb`],
  ['a BGP-LS head that is cut off', BGP_LS, hex`0001 00`],
  ['a VPLS length that is cut off', L2VPN_VPLS, hex`00`],
])('%s is a fault (RFC 7606 5.3)', (_name, family, bytes) => {
  expect(cut(bytes, family)).toMatch(/RFC 7606 5\.3/);
});

test.each([
  ['no room for a path identifier', hex`000000`],
  ['a path identifier and nothing behind it', hex`00000001`],
  ['a prefix of length 33 behind it', hex`00000001 21 0102030405`],
])('%s is a fault (RFC 7911 3)', (_name, bytes) => {
  expect(cut(bytes, IPV4_UNICAST, true)).toMatch(/RFC 7606 5\.3/);
});

test('words of an address are masked, and nothing behind the prefix is in them (RFC 4271 4.3)', () => {
  const bytes = hex`21 20010db8 ff ffffffff`;
  expect([0, 1, 2, 3].map((i) => prefixWord(bytes, 0, 6, i).toString(16))).toEqual(['20010db8', '80000000', '0', '0']);
  expect(prefixWord(hex`09 0aff ffff`, 0, 3, 0).toString(16)).toBe('a800000');
  expect(prefixWord(hex`00 ffffffff`, 0, 1, 0)).toBe(0);
});

test('a prefix becomes a route and is read back; stray bits are zero', () => {
  for (const text of ['0.0.0.0/0', '10.128.0.0/9', '192.0.2.1/32', '::/0', '2001:db8:8000::/33', '2001:db8::1/128']) {
    const prefix = parseIpPrefix(text);
    if (prefix === undefined) throw new Error(text);
    const nlri = nlriOf(prefix, 7);
    const bytes = join(Uint8Array.of(0, 0, 0, 7), nlri.bytes);
    expect(readNlri(bytes, 0, bytes.length, nlri.family, true)).toEqual([nlri]);
    expect(nlri.prefix && formatIpPrefix(nlri.prefix)).toBe(text);
  }
  const [stray] = readNlri(hex`09 0aff`, 0, 3, IPV4_UNICAST, false) ?? [];
  expect(stray && toHex(stray.bytes)).toBe('090a80');
});
