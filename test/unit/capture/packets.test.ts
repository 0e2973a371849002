import { expect, test } from 'vitest';
import { kinds, readCapture } from '../../support/captured.ts';
import { hex } from '../../support/hex.ts';
import { bytesOf, ethernet, ip, packet, pcapFile, pcapngFile, tcp, u16, u32 } from '../../support/packets.ts';

const MARKER = new Uint8Array(16).fill(0xff);
const KEEPALIVE = bytesOf(MARKER, hex`0013 04`);
const END_OF_RIB = bytesOf(MARKER, hex`0017 02 0000 0000`);
const PACKET = packet({ payload: KEEPALIVE });
const V6 = packet({ from: '2001:db8::1', to: '2001:db8::2', payload: KEEPALIVE });

/** Linux cooked captures: the EtherType last in the first form, first in the second. */
const sll = (p: Uint8Array, type = 0x0800): Uint8Array =>
  bytesOf(u16(0), u16(1), u16(6), new Uint8Array(8), u16(type), p);
const sll2 = (p: Uint8Array, type = 0x0800): Uint8Array =>
  bytesOf(u16(type), u16(0), u32(3), u16(1), [0, 6], new Uint8Array(8), p);

test.each<[string, number, Uint8Array]>([
  ['Ethernet', 1, ethernet(PACKET)],
  ['Ethernet with IPv6', 1, ethernet(V6)],
  ['one VLAN tag', 1, ethernet(PACKET, [0x8100])],
  ['two VLAN tags', 1, ethernet(PACKET, [0x88a8, 0x8100])],
  ['Linux cooked v1', 113, sll(PACKET)],
  ['Linux cooked v2', 276, sll2(PACKET)],
  ['Linux cooked v2 with IPv6', 276, sll2(V6, 0x86dd)],
  ['raw IP', 101, PACKET],
  ['raw IPv6', 101, V6],
  ['null', 0, bytesOf([2, 0, 0, 0], PACKET)],
  ['loop', 108, bytesOf([0, 0, 0, 24], V6)],
  ['IP in IP', 1, ethernet(ip('192.168.0.1', '192.168.0.2', 4, PACKET))],
  ['IPv6 in IP', 1, ethernet(ip('192.168.0.1', '192.168.0.2', 41, V6))],
  [
    'IPv6 with extension headers',
    101,
    // Hop-by-hop (8 octets), then an authentication header (16), then TCP.
    ip(
      '2001:db8::1',
      '2001:db8::2',
      0,
      bytesOf([51, 0, 1, 4, 0, 0, 0, 0], [6, 2], new Uint8Array(14), tcp({ payload: KEEPALIVE })),
    ),
  ],
])('%s is read, as pcap and as pcapng', (_name, linkType, frame) => {
  for (const file of [pcapFile(linkType, [frame]), pcapngFile(linkType, [frame])]) {
    const [item, ...more] = readCapture(file);
    expect(more).toEqual([]);
    expect(item).toMatchObject({ type: 'keepalive', length: 19, to: { port: 179 }, faults: [] });
    if (item?.type !== 'keepalive') throw new Error('no KEEPALIVE');
    // The offset is that of the marker in the file.
    expect([...file.subarray(item.offset, item.offset + 19)]).toEqual([...KEEPALIVE]);
  }
});

test('the clock of the file is kept to its digits', () => {
  const frames = [ethernet(PACKET), ethernet(packet({ sequence: 20, payload: KEEPALIVE }))];
  expect(readCapture(pcapFile(1, frames)).map((i) => 'time' in i && i.time)).toEqual([
    '2023-11-14T22:13:20.000000Z',
    '2023-11-14T22:13:21.000001Z',
  ]);
  expect(readCapture(pcapngFile(1, frames)).map((i) => 'time' in i && i.time)).toEqual([
    '2023-11-14T22:13:20.000000000Z',
    '2023-11-14T22:13:20.000001001Z',
  ]);
});

test.each(['big', 'little'])('a pcap file of a %s-endian machine with nanoseconds is read', (order) => {
  const file = pcapFile(1, [ethernet(PACKET)]);
  const view = new DataView(file.buffer);
  view.setUint32(0, 0xa1b23c4d);
  view.setUint32(28, 123456789);
  if (order === 'little') {
    for (const at of [0, 8, 12, 16, 20, 24, 28, 32, 36]) view.setUint32(at, view.getUint32(at), true);
    for (const at of [4, 6]) view.setUint16(at, view.getUint16(at), true);
  }
  expect(readCapture(file)).toMatchObject([{ type: 'keepalive', time: '2023-11-14T22:13:20.123456789Z' }]);
});

