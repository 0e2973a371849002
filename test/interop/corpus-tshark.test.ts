/** The good messages of the corpus as tshark reads them, compared line by line with what the corpus says they mean: message type,
 *  prefixes, path identifiers, next hops, attributes by type and value, capabilities, NOTIFICATIONs.
 *  What is not asked of tshark says why: `not tshark:` in test/corpus. */
// needs: tshark
import { describe, expect, test } from 'vitest';
import { type CorpusMessage, readCorpus } from '../support/corpus.ts';
import { comparable } from '../support/corpus-value.ts';
import { dissect, holding, type Tree } from '../support/tshark.ts';
import { linesOfTree } from '../support/tshark-bgp.ts';

const GOOD = readCorpus().filter((m) => m.outcome === 'accept' && m.notTshark === undefined);
const read = (messages: readonly CorpusMessage[], asn: 2 | 4): [CorpusMessage, Tree | undefined][] => {
  const trees = dissect(
    messages.map((m) => m.bytes),
    asn,
  );
  return messages.map((m, i) => [m, trees[i]]);
};
const isOld = (m: CorpusMessage): boolean => m.context.includes('as2');

/** Opaque families are one line of octets with tshark, and one for each route with us. */
function joined(lines: readonly string[]): string[] {
  const octets = new Map<string, string>();
  const rest: string[] = [];
  for (const line of lines) {
    const [, head, hex] = /^((?:announce|withdraw) (?:[\w-]+ )+?)((?:[0-9a-f]{2}|\s)+)$/.exec(line) ?? [];
    if (head === undefined || hex === undefined || line.includes('/')) rest.push(line);
    else octets.set(head, (octets.get(head) ?? '') + hex);
  }
  return comparable([...rest, ...[...octets].map(([head, hex]) => head + hex)]);
}

/** What tshark has no field for, or shows before the two of four octets are merged. RFC 6793 4.2.3 */
function tellable(lines: readonly string[], merged: boolean): string[] {
  const wrapped = lines.some((line) => line.startsWith('hard-reset '));
  const withheld = merged ? /^(as-path|aggregator|merged) / : wrapped ? /^(hard-reset|text) / : /^$/;
  return lines.filter((line) => !withheld.test(line));
}

describe('tshark reads as the corpus says', () => {
  const all = [
    ...read(
      GOOD.filter((m) => !isOld(m)),
      4,
    ),
    ...read(GOOD.filter(isOld), 2),
  ];
  for (const [m, tree] of all)
    test(`${m.file}: ${m.title}`, () => {
      const where = `test/corpus/${m.file}:${m.line}`;
      if (tree === undefined) throw new Error(`${where}: tshark sees no BGP`);
      expect(holding(tree, '_ws.malformed'), where).toEqual([]);
      const told = linesOfTree(tree);
      const merged = told.some((line) => line.startsWith('merged '));
      const expected = joined(tellable(m.value, merged));
      const got = joined(tellable(told, merged));
      // What we leave out, repeat or order otherwise, tshark shows as it came.
      if (m.notCanonical === undefined) expect(got, where).toEqual(expected);
      else expect(got, where).toEqual(expect.arrayContaining(expected));
    });
});
