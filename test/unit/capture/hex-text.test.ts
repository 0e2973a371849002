import { expect, test } from 'vitest';
import { parseHexText } from '../../../src/capture/hex-text.ts';
import { kinds, readCapture } from '../../support/captured.ts';
import { toHex } from '../../support/hex.ts';

const octets = (text: string): string[] => {
  const blocks = parseHexText(text);
  if (!blocks.ok) throw new Error(blocks.error.text);
  return blocks.value.map((b) => toHex(b.bytes));
};

const KEEPALIVE = `${'ff'.repeat(16)}001304`;
const HALVES = ['ffff ffff ffff ffff ffff ffff ffff ffff', '0013 04'] as const;

test.each([
  ['bare digits', KEEPALIVE],
  ['upper case, in pairs', `${'FF '.repeat(16)}00 13 04`],
  ['colons', `${'ff:'.repeat(16)}00:13:04`],
  ['an array of C', `uint8_t: { ${'0xff, '.repeat(16)}0x00, 0x13, 0x04 };`.slice(9)],
  ['a string of C', `"${'\\xff'.repeat(16)}\\x00\\x13\\x04"`],
  ['comments and drawings', `${'ff'.repeat(16)} # marker\n|0013| // length\n04 ; KEEPALIVE`],
  ['a pair cut by a line end', `${'ff'.repeat(16)}0\n01304`],
  ['xxd', `00000000: ${HALVES[0]}  ................\n00000010: ${HALVES[1]}                                  ...\n`],
  ['xxd -p', `${'ff'.repeat(16)}\n001304\n`],
  [
    'hexdump -C',
    `00000000  ${'ff '.repeat(8)} ${'ff '.repeat(8)} |................|\n00000010  00 13 04                                          |...|\n00000013\n`,
  ],
  ['od -A x -t x1', `000000 ${'ff '.repeat(16).trim()}\n000010 00 13 04\n000013\n`],
  [
    'tcpdump -X',
    `12:00:01.5 IP 10.0.0.1.179 > 10.0.0.2.40000: Flags [P.], length 19\n\t0x0000:  ${HALVES[0]}  ................\n\t0x0010:  ${HALVES[1]}                                  ...\n`,
  ],
  [
    "Wireshark's copy as hex dump",
    `0000   ${'ff '.repeat(16).trim()}   ................\n0010   00 13 04                                          ...\n`,
  ],
])('%s is read', (_name, text) => {
  expect(octets(text)).toEqual([KEEPALIVE]);
});

test('characters beside the octets may look like octets', () => {
  // "be" and "00ab" are text here: the offsets say where the octets end.
  const text =
    '00000000: 0102 0304 0506 0708 090a 0b0c 0d0e 0f10  be 00ab ff\n00000010: aabb                                     be ef\n';
  expect(octets(text)).toEqual(['0102030405060708090a0b0c0d0e0f10aabb']);
});

test('dumps of both ways of a connection are kept apart by their indent', () => {
  const text = `00000000  ff ff 01\n    00000000  ff ff 02\n00000003  0a\n    00000003  0b\n`;
  expect(octets(text)).toEqual(['ffff010a', 'ffff020b']);
});

test('each dump that begins with offset 0 is a block of its own', () => {
  expect(octets('0000   01 02\n\n0000   03 04\n')).toEqual(['0102', '0304']);
});

test.each([
  ['ffff fx', 1, 7, '"fx" is no hex'],
  ['ff\n# fine\nzz', 3, 1, '"zz" is no hex'],
  ['fff', 1, 3, 'half an octet'],
  ['0000  01 02 03 04\n0010  05 06\n', 2, 1, 'offset 16 (0x10) where 4 octets (0x4) came before'],
  ['\t0x0010:  0a00 0001', 1, 2, 'offset 16 (0x10) where 0 octets (0x0) came before: lines are missing'],
  ['# nothing', 1, 1, 'there is no hex'],
])('%j is refused at line %i, column %i', (text, line, column, said) => {
  const blocks = parseHexText(text);
  expect(blocks).toMatchObject({ ok: false, error: { line, column, text: expect.stringContaining(said) } });
});

test('a marker may be left out; several messages follow each other (RFC 4271 4.1)', () => {
  expect(kinds(readCapture('001304 001304'))).toEqual(['keepalive', 'keepalive']);
  expect(kinds(readCapture(KEEPALIVE.repeat(3)))).toEqual(['keepalive', 'keepalive', 'keepalive']);
});

test('an octet is pointed at by its line and column, also where the marker was left out', () => {
  const [first, second] = readCapture('001304\n 001a 02\n0000 0003\n400102\n');
  expect(first).toMatchObject({ type: 'keepalive', offset: 0, line: 1, column: 1 });
  // An attribute that runs past the end of the attributes.
  expect(second).toMatchObject({
    type: 'update',
    offset: 3,
    line: 2,
    column: 2,
    faults: [{ offset: 10, line: 4, column: 1 }],
  });
});

test('with and without the marker may follow each other; what is neither ends it, behind what was good', () => {
  expect(kinds(readCapture(`001304 ${KEEPALIVE}`))).toEqual(['keepalive', 'keepalive']);
  expect(readCapture('001304 0012ff')).toMatchObject([
    { type: 'keepalive' },
    { type: 'fault', offset: 3, column: 8, text: expect.stringContaining('a length of 18 and a type of 255') },
  ]);
});

test('what is neither message nor packet is refused with the section', () => {
  expect(readCapture('deadbeef')).toEqual([
    expect.objectContaining({ type: 'fault', offset: 0, line: 1, column: 1, section: 'RFC 4271 4.1' }),
  ]);
});

test('a message that is cut off is told, and the whole ones before it are shown', () => {
  const items = readCapture(`${KEEPALIVE}${'ff'.repeat(16)}0013`);
  expect(items).toMatchObject([
    { type: 'keepalive' },
    {
      type: 'note',
      bad: true,
      offset: 19,
      text: 'the start of a message, 18 octets; its end is missing (RFC 4271 4.1)',
    },
  ]);
});

test('a header that lies is told, and the next marker is found behind it (RFC 4271 6.1)', () => {
  const items = readCapture(`${'ff'.repeat(16)}001304 ${'ff'.repeat(16)}001209 00 ${KEEPALIVE}`);
  expect(items).toMatchObject([
    { type: 'keepalive' },
    { type: 'unreadable', faults: [{ code: 1, subcode: 2, offset: 35 }] },
    { type: 'note', bad: true, offset: 38 },
    { type: 'keepalive', offset: 39 },
  ]);
});