/** The same payload in pieces: `at` are the first octets of segments. */
const pieces = (payload: Uint8Array, ...at: readonly number[]): { sequence: number; payload: Uint8Array }[] =>
  at.map((from, i) => ({ sequence: (100 + from) >>> 0, payload: payload.slice(from, at[i + 1] ?? payload.length) }));

const STREAM = bytesOf(KEEPALIVE, END_OF_RIB, KEEPALIVE);
const syn = packet({ sequence: 99, flags: 'S' });
const capture = (...segments: readonly { sequence: number; payload: Uint8Array }[]): Uint8Array =>
  pcapFile(101, [syn, ...segments.map((s) => packet(s))]);

test('messages are put together out of segments, and know where each octet was', () => {
  const file = capture(...pieces(STREAM, 0, 7, 25, 40));
  const items = readCapture(file);
  expect(kinds(items)).toEqual(['keepalive', 'update', 'keepalive']);
  for (const item of items) expect(file[item.offset]).toBe(0xff);
});

test('segments out of order and sent again, whole, in part and overlapping, change nothing', () => {
  const [a, b, c, d] = pieces(STREAM, 0, 7, 25, 40) as [never, never, never, never];
  const overlapping = { sequence: 100 + 3, payload: STREAM.slice(3, 30) };
  for (const order of [
    [a, c, b, d],
    [a, d, c, b],
    [a, b, b, a, c, c, d],
    [a, overlapping, b, c, d, c],
    [a, d, overlapping, c],
  ])
    expect(kinds(readCapture(capture(...order)))).toEqual(['keepalive', 'update', 'keepalive']);
});

test('sequence numbers wrap around (RFC 9293 3.4)', () => {
  const start = packet({ sequence: 0xfffffff0, flags: 'S' });
  const [a, b] = pieces(STREAM, 0, 20).map((p) => packet({ ...p, sequence: (p.sequence - 100 + 0xfffffff1) >>> 0 }));
  expect(kinds(readCapture(pcapFile(101, [start, b!, a!])))).toEqual(['keepalive', 'update', 'keepalive']);
});

test('what the capture lacks is told as a gap, and reading goes on at the next marker', () => {
  const [a, , c] = pieces(STREAM, 0, 25, 42) as [never, never, never];
  const items = readCapture(capture(a, c));
  expect(items).toMatchObject([
    { type: 'keepalive' },
    { type: 'note', text: expect.stringMatching(/^the start of a message, 6 octets/) },
    { type: 'note', text: '17 octets of this connection are not in the capture' },
    { type: 'keepalive' },
  ]);
});

test('a snapshot length that cuts payload off is a gap, not a fault of the sender', () => {
  const frames = [
    syn,
    packet({ sequence: 100, payload: STREAM }),
    packet({ sequence: 100 + STREAM.length, payload: KEEPALIVE }),
  ];
  // 52 octets of headers and 30 of 61 of payload.
  const items = readCapture(pcapFile(101, frames, 82));
  expect(items).toMatchObject([
    { type: 'keepalive' },
    { type: 'note', text: expect.stringContaining('11 octets') },
    { type: 'note', text: '31 octets of this connection are not in the capture' },
    { type: 'keepalive' },
  ]);
  expect(items.some((i) => 'bad' in i)).toBe(false);
});

test('a connection that was joined late begins at its first marker', () => {
  const items = readCapture(pcapFile(101, [packet({ payload: bytesOf([1, 2, 3], KEEPALIVE) })]));
  expect(items).toMatchObject([
    { type: 'note', text: 'joined in the middle of a message: 3 octets before the next marker' },
    { type: 'keepalive' },
  ]);
});

test('the same ports and another first sequence number are another connection', () => {
  const again = packet({ sequence: 5000, flags: 'S' });
  const file = pcapFile(101, [
    syn,
    packet({ sequence: 100, payload: STREAM.slice(0, 25) }),
    again,
    packet({ sequence: 5001, payload: KEEPALIVE }),
  ]);
  expect(kinds(readCapture(file))).toEqual(['keepalive', 'note', 'keepalive']);
});

test('what is out of order is bounded: the gap is given up when too much waits', () => {
  const many = Array.from({ length: 1100 }, (_, i) => packet({ sequence: 200 + i * 19, payload: KEEPALIVE }));
  const items = readCapture(pcapFile(101, [syn, ...many]));
  expect(kinds(items).filter((k) => k === 'keepalive')).toHaveLength(1100);
  expect(items.find((i) => i.type === 'note')).toMatchObject({
    text: '100 octets of this connection are not in the capture',
  });
});

