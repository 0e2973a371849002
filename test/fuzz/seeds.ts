/** Messages to begin with: every attribute, capability and family at least once, put together from parts, so that the mutator
 *  has material of every kind. Pure. What is good or bad about a message is test/corpus's business, not this file's. */

const ATTRIBUTES_OF_UPDATE = 4;

const hexOf = (text: string): Uint8Array =>
  Uint8Array.from(text.replace(/\s/g, '').match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
const u16 = (n: number): Uint8Array => Uint8Array.of(n >>> 8, n & 255);

export function messageOf(type: number, body: Uint8Array): Uint8Array {
  return joined(new Uint8Array(16).fill(0xff), u16(19 + body.length), Uint8Array.of(type), body);
}
/** One path attribute; its length takes two octets where flags say so. */
const attribute = (flags: number, type: number, value: string): Uint8Array => {
  const body = hexOf(value);
  return joined(Uint8Array.of(flags, type), (flags & 0x10) !== 0 ? u16(body.length) : Uint8Array.of(body.length), body);
};
const update = (withdrawn: string, attributes: readonly Uint8Array[], nlri: string): Uint8Array => {
  const all = joined(...attributes);
  const gone = hexOf(withdrawn);
  return messageOf(2, joined(u16(gone.length), gone, u16(all.length), all, hexOf(nlri)));
};
const capability = (code: number, value: string): Uint8Array => {
  const body = hexOf(value);
  return joined(Uint8Array.of(2, body.length + 2, code, body.length), body);
};
const open = (as: number, ...capabilities: readonly Uint8Array[]): Uint8Array => {
  const all = joined(...capabilities);
  return messageOf(1, joined(hexOf('04'), u16(as), hexOf('005a 0a000001'), Uint8Array.of(all.length), all));
};

const ORIGIN = attribute(0x40, 1, '00');
const AS_PATH_4 = attribute(0x40, 2, '0202 0000fbf1 0000fbf2');
const AS_PATH_2 = attribute(0x40, 2, '0202 fbf1 fbf2');
const NEXT_HOP = attribute(0x40, 3, '0a000001');

/** One of each, also to be thrown into other messages. RFC numbers as in the registry of path attributes. */
export const ATTRIBUTE_PARTS: readonly Uint8Array[] = [
  ORIGIN,
  attribute(0x40, 1, '02'),
  AS_PATH_4,
  AS_PATH_2,
  attribute(0x50, 2, '0203 0000fbf1 0000fbf2 fffffff0 0102 00000001 00000002'),
  attribute(0x40, 2, '0301 0000fde8 0402 0000fde9 0000fdea 0201 0000fbf1'), // confederation segments
  attribute(0x40, 2, ''),
  NEXT_HOP,
  attribute(0x80, 4, '00000064'),
  attribute(0x40, 5, '00000064'),
  attribute(0x40, 6, ''),
  attribute(0xc0, 7, 'fde8 0a000001'),
  attribute(0xc0, 7, '0000fde8 0a000001'),
  attribute(0xc0, 8, 'ffff0000 ffff029a ffffff01 fde80001'),
  attribute(0x80, 9, '0a000002'),
  attribute(0x80, 10, '0a000003 0a000004'),
  attribute(0x80, 14, '0001 01 04 0a000001 00 18 0a0101'),
  attribute(0x80, 14, '0001 01 10 20010db8000000000000000000000001 00 18 0a0102'), // RFC 8950
  attribute(0x80, 14, '0002 01 10 20010db8000000000000000000000001 00 40 20010db800000001'),
  attribute(
    0x90,
    14,
    '0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 30 20010db80002 00',
  ),
  attribute(0x90, 14, '0002 01 10 20010db8000000000000000000000001 00 00000007 40 20010db800000001'), // with a path id
  attribute(0x90, 14, '0001 04 04 0a000001 00 30 000011 0a0101'), // labelled
  attribute(0x90, 14, '0001 80 0c 0000000000000000 0a000001 00 70 000011 0000fde800000001 0a0101'), // VPN
  attribute(0x90, 14, '0002 80 18 0000000000000000 20010db8000000000000000000000001 00 58 000011 0000fde800000001'),
  attribute(0x90, 14, '0001 85 00 00 08 0118 0a0101 0381 06'), // FlowSpec
  attribute(0x90, 14, '0019 46 04 0a000001 00 03 11 0000fde800000001 00000000 20 0a000001 0a000001'), // EVPN
  attribute(0x90, 14, '4004 47 04 0a000001 00 0001 0004 03000000'), // BGP-LS
  attribute(0x80, 15, '0002 01 40 20010db800000001'),
  attribute(0x80, 15, '0001 01 18 0a0103'),
  attribute(0x80, 15, '0002 01'),
  attribute(0x80, 15, '0002 01 00000009 40 20010db800000001'),
  attribute(0x80, 15, '0001 85 08 0118 0a0101 0381 06'),
  attribute(0xc0, 16, '0002fde8 00000064 4004fde8 00000000'),
  attribute(0xc0, 17, '0202 00010000 0000fbf2'),
  attribute(0xc0, 18, '00010000 0a000001'),
  attribute(0xc0, 25, '0002 20010db8000000000000000000000001 0064'),
  attribute(0x80, 26, '01 000b 0000000000000064'),
  attribute(0xc0, 32, '0000fde8 00000001 00000002 ffffffff 00000000 00000000'),
  attribute(0xc0, 35, '0000fde8'),
  attribute(0xe0, 99, 'deadbeef'),
  attribute(0xf0, 200, 'aa'.repeat(300)),
  attribute(0x80, 201, '00'),
  attribute(0x40, 202, '00'),
];

export const CAPABILITY_PARTS: readonly Uint8Array[] = [
  capability(1, '00010001'),
  capability(1, '00020001'),
  capability(1, '00190046'),
  capability(2, ''),
  capability(5, '0001 0001 0002'),
  capability(6, ''),
  capability(7, ''),
  capability(9, '03'),
  capability(64, '4078 0001 01 80 0002 01 00'),
  capability(64, '0000'),
  capability(65, '0000fde8'),
  capability(69, '0001 01 03 0002 01 01'),
  capability(70, ''),
  capability(71, '0001 01 80 000e10 0002 01 00 ffffff'),
  capability(73, '03 6e6f64 02 6c6162'),
  capability(128, ''),
  capability(200, '0102030405'),
];

const DEFAULTS: readonly Uint8Array[] = [ORIGIN, AS_PATH_4, NEXT_HOP];
const withMany = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `18 0a${(i >> 8).toString(16).padStart(2, '0')}${(i & 255).toString(16).padStart(2, '0')}`,
  ).join(' ');

