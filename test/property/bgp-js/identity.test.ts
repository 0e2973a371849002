/** Decoding undoes encoding, for every kind of message and everything that two OPENs may agree on. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, type Message } from '../../../src/bgp-js/message.ts';
import { PLAIN_CONTEXT, type UpdateContext } from '../../../src/bgp-js/update/update-context.ts';
import type { DecodedUpdate, Nlri } from '../../../src/bgp-js/update/update-types.ts';
import { frameLength } from '../../../src/bgp-js/wire/framer.ts';
import { context, plainMessage, updateIn } from './arbitraries.ts';

test('OPEN, NOTIFICATION, KEEPALIVE and ROUTE-REFRESH come back as they were (RFC 4271 4, 5492, 9072, 2918, 7313)', () => {
  fc.assert(
    fc.property(plainMessage, (message) => {
      const bytes = encodeMessage(message);
      const decoded = decodeMessage(bytes, 0, bytes.length);
      if (message.type === 'notification' && decoded.ok && decoded.value.type === 'notification') {
        // The text is made of the rest, for people.
        const { code, subcode, data } = message.error;
        expect(decoded.value.error).toMatchObject({ code, subcode, data });
      } else expect(decoded).toEqual({ ok: true, value: message });
    }),
    { numRuns: 500 },
  );
});

/** All messages of `bytes`, each an UPDATE without a fault. */
function updatesOf(bytes: Uint8Array, agreed: UpdateContext): DecodedUpdate[] {
  const updates: DecodedUpdate[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = frameLength(bytes, at, bytes.length, agreed.maxMessageLength);
    expect(length).toBeGreaterThan(0);
    const decoded = decodeMessage(bytes, at, at + length, agreed);
    if (!decoded.ok || decoded.value.type !== 'update') throw new Error(JSON.stringify(decoded));
    expect(decoded.value.update.faults).toEqual([]);
    updates.push(decoded.value.update);
    at += length;
  }
  return updates;
}
const keys = (list: readonly Nlri[]): string[] =>
  list.map((n) => `${n.family.afi}/${n.family.safi} ${n.pathId} ${n.bytes}`).sort();

test('an UPDATE of any family comes back: each route once, with the same attributes, in messages that fit (RFC 4271 4.3, 4760, 6793, 7911, 8654)', () => {
  fc.assert(
    fc.property(
      context.chain((agreed) => fc.tuple(fc.constant(agreed), updateIn(agreed))),
      ([agreed, update]) => {
        const message: Message = { type: 'update', update };
        const updates = updatesOf(encodeMessage(message, agreed), agreed);
        expect(keys(updates.flatMap((u) => u.withdrawn))).toEqual(keys(update.withdrawn));
        expect(keys(updates.flatMap((u) => u.announced))).toEqual(keys(update.announced));
        for (const u of updates) if (u.announced.length > 0) expect(u.attributes).toEqual(update.attributes);
      },
    ),
    { numRuns: 500 },
  );
});

test('the End-of-RIB of every family comes back (RFC 4724 2)', () => {
  const families = [...PLAIN_CONTEXT.families, 513, 258, 6470, 389, 16388 * 256 + 71];
  const agreed = { ...PLAIN_CONTEXT, families: new Set(families) };
  for (const key of families) {
    const endOfRib = { afi: Math.floor(key / 256), safi: key % 256 };
    const update = { withdrawn: [], announced: [], endOfRib };
    const [back, ...more] = updatesOf(encodeMessage({ type: 'update', update }, agreed), agreed);
    expect(more).toEqual([]);
    expect(back?.endOfRib).toEqual(endOfRib);
  }
});
