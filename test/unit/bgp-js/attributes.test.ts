/** Path attributes: each row both ways, and each fault with what it costs. RFC 4271 4.3, RFC 7606 7. */
import { expect, test } from 'vitest';
import { asPathLength, formatAsPath, prependAsn } from '../../../src/bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { type AttributeParams, decodeAttributes, encodeAttributes } from '../../../src/bgp-js/attributes/attributes.ts';
import { hex, toHex } from '../../support/hex.ts';
import { address } from './two-speakers.ts';

const IBGP: AttributeParams = { fourOctetAs: true, ibgp: true };
const EBGP: AttributeParams = { fourOctetAs: true, ibgp: false };
const OLD: AttributeParams = { fourOctetAs: false, ibgp: false };

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));
const decode = (bytes: Uint8Array, params = IBGP) => decodeAttributes(bytes, 0, bytes.length, params);

//   40 01 01 00                          ORIGIN igp
//   40 02 06  02 01 0000fde9             AS_PATH: a sequence of one, 65001
//   40 03 04  c0000201                   NEXT_HOP 192.0.2.1
//   40 05 04  00000064                   LOCAL_PREF 100
//   |  |  |   '--- value
//   |  |  '------- length
//   |  '---------- type
//   '------------- flags: well-known, transitive
const ORIGIN = hex`40 01 01 00`;
const AS_PATH = hex`40 02 06 02 01 0000fde9`;
const NEXT_HOP = hex`40 03 04 c0000201`;
const LOCAL_PREF = hex`40 05 04 00000064`;
const PLAIN = join(ORIGIN, AS_PATH, NEXT_HOP);
const BASE = join(PLAIN, LOCAL_PREF);
const base: PathAttributes = {
  origin: 'igp',
  asPath: [{ type: 'sequence', asns: [65001] }],
  nextHop: address('192.0.2.1'),
  localPref: 100,
};

test('the mandatory attributes go both ways (RFC 4271 5.1)', () => {
  expect(decode(BASE)).toEqual({ attributes: base, faults: [], disposition: 'accept' });
  expect(toHex(encodeAttributes(base, IBGP))).toBe(toHex(BASE));
});

const ROWS: [string, Uint8Array, Partial<PathAttributes>][] = [
  ['MULTI_EXIT_DISC 100 (4.3 d)', hex`80 04 04 00000064`, { med: 100 }],
  ['ATOMIC_AGGREGATE (4.3 f)', hex`40 06 00`, { atomicAggregate: true }],
  [
    'AGGREGATOR 4200000000 at 192.0.2.9 (4.3 g, RFC 6793)',
    hex`c0 07 08 fa56ea00 c0000209`,
    { aggregator: { asn: 4_200_000_000, address: address('192.0.2.9') } },
  ],
  [
    'COMMUNITIES 65001:7 and NO_EXPORT (RFC 1997)',
    hex`c0 08 08 fde90007 ffffff01`,
    { communities: [0xfde90007, 0xffffff01] },
  ],
  ['ORIGINATOR_ID 10.0.0.1 (RFC 4456)', hex`80 09 04 0a000001`, { originatorId: address('10.0.0.1') }],
  [
    'CLUSTER_LIST of two (RFC 4456)',
    hex`80 0a 08 0a000002 0a000003`,
    { clusterList: [address('10.0.0.2'), address('10.0.0.3')] },
  ],
  [
    'an unknown optional transitive one, partial bit set (RFC 4271 5)',
    hex`e0 63 02 abcd`,
    { unknown: [{ type: 0x63, flags: 0xe0, value: hex`abcd` }] },
  ],
];
test.each(ROWS)('%s goes both ways', (_name, bytes, value) => {
  expect(decode(join(BASE, bytes))).toEqual({ attributes: { ...base, ...value }, faults: [], disposition: 'accept' });
  expect(decode(encodeAttributes({ ...base, ...value }, IBGP)).attributes).toEqual({ ...base, ...value });
  expect(toHex(encodeAttributes({ ...base, ...value }, IBGP))).toContain(toHex(bytes));
});