test('a file cut into pieces of any size gives the same', () => {
  const files = [
    pcapFile(1, [ethernet(PACKET), ethernet(V6)]),
    pcapngFile(101, [PACKET, V6]),
    capture(...pieces(STREAM, 0, 9, 33)),
  ];
  for (const file of files)
    for (const size of [1, 2, 3, 7, 64]) expect(readCapture(file, {}, { pieces: size })).toEqual(readCapture(file));
});

test('another port is asked for by name; without it the capture says what it has', () => {
  const file = pcapFile(101, [packet({ toPort: 1790, payload: KEEPALIVE }), ip('10.0.0.1', '10.0.0.2', 17, PACKET)]);
  expect(readCapture(file)).toMatchObject([
    {
      type: 'fault',
      text: 'none of the 2 packets is of TCP port 179: 1 another TCP port, 1 not TCP. Another port is --port N',
    },
  ]);
  expect(kinds(readCapture(file, {}, { port: 1790 }))).toEqual(['keepalive']);
});

test.each<[string, Uint8Array, number, string]>([
  ['a link type nobody reads', pcapFile(147, []), 20, 'link type 147 is not read (pcap 4)'],
  [
    'a pcap cut inside a packet',
    pcapFile(101, [PACKET]).slice(0, -5),
    24 + 16 + PACKET.length - 5,
    'ends inside a packet (pcap 5)',
  ],
  [
    'an impossible packet length',
    bytesOf(pcapFile(101, []), u32(0), u32(0), u32(0x7fffffff), u32(0)),
    32,
    'a packet of 2147483647 octets',
  ],
  [
    'a pcapng block of odd length',
    bytesOf(pcapngFile(101, []).subarray(0, 28), [1, 0, 0, 0, 13, 0, 0, 0], new Uint8Array(9)),
    32,
    'a block of 13 octets',
  ],
  [
    'a pcapng cut inside a block',
    pcapngFile(101, [PACKET]).slice(0, -4),
    28 + 32 + 16 + 104 - 4,
    'ends inside a block (pcapng 3.1)',
  ],
  ['bzip2', hex`425a6839 31415926 53590000 00000000 0000`, 0, 'bzcat FILE | gingham decode -'],
  ['nothing', new Uint8Array(0), 0, 'the input is empty'],
  ['something else', hex`89504e47 0d0a1a00 00000d49 48445200`, 0, 'neither pcap (a1b2c3d4), pcapng (0a0d0d0a), MRT'],
])('%s is refused at its octet, with the section', (_name, file, offset, text) => {
  const fault = readCapture(file).at(-1);
  expect(fault).toMatchObject({ type: 'fault', offset, text: expect.stringContaining(text) });
});

/** AS4, IPv4 unicast, and ADD-PATH for it: 1 receives, 2 sends. */
function open(asn: readonly [number, number], addPath: number): Uint8Array {
  const capabilities = bytesOf(hex`0104 0001 00 01  41 04 0000`, asn, hex`4504 0001 01`, [addPath]);
  const body = bytesOf([4], asn, hex`005a 0a000001`, [capabilities.length + 2, 2, capabilities.length], capabilities);
  return bytesOf(MARKER, u16(19 + body.length), [1], body);
}

test('the context of a message is what the OPENs of both ways agreed on', () => {
  const [a, b] = [open([0xfd, 0xe9], 2), open([0xfd, 0xea], 1)];
  const attributes = hex`400101 00 400206 0201 0000fde9 400304 0a000001`;
  const body = bytesOf(hex`0000`, u16(attributes.length), attributes, hex`00000007 08 0a`);
  const update = bytesOf(MARKER, u16(19 + body.length), [2], body);
  const way = { from: '10.0.0.1', to: '10.0.0.2' };
  const back = { from: '10.0.0.2', to: '10.0.0.1', fromPort: 179, toPort: 40000 };
  const file = pcapFile(101, [
    packet({ ...way, sequence: 1, payload: a }),
    packet({ ...back, sequence: 1, payload: b }),
    packet({ ...way, sequence: 1 + a.length, payload: update }),
    packet({ ...back, sequence: 1 + b.length, payload: update }),
  ]);
  const [, , there, thither] = readCapture(file);
  expect(there).toMatchObject({
    type: 'update',
    context: { fourOctetAs: true, addPath: ['ipv4 unicast'], extendedMessages: false, ibgp: false, source: 'open' },
    nlri: [{ prefix: '10.0.0.0/8', pathId: 7 }],
    faults: [],
  });
  // The second does not send path identifiers: there the same octets are four prefixes and a bit of a fifth.
  expect(thither).toMatchObject({ context: { addPath: [] }, faults: [{ code: 3, subcode: 10, octet: 48 }] });
});
