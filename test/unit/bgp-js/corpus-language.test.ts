/** The language of test/corpus: what it counts, what it repeats, and what it refuses. test/corpus/README.md */
import { expect, test } from 'vitest';
import { assemble, parse } from '../../support/corpus.ts';
import { toHex } from '../../support/hex.ts';

const MARKER = 'ff'.repeat(16);
const message = (text: string) => parse('x.txt', text, new Map())[0];

test('braces are counted by one octet, square brackets by two, a message by its header', () => {
  expect(toHex(assemble('40 01 {00}'))).toBe('40010100');
  expect(toHex(assemble('[] [ 80 0f {000201} ]'))).toBe('00000006800f03000201');
  expect(toHex(assemble('update([] [])'))).toBe(`${MARKER}00170200000000`);
  expect(toHex(assemble('keepalive()'))).toBe(`${MARKER}001304`);
});

test('octets are repeated, text is UTF-8, and what is meant to be wrong is written as it is', () => {
  expect(toHex(assemble('ff*3 c63364*2 "é"'))).toBe('ffffffc63364c63364c3a9');
  expect(toHex(assemble('40 01 02 00'))).toBe('40010200');
});

test('a fragment stands for its octets, and among the values for its lines', () => {
  const text = `def net
  18 c63364
=> announce 198.51.100.0/24
== One
rfc 4271 4.3
with ibgp; family ipv6 unicast
$net            # twice
$net
=> accept
   $net; med 5`;
  expect(message(text)).toEqual({
    file: 'x.txt',
    line: 4,
    title: 'One',
    rfc: '4271 4.3',
    context: ['ibgp', 'family ipv6 unicast'],
    bytes: Uint8Array.from([0x18, 0xc6, 0x33, 0x64, 0x18, 0xc6, 0x33, 0x64]),
    outcome: 'accept',
    detail: [],
    value: ['announce 198.51.100.0/24', 'med 5'],
  });
});

test('octets of an answer are repeated too', () => {
  expect(message('== One\nrfc 1 1\n00\n=> reset 3/9 00*3 ff')?.detail).toEqual(['3/9', '000000', 'ff']);
});

const REFUSED: [string, string, RegExp][] = [
  ['an open brace', '{ 00', /1 brackets are not closed/],
  ['the wrong bracket', '{ 00 ]', /"]" closes nothing/],
  ['half an octet', '4', /"4" is no hex/],
  ['a word', '00 origin', /"origin" is no hex/],
  ['more than a length octet counts', '{ 00*256 }', /256 octets do not fit/],
];
test.each(REFUSED)('%s is refused', (_what, text, why) => {
  expect(() => assemble(text)).toThrow(why);
});

const INCOMPLETE: [string, string, RegExp][] = [
  ['no section', '== One\n00\n=> accept', /x.txt:1: no section is cited/],
  ['no outcome', '== One\nrfc 1 1\n00', /x.txt:1: nothing is expected/],
  ['another outcome', '== One\nrfc 1 1\n00\n=> maybe', /"maybe" is no outcome/],
  ['no such fragment', '\n== One\nrfc 1 1\n$none\n=> accept', /x.txt:2: \$none is not defined/],
  ['neither message nor fragment', 'rfc 1 1', /starts neither with == nor with def/],
];
test.each(INCOMPLETE)('a message with %s is refused, with its line', (_what, text, why) => {
  expect(() => message(text)).toThrow(why);
});
