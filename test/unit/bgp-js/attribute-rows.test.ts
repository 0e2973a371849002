/** The attributes beyond RFC 4271's, each row both ways and each fault with what it costs and what RFC 4271 6.3 calls it.
 *  RFC 4360, 5065, 5701, 6793, 7311, 7606, 8092, 9234. */
import { expect, test } from 'vitest';
import { parseIpv6 } from '../../../src/base/ipv6.ts';
import { formatAsPath, prependMemberAsn, withoutConfederation } from '../../../src/bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import {
  type AttributeParams,
  decodeAttributes,
  decodeAttributesOf,
  encodeAttributes,
} from '../../../src/bgp-js/attributes/attributes.ts';
import { hex, toHex } from '../../support/hex.ts';
import { address } from './two-speakers.ts';

const EBGP: AttributeParams = { fourOctetAs: true, ibgp: false };
const IBGP: AttributeParams = { fourOctetAs: true, ibgp: true };
const OLD: AttributeParams = { fourOctetAs: false, ibgp: false };
const MEMBER: AttributeParams = { ...EBGP, confederation: true };

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));
const decode = (bytes: Uint8Array, params: AttributeParams) => decodeAttributes(bytes, 0, bytes.length, params);

//   40 01 01 00                 ORIGIN igp
//   40 02 06 02 01 0000fde9     AS_PATH: a sequence of one, 65001
//   40 03 04 c0000201           NEXT_HOP 192.0.2.1
//   40 05 04 00000064           LOCAL_PREF 100
const ORIGIN = hex`40 01 01 00`;
const AS_PATH = hex`40 02 06 02 01 0000fde9`;
const NEXT_HOP = hex`40 03 04 c0000201`;
const PLAIN = join(ORIGIN, AS_PATH, NEXT_HOP);
const BASE = join(PLAIN, hex`40 05 04 00000064`);
const base: PathAttributes = {
  origin: 'igp',
  asPath: [{ type: 'sequence', asns: [65001] }],
  nextHop: address('192.0.2.1'),
  localPref: 100,
};
const v6 = (text: string) => {
  const parsed = parseIpv6(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

test.each<[string, Uint8Array, Partial<PathAttributes>]>([
  [
    'EXTENDED_COMMUNITIES: route target 65001:100 and a non-transitive one (RFC 4360 2)',
    hex`c0 10 10  0002 fde9 00000064  4004 fde9 4b189680`,
    { extendedCommunities: [0x0002fde900000064n, 0x4004fde94b189680n] },
  ],
  [
    'IPV6_EXTENDED_COMMUNITIES: route target 2001:db8::1, 7 (RFC 5701 2)',
    hex`c0 19 14  0002 20010db8000000000000000000000001 0007`,
    { ipv6ExtendedCommunities: [{ type: 2, address: v6('2001:db8::1'), local: 7 }] },
  ],
  ['AIGP 1000 (RFC 7311 3)', hex`80 1a 0b  01 000b 00000000000003e8`, { aigp: { metric: 1000n } }],
  [
    'AIGP with a TLV that we do not know, which is passed along (RFC 7311 3)',
    hex`80 1a 10  01 000b 0000000000000001  07 0005 abcd`,
    { aigp: { metric: 1n, rest: hex`07 0005 abcd` } },
  ],
  [
    'LARGE_COMMUNITIES 4200000000:1:4294967295 (RFC 8092 3)',
    hex`c0 20 0c  fa56ea00 00000001 ffffffff`,
    { largeCommunities: [{ global: 4_200_000_000, local1: 1, local2: 0xffffffff }] },
  ],
  ['OTC 64500 (RFC 9234 5)', hex`c0 23 04  0000fbf4`, { onlyToCustomer: 64500 }],
  [
    'PREFIX_SID, which we do not know, with the partial bit (RFC 4271 5)',
    hex`e0 28 03 010203`,
    { unknown: [{ type: 40, flags: 0xe0, value: hex`010203` }] },
  ],
  [
    'COMMUNITIES that somebody on the way did not understand keep the partial bit (RFC 4271 5)',
    hex`e0 08 04 fde90007`,
    { communities: [0xfde90007], partial: [8] },
  ],
])('%s goes both ways', (_name, bytes, value) => {
  expect(decode(join(BASE, bytes), IBGP)).toEqual({
    attributes: { ...base, ...value },
    faults: [],
    disposition: 'accept',
  });
  expect(toHex(encodeAttributes({ ...base, ...value }, IBGP))).toBe(toHex(join(BASE, bytes)));
});

test('rows that lie between others are written in ascending order (RFC 4271 5)', () => {
  const bytes = encodeAttributes(
    {
      ...base,
      onlyToCustomer: 1,
      largeCommunities: [{ global: 1, local1: 2, local2: 3 }],
      extendedCommunities: [1n],
      unknown: [{ type: 20, flags: 0xc0, value: hex`` }],
    },
    IBGP,
  );
  expect(toHex(bytes.subarray(BASE.length))).toMatch(/^c01008.{16}e01400c0200c.{24}c02304/);
});

test('empty lists have no form on the wire and are left out', () => {
  const empty = { communities: [], extendedCommunities: [], largeCommunities: [], clusterList: [] };
  expect(toHex(encodeAttributes({ ...base, ...empty }, IBGP))).toBe(toHex(BASE));
});

test('of repeated LARGE_COMMUNITIES one is kept, and one is sent (RFC 8092 3)', () => {
  const one = { global: 1, local1: 2, local2: 3 };
  const twice = hex`c0 20 18  00000001 00000002 00000003  00000001 00000002 00000003`;
  expect(decode(join(PLAIN, twice), EBGP).attributes?.largeCommunities).toEqual([one]);
  expect(encodeAttributes({ ...base, largeCommunities: [one, one] }, IBGP).length).toBe(BASE.length + 3 + 12);
});

//   [what, attribute, params, what it costs, subcode of RFC 4271 6.3]
test.each<[string, Uint8Array, AttributeParams, 'discard' | 'withdraw', number]>([
  ['empty EXTENDED_COMMUNITIES (RFC 7606 7.14)', hex`c0 10 00`, EBGP, 'withdraw', 5],
  ['EXTENDED_COMMUNITIES of 12 octets (7.14)', hex`c0 10 0c 000000000000000000000000`, EBGP, 'withdraw', 5],
  ['IPV6_EXTENDED_COMMUNITIES of 8 octets (7.15)', hex`c0 19 08 0000000000000000`, EBGP, 'withdraw', 5],
  ['empty LARGE_COMMUNITIES (RFC 8092 6)', hex`c0 20 00`, EBGP, 'withdraw', 5],
  ['LARGE_COMMUNITIES of 13 octets (RFC 8092 6)', hex`c0 20 0d 00000000000000000000000000`, EBGP, 'withdraw', 5],
  ['OTC of 5 octets (RFC 9234 5)', hex`c0 23 05 0000000001`, EBGP, 'withdraw', 5],
  ['OTC flagged non-transitive (RFC 7606 3 c)', hex`80 23 04 00000001`, EBGP, 'withdraw', 4],
  ['AIGP flagged transitive: dropped (RFC 7311 3.2)', hex`c0 1a 0b 01 000b 0000000000000001`, IBGP, 'discard', 4],
  ['AIGP with a TLV that runs past its end (RFC 7311 3.2)', hex`80 1a 04 02 0009 00`, IBGP, 'discard', 9],
  ['AIGP with an AIGP TLV of 12 octets (RFC 7311 3.2)', hex`80 1a 0c 01 000c 000000000000000000`, IBGP, 'discard', 9],
  ['AIGP with a TLV of length 2 (RFC 7311 3.2)', hex`80 1a 03 01 0002`, IBGP, 'discard', 9],
  ['AS4_PATH from a 4-octet speaker (RFC 6793 6)', hex`c0 11 06 02 01 0000fde9`, EBGP, 'discard', 9],
  ['AS4_PATH with the wrong flags from a 4-octet speaker (RFC 6793 6)', hex`40 11 00`, EBGP, 'discard', 9],
  ['AS4_AGGREGATOR from a 4-octet speaker (RFC 6793 6)', hex`c0 12 08 00000001 c0000201`, EBGP, 'discard', 9],
])('%s', (_name, bytes, params, action, subcode) => {
  const decoded = decode(join(params.ibgp ? BASE : PLAIN, bytes), params);
  expect(decoded.disposition).toBe(action);
  expect(decoded.faults).toMatchObject([{ type: bytes[1], action, subcode, at: (params.ibgp ? BASE : PLAIN).length }]);
});

test('AIGP from another AS is ignored without a word, unless it is enabled (RFC 7311 3.3)', () => {
  const aigp = hex`80 1a 0b 01 000b 00000000000003e8`;
  expect(decode(join(PLAIN, aigp), EBGP)).toMatchObject({ faults: [], disposition: 'accept' });
  expect(decode(join(PLAIN, aigp), EBGP).attributes?.aigp).toBeUndefined();
  expect(decode(join(PLAIN, aigp), { ...EBGP, aigp: true }).attributes?.aigp).toEqual({ metric: 1000n });
  expect(decode(join(BASE, aigp), { ...IBGP, aigp: false }).attributes?.aigp).toBeUndefined();
});

//   03 01 0000fe4d    AS_CONFED_SEQUENCE of one, 65101
//   04 01 0000fe4e    AS_CONFED_SET of one, 65102
const CONFED = hex`40 02 0c  03 01 0000fe4d  02 01 0000fde9`;
const withPath = (path: Uint8Array): Uint8Array => join(ORIGIN, path, NEXT_HOP);

test('confederation segments come from members of the confederation only (RFC 5065 5)', () => {
  expect(decode(withPath(CONFED), EBGP)).toMatchObject({ disposition: 'withdraw', faults: [{ type: 2, subcode: 11 }] });
  const path = decode(withPath(CONFED), MEMBER).attributes?.asPath ?? [];
  expect(formatAsPath(path)).toBe('(65101) 65001');
  expect(toHex(encodeAttributes({ ...base, asPath: path }, EBGP))).toContain(toHex(CONFED));
  // Another member must have put itself in front; our own need not.
  expect(decode(withPath(AS_PATH), MEMBER).disposition).toBe('withdraw');
  expect(decode(withPath(hex`40 02 00`), MEMBER).disposition).toBe('withdraw');
  expect(decode(join(withPath(AS_PATH), hex`40 05 04 00000064`), { ...MEMBER, ibgp: true }).disposition).toBe('accept');
  // RFC 9774 3
  expect(decode(withPath(hex`40 02 06 04 01 0000fe4e`), MEMBER).disposition).toBe('withdraw');
});

test('LOCAL_PREF is kept from another member of the confederation (RFC 5065 4)', () => {
  const bytes = join(withPath(CONFED), hex`40 05 04 00000064`);
  expect(decode(bytes, MEMBER).attributes?.localPref).toBe(100);
});

test('a path goes to another member with our member AS in front, and leaves without members (RFC 5065 4.1)', () => {
  const path = [{ type: 'sequence', asns: [65001] }] as const;
  const inside = prependMemberAsn(prependMemberAsn(path, 65101), 65102);
  expect(formatAsPath(inside)).toBe('(65102 65101) 65001');
  expect(withoutConfederation(inside)).toEqual(path);
});

test('the first AS must be the peer when that is asked for (RFC 4271 6.3, RFC 7606 7.2)', () => {
  const strict = { ...EBGP, enforceFirstAs: true, peerAsn: 65002 };
  expect(decode(PLAIN, strict)).toMatchObject({ disposition: 'withdraw', faults: [{ type: 2, subcode: 11 }] });
  expect(decode(PLAIN, { ...strict, peerAsn: 65001 }).disposition).toBe('accept');
  expect(decode(withPath(hex`40 02 00`), strict).disposition).toBe('withdraw');
  expect(decode(PLAIN, { ...EBGP, peerAsn: 65002 }).disposition).toBe('accept');
});

test('confederation segments in AS4_PATH are dropped, the rest of it counts (RFC 6793 6)', () => {
  //   AS_PATH 65001 23456, AS4_PATH (65101) 4200000000
  const bytes = join(ORIGIN, hex`40 02 06  02 02 fde9 5ba0`, NEXT_HOP, hex`c0 11 0c  03 01 0000fe4d  02 01 fa56ea00`);
  expect(decode(bytes, OLD)).toMatchObject({ faults: [], disposition: 'accept' });
  expect(formatAsPath(decode(bytes, OLD).attributes?.asPath ?? [])).toBe('65001 4200000000');
});

test('confederation segments of AS_PATH lead the merged path and count nothing (RFC 6793 4.2.3)', () => {
  //   AS_PATH (65101) 65001 23456, AS4_PATH 4200000000
  const bytes = join(ORIGIN, hex`40 02 0a  03 01 fe4d  02 02 fde9 5ba0`, NEXT_HOP, hex`c0 11 06  02 01 fa56ea00`);
  const path = decode(bytes, { ...OLD, confederation: true }).attributes?.asPath ?? [];
  expect(formatAsPath(path)).toBe('(65101) 65001 4200000000');
});

test('AS4_PATH to a 2-octet peer holds no confederation segments (RFC 6793 4.2.2)', () => {
  const asPath = [
    { type: 'confed-sequence', asns: [65101] },
    { type: 'sequence', asns: [4_200_000_000] },
  ] as const;
  expect(toHex(encodeAttributes({ ...base, asPath }, OLD))).toContain('c011060201fa56ea00');
  const members = [{ type: 'confed-sequence', asns: [4_200_000_000] }] as const;
  expect(toHex(encodeAttributes({ ...base, asPath: members }, OLD))).not.toContain('c011');
});

test('an AS_SET in AS4_PATH withdraws (RFC 9774 3)', () => {
  const bytes = join(ORIGIN, hex`40 02 04 02 01 5ba0`, NEXT_HOP, hex`c0 11 06 01 01 fa56ea00`);
  expect(decode(bytes, OLD).disposition).toBe('withdraw');
  expect(formatAsPath(decode(bytes, { ...OLD, allowAsSets: true }).attributes?.asPath ?? [])).toBe('{4200000000}');
});

test('faults have the subcode of RFC 4271 6.3', () => {
  const subcode = (bytes: Uint8Array, params = EBGP): number | undefined => decode(bytes, params).faults[0]?.subcode;
  expect(subcode(join(AS_PATH, NEXT_HOP))).toBe(3);
  expect(subcode(join(hex`c0 01 01 00`, AS_PATH, NEXT_HOP))).toBe(4);
  expect(subcode(join(hex`40 01 02 0000`, AS_PATH, NEXT_HOP))).toBe(5);
  expect(subcode(join(hex`40 01 01 03`, AS_PATH, NEXT_HOP))).toBe(6);
  expect(subcode(join(ORIGIN, AS_PATH, hex`40 03 04 7f000001`))).toBe(8);
  expect(subcode(join(ORIGIN, hex`40 02 06 07 01 0000fde9`, NEXT_HOP))).toBe(11);
  expect(subcode(join(PLAIN, hex`40`))).toBe(1);
});

test('without routes nothing is mandatory, and NEXT_HOP beside MP_REACH_NLRI is not looked at (RFC 4760 3)', () => {
  expect(decodeAttributesOf(ORIGIN, 0, ORIGIN.length, EBGP, 'none')).toEqual({ faults: [], disposition: 'accept' });
  const bytes = join(ORIGIN, AS_PATH, hex`40 03 01 7f`);
  expect(decodeAttributesOf(bytes, 0, bytes.length, EBGP, 'mp')).toMatchObject({ faults: [], disposition: 'accept' });
});