test('attributes are written in ascending order of type, unknown ones too (RFC 4271 5)', () => {
  const unknown = [
    { type: 99, flags: 0xe0, value: hex`01` },
    { type: 11, flags: 0xe0, value: hex`02` },
  ];
  const bytes = encodeAttributes({ ...base, clusterList: [address('10.0.0.2')], unknown }, IBGP);
  expect(toHex(bytes)).toMatch(/800a040a000002e00b0102e0630101$/);
});

test('more than 255 octets take the extended length, and the bit may be set for less (RFC 4271 4.3)', () => {
  const communities = Array.from({ length: 64 }, (_, i) => i);
  const bytes = encodeAttributes({ ...base, communities }, IBGP);
  expect(toHex(bytes)).toContain('d0080100');
  expect(decode(bytes).attributes?.communities).toEqual(communities);
  expect(decode(join(BASE, hex`90 04 0004 00000064`)).attributes?.med).toBe(100);
});

test('the low four flag bits and Partial do not count on receipt (RFC 4271 4.3)', () => {
  expect(
    decode(
      join(
        BASE,
        hex`8f 04 0004 00000064`.map((b, i) => (i === 0 ? 0x9f : b)),
      ),
    ).attributes?.med,
  ).toBe(100);
  expect(decode(join(BASE, hex`e0 08 04 fde90007`)).disposition).toBe('accept');
});

const without = (skip: Uint8Array): Uint8Array =>
  join(...[ORIGIN, AS_PATH, NEXT_HOP, LOCAL_PREF].filter((p) => p !== skip));
const instead = (skip: Uint8Array, bytes: Uint8Array): Uint8Array => join(without(skip), bytes);

