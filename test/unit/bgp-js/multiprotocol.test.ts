/** MP_REACH_NLRI and MP_UNREACH_NLRI: what is read, what is ignored, what ends the session. RFC 4760, 2545, 4364, 4724, 7606,
 *  7911, 8950. Written by encodeUpdate, and by hand where it is wrong. */
import { describe, expect, test } from 'vitest';
import { formatIp, formatIpPrefix, parseIp, parseIpPrefix } from '../../../src/base/ip.ts';
import type { MpNextHop, PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { decodeUpdate } from '../../../src/bgp-js/update/decode-update.ts';
import { encodeUpdate, endOfRib } from '../../../src/bgp-js/update/encode-update.ts';
import { nlriOf } from '../../../src/bgp-js/update/nlri-value.ts';
import { endOfRibFamily, splitUpdate } from '../../../src/bgp-js/update/update.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../../../src/bgp-js/update/update-context.ts';
import type { DecodedUpdate, Nlri, Update } from '../../../src/bgp-js/update/update-types.ts';
import {
  type Family,
  IPV4_FLOWSPEC,
  IPV4_MULTICAST,
  IPV4_UNICAST,
  IPV4_UNICAST_KEY,
  IPV6_UNICAST,
  IPV6_UNICAST_KEY,
  keyOfFamily,
  L2VPN_EVPN,
  L3VPN_IPV4,
  L3VPN_IPV6,
} from '../../../src/bgp-js/wire/family.ts';
import { frameLength } from '../../../src/bgp-js/wire/framer.ts';
import { hex, toHex } from '../../support/hex.ts';
import { address } from './two-speakers.ts';

const keys = (...families: Family[]): Set<number> => new Set(families.map(keyOfFamily));
const DUAL: UpdateContext = { ...PLAIN_CONTEXT, families: keys(IPV4_UNICAST, IPV6_UNICAST) };

const join = (...parts: Uint8Array[]): Uint8Array => Uint8Array.from(parts.flatMap((p) => [...p]));
const u16 = (n: number): Uint8Array => Uint8Array.of(n >>> 8, n);
/** A whole UPDATE out of its three parts. */
function update(attributes: Uint8Array, nlri = hex``, withdrawn = hex``): Uint8Array {
  const body = join(u16(withdrawn.length), withdrawn, u16(attributes.length), attributes, nlri);
  return join(new Uint8Array(16).fill(0xff), u16(19 + body.length), hex`02`, body);
}
const decode = (bytes: Uint8Array, context = DUAL): DecodedUpdate => decodeUpdate(bytes, 0, bytes.length, context);
const texts = (list: readonly Nlri[]): string[] =>
  list.map(
    (n) => `${n.pathId === undefined ? '' : `${n.pathId} `}${n.prefix ? formatIpPrefix(n.prefix) : toHex(n.bytes)}`,
  );
const routes = (...prefixes: string[]): Nlri[] =>
  prefixes.map((text) => {
    const p = parseIpPrefix(text);
    if (p === undefined) throw new Error(text);
    return nlriOf(p);
  });
const ip = (text: string) => {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error(text);
  return parsed;
};

//   40 01 01 00               ORIGIN igp
//   40 02 06 02 01 0000fde9   AS_PATH 65001
const PATH = hex`40 01 01 00  40 02 06 02 01 0000fde9`;
const NEXT_HOP = hex`40 03 04 c0000201`;
//   80 0e 1a  0002 01 10 20010db8…01 00  20 20010db8     MP_REACH_NLRI: IPv6 unicast, next hop 2001:db8::1, 2001:db8::/32
const REACH = hex`80 0e 1a  0002 01  10 20010db8000000000000000000000001  00  20 20010db8`;
//   80 0f 08  0002 01  20 20010db9                       MP_UNREACH_NLRI: 2001:db9::/32
const UNREACH = hex`80 0f 08  0002 01  20 20010db9`;

describe('reading', () => {
  test('IPv6 routes come and go in the multiprotocol attributes (RFC 4760 3 and 4)', () => {
    const decoded = decode(update(join(REACH, UNREACH, PATH)));
    expect(decoded).toMatchObject({ disposition: 'accept', faults: [] });
    expect(texts(decoded.announced)).toEqual(['2001:db8::/32']);
    expect(texts(decoded.withdrawn)).toEqual(['2001:db9::/32']);
    expect(decoded.attributes?.mpNextHop).toEqual({ address: ip('2001:db8::1') });
    expect(decoded.attributes?.nextHop).toBeUndefined();
  });

  test('both attributes may stand anywhere, beside the old fields (RFC 7606 5.1)', () => {
    const decoded = decode(update(join(PATH, UNREACH, NEXT_HOP, REACH), hex`08 0a`, hex`08 0b`));
    expect(texts(decoded.withdrawn)).toEqual(['11.0.0.0/8', '2001:db9::/32']);
    expect(texts(decoded.announced)).toEqual(['10.0.0.0/8', '2001:db8::/32']);
    expect(decoded.attributes).toMatchObject({
      nextHop: address('192.0.2.1'),
      mpNextHop: { address: ip('2001:db8::1') },
    });
  });

  test('IPv4 unicast in MP_REACH_NLRI is read like plain NLRI (RFC 4760 3)', () => {
    const decoded = decode(update(join(hex`80 0e 0b  0001 01 04 c0000201 00 08 0a`, PATH)), PLAIN_CONTEXT);
    expect(texts(decoded.announced)).toEqual(['10.0.0.0/8']);
    expect(decoded.attributes?.mpNextHop).toEqual({ address: address('192.0.2.1') });
  });

  test('routes of a family that was not negotiated are ignored, the others are not (RFC 4760 8)', () => {
    const decoded = decode(update(join(REACH, UNREACH, PATH, NEXT_HOP), hex`08 0a`), PLAIN_CONTEXT);
    expect(decoded).toMatchObject({ disposition: 'discard', faults: [{ type: 14 }, { type: 15 }] });
    expect(texts(decoded.announced)).toEqual(['10.0.0.0/8']);
    expect(decoded.withdrawn).toEqual([]);
    const onlyV6 = { ...PLAIN_CONTEXT, families: keys(IPV6_UNICAST) };
    const other = decode(update(join(REACH, PATH, NEXT_HOP), hex`08 0a`), onlyV6);
    expect(texts(other.announced)).toEqual(['2001:db8::/32']);
    expect(other).toMatchObject({
      disposition: 'discard',
      faults: [{ type: 0, text: expect.stringContaining('ipv4') }],
    });
    // Not even its syntax matters: it may have path identifiers for all we know.
    expect(decode(update(join(PATH, NEXT_HOP), hex`ff`), onlyV6).disposition).toBe('discard');
  });

  test('path identifiers are read in the families that have them (RFC 7911 3)', () => {
    const context = { ...DUAL, addPath: keys(IPV4_UNICAST, IPV6_UNICAST) };
    const reach = hex`80 0e 1e  0002 01  10 20010db8000000000000000000000001  00  00000007 20 20010db8`;
    const decoded = decode(update(join(reach, PATH, NEXT_HOP), hex`00000001 08 0a 00000002 08 0a`), context);
    expect(texts(decoded.announced)).toEqual(['1 10.0.0.0/8', '2 10.0.0.0/8', '7 2001:db8::/32']);
    expect(decode(update(join(PATH, NEXT_HOP), hex`08 0a`), context).error).toMatchObject({ code: 3, subcode: 10 });
    expect(decode(update(join(REACH, PATH)), context).error).toMatchObject({ code: 3, subcode: 9 });
  });

  test('faults that cost the routes withdraw those of both fields (RFC 7606 2)', () => {
    const decoded = decode(update(join(REACH, PATH, NEXT_HOP, hex`80 04 01 00`), hex`08 0a`));
    expect(decoded).toMatchObject({ disposition: 'withdraw', announced: [] });
    expect(decoded.attributes).toBeUndefined();
    expect(texts(decoded.withdrawn)).toEqual(['10.0.0.0/8', '2001:db8::/32']);
  });

  test('wrong flags of MP_REACH_NLRI cost its routes and not the session (RFC 7606 3 c)', () => {
    const wrong = REACH.slice();
    wrong[0] = 0xc0;
    expect(decode(update(join(wrong, PATH)))).toMatchObject({
      disposition: 'withdraw',
      faults: [{ type: 14, subcode: 4 }],
    });
  });

  test('NEXT_HOP beside MP_REACH_NLRI is ignored, right or wrong (RFC 4760 3)', () => {
    const decoded = decode(update(join(REACH, PATH, hex`40 03 01 00`)));
    expect(decoded).toMatchObject({ disposition: 'accept', faults: [] });
    expect(decoded.attributes?.nextHop).toBeUndefined();
  });
});

//   The whole attribute is the data of 3/9. RFC 4271 6.3
describe('what ends the session', () => {
  test.each<[string, Uint8Array]>([
    ['MP_REACH_NLRI of 4 octets (RFC 7606 7.11)', hex`80 0e 04 0002 01 00`],
    ['a next hop that runs past the attribute (7.11)', hex`80 0e 06 0002 01 10 00 00`],
    ['no room for the reserved octet (7.11)', hex`80 0e 14 0002 01 10 20010db8000000000000000000000001`],
    ['an IPv6 next hop of 4 octets (7.11)', hex`80 0e 0a 0002 01 04 c0000201 00 00`],
    [
      'an IPv4 next hop of 16 octets, not agreed on (RFC 8950 4)',
      hex`80 0e 16 0001 01 10 20010db8000000000000000000000001 00 00`,
    ],
    ['MP_UNREACH_NLRI of 2 octets (7.12)', hex`80 0f 02 0002`],
    ['an IPv6 prefix of length 129 (RFC 4760 7)', hex`80 0f 04 0002 01 81`],
    ['an IPv6 prefix that is cut off (RFC 4760 7)', hex`80 0f 05 0002 01 20 20`],
  ])('%s is 3/9', (_name, bytes) => {
    const { error, announced, withdrawn, faults } = decode(update(join(PATH, bytes)));
    expect(error).toMatchObject({ code: 3, subcode: 9, data: bytes });
    expect([announced, withdrawn]).toEqual([[], []]);
    expect(faults).toMatchObject([{ type: bytes[1], action: 'reset' }]);
  });

  test.each([
    ['MP_REACH_NLRI', join(REACH, REACH)],
    ['MP_UNREACH_NLRI', join(UNREACH, UNREACH)],
  ])('%s twice is 3/1 (RFC 7606 3 g)', (_name, bytes) => {
    expect(decode(update(join(bytes, PATH))).error).toMatchObject({ code: 3, subcode: 1 });
  });

  test('malformed attributes without a route: one may have been overlooked (RFC 7606 5.2)', () => {
    const origin = { code: 3, subcode: 6, data: hex`40 01 01 07` };
    expect(decode(update(hex`40 01 01 07`)).error).toMatchObject(origin);
    expect(decode(update(join(UNREACH, hex`40 01 01 07`))).error).toMatchObject(origin);
    expect(decode(update(hex`40 01 01`)).error).toMatchObject({ code: 3, subcode: 1 });
    // Sound ones, or such as are only dropped, are not.
    expect(decode(update(join(UNREACH, PATH))).disposition).toBe('accept');
    expect(decode(update(hex`40 06 01 00`)).disposition).toBe('discard');
    expect(decode(update(hex`40 63 00`)).error).toMatchObject({ code: 3, subcode: 2, data: hex`40 63 00` });
  });
});

describe('next hops', () => {
  const hop = (
    family: Family,
    octets: Uint8Array,
    context: Partial<UpdateContext> = {},
  ): MpNextHop | undefined | string => {
    const value = join(u16(family.afi), Uint8Array.of(family.safi, octets.length), octets, hex`00 00`);
    const attribute = join(Uint8Array.of(0x80, 14, value.length), value);
    const decoded = decode(update(join(attribute, PATH)), { ...DUAL, families: keys(family), ...context });
    return decoded.error ? 'reset' : decoded.disposition === 'withdraw' ? 'withdraw' : decoded.attributes?.mpNextHop;
  };
  const GLOBAL = hex`20010db8000000000000000000000001`;
  const LINK = hex`fe800000000000000000000000000001`;
  const global = ip('2001:db8::1');
  const linkLocal = ip('fe80::1');

  test('a global address, or with a link-local one behind it (RFC 2545 3)', () => {
    expect(hop(IPV6_UNICAST, GLOBAL)).toEqual({ address: global });
    expect(hop(IPV6_UNICAST, join(GLOBAL, LINK))).toEqual({ address: global, linkLocal });
    // As they come over unnumbered links.
    expect(hop(IPV6_UNICAST, LINK)).toEqual({ address: linkLocal });
    expect(hop(IPV6_UNICAST, join(LINK, LINK))).toEqual({ address: linkLocal, linkLocal });
    expect(hop(IPV6_UNICAST, join(new Uint8Array(16), LINK))).toEqual({ address: 0n, linkLocal });
    expect(hop(IPV6_UNICAST, join(GLOBAL, new Uint8Array(16)))).toEqual({ address: global });
  });

  test('IPv4 routes with an IPv6 next hop, where that was agreed on (RFC 8950 4)', () => {
    const extendedNextHop = keys(IPV4_UNICAST);
    expect(hop(IPV4_UNICAST, GLOBAL, { extendedNextHop })).toEqual({ address: global });
    expect(hop(IPV4_UNICAST, join(GLOBAL, LINK), { extendedNextHop })).toEqual({ address: global, linkLocal });
    expect(hop(IPV4_UNICAST, hex`c0000201`, { extendedNextHop })).toEqual({ address: address('192.0.2.1') });
    expect(hop(IPV4_UNICAST, GLOBAL)).toBe('reset');
  });

  test('VPN next hops with their route distinguisher (RFC 4364 4.3.2, RFC 4659 3.2.1)', () => {
    const rd = new Uint8Array(8);
    const encodings = (family: Family, octets: Uint8Array, context = {}) => {
      const value = join(u16(family.afi), Uint8Array.of(family.safi, octets.length), octets, hex`00`);
      const attribute = join(Uint8Array.of(0x80, 14, value.length), value);
      return decodeUpdate(update(join(attribute, PATH)), 0, 23 + attribute.length + PATH.length, {
        ...DUAL,
        families: keys(family),
        ...context,
      });
    };
    // Without routes only the lengths count.
    expect(encodings(L3VPN_IPV4, join(rd, hex`c0000201`)).error).toBeUndefined();
    expect(encodings(L3VPN_IPV4, hex`c0000201`).error).toMatchObject({ subcode: 9 });
    expect(encodings(L3VPN_IPV6, join(rd, GLOBAL)).error).toBeUndefined();
    expect(encodings(L3VPN_IPV6, GLOBAL).error).toMatchObject({ subcode: 9 });
    expect(encodings(L3VPN_IPV4, join(rd, GLOBAL), { extendedNextHop: keys(L3VPN_IPV4) }).error).toBeUndefined();
  });

  test('what is no address of a host withdraws (RFC 4271 6.3)', () => {
    expect(hop(IPV6_UNICAST, new Uint8Array(16))).toBe('withdraw');
    expect(hop(IPV6_UNICAST, hex`ff020000000000000000000000000001`)).toBe('withdraw');
    expect(hop(IPV6_UNICAST, hex`00000000000000000000000000000001`)).toBe('withdraw');
    expect(hop(IPV4_UNICAST, hex`7f000001`)).toBe('withdraw');
  });
});

describe('End-of-RIB', () => {
  const family = (bytes: Uint8Array, context = DUAL): number => {
    const split = splitUpdate(bytes, 0, bytes.length, context);
    if (!split.ok) throw new Error(split.error.text);
    return endOfRibFamily(split.value);
  };
  test('is an empty UPDATE, or one with an empty MP_UNREACH_NLRI alone (RFC 4724 2)', () => {
    expect(toHex(endOfRib(IPV6_UNICAST))).toBe(`${'ff'.repeat(16)}001d02000000068${'00f03000201'}`);
    expect(family(endOfRib(IPV6_UNICAST))).toBe(IPV6_UNICAST_KEY);
    expect(family(endOfRib(IPV4_UNICAST))).toBe(IPV4_UNICAST_KEY);
    expect(family(update(hex`90 0f 0003 0002 01`))).toBe(IPV6_UNICAST_KEY);
    expect(family(update(hex`80 0f 03 0001 01`))).toBe(IPV4_UNICAST_KEY);
    expect(decode(endOfRib(IPV6_UNICAST))).toMatchObject({ endOfRib: IPV6_UNICAST, disposition: 'accept' });
  });
  test('is nothing else', () => {
    expect(family(update(UNREACH))).toBe(0);
    expect(family(update(join(hex`80 0f 03 0002 01`, PATH)))).toBe(0);
    expect(family(update(hex`80 0f 03 0002 01`, hex``, hex`08 0a`))).toBe(0);
    expect(family(endOfRib(IPV6_UNICAST), PLAIN_CONTEXT)).toBe(0);
    expect(family(update(hex``, hex``, hex`08 0a`), { ...DUAL, families: keys(IPV6_UNICAST) })).toBe(0);
  });
});

describe('writing', () => {
  const attributes: PathAttributes = {
    origin: 'igp',
    asPath: [{ type: 'sequence', asns: [65001] }],
    nextHop: address('192.0.2.1'),
    mpNextHop: { address: ip('2001:db8::1') },
  };
  function messages(value: Update, context: UpdateContext = DUAL): Uint8Array[] {
    const bytes = encodeUpdate(value, context);
    const list: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const n = frameLength(bytes, at, bytes.length, context.maxMessageLength);
      expect(n).toBeGreaterThan(0);
      list.push(bytes.subarray(at, at + n));
      at += n;
    }
    return list;
  }

  test('one kind of routes per message, withdrawals first, MP_REACH_NLRI first among the attributes (RFC 7606 5.1)', () => {
    const value = {
      withdrawn: routes('11.0.0.0/8', '2001:db9::/32'),
      announced: routes('10.0.0.0/8', '2001:db8::/32'),
      attributes,
      endOfRib: IPV6_UNICAST,
    };
    const parts = messages(value);
    expect(parts.map((m) => toHex(m.subarray(19)))).toEqual([
      '0002080b0000',
      `0000000c${'900f00080002012020010db9'}`,
      `00000014${toHex(PATH)}${toHex(NEXT_HOP)}080a`,
      `0000002b${'900e001a000201102001' /* next hop, reserved, prefix */}0db8000000000000000000000001002020010db8${toHex(PATH)}`,
      '00000006800f03000201',
    ]);
    const back = parts.map((m) => decode(m));
    expect(back.flatMap((u) => texts(u.withdrawn))).toEqual(['11.0.0.0/8', '2001:db9::/32']);
    expect(back.flatMap((u) => texts(u.announced))).toEqual(['10.0.0.0/8', '2001:db8::/32']);
  });

  test('next hops of every form go both ways', () => {
    const forms: [Family, MpNextHop, Nlri][] = [
      [
        IPV6_UNICAST,
        { address: ip('2001:db8::1'), linkLocal: ip('fe80::1') as bigint as never },
        ...routes('::/0'),
      ] as never,
      [IPV4_UNICAST, { address: ip('2001:db8::1') }, ...routes('10.0.0.0/8')] as never,
      [
        L3VPN_IPV4,
        { address: ip('192.0.2.1'), rd: 0n },
        { family: L3VPN_IPV4, bytes: hex`60 000641 0000fde900000001 0a` },
      ],
      [
        L3VPN_IPV6,
        { address: ip('2001:db8::1'), rd: 5n },
        { family: L3VPN_IPV6, bytes: hex`58 000641 0000fde900000001` },
      ],
      [L2VPN_EVPN, { address: ip('192.0.2.1') }, { family: L2VPN_EVPN, bytes: hex`02 02 aabb` }],
      [
        IPV4_MULTICAST,
        { address: ip('192.0.2.1') },
        { family: IPV4_MULTICAST, prefix: { address: ip('10.0.0.0'), length: 8 }, bytes: hex`08 0a` },
      ],
    ];
    for (const [family, mpNextHop, nlri] of forms) {
      const { nextHop: _, ...rest } = attributes;
      const context = { ...DUAL, families: keys(family), extendedNextHop: keys(family) };
      const value = { withdrawn: [], announced: [nlri], attributes: { ...rest, mpNextHop } };
      const [message, ...more] = messages(value, context);
      expect(more).toEqual([]);
      expect(message && decode(message, context), formatIp(mpNextHop.address)).toMatchObject({
        ...value,
        disposition: 'accept',
      });
    }
  });

  test('FlowSpec routes go without a next hop (RFC 8955 4)', () => {
    const { nextHop: _, mpNextHop: __, ...rest } = attributes;
    const context = { ...DUAL, families: keys(IPV4_FLOWSPEC) };
    const value = { withdrawn: [], announced: [{ family: IPV4_FLOWSPEC, bytes: hex`03 010800` }], attributes: rest };
    const [message] = messages(value, context);
    expect(message && decode(message, context)).toMatchObject(value);
  });

  test('path identifiers are written where they were agreed on (RFC 7911 3)', () => {
    const context = { ...DUAL, addPath: keys(IPV4_UNICAST, IPV6_UNICAST) };
    const numbered = routes('10.0.0.0/8', '2001:db8::/32').map((n, i) => ({ ...n, pathId: 0xfffffff0 + i }));
    const value = { withdrawn: numbered, announced: numbered, attributes };
    const back = messages(value, context).map((m) => decode(m, context));
    const expected = ['4294967280 10.0.0.0/8', '4294967281 2001:db8::/32'];
    expect(back.flatMap((u) => texts(u.withdrawn))).toEqual(expected);
    expect(back.flatMap((u) => texts(u.announced))).toEqual(expected);
    // Elsewhere they are left out.
    expect(messages(value).flatMap((m) => texts(decode(m).announced))).toEqual(['10.0.0.0/8', '2001:db8::/32']);
  });

  test.each([
    [4096, 5],
    [65535, 1],
  ] as const)('messages are filled up to %i octets (RFC 8654 4)', (maxMessageLength, count) => {
    const many = Array.from({ length: 2000 }, (_, i) => `2001:db8:${(i + 1).toString(16)}::/48`);
    for (const value of [
      { withdrawn: [], announced: routes(...many), attributes },
      { withdrawn: routes(...many), announced: [] },
    ]) {
      const context = { ...DUAL, maxMessageLength };
      const parts = messages(value, context);
      expect(parts.length).toBeLessThanOrEqual(count);
      for (const part of parts.slice(0, -1)) expect(part.length).toBeGreaterThan(maxMessageLength - 7);
      const back = parts.map((m) => decode(m, context));
      expect(back.flatMap((u) => texts([...u.announced, ...u.withdrawn]))).toEqual(many);
    }
  });

  test('routes whose attributes leave no room for them are withdrawn (RFC 4271 9.2)', () => {
    const long = { ...attributes, communities: Array.from({ length: 1020 }, (_, i) => i) };
    const parts = messages({ withdrawn: [], announced: routes('10.0.0.0/8', '2001:db8::/32'), attributes: long });
    expect(parts.map((m) => decode(m)).map((u) => [texts(u.withdrawn), texts(u.announced)])).toEqual([
      [['10.0.0.0/8'], []],
      [['2001:db8::/32'], []],
    ]);
  });

  test('nothing to say is no message; a route without what it needs is our own mistake', () => {
    expect(messages({ withdrawn: [], announced: [] })).toEqual([]);
    expect(() => messages({ withdrawn: [], announced: routes('10.0.0.0/8') })).toThrow(/no attributes/);
    const { mpNextHop: _, ...rest } = attributes;
    expect(() => messages({ withdrawn: [], announced: routes('::/0'), attributes: rest })).toThrow(/without mpNextHop/);
  });
});
