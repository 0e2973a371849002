/** What holds for all values and all bytes: decode undoes encode, and no bytes make a decoder throw or look elsewhere. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Ipv4, ipv4 } from '../../../src/base/ipv4.ts';
import { prefix, prefixKey } from '../../../src/base/prefix.ts';
import type { AsSegment, Origin, PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { decodeAttributes, encodeAttributes } from '../../../src/bgp-js/attributes/attributes.ts';
import { decodeMessage } from '../../../src/bgp-js/message.ts';
import { packAnnouncements, packWithdrawals } from '../../../src/bgp-js/update/packer.ts';
import { forEachPrefix, splitUpdate } from '../../../src/bgp-js/update/update.ts';
import { bgpError } from '../../../src/bgp-js/wire/error.ts';
import { frameError, frameLength } from '../../../src/bgp-js/wire/framer.ts';
import { HEADER_LENGTH } from '../../../src/bgp-js/wire/message.ts';
import { decodeNotification, encodeNotification } from '../../../src/bgp-js/wire/notification.ts';
import { decodeOpen, encodeOpen } from '../../../src/bgp-js/wire/open.ts';
import { context } from './arbitraries.ts';

const word = fc.integer({ min: 0, max: 0xffffffff });
const address = word.map(ipv4);
const host: fc.Arbitrary<Ipv4> = fc.integer({ min: 0x01000000, max: 0x7effffff }).map(ipv4);
const asn = fc.integer({ min: 1, max: 0xffffffff });
const segment: fc.Arbitrary<AsSegment> = fc.record({
  type: fc.constantFrom('sequence' as const, 'set' as const),
  asns: fc.array(asn, { minLength: 1, maxLength: 300 }).map((list) => list.slice(0, 255)),
});
const bytes = fc.uint8Array({ maxLength: 400 });

const attributes: fc.Arbitrary<PathAttributes> = fc
  .record(
    {
      origin: fc.constantFrom<Origin>('igp', 'egp', 'incomplete'),
      asPath: fc.array(segment, { maxLength: 3 }),
      nextHop: host,
      localPref: word,
      med: word,
      atomicAggregate: fc.constant(true as const),
      aggregator: fc.record({ asn, address }),
      communities: fc.array(word, { minLength: 1, maxLength: 100 }),
      originatorId: address,
      clusterList: fc.array(address, { minLength: 1, maxLength: 5 }),
      unknown: fc
        .uniqueArray(fc.record({ type: fc.integer({ min: 40, max: 255 }), flags: fc.constant(0xe0), value: bytes }), {
          minLength: 1,
          maxLength: 5,
          selector: (raw) => raw.type,
        })
        .map((list) => list.sort((a, b) => a.type - b.type)),
    },
    { requiredKeys: ['origin', 'asPath', 'nextHop', 'localPref'] },
  )
  .map((a) => a as PathAttributes);

test('decoding undoes encoding for all attributes, with 4-octet AS numbers (RFC 6793)', () => {
  fc.assert(
    fc.property(attributes, (value) => {
      const encoded = encodeAttributes(value, { fourOctetAs: true });
      const decoded = decodeAttributes(encoded, 0, encoded.length, {
        fourOctetAs: true,
        ibgp: true,
        allowAsSets: true,
      });
      expect(decoded).toEqual({ attributes: value, faults: [], disposition: 'accept' });
    }),
  );
});

test('and over a 2-octet session by way of AS4_PATH and AS4_AGGREGATOR (RFC 6793 4.2)', () => {
  fc.assert(
    fc.property(attributes, (value) => {
      const encoded = encodeAttributes(value, { fourOctetAs: false });
      const decoded = decodeAttributes(encoded, 0, encoded.length, {
        fourOctetAs: false,
        ibgp: true,
        allowAsSets: true,
      });
      expect(decoded.disposition).toBe('accept');
      // A real AS_TRANS in AGGREGATOR cannot be told from a stand-in: only the rest must be the same.
      expect(decoded.attributes).toEqual(value);
    }),
  );
});

/** The bytes stand in the middle of others: a decoder that looks outside gives another answer for other neighbours. */
function surrounded(inner: Uint8Array, with_: number): { slab: Uint8Array; start: number; end: number } {
  const slab = new Uint8Array(inner.length + 64).fill(with_);
  slab.set(inner, 32);
  return { slab, start: 32, end: 32 + inner.length };
}
function sameEverywhere(inner: Uint8Array, read: (slab: Uint8Array, start: number, end: number) => unknown): void {
  const alone = read(inner, 0, inner.length);
  for (const filler of [0, 0x40, 0xff]) {
    const { slab, start, end } = surrounded(inner, filler);
    expect(read(slab, start, end)).toEqual(alone);
  }
}
const walked = (slab: Uint8Array, start: number, end: number): unknown => {
  const seen: number[] = [];
  const fault = forEachPrefix(slab, start, end, (a, l) => seen.push(prefixKey(a, l)));
  return { seen, fault };
};