test.each<[string, Uint8Array, 'discard' | 'withdraw' | 'reset', AttributeParams?]>([
  ['ORIGIN of 2 octets (7.1)', instead(ORIGIN, hex`40 01 02 0000`), 'withdraw'],
  ['ORIGIN 3 (7.1)', instead(ORIGIN, hex`40 01 01 03`), 'withdraw'],
  ['no ORIGIN (3 d)', without(ORIGIN), 'withdraw'],
  ['AS_PATH with segment type 7 (7.2)', instead(AS_PATH, hex`40 02 06 07 01 0000fde9`), 'withdraw'],
  ['AS_PATH with a segment overrun (7.2)', instead(AS_PATH, hex`40 02 06 02 02 0000fde9`), 'withdraw'],
  ['AS_PATH with a segment underrun (7.2)', instead(AS_PATH, hex`40 02 07 02 01 0000fde9 02`), 'withdraw'],
  ['AS_PATH with an empty segment (7.2)', instead(AS_PATH, hex`40 02 02 02 00`), 'withdraw'],
  ['AS_PATH with AS 0 (RFC 7607 2)', instead(AS_PATH, hex`40 02 06 02 01 00000000`), 'withdraw'],
  ['AS_PATH with an AS_SET (RFC 9774 3)', instead(AS_PATH, hex`40 02 06 01 01 0000fde9`), 'withdraw'],
  ['no AS_PATH (3 d)', without(AS_PATH), 'withdraw'],
  ['NEXT_HOP of 3 octets (7.3)', instead(NEXT_HOP, hex`40 03 03 c00002`), 'withdraw'],
  ['NEXT_HOP 127.0.0.1 (RFC 4271 6.3)', instead(NEXT_HOP, hex`40 03 04 7f000001`), 'withdraw'],
  ['NEXT_HOP 224.0.0.1 (RFC 4271 6.3)', instead(NEXT_HOP, hex`40 03 04 e0000001`), 'withdraw'],
  ['no NEXT_HOP (3 d)', without(NEXT_HOP), 'withdraw'],
  ['MULTI_EXIT_DISC of 3 octets (7.4)', join(BASE, hex`80 04 03 000064`), 'withdraw'],
  ['LOCAL_PREF of 3 octets over iBGP (7.5)', instead(LOCAL_PREF, hex`40 05 03 000064`), 'withdraw'],
  ['no LOCAL_PREF over iBGP (3 d)', PLAIN, 'withdraw'],
  ['LOCAL_PREF over eBGP (7.5)', BASE, 'discard', EBGP],
  ['LOCAL_PREF of 3 octets over eBGP (7.5)', join(PLAIN, hex`40 05 03 000064`), 'discard', EBGP],
  ['ATOMIC_AGGREGATE of 1 octet (7.6)', join(BASE, hex`40 06 01 00`), 'discard'],
  ['AGGREGATOR of 6 octets with 4-octet AS (7.7)', join(BASE, hex`c0 07 06 fde9 c0000209`), 'discard'],
  ['AGGREGATOR of AS 0 (RFC 7607 2)', join(BASE, hex`c0 07 08 00000000 c0000209`), 'discard'],
  ['empty COMMUNITIES (7.8)', join(BASE, hex`c0 08 00`), 'withdraw'],
  ['COMMUNITIES of 6 octets (7.8)', join(BASE, hex`c0 08 06 000000000000`), 'withdraw'],
  ['ORIGINATOR_ID of 5 octets (7.9)', join(BASE, hex`80 09 05 0a00000100`), 'withdraw'],
  ['ORIGINATOR_ID over eBGP (7.9)', join(PLAIN, hex`80 09 05 0a00000100`), 'discard', EBGP],
  ['empty CLUSTER_LIST (7.10)', join(BASE, hex`80 0a 00`), 'withdraw'],
  ['CLUSTER_LIST over eBGP (7.10)', join(PLAIN, hex`80 0a 00`), 'discard', EBGP],
  ['MP_REACH_NLRI twice (3 g)', join(BASE, hex`80 0e 01 00 80 0e 01 00`), 'reset'],
  ['MULTI_EXIT_DISC twice (3 g)', join(BASE, hex`80 04 04 00000064 80 04 04 00000065`), 'discard'],
  ['ORIGIN with the flags of an optional one (3 c)', instead(ORIGIN, hex`c0 01 01 00`), 'withdraw'],
  ['MULTI_EXIT_DISC with the flags of a transitive one (3 c)', join(BASE, hex`c0 04 04 00000064`), 'withdraw'],
  ['an unknown well-known one (RFC 4271 6.3)', join(BASE, hex`40 63 01 00`), 'reset'],
  ['an attribute past the end (4)', join(BASE, hex`80 04 09 00000064`), 'withdraw'],
  ['one stray octet (4)', join(BASE, hex`80`), 'withdraw'],
  ['two stray octets (4)', join(BASE, hex`80 04`), 'withdraw'],
  ['a discard and a withdraw: the stronger (3 h)', join(BASE, hex`40 06 01 00 80 04 03 000064`), 'withdraw'],
  ['a withdraw and a reset: the stronger (3 h)', join(BASE, hex`80 04 03 000064 40 63 01 00`), 'reset'],
])('%s (RFC 7606)', (_name, bytes, disposition, params = IBGP) => {
  const result = decode(bytes, params);
  expect(result.disposition).toBe(disposition);
  expect(result.faults.length).toBeGreaterThan(0);
  expect(result.attributes === undefined).toBe(disposition !== 'discard');
  expect(result.error === undefined).toBe(disposition !== 'reset');
});

test('the first of two equal attributes counts (RFC 7606 3 g)', () => {
  expect(decode(join(BASE, hex`80 04 04 00000064 80 04 04 00000065`)).attributes?.med).toBe(100);
});

test('an unknown well-known attribute is answered 3/2 with the whole attribute (RFC 4271 6.3)', () => {
  expect(decode(join(BASE, hex`40 63 01 aa`)).error).toMatchObject({ code: 3, subcode: 2, data: hex`40 63 01 aa` });
});

