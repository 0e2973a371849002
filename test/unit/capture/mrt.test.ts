import { expect, test } from 'vitest';
import { kinds, readCapture, textOf } from '../../support/captured.ts';
import { hex } from '../../support/hex.ts';
import { bytesOf, u16, u32 } from '../../support/packets.ts';

const MARKER = new Uint8Array(16).fill(0xff);
const KEEPALIVE = bytesOf(MARKER, hex`0013 04`);
const TIME = 1_700_000_000;

const record = (type: number, subtype: number, body: Uint8Array): Uint8Array =>
  bytesOf(u32(TIME), u16(type), u16(subtype), u32(body.length), body);
/** AS numbers of two octets, interface 0, IPv4. */
const SESSION = hex`fde9 fdea 0000 0001 0a000001 0a000002`;
const SESSION_AS4 = hex`fa56ea01 0000fdea 0000 0001 0a000001 0a000002`;
const SESSION_V6 = bytesOf(
  hex`fde9 fdea 0000 0002 20010db8`,
  new Uint8Array(11),
  [1],
  hex`20010db8`,
  new Uint8Array(11),
  [2],
);
/** A 2-octet AS_PATH, and one with path identifiers and a 4-octet AS_PATH. */
const UPDATE = bytesOf(MARKER, hex`002c 02 0000 0012 400101 00 400204 0201 fde9 400304 0a000001 18 c63364`);
const ADD_PATH = bytesOf(
  MARKER,
  hex`0032 02 0000 0014 400101 00 400206 0201 0000fde9 400304 0a000001 00000005 18 c63364`,
);
UPDATE[17] = UPDATE.length;
ADD_PATH[17] = ADD_PATH.length;

test('BGP4MP messages of all subtypes are read, each in the context its subtype says (RFC 6396 4.4, RFC 8050 3)', () => {
  const file = bytesOf(
    record(16, 1, bytesOf(SESSION, UPDATE)),
    record(16, 4, bytesOf(SESSION_AS4, KEEPALIVE)),
    record(16, 6, bytesOf(SESSION, UPDATE)),
    record(16, 9, bytesOf(SESSION_AS4, ADD_PATH)),
    record(16, 1, bytesOf(SESSION_V6, KEEPALIVE)),
  );
  const items = readCapture(file);
  const us = { address: '10.0.0.2', asn: 65002 };
  expect(items).toMatchObject([
    {
      type: 'update',
      from: { address: '10.0.0.1', asn: 65001 },
      to: us,
      context: { fourOctetAs: false, source: 'record' },
    },
    { type: 'keepalive', from: { asn: 4200000001 }, time: '2023-11-14T22:13:20Z' },
    { type: 'update', from: us },
    { type: 'update', context: { fourOctetAs: true }, nlri: [{ prefix: '198.51.100.0/24', pathId: 5 }] },
    { type: 'keepalive', from: { address: '2001:db8::1' } },
  ]);
  for (const item of items) {
    expect(file[item.offset]).toBe(0xff);
    expect(item).toMatchObject({ faults: [] });
  }
});

test('BGP4MP_ET has microseconds; state changes are named (RFC 6396 3 and 4.4.1)', () => {
  const states = (from: number, to: number): Uint8Array => bytesOf(SESSION_AS4, u16(from), u16(to));
  const file = bytesOf(
    record(17, 5, bytesOf(u32(42), states(5, 6))),
    record(16, 5, states(6, 1)),
    record(16, 5, states(1, 99)),
  );
  expect(textOf(readCapture(file))).toBe(`\
2023-11-14T22:13:20.000042Z  10.0.0.1 (AS 4200000001) > 10.0.0.2 (AS 65002)  STATE  OpenConfirm -> Established
2023-11-14T22:13:20Z  10.0.0.1 (AS 4200000001) > 10.0.0.2 (AS 65002)  STATE  Established -> Idle
2023-11-14T22:13:20Z  10.0.0.1 (AS 4200000001) > 10.0.0.2 (AS 65002)  STATE  Idle -> state 99
`);
});