/** Bytes with the look of attributes: random flags from the sensible ones, small types and lengths. */
const attributeLike = fc
  .array(
    fc.record({
      flags: fc.constantFrom(0x40, 0x80, 0xc0, 0x50, 0x90, 0xd0, 0x00),
      type: fc.integer({ min: 0, max: 20 }),
      claimed: fc.integer({ min: 0, max: 12 }),
      value: fc.uint8Array({ maxLength: 12 }),
    }),
    { maxLength: 8 },
  )
  .map((list) => Uint8Array.from(list.flatMap((a) => [a.flags, a.type, a.claimed, ...a.value])));

test('any bytes as attributes give a value or a fault, the same wherever they lie, and never an exception (RFC 7606)', () => {
  fc.assert(
    fc.property(fc.oneof(bytes, attributeLike), fc.boolean(), fc.boolean(), (inner, fourOctetAs, ibgp) => {
      sameEverywhere(inner, (slab, start, end) => decodeAttributes(slab, start, end, { fourOctetAs, ibgp }));
      const { disposition, attributes: found, error } = decodeAttributes(inner, 0, inner.length, { fourOctetAs, ibgp });
      expect(found !== undefined).toBe(disposition === 'accept' || disposition === 'discard');
      expect(error !== undefined).toBe(disposition === 'reset');
    }),
    { numRuns: 1000 },
  );
});

test('any bytes as NLRI, UPDATE, OPEN or NOTIFICATION give a value or a BgpError, the same wherever they lie', () => {
  fc.assert(
    fc.property(bytes, (inner) => {
      sameEverywhere(inner, walked);
      const framed = new Uint8Array(HEADER_LENGTH + inner.length);
      framed.set(inner, HEADER_LENGTH);
      sameEverywhere(framed, (slab, start, end) => decodeOpen(slab, start, end));
      sameEverywhere(framed, (slab, start, end) => decodeNotification(slab, start, end));
      sameEverywhere(framed, (slab, start, end) => {
        const split = splitUpdate(slab, start, end);
        if (!split.ok) return split.error.code;
        const { value } = split;
        expect(value.withdrawnStart).toBeGreaterThanOrEqual(start);
        expect(value.nlriEnd).toBe(end);
        return [value.withdrawnStart - start, value.attributesStart - start, value.nlriStart - start];
      });
    }),
    { numRuns: 1000 },
  );
});

test('the framer answers for any bytes, and never claims more than is there', () => {
  const stream = fc
    .tuple(fc.boolean(), fc.uint8Array({ maxLength: 80 }))
    .map(([marked, tail]) => (marked ? Uint8Array.from([...Array.from({ length: 16 }, () => 255), ...tail]) : tail));
  fc.assert(
    fc.property(stream, (inner) => {
      const n = frameLength(inner, 0, inner.length);
      expect(n).toBeLessThanOrEqual(inner.length);
      if (n < 0) expect(frameError(n, inner, 0).code).toBe(1);
      sameEverywhere(inner, frameLength);
    }),
  );
});

