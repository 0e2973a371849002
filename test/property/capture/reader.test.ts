/** Whatever the octets, a reader of captures answers: no exception, no offset outside the input, the same for every way the
 *  input was cut into pieces. A failure prints its seed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { messageJson } from '../../../src/bgp-js/json/message-json.ts';
import { messageText } from '../../../src/bgp-js/json/message-text.ts';
import type { CapturedJson } from '../../../src/capture/captured-json.ts';
import { capturedText } from '../../../src/capture/captured-text.ts';
import { readCapture } from '../../support/captured.ts';
import { readCorpus } from '../../support/corpus.ts';
import { updateContextOf } from '../../support/corpus-context.ts';
import { hex, toHex } from '../../support/hex.ts';
import { lineErrors, messageErrors } from '../../support/json-schema.ts';
import { bytesOf, ethernet, packet, pcapFile, pcapngFile, u16, u32 } from '../../support/packets.ts';

const CORPUS = readCorpus();
const STREAM = bytesOf(
  ...CORPUS.filter((m) => m.outcome === 'accept')
    .slice(0, 40)
    .map((m) => m.bytes),
);
const record = (type: number, subtype: number, body: Uint8Array): Uint8Array =>
  bytesOf(u32(1), u16(type), u16(subtype), u32(body.length), body);
const SESSION = hex`0000fde9 0000fdea 0000 0001 0a000001 0a000002`;

const segments = (size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(STREAM.length / size) }, (_, i) =>
    packet({ sequence: 100 + i * size, payload: STREAM.slice(i * size, (i + 1) * size) }),
  );
const INPUTS: readonly Uint8Array[] = [
  pcapFile(
    1,
    segments(100).map((p) => ethernet(p)),
  ),
  pcapngFile(101, segments(333)),
  bytesOf(
    record(13, 1, hex`0a000009 0000 0001 02 0a000001 0a000001 0000fde9`),
    record(13, 2, hex`00000000 18 c63364 0001 0000 00000000 0014 400101 00 400206 0201 0000fde9 400304 0a000001`),
    record(13, 8, hex`00000001 18 c63364 0001 0000 00000000 00000007 0004 400101 00`),
    record(16, 5, bytesOf(SESSION, hex`0001 0002`)),
    ...CORPUS.slice(0, 40).map((m) => record(16, 4, bytesOf(SESSION, m.bytes))),
  ),
  STREAM,
  new TextEncoder().encode(toHex(STREAM).replace(/.{64}/g, '$&\n')),
];

/** Octets changed, cut out and repeated at a few places. */
const damaged = fc
  .record({
    input: fc.constantFrom(...INPUTS),
    changes: fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
    cut: fc.option(fc.tuple(fc.nat(), fc.nat(50))),
  })
  .map(({ input, changes, cut }) => {
    const bytes = input.slice();
    for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
    if (cut === null) return bytes;
    const from = cut[0] % bytes.length;
    return bytesOf(bytes.subarray(0, from), bytes.subarray(from + cut[1]));
  });

function check(items: readonly CapturedJson[], length: number): void {
  for (const item of items) {
    expect(lineErrors(item)).toEqual([]);
    expect(item.offset).toBeGreaterThanOrEqual(0);
    expect(item.offset).toBeLessThanOrEqual(length);
    expect(capturedText(item).join('')).not.toMatch(/\p{Cc}/u);
  }
}

test('a damaged capture gives lines and faults, never an exception', () => {
  fc.assert(
    fc.property(damaged, (bytes) => check(readCapture(bytes), bytes.length)),
    { numRuns: 150 },
  );
});

test('any octets at all give lines and faults', () => {
  const magic = fc.constantFrom('', 'a1b2c3d4', '0a0d0d0a', '0000000000100004', 'ff'.repeat(16), '3030');
  fc.assert(
    fc.property(magic, fc.uint8Array({ maxLength: 400 }), (head, tail) => {
      const bytes = bytesOf(Uint8Array.from(Buffer.from(head, 'hex')), tail);
      check(readCapture(bytes), bytes.length);
    }),
    { numRuns: 1000 },
  );
});

test('pieces of any size give the same as the whole', () => {
  fc.assert(
    fc.property(damaged, fc.integer({ min: 1, max: 200 }), (bytes, pieces) => {
      expect(readCapture(bytes, {}, { pieces })).toEqual(readCapture(bytes));
    }),
    { numRuns: 100 },
  );
});

test('a damaged message is shown, with every fault inside it', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...CORPUS),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
      (m, changes) => {
        const bytes = m.bytes.slice();
        for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
        const json = messageJson(bytes, updateContextOf(m));
        expect(messageErrors(json)).toEqual([]);
        for (const f of json.faults) expect(f.octet >= 0 && f.octet <= bytes.length).toBe(true);
        messageText(json);
      },
    ),
    { numRuns: 1500 },
  );
});