test('an unknown optional non-transitive attribute is ignored quietly (RFC 4271 5)', () => {
  expect(decode(join(BASE, hex`80 63 01 aa`))).toEqual({ attributes: base, faults: [], disposition: 'accept' });
});

test('faults are bounded whatever a peer sends', () => {
  const many = join(BASE, ...Array.from({ length: 1000 }, () => hex`80 04 00`));
  expect(decode(many).faults.length).toBeLessThan(10);
  const unknown = join(BASE, ...Array.from({ length: 200 }, (_, i) => Uint8Array.from([0xc0, 40 + i, 0])));
  expect(decode(unknown).attributes?.unknown?.length).toBeLessThan(40);
});

test('AS_SETs are accepted where they are allowed, and count as one (RFC 4271 9.1.2.2)', () => {
  const bytes = instead(AS_PATH, hex`40 02 10 02 01 0000fde9 01 02 0000fdea 0000fdeb`);
  const path = decode(bytes, { ...IBGP, allowAsSets: true }).attributes?.asPath ?? [];
  expect(formatAsPath(path)).toBe('65001 {65002,65003}');
  expect(asPathLength(path)).toBe(2);
});

test('prepending extends a sequence, or begins one before a set or a full segment (RFC 4271 5.1.2)', () => {
  expect(prependAsn([], 1)).toEqual([{ type: 'sequence', asns: [1] }]);
  expect(prependAsn([{ type: 'sequence', asns: [2] }], 1)).toEqual([{ type: 'sequence', asns: [1, 2] }]);
  expect(prependAsn([{ type: 'set', asns: [2] }], 1)).toHaveLength(2);
  const full = Array.from({ length: 255 }, () => 2);
  expect(prependAsn([{ type: 'sequence', asns: full }], 1)).toHaveLength(2);
});

test('to a 2-octet peer AS_TRANS stands in, with AS4_PATH and AS4_AGGREGATOR beside it, and they merge again (RFC 6793 4.2)', () => {
  const asPath = [{ type: 'sequence', asns: [64512, 4_200_000_000, 65001] }] as const;
  const aggregator = { asn: 4_200_000_000, address: address('192.0.2.9') };
  const attributes: PathAttributes = { origin: 'igp', asPath, nextHop: address('192.0.2.1'), aggregator };
  const bytes = encodeAttributes(attributes, OLD);
  expect(toHex(bytes)).toContain('4002080203fc005ba0fde9');
  expect(toHex(bytes)).toContain('c0110e02030000fc00fa56ea000000fde9');
  expect(toHex(bytes)).toContain('c007065ba0c0000209');
  expect(decode(bytes, OLD)).toEqual({ attributes, faults: [], disposition: 'accept' });
  // An old speaker in between has put itself in front of AS_PATH only.
  const longer = hex`40 02 0a 02 04 fde8 fc00 5ba0 fde9`;
  const passed = join(ORIGIN, longer, NEXT_HOP, hex`c0 11 0e 02 03 0000fc00 fa56ea00 0000fde9`);
  expect(formatAsPath(decode(passed, OLD).attributes?.asPath ?? [])).toBe('65000 64512 4200000000 65001');
});

test('AS4_PATH is ignored when it is the longer one, when AGGREGATOR shows it out of date, and from a 4-octet peer', () => {
  const two = hex`40 02 04 02 01 fde9`;
  const as4 = hex`c0 11 0a 02 02 0000fc00 fa56ea00`;
  const path = (bytes: Uint8Array, params: AttributeParams): string =>
    formatAsPath(decode(bytes, params).attributes?.asPath ?? []);
  expect(path(join(ORIGIN, two, NEXT_HOP, as4), OLD)).toBe('65001');
  const old = hex`40 02 06 02 02 fde9 5ba0`;
  const outdated = hex`c0 07 06 fde9 c0000209 c0 12 08 fa56ea00 c0000209`;
  expect(path(join(ORIGIN, old, NEXT_HOP, outdated, as4), OLD)).toBe('65001 23456');
  expect(path(join(PLAIN, as4), EBGP)).toBe('65001');
});
