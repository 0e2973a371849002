import fc from 'fast-check';
import { expect, test } from 'vitest';
import { diffConfig } from '../../../src/config/diff.ts';
import { formatFaults } from '../../../src/config/format.ts';
import { parseNodeConfig } from '../../../src/config/parse.ts';
import { NEIGHBOR_SETTINGS, NODE_SETTINGS } from '../../../src/config/settings.ts';

const words = [
  ...new Set(
    [...Object.keys(NODE_SETTINGS), ...Object.keys(NEIGHBOR_SETTINGS), 'neighbors'].flatMap((p) => p.split('.')),
  ),
];
const scalar = fc.oneof(
  fc.constantFrom(
    '10.9.0.1',
    '10.1.0.0/24',
    '10.1.0.5/24',
    'mesh',
    'info',
    'auto',
    '/run/a.sock',
    'http://a:1',
    64512,
    0,
    2,
    179,
    true,
    false,
    null,
  ),
  fc.integer(),
  fc.double(),
  fc.string(),
);
const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    scalar,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...words), tie('tree'), { maxKeys: 6 }),
  ),
}));
const config = fc.dictionary(fc.constantFrom(...words), tree, { maxKeys: 8 });

function parses(text: string): void {
  const parsed = parseNodeConfig(text, 'node.yaml');
  if (parsed.ok) expect(diffConfig(parsed.value, parsed.value)).toEqual([]);
  else {
    expect(parsed.error.length).toBeGreaterThan(0);
    expect(parsed.error.length).toBeLessThanOrEqual(100);
    for (const line of formatFaults(parsed.error, 'node.yaml').split('\n')) expect(line.length).toBeLessThan(600);
    for (const fault of parsed.error) expect(fault.remedy).toMatch(/\S/);
  }
}

test('any text is a configuration or faults, and never an exception', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), parses), { numRuns: 200 });
});

test('any tree of known words is a configuration or faults, and a configuration never differs from itself', () => {
  fc.assert(
    fc.property(config, (c) => parses(JSON.stringify(c))),
    { numRuns: 500 },
  );
});

test('depth, cycles and many aliases end as faults too', () => {
  for (const text of [
    '['.repeat(20_000),
    `${'{a: '.repeat(10_000)}1`,
    'neighbors: &a [*a]',
    'asn: &a {b: *a}',
    '*a : 1',
    '? [1]\n: 2',
    `${'- '.repeat(20_000)}1`,
  ])
    parses(text);
});