/** Collector 10.0.0.9, view "x"; an IPv4 peer with a 2-octet AS number, an IPv6 peer with a 4-octet one. */
const PEERS = bytesOf(
  hex`0a000009 0001 78 0002`,
  hex`00 0a000001 0a000001 fde9`,
  hex`03 0a000002 20010db8`,
  new Uint8Array(11),
  [1],
  hex`fa56ea01`,
);
const ATTRIBUTES = hex`400101 00 400206 0201 0000fde9 400304 0a000001`;
/** MP_REACH_NLRI as RFC 6396 4.3.4 wants it: the next hop alone. */
const ATTRIBUTES_V6 = bytesOf(hex`400101 02 400200 800e 11 10 20010db8`, new Uint8Array(11), [7]);
const entry = (peer: number, attributes: Uint8Array, pathId: readonly number[] = []): Uint8Array =>
  bytesOf(u16(peer), u32(TIME - 60), pathId, u16(attributes.length), attributes);

test('a RIB is read with the peers of its index, abbreviated MP_REACH_NLRI and path identifiers (RFC 6396 4.3, RFC 8050 4)', () => {
  const file = bytesOf(
    record(13, 1, PEERS),
    record(13, 2, bytesOf(u32(0), hex`18 c63364 0002`, entry(0, ATTRIBUTES), entry(1, ATTRIBUTES))),
    record(13, 4, bytesOf(u32(1), hex`20 20010db8 0001`, entry(1, ATTRIBUTES_V6))),
    record(13, 8, bytesOf(u32(2), hex`08 0a 0002`, entry(0, ATTRIBUTES, u32(1)), entry(0, ATTRIBUTES, u32(2)))),
    // RIB_GENERIC: l3vpn ipv4, label 100, 65000:1, 10.0.0.0/8
    record(13, 6, bytesOf(u32(3), hex`0001 80 60 000641 0000fde800000001 0a 0001`, entry(0, ATTRIBUTES))),
  );
  expect(textOf(readCapture(file))).toBe(`\
2023-11-14T22:13:20Z  PEER-INDEX-TABLE  collector 10.0.0.9, view "x", 2 peers
  0  10.0.0.1 AS 65001 identifier 10.0.0.1
  1  2001:db8::1 AS 4200000001 identifier 10.0.0.2
2023-11-14T22:13:20Z  RIB  ipv4 unicast 198.51.100.0/24, 2 paths
  from 10.0.0.1 AS 65001, since 2023-11-14T22:12:20Z
    origin igp, as-path 65001, next-hop 10.0.0.1
  from 2001:db8::1 AS 4200000001, since 2023-11-14T22:12:20Z
    origin igp, as-path 65001, next-hop 10.0.0.1
2023-11-14T22:13:20Z  RIB  ipv6 unicast 2001:db8::/32, 1 path
  from 2001:db8::1 AS 4200000001, since 2023-11-14T22:12:20Z
    origin incomplete, as-path (empty), mp-next-hop 2001:db8::7
2023-11-14T22:13:20Z  RIB  ipv4 unicast 10.0.0.0/8, 2 paths
  from 10.0.0.1 AS 65001, path #1, since 2023-11-14T22:12:20Z
    origin igp, as-path 65001, next-hop 10.0.0.1
  from 10.0.0.1 AS 65001, path #2, since 2023-11-14T22:12:20Z
    origin igp, as-path 65001, next-hop 10.0.0.1
2023-11-14T22:13:20Z  RIB  l3vpn ipv4 [100]65000:1:10.0.0.0/8, 1 path
  from 10.0.0.1 AS 65001, since 2023-11-14T22:12:20Z
    origin igp, as-path 65001, next-hop 10.0.0.1
`);
});

test('RIB_GENERIC_ADDPATH is read in the form of RFC 8050 4.2 and in the form that daemons write', () => {
  const head = bytesOf(u32(3), hex`0001 80`);
  const nlri = hex`60 000641 0000fde800000001 0a 0001`;
  const daemons = record(13, 12, bytesOf(head, nlri, entry(0, ATTRIBUTES, u32(9))));
  const rfc = record(13, 12, bytesOf(head, u32(9), nlri, entry(0, ATTRIBUTES)));
  for (const file of [daemons, rfc])
    expect(readCapture(bytesOf(record(13, 1, PEERS), file))[1]).toMatchObject({
      nlri: { family: 'l3vpn ipv4', rd: '65000:1', labels: [100], prefix: '10.0.0.0/8' },
      entries: [{ pathId: 9 }],
    });
});