test('decoding undoes encoding for OPEN and NOTIFICATION', () => {
  const family = fc.record({ afi: fc.integer({ min: 0, max: 0xffff }), safi: fc.integer({ min: 0, max: 255 }) });
  const capabilities = fc.record(
    {
      multiprotocol: fc.uniqueArray(family, { minLength: 1, maxLength: 5, selector: (f) => `${f.afi}/${f.safi}` }),
      routeRefresh: fc.constant(true as const),
      gracefulRestart: fc.record({
        restartTimeSec: fc.integer({ min: 0, max: 4095 }),
        restarting: fc.boolean(),
        notification: fc.boolean(),
        families: fc.array(
          fc.record({
            afi: fc.integer({ min: 0, max: 9 }),
            safi: fc.integer({ min: 0, max: 9 }),
            forwarding: fc.boolean(),
          }),
          { maxLength: 4 },
        ),
      }),
      fourOctetAsn: word,
    },
    { requiredKeys: [] },
  );
  const open = fc.record({
    myAs: fc.integer({ min: 0, max: 0xffff }),
    holdTimeSec: fc.integer({ min: 0, max: 0xffff }),
    bgpIdentifier: address,
    capabilities,
  });
  fc.assert(
    fc.property(open, (value) => {
      const encoded = encodeOpen(value as never);
      expect(frameLength(encoded, 0, encoded.length)).toBe(encoded.length);
      expect(decodeOpen(encoded, 0, encoded.length)).toEqual({ ok: true, value });
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 }), bytes, (code, subcode, data) => {
      const encoded = encodeNotification(bgpError(code, subcode, '', data));
      expect(decodeNotification(encoded, 0, encoded.length)).toMatchObject({ code, subcode, data });
    }),
  );
});

test('packing loses, doubles and reorders no prefix, and no message is longer than 4096 octets', () => {
  const keys = fc.array(
    fc.tuple(word, fc.integer({ min: 0, max: 32 })).map(([a, l]) => prefixKey(prefix(a, l).address, l)),
    { maxLength: 3000, size: 'max' },
  );
  fc.assert(
    fc.property(keys, fc.uint8Array({ maxLength: 300 }), fc.boolean(), (list, attributeBytes, withdraw) => {
      const packed = withdraw ? packWithdrawals(list) : packAnnouncements(attributeBytes, list);
      const back: number[] = [];
      for (let at = 0; at < packed.length; ) {
        const n = frameLength(packed, at, packed.length);
        expect(n).toBeGreaterThan(0);
        const split = splitUpdate(packed, at, at + n);
        if (!split.ok) throw new Error(split.error.text);
        const { withdrawnStart, withdrawnEnd, nlriStart, nlriEnd } = split.value;
        forEachPrefix(packed, withdraw ? withdrawnStart : nlriStart, withdraw ? withdrawnEnd : nlriEnd, (a, l) =>
          back.push(prefixKey(a, l)),
        );
        at += n;
      }
      expect(back).toEqual(list);
    }),
    { numRuns: 50 },
  );
});

test('any bytes as a message give a value or a BgpError that can be sent, the same wherever they lie, whatever was agreed', () => {
  const framed = fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.oneof(bytes, attributeLike), fc.integer({ min: -2, max: 2 }))
    .map(([type, body, lie]) => {
      const length = HEADER_LENGTH + body.length + lie;
      return Uint8Array.of(...Array.from({ length: 16 }, () => 255), length >> 8, length & 255, type, ...body);
    });
  fc.assert(
    fc.property(fc.oneof(bytes, framed), context, (inner, agreed) => {
      sameEverywhere(inner, (slab, start, end) => decodeMessage(slab, start, end, agreed));
      const decoded = decodeMessage(inner, 0, inner.length, agreed);
      if (decoded.ok) return;
      const { code, subcode, data, text } = decoded.error;
      expect(code).toBeGreaterThanOrEqual(1);
      expect(code).toBeLessThanOrEqual(8);
      expect(subcode).toBeLessThanOrEqual(255);
      expect(data.length).toBeLessThanOrEqual(inner.length);
      expect(text.length).toBeLessThan(1000);
    }),
    { numRuns: 2000 },
  );
});
