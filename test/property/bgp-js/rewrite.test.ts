/** The quick way out (bytes to bytes) says the same as the plain one: decode, change, encode. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ipv4 } from '../../../src/base/ipv4.ts';
import { prefix, prefixKey } from '../../../src/base/prefix.ts';
import { prependAsn } from '../../../src/bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../../src/bgp-js/attributes/attribute-types.ts';
import { decodeAttributes, encodeAttributes } from '../../../src/bgp-js/attributes/attributes.ts';
import { transitiveCommunities } from '../../../src/bgp-js/attributes/communities.ts';
import { ebgpRewrite, rewriteAttributes } from '../../../src/bgp-js/attributes/rewrite.ts';
import { decodeUpdate } from '../../../src/bgp-js/update/decode-update.ts';
import { PLAIN_CONTEXT } from '../../../src/bgp-js/update/update-context.ts';
import { UpdateWriter } from '../../../src/bgp-js/update/update-writer.ts';
import { frameLength } from '../../../src/bgp-js/wire/framer.ts';
import { attributesFor } from './arbitraries.ts';

const ASN = 64_512;
const NEXT_HOP = ipv4(0x0a000002);
const inside = { ...PLAIN_CONTEXT, ibgp: true, allowAsSets: true };
const outside = { ...PLAIN_CONTEXT, allowAsSets: true };
const attributes = attributesFor(inside).map((a) => ({ ...a, nextHop: ipv4(0x0a000001) }));

/** What a peer in another AS may hear of them. RFC 4271 5.1, 4360 6, 4456 8, 7311 3.4 */
function changed(a: PathAttributes): PathAttributes {
  const { med, localPref, originatorId, clusterList, aigp, extendedCommunities, ...rest } = a;
  const kept = transitiveCommunities(extendedCommunities);
  const communities = kept === undefined || kept.length === 0 ? {} : { extendedCommunities: kept };
  return { ...rest, ...communities, asPath: prependAsn(a.asPath, ASN), nextHop: NEXT_HOP };
}

test('a set rewritten for another AS is the set decoded, changed and encoded, and grows by no more than is said', () => {
  fc.assert(
    fc.property(attributes, fc.integer({ min: 0, max: 40 }), (value, at) => {
      const bytes = encodeAttributes(value, inside);
      const { growth } = ebgpRewrite(NEXT_HOP, ASN);
      const into = new Uint8Array(at + bytes.length + growth + 40).fill(0xee);
      const end = rewriteAttributes(bytes, 0, bytes.length, ebgpRewrite(NEXT_HOP, ASN), into, at);
      expect(end - at).toBeLessThanOrEqual(bytes.length + growth);
      expect(into.subarray(at + bytes.length + growth).every((octet) => octet === 0xee)).toBe(true);
      const decoded = decodeAttributes(into, at, end, outside);
      expect(decoded.faults).toEqual([]);
      expect(decoded.attributes).toEqual(changed(value));
    }),
    { numRuns: 500 },
  );
});

const routes = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 0xffffffff }), fc.integer({ min: 0, max: 32 }))
    .map(([address, length]) => prefix(address, length)),
  { minLength: 1, maxLength: 1500, size: 'max' },
);

test('a table comes out whole: every route once, in order, with its set, in messages that fit', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(attributes, routes), { maxLength: 6 }), (table) => {
      const pieces: Uint8Array[] = [];
      const writer = new UpdateWriter((messages) => pieces.push(messages));
      const wanted: string[] = [];
      for (const [value, list] of table) {
        const bytes = encodeAttributes(value, inside);
        if (!writer.attributes(bytes, 0, bytes.length, ebgpRewrite(NEXT_HOP, ASN))) {
          expect(bytes.length).toBeGreaterThan(4000);
          continue;
        }
        const path = JSON.stringify(changed(value).asPath);
        for (const { address, length } of list) {
          writer.prefix(address, length);
          wanted.push(`${prefixKey(address, length)} ${path}`);
        }
      }
      writer.finish();
      const found: string[] = [];
      for (const piece of pieces)
        for (let at = 0; at < piece.length; ) {
          const length = frameLength(piece, at, piece.length);
          expect(length).toBeGreaterThan(0);
          const { announced, attributes: heard, faults } = decodeUpdate(piece, at, at + length, outside);
          expect(faults).toEqual([]);
          for (const { prefix: p } of announced)
            found.push(`${prefixKey(Number(p?.address), p?.length ?? 0)} ${JSON.stringify(heard?.asPath)}`);
          at += length;
        }
      expect(found).toEqual(wanted);
    }),
    { numRuns: 40 },
  );
});
