/** Tables bytes to bytes: sets rewritten in place, routes packed behind them. The slow way, by values, is the judge.
 *  RFC 4271 5.1 and 9.2, RFC 7911, RFC 8654. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIpPrefix } from '../../../src/base/ip.ts';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { prependAsn } from '../../../src/bgp-js/attributes/as-path.ts';
import type { AsSegment, Ipv4Attributes, PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { decodeAttributes, encodeAttributes } from '../../../src/bgp-js/attributes/attributes.ts';
import { ebgpRewrite, nextHopRewrite, rewriteAttributes } from '../../../src/bgp-js/attributes/rewrite.ts';
import { decodeUpdate } from '../../../src/bgp-js/update/decode-update.ts';
import { NlriWriter } from '../../../src/bgp-js/update/nlri-writer.ts';
import { MAX_ATTRIBUTES_LENGTH, packAnnouncements } from '../../../src/bgp-js/update/packer.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../../../src/bgp-js/update/update-context.ts';
import { UpdateWriter } from '../../../src/bgp-js/update/update-writer.ts';
import { IPV4_UNICAST_KEY, IPV6_UNICAST_KEY } from '../../../src/bgp-js/wire/family.ts';
import { frameLength } from '../../../src/bgp-js/wire/framer.ts';
import { toHex } from '../../support/hex.ts';
import { address } from './two-speakers.ts';

const FOUR = { fourOctetAs: true };
const OURS = address('10.0.0.2');
const US = 64512;
const IBGP = { fourOctetAs: true, ibgp: true };

const base: Ipv4Attributes = {
  origin: 'igp',
  asPath: [{ type: 'sequence', asns: [65001, 65002] }],
  nextHop: address('192.0.2.1'),
  med: 5,
  localPref: 100,
  communities: [1, 2],
  originatorId: address('10.0.0.9'),
  clusterList: [address('10.0.0.8')],
  aigp: { metric: 7n },
  onlyToCustomer: 65001,
  unknown: [{ type: 99, flags: 0xe0, value: Uint8Array.of(1, 2) }],
};

function rewritten(bytes: Uint8Array, how: Parameters<typeof rewriteAttributes>[3]): Uint8Array {
  const into = new Uint8Array(bytes.length + how.growth + 5).fill(0xee);
  const end = rewriteAttributes(bytes, 0, bytes.length, how, into, 5);
  expect(end).toBeLessThanOrEqual(into.length);
  expect([...into.subarray(0, 5)]).toEqual([0xee, 0xee, 0xee, 0xee, 0xee]);
  return into.slice(5, end);
}

describe('rewriteAttributes', () => {
  const byValues = (a: Ipv4Attributes): Uint8Array => {
    const { med: _m, localPref: _l, originatorId: _o, clusterList: _c, aigp: _a, ...rest } = a;
    return encodeAttributes({ ...rest, asPath: prependAsn(a.asPath, US), nextHop: OURS }, FOUR);
  };
  const segment: fc.Arbitrary<AsSegment> = fc.record({
    type: fc.constantFrom('sequence', 'set'),
    asns: fc.array(fc.integer({ min: 1, max: 0xffffffff }), { minLength: 1, maxLength: 255 }),
  });

  test('to another AS: our number in front, our next hop, nothing of the inside (RFC 4271 5.1)', () => {
    const how = ebgpRewrite(OURS, US);
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 3 }), fc.boolean(), (asPath, full) => {
        const a = {
          ...base,
          asPath: full ? [{ type: 'sequence' as const, asns: new Array(255).fill(1) }, ...asPath] : asPath,
        };
        expect(toHex(rewritten(encodeAttributes(a, FOUR), how))).toBe(toHex(byValues(a)));
      }),
      { numRuns: 200 },
    );
  });

  test('non-transitive extended communities stay inside the AS (RFC 4360 6)', () => {
    const how = ebgpRewrite(OURS, US);
    const of = (...list: bigint[]) => {
      const bytes = rewritten(encodeAttributes({ ...base, extendedCommunities: list }, FOUR), how);
      return decodeAttributes(bytes, 0, bytes.length, { ...IBGP, ibgp: false }).attributes?.extendedCommunities;
    };
    expect(of(0x4004fde94b189680n, 1n, 2n)).toEqual([1n, 2n]);
    expect(of(0x4004fde94b189680n)).toBeUndefined();
    const many = Array.from({ length: 64 }, (_, i) => (i % 2 === 0 ? BigInt(i) : 1n << 62n));
    expect(of(...many)).toEqual(many.filter((c) => c < 1n << 62n));
  });

  test('within the AS only the next hop changes', () => {
    const bytes = rewritten(encodeAttributes(base, FOUR), nextHopRewrite(OURS));
    expect(decodeAttributes(bytes, 0, bytes.length, IBGP).attributes).toEqual({ ...base, nextHop: OURS });
  });

  test('unknown attributes: transitive ones with the partial bit, the others not at all (RFC 4271 5)', () => {
    const bytes = Uint8Array.of(0xc0, 98, 1, 7, 0x80, 97, 1, 7);
    expect(toHex(rewritten(bytes, ebgpRewrite(OURS, US)))).toBe('e0620107');
  });
});

const split = (pieces: readonly Uint8Array[], longest = 4096): Uint8Array[] => {
  const list: Uint8Array[] = [];
  for (const bytes of pieces)
    for (let at = 0; at < bytes.length; ) {
      const n = frameLength(bytes, at, bytes.length, longest);
      expect(n).toBeGreaterThan(0);
      list.push(bytes.slice(at, at + n));
      at += n;
    }
  return list;
};

describe('UpdateWriter', () => {
  test('writes what packAnnouncements writes of the rewritten set', () => {
    const pieces: Uint8Array[] = [];
    const writer = new UpdateWriter((m) => pieces.push(m));
    const how = ebgpRewrite(OURS, US);
    const set = encodeAttributes(base, FOUR);
    const keys = Array.from({ length: 3000 }, (_, i) => (0x0a000000 + i * 256) * 64 + 24 + (i % 9));
    expect(writer.attributes(set, 0, set.length, how)).toBe(true);
    for (const key of keys) writer.prefix(ipv4(Math.floor(key / 64)), key % 64);
    writer.attributes(set, 0, set.length, how); // a set without routes leaves nothing behind
    writer.finish();
    expect(split(pieces).map(toHex)).toEqual(split([packAnnouncements(rewritten(set, how), keys)]).map(toHex));
  });

  test('a set that leaves no room for a route is refused (RFC 4271 9.2)', () => {
    const writer = new UpdateWriter(() => {});
    const long = encodeAttributes({ ...base, communities: Array.from({ length: 1020 }, (_, i) => i) }, FOUR);
    expect(long.length).toBeGreaterThan(MAX_ATTRIBUTES_LENGTH);
    expect(writer.attributes(long, 0, long.length, ebgpRewrite(OURS, US))).toBe(false);
    expect(new UpdateWriter(() => {}, 65535).attributes(long, 0, long.length, ebgpRewrite(OURS, US))).toBe(true);
  });
});

describe('NlriWriter', () => {
  const { nextHop: _, ...mp } = base;
  const set = encodeAttributes(mp as PathAttributes, FOUR);
  const NEXT_HOP = Uint8Array.from([0x20, 1, 0x0d, 0xb8, ...new Array(11).fill(0), 1]);
  const context = (family: number, addPath: boolean, maxMessageLength: 4096 | 65535): UpdateContext => ({
    ...PLAIN_CONTEXT,
    ibgp: true,
    families: new Set([family]),
    addPath: new Set(addPath ? [family] : []),
    maxMessageLength,
  });
  /** IPv6 /48s out of a column of words. */
  const words = new Uint32Array(4 * 5000);
  for (let i = 0; i < 5000; i++) {
    words[4 * i] = 0x20010db8 + (i >>> 16);
    words[4 * i + 1] = (i & 0xffff) << 16;
  }

  test.each([
    [false, 4096],
    [true, 4096],
    [true, 65535],
  ] as const)('IPv6 out of columns, path identifiers %s, up to %i octets', (addPath, maxMessageLength) => {
    const pieces: Uint8Array[] = [];
    const writer = new NlriWriter((m) => pieces.push(m), { family: IPV6_UNICAST_KEY, addPath, maxMessageLength });
    expect(writer.reach(NEXT_HOP, set, 0, set.length)).toBe(true);
    for (let i = 0; i < 5000; i++) expect(writer.prefix(words, 4 * i, 48, i)).toBe(true);
    writer.unreach();
    for (let i = 0; i < 5000; i++) expect(writer.prefix(words, 4 * i, 48, i)).toBe(true);
    writer.finish();
    const c = context(IPV6_UNICAST_KEY, addPath, maxMessageLength);
    const updates = split(pieces, maxMessageLength).map((m) => decodeUpdate(m, 0, m.length, c));
    for (const u of updates) expect(u.disposition).toBe('accept');
    const text = (list: (typeof updates)[0]['announced']) =>
      list.map((n) => `${n.pathId ?? 0} ${n.prefix && formatIpPrefix(n.prefix)}`);
    const announced = updates.flatMap((u) => text(u.announced));
    const withdrawn = updates.flatMap((u) => text(u.withdrawn));
    expect(announced.length).toBe(5000);
    expect(announced.at(-1)).toBe(`${addPath ? 4999 : 0} 2001:db8:1387::/48`);
    expect(withdrawn).toEqual(announced);
    expect(updates[0]?.attributes).toMatchObject({ localPref: 100, mpNextHop: { address: (0x20010db8n << 96n) | 1n } });
  });

  test('a set is rewritten on its way, and NEXT_HOP is not in it', () => {
    const pieces: Uint8Array[] = [];
    const options = { family: IPV6_UNICAST_KEY, addPath: false, maxMessageLength: 4096 };
    const writer = new NlriWriter((m) => pieces.push(m), options);
    writer.reach(NEXT_HOP, set, 0, set.length, ebgpRewrite(OURS, US));
    writer.prefix(words, 0, 0, 0);
    writer.finish();
    const [message = new Uint8Array(0)] = split(pieces);
    const decoded = decodeUpdate(message, 0, message.length, {
      ...context(IPV6_UNICAST_KEY, false, 4096),
      ibgp: false,
    });
    expect(decoded.attributes?.asPath).toEqual([{ type: 'sequence', asns: [US, 65001, 65002] }]);
    expect(decoded).toMatchObject({ disposition: 'accept', faults: [] });
    expect(decoded.attributes?.localPref).toBeUndefined();
  });

  test('IPv4 with path identifiers goes into the old fields (RFC 7911 3)', () => {
    const pieces: Uint8Array[] = [];
    const options = { family: IPV4_UNICAST_KEY, addPath: true, maxMessageLength: 4096 };
    const writer = new NlriWriter((m) => pieces.push(m), options);
    const all = encodeAttributes(base, FOUR);
    const column = Uint32Array.from({ length: 3000 }, (_, i) => 0x0a000000 + i * 256);
    writer.withdrawn();
    for (let i = 0; i < column.length; i++) writer.prefix(column, i, 24, i);
    writer.nlri(all, 0, all.length);
    for (let i = 0; i < column.length; i++) writer.prefix(column, i, 24, i);
    writer.finish();
    const c = context(IPV4_UNICAST_KEY, true, 4096);
    const updates = split(pieces).map((m) => decodeUpdate(m, 0, m.length, c));
    expect(updates.flatMap((u) => u.withdrawn).map((n) => n.pathId)).toEqual([...column.keys()]);
    expect(updates.flatMap((u) => u.announced).map((n) => n.pathId)).toEqual([...column.keys()]);
    for (const u of updates) expect(u.disposition).toBe('accept');
  });

  test('what fits into no message is refused, and the rest goes on (RFC 4271 9.2)', () => {
    const pieces: Uint8Array[] = [];
    const options = { family: 25 * 256 + 70, addPath: false, maxMessageLength: 4096 };
    const writer = new NlriWriter((m) => pieces.push(m), options);
    const long = encodeAttributes(
      { ...mp, communities: Array.from({ length: 960 }, (_, i) => i) } as PathAttributes,
      FOUR,
    );
    expect(writer.reach(NEXT_HOP, long, 0, long.length)).toBe(true);
    const route = Uint8Array.from([2, 200, ...new Array(200).fill(7)]);
    expect(writer.add(route, 0, 3, 0)).toBe(true);
    expect(writer.add(route, 0, route.length, 0)).toBe(false);
    expect(writer.add(route, 0, 3, 0)).toBe(true);
    writer.finish();
    expect(split(pieces).length).toBe(2);
    expect(writer.reach(NEXT_HOP, new Uint8Array(4096), 0, 4096)).toBe(false);
  });
});