export const SEED_MESSAGES: readonly Uint8Array[] = [
  messageOf(4, new Uint8Array(0)),
  open(65000, ...CAPABILITY_PARTS),
  open(65001),
  ...CAPABILITY_PARTS.map((part) => open(64512, capability(65, '0000fc00'), part)),
  messageOf(1, hexOf('04 fde8 005a 0a000001 ff ff 0010 02 0006 41 04 0000fde8 02 0002 0200')), // RFC 9072
  messageOf(3, hexOf('0602 0b 6d61696e74656e616e6365')),
  messageOf(3, hexOf('0609 0604 05 61676169 6e')),
  messageOf(3, hexOf('0400')),
  messageOf(3, hexOf('0205')),
  messageOf(3, hexOf('0301 400101 03')),
  messageOf(5, hexOf('0001 00 01')),
  messageOf(5, hexOf('0001 01 01')),
  messageOf(5, hexOf('0002 02 01')),
  update('', [], ''),
  update('18 0a0101 00 20 0a000001', [], ''),
  update('18 0a0101', DEFAULTS, '18 0a0102 1a 0a010340'),
  update('', [ORIGIN, AS_PATH_2, NEXT_HOP, attribute(0xc0, 17, '0202 00010000 0000fbf2')], '10 0a01'),
  update('', DEFAULTS, '00000001 18 0a0102 00000002 18 0a0102'), // with path ids
  update('', DEFAULTS, withMany(900)),
  update('', [attribute(0x80, 15, '0002 01')], ''),
  ...ATTRIBUTE_PARTS.map((part) => update('', [ORIGIN, AS_PATH_4, NEXT_HOP, part], '18 0a0102')),
  ...ATTRIBUTE_PARTS.map((part) =>
    update('', [part, ORIGIN, attribute(0x40, 2, ''), attribute(0x40, 5, '00000064')], ''),
  ),
  update('', ATTRIBUTE_PARTS.slice(0, 40), '18 0a0102'),
];

/** Where the parts of a well-formed UPDATE's attributes begin; for the mutator. Answers offsets, the end last. */
export function attributeOffsets(message: Uint8Array, length: number): number[] {
  const offsets: number[] = [];
  if (length < 23 || message[18] !== 2) return offsets;
  const withdrawn = ((message[19] as number) << 8) | (message[20] as number);
  let at = 19 + ATTRIBUTES_OF_UPDATE + withdrawn;
  if (at > length) return offsets;
  const end = Math.min(length, at + (((message[at - 2] as number) << 8) | (message[at - 1] as number)));
  while (at + 3 <= end) {
    offsets.push(at);
    const long = ((message[at] as number) & 0x10) !== 0;
    at += long ? 4 + (((message[at + 2] as number) << 8) | (message[at + 3] ?? 0)) : 3 + (message[at + 2] as number);
  }
  if (offsets.length > 0) offsets.push(Math.min(at, end));
  return offsets;
}

/** Messages as long as they get, made to cost as much as they can: whatever there can be many of. For the bounds; too slow to
 *  mutate. An OPEN has 4096 octets at most, also with extended messages (RFC 8654 4). */
