/** Every message of test/corpus, decoded and compared with what its RFC wants of it; the good ones encoded again.
 *  The messages and their language: test/corpus/README.md. */
import { describe, expect, test } from 'vitest';
import { decodeMessage, encodeMessage } from '../../../src/bgp-js/message.ts';
import { type CorpusMessage, readCorpus } from '../../support/corpus.ts';
import { checkContext, updateContextOf } from '../../support/corpus-context.ts';
import { expectedOf, outcomeOf } from '../../support/corpus-outcome.ts';
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
