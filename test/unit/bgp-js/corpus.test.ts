/** Every message of test/corpus, decoded and compared with what its RFC wants of it; the good ones encoded again.
 *  The messages and their language: test/corpus/README.md. */
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from '../../../src/bgp-js/message.ts';
import type { UpdateContext } from '../../../src/bgp-js/update/update-context.ts';
import { frameLength } from '../../../src/bgp-js/wire/framer.ts';
import { type CorpusMessage, readCorpus } from '../../support/corpus.ts';
import { checkContext, updateContextOf } from '../../support/corpus-context.ts';
import { expectedOf, outcomeOf } from '../../support/corpus-outcome.ts';
import { comparable, linesOf } from '../../support/corpus-value.ts';
import { toHex } from '../../support/hex.ts';

const CORPUS = readCorpus();
const byFile = new Map<string, CorpusMessage[]>();
for (const m of CORPUS) byFile.set(m.file, [...(byFile.get(m.file) ?? []), m]);

test('the corpus has at least 300 messages, and no two of a file have the same title', () => {
  expect(CORPUS.length).toBeGreaterThanOrEqual(300);
  for (const [file, messages] of byFile) expect(new Set(messages.map((m) => m.title)).size, file).toBe(messages.length);
  for (const m of CORPUS) checkContext(m);
});

for (const [file, messages] of byFile)
  describe(file, () => {
    for (const m of messages)
      test(`${m.title} (RFC ${m.rfc.replace(/; /g, ', ')})`, () => {
        expect(outcomeOf(m), `test/corpus/${m.file}:${m.line}`).toEqual(expectedOf(m));
      });
  });

describe('encoded again', () => {
  for (const m of CORPUS)
    if (m.outcome === 'accept' && m.notCanonical === undefined)
      test(`${m.file}: ${m.title}`, () => {
        const context = updateContextOf(m);
        const decoded = decodeMessage(m.bytes, 0, m.bytes.length, context);
        if (!decoded.ok) throw new Error(decoded.error.text);
        expect(toHex(encodeMessage(decoded.value, context))).toBe(toHex(m.bytes));
      });
});

describe('encoded again, in whatever form, it means the same', () => {
  for (const m of CORPUS)
    if (m.outcome === 'accept' && m.notCanonical !== undefined)
      test(`${m.file}: ${m.title}`, () => {
        const context = updateContextOf(m);
        const decoded = decodeMessage(m.bytes, 0, m.bytes.length, context);
        if (!decoded.ok) throw new Error(decoded.error.text);
        const again = encodeMessage(decoded.value, context);
        expect(comparable(meaningOf(again, context))).toEqual(comparable(meaningOf(m.bytes, context)));
      });
});

/** One message, or the several that an UPDATE may need. */
function meaningOf(bytes: Uint8Array, context: UpdateContext): string[] {
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = frameLength(bytes, at, bytes.length, context.maxMessageLength);
    if (length <= 0) throw new Error(`no message at octet ${at}`);
    const decoded = decodeMessage(bytes, at, at + length, context);
    if (!decoded.ok) throw new Error(decoded.error.text);
    lines.push(...linesOf(decoded.value));
    at += length;
  }
  return lines;
}