export function longestMessages(): readonly { readonly name: string; readonly message: Uint8Array }[] {
  const ROOM = 65_535 - 23;
  const OPEN_ROOM = 4096 - 36;
  const NLRI = hexOf('18 0a0101');
  const filled = (part: string, room: number): Uint8Array => {
    const octets = hexOf(part);
    const whole = new Uint8Array(Math.floor(room / octets.length) * octets.length);
    for (let at = 0; at < whole.length; at += octets.length) whole.set(octets, at);
    return whole;
  };
  /** Parts that count up in their last two octets, so that none is like another. */
  const counted = (part: string, room: number): Uint8Array => {
    const whole = filled(part, room);
    const step = hexOf(part).length;
    for (let i = 0; i * step < whole.length; i++) {
      whole[i * step + step - 1] = i;
      whole[i * step + step - 2] = i >>> 8;
    }
    return whole;
  };
  const must = (...without: readonly number[]): Uint8Array =>
    joined(
      ...[ORIGIN, attribute(0x40, 2, ''), NEXT_HOP, attribute(0x40, 5, '00000064')].filter(
        (part) => !without.includes(part[1] as number),
      ),
    );
  const room = ROOM - must().length - 4 - NLRI.length;
  const big = (flags: number, type: number, value: Uint8Array): Uint8Array =>
    joined(Uint8Array.of(flags | 0x10, type), u16(value.length), value);
  const updateWith = (attributes: Uint8Array, nlri: Uint8Array): Uint8Array =>
    messageOf(2, joined(u16(0), u16(attributes.length), attributes, nlri));
  const one = (flags: number, type: number, value: Uint8Array): Uint8Array =>
    updateWith(joined(must(type), big(flags, type, value)), NLRI);
  const unreach = (family: string, routes: Uint8Array): Uint8Array =>
    updateWith(big(0x80, 15, joined(hexOf(family), routes)), new Uint8Array(0));
  const longOpen = (parameters: Uint8Array): Uint8Array =>
    messageOf(1, joined(hexOf('04 fde8 005a 0a000001 ff ff'), u16(parameters.length), parameters));
  const capabilities = (all: Uint8Array): Uint8Array => longOpen(joined(hexOf('02'), u16(all.length), all));
  const segment255 = `02ff ${'0000fde8'.repeat(255)}`;
  const rows: readonly (readonly [string, Uint8Array])[] = [
    ['withdrawals of nothing but lengths', messageOf(2, joined(u16(ROOM), new Uint8Array(ROOM), u16(0)))],
    ['NLRI of nothing but lengths', updateWith(must(), new Uint8Array(ROOM - must().length))],
    ['NLRI that differ', updateWith(must(), counted('18 0a0000', ROOM - must().length))],
    ['an empty attribute again and again', updateWith(joined(must(), filled('c0 63 00', room)), NLRI)],
    [
      'unknown attributes of all types',
      updateWith(joined(must(), ...Array.from({ length: 250 }, (_, i) => big(0xc0, i + 5, new Uint8Array(240)))), NLRI),
    ],
    ['a path of segments of one', one(0x40, 2, filled('0201 0000fde8', room))],
    ['a path of long segments', one(0x40, 2, filled(segment255, room))],
    ['AS4_PATH of long segments', one(0xc0, 17, filled(segment255, room))],
    ['communities', one(0xc0, 8, counted('fde80000', room))],
    ['extended communities', one(0xc0, 16, counted('0002fde800000000', room))],
    ['IPv6 extended communities', one(0xc0, 25, counted('0002 20010db8000000000000000000000001 0000', room))],
    ['large communities that differ', one(0xc0, 32, counted('0000fde8 00000001 00000000', room))],
    ['large communities that repeat', one(0xc0, 32, filled('0000fde8 00000001 00000000', room))],
    ['AIGP of empty TLVs', one(0x80, 26, joined(hexOf('01 000b 0000000000000001'), filled('02 0003', room - 11)))],
    ['AIGP of AIGP TLVs', one(0x80, 26, filled('01 000b 0000000000000001', room))],
    ['CLUSTER_LIST', one(0x80, 10, filled('0a000001', room))],
    ['IPv6 withdrawals of nothing but lengths', unreach('0002 01', new Uint8Array(room))],
    ['FlowSpec rules of one octet', unreach('0001 85', filled('0101', room))],
    ['EVPN routes of two octets', unreach('0019 46', filled('0100', room))],
    ['BGP-LS routes of four octets', unreach('4004 47', filled('0001 0000', room))],
    ['labelled routes', unreach('0001 04', filled('18 800000', room))],
    ['capabilities of two octets', capabilities(filled('c8 00', OPEN_ROOM))],
    ['parameters without a capability', longOpen(filled('02 0000', OPEN_ROOM))],
    ['families', capabilities(counted('01 04 0001 0001', OPEN_ROOM))],
    ['families of graceful restart', capabilities(filled(`40 fe 0078 ${'00010180'.repeat(63)}`, OPEN_ROOM))],
    ['a NOTIFICATION full of text', messageOf(3, joined(hexOf('0602 ff'), new Uint8Array(65_000).fill(0x61)))],
    ['filters behind a ROUTE-REFRESH', messageOf(5, joined(hexOf('00010001'), new Uint8Array(65_000)))],
  ];
  return rows.map(([name, message]) => ({ name, message }));
}
