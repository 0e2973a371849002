import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatFaults } from '../../../src/config/format.ts';
import { parseNodeConfig } from '../../../src/config/parse.ts';
import { takeQuickLists } from '../../../src/config/quick-lists.ts';

const value = fc.oneof(
  fc.constantFrom(
    '10.9.0.2',
    '65001',
    'true',
    'false',
    'null',
    '~',
    'yes',
    'No',
    '0',
    '007',
    '1e3',
    '0x1f',
    '.5',
    '1.5',
  ),
  fc.constantFrom(
    '2001:db8::1',
    '::1',
    'fe80::',
    '1:2',
    '10.9.0.0/16',
    'rack-1',
    'all',
    '"quoted"',
    '[all]',
    'a,b',
    'Infinity',
    '+1',
    '-1',
  ),
  fc.integer({ min: 0, max: 70_000 }).map(String),
);
const field = fc
  .tuple(
    fc.constantFrom('name', 'address', 'asn', 'port', 'passive', 'import', 'role', 'holdTime', 'nope', 'null'),
    value,
  )
  .map(([k, v]) => `${k}: ${v}`);
const element = fc
  .uniqueArray(field, { maxLength: 5, selector: (f) => f.split(':')[0] ?? '' })
  .map((fields) => `  - { ${fields.join(', ')} }`);
const plain = fc.nat(60_000).map((n) => `  - { name: p${n}, address: 10.${n >> 8}.${n & 255}.1, asn: 65001 }`);
const line = fc.oneof(
  { weight: 40, arbitrary: plain },
  { weight: 4, arbitrary: element },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', '# a remark', '  # another', '  - address: 10.1.1.1', '    asn: 5', '- 1', 'asn: 7'),
  },
);
const document = fc
  .tuple(
    fc.constantFrom('asn: 65001\n', 'holdTime: 2\n', ''),
    // A list with one odd line is YAML's as a whole: a third have none.
    fc.oneof(
      { weight: 1, arbitrary: fc.array(plain, { minLength: 10, maxLength: 40 }) },
      { weight: 2, arbitrary: fc.array(line, { minLength: 10, maxLength: 40 }) },
    ),
    fc.constantFrom('', '\nlogLevel: debug\n', '\n  stray\n', '\nlisten: { port: x }\nholdTime: 1 # why\n'),
  )
  .map(([head, lines, tail]) => `${head}neighbors:\n${lines.join('\n')}${tail}`);

const ONE = '  - { name: p0, address: 10.0.0.1, asn: 65001 }\n';
/** A key that is said a second time behind a list: the fault stands there, not where the list began. */
const TWICE = `asn: 65001\nneighbors:\n${ONE.repeat(16)}asn: 7\n${ONE}`;

/** A blank behind the key makes the list YAML's. */
const slowly = (text: string): string => text.replace('neighbors:\n', 'neighbors: \n');
const read = (text: string): unknown => {
  const parsed = parseNodeConfig(text, 'f');
  return parsed.ok ? parsed.value : formatFaults(parsed.error, 'f');
};

test('a long list of neighbors means the same, fault for fault, as YAML has it', () => {
  let quick = 0;
  fc.assert(
    fc.property(document, (text) => {
      if (takeQuickLists(text).lists.length > 0) quick++;
      expect(read(text)).toEqual(read(slowly(text)));
    }),
    { numRuns: 300, verbose: 1, examples: [[TWICE]] },
  );
  expect(quick).toBeGreaterThan(10); // of about 50
});
