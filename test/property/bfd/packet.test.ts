/** Any bytes are a packet or a fault, and a packet is its bytes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeControlPacket, encodeControlPacket } from '../../../src/bfd/packet.ts';
import { toHex } from '../../support/hex.ts';

const octets = fc.uint8Array({ maxLength: 64 });
/** Bytes near enough to a packet to get past the first rules. */
const nearly = fc
  .tuple(fc.uint8Array({ minLength: 24, maxLength: 40 }), fc.integer({ min: 0, max: 40 }))
  .map(([bytes, length]) => {
    bytes[0] = 0x20 | ((bytes[0] ?? 0) & 0x1f);
    bytes[3] = length;
    return bytes;
  });

test('any bytes decode to a value or a fault with a code, and never throw', () => {
  fc.assert(
    fc.property(fc.oneof(octets, nearly), (bytes) => {
      const decoded = decodeControlPacket(bytes);
      if (!decoded.ok) expect(decoded.error.code).toMatch(/^BFD_[A-Z_]+$/);
      else expect(decoded.value.myDiscriminator).not.toBe(0);
    }),
    { numRuns: 5000, verbose: 1 },
  );
});

test('what decodes encodes to the same first 24 octets, but for its length field', () => {
  fc.assert(
    fc.property(nearly, (bytes) => {
      const decoded = decodeControlPacket(bytes);
      if (!decoded.ok) return;
      const again = encodeControlPacket(decoded.value);
      const wanted = bytes.slice(0, 24);
      wanted[3] = 24;
      expect(toHex(again)).toBe(toHex(wanted));
    }),
    { numRuns: 5000, verbose: 1 },
  );
});