test('an entry of a peer that the index lacks, and one whose attributes overrun, are faults at their octet', () => {
  const file = bytesOf(
    record(13, 2, bytesOf(u32(0), hex`18 c63364 0002`, entry(7, ATTRIBUTES), entry(8, hex`400101 00 4002ff`))),
  );
  expect(readCapture(file)).toMatchObject([
    {
      type: 'rib',
      entries: [
        { peerIndex: 7, faults: [{ section: 'RFC 6396 4.3.4' }] },
        {
          faults: [
            { section: 'RFC 6396 4.3.4' },
            { section: 'RFC 7606 4', disposition: 'withdraw', offset: file.length - 3 },
          ],
        },
      ],
    },
  ]);
});

test('a malformed attribute of a RIB entry is a fault at its octet (RFC 7606 7.4)', () => {
  const file = bytesOf(
    record(13, 1, PEERS),
    record(13, 2, bytesOf(u32(0), hex`18 c63364 0001`, entry(0, hex`400101 00 800403 000064`))),
  );
  expect(readCapture(file)[1]).toMatchObject({
    entries: [
      {
        faults: [
          {
            attribute: 4,
            section: 'RFC 7606 7.4',
            offset: file.length - 6,
            text: 'MULTI_EXIT_DISC of 3 octets is malformed',
          },
        ],
      },
    ],
  });
});

test('a record of another kind is noted once, and what follows is read', () => {
  const other = record(11, 0, new Uint8Array(20));
  const items = readCapture(bytesOf(other, other, record(16, 1, bytesOf(SESSION, KEEPALIVE))));
  expect(items).toMatchObject([
    { type: 'note', text: expect.stringContaining('records of type 11 (OSPFv2) subtype 0 are passed over') },
    { type: 'keepalive' },
  ]);
});

test.each<[string, Uint8Array, number, string]>([
  ['a record that ends inside a field', record(16, 4, hex`fa56ea01 0000fdea 0000 0001 0a00`), 12, '(RFC 6396 4.4)'],
  [
    'a RIB entry longer than its record',
    record(13, 2, bytesOf(u32(0), hex`18 c63364 0001 0000 00000000 00ff`)),
    12,
    '(RFC 6396 4.3)',
  ],
  [
    'a file that ends inside a record',
    record(16, 1, bytesOf(SESSION, KEEPALIVE)).slice(0, -1),
    46,
    'ends inside a record (RFC 6396 2)',
  ],
  [
    'an unknown type',
    bytesOf(record(16, 1, bytesOf(SESSION, KEEPALIVE)), u32(0), u16(99), u16(0), u32(0)),
    51,
    'record type 99 is unknown (RFC 6396 4)',
  ],
  [
    'a record of 64 MiB',
    bytesOf(record(16, 1, bytesOf(SESSION, KEEPALIVE)), u32(0), u16(16), u16(1), u32(1 << 26)),
    55,
    'above 16777216 (RFC 6396 2)',
  ],
])('%s is refused at its octet, with the section', (_name, file, offset, text) => {
  expect(readCapture(file).at(-1)).toMatchObject({ type: 'fault', offset, text: expect.stringContaining(text) });
});

test('a message inside a record may be at fault; the record is not', () => {
  const items = readCapture(
    bytesOf(record(16, 1, bytesOf(SESSION, hex`0013 04`)), record(16, 1, bytesOf(SESSION, KEEPALIVE))),
  );
  expect(items).toMatchObject([
    { type: 'note', bad: true, text: expect.stringContaining('RFC 4271 4.1') },
    { type: 'keepalive' },
  ]);
});

test('pieces of any size give the same', () => {
  const file = bytesOf(record(13, 1, PEERS), record(13, 2, bytesOf(u32(0), hex`18 c63364 0001`, entry(0, ATTRIBUTES))));
  for (const size of [1, 5, 13]) expect(readCapture(file, {}, { pieces: size })).toEqual(readCapture(file));
  expect(kinds(readCapture(file))).toEqual(['peer-index-table', 'rib']);
});
