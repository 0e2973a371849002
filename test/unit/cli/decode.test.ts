/** gingham decode as a command: what is an input, exit codes, both forms of the answer. */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { lineErrors } from '../../support/json-schema.ts';
import { packet, pcapFile } from '../../support/packets.ts';
import { gingham } from './fake-daemon.ts';

const MARKER = 'ff'.repeat(16);
const KEEPALIVE = `${MARKER}001304`;
/** One route, LOCAL_PREF, AS_PATH of two octets. */
const UPDATE = `${MARKER}0033020000001940010100 40020402 01fde9 4003040a000001 400504000000c8 18c63364`.replace(
  / /g,
  '',
);
const update = (hex: string): string =>
  hex.replace(/^(.{32}).{4}/, (_, m: string) => m + (hex.length / 2).toString(16).padStart(4, '0'));

let dir: string;
beforeAll(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-decode-'));
});
afterAll(() => fs.rmSync(dir, { recursive: true, force: true }));
const file = (name: string, bytes: Uint8Array | string): string => {
  fs.writeFileSync(path.join(dir, name), bytes);
  return path.join(dir, name);
};
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const lines = (out: string): unknown[] =>
  out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);

test('0: hex as one argument, as many, with and without the marker', async () => {
  for (const argv of [[KEEPALIVE], KEEPALIVE.match(/../g) ?? [], ['0013', '04'], ['0x00,0x13,0x04']])
    expect(await gingham(['decode', ...argv])).toEqual({ code: 0, out: 'KEEPALIVE\n', err: '' });
});

test('0: files of each kind, also gzipped, and several of them', async () => {
  const capture = pcapFile(101, [packet({ payload: bytes(KEEPALIVE) })]);
  const said = '2023-11-14T22:13:20.000000Z  10.0.0.1:40000 > 10.0.0.2:179  KEEPALIVE\n';
  const files = [file('a.pcap', capture), file('a.pcap.gz', gzipSync(capture))];
  for (const name of files) expect(await gingham(['decode', name])).toEqual({ code: 0, out: said, err: '' });
  expect(await gingham(['decode', ...files])).toEqual({ code: 0, out: said + said, err: '' });
  expect(await gingham(['decode', file('raw', bytes(KEEPALIVE.repeat(2)))])).toMatchObject({
    out: 'KEEPALIVE\nKEEPALIVE\n',
  });
  expect(await gingham(['decode', file('a.txt', `# noted by hand\n${KEEPALIVE}\n`)])).toMatchObject({
    out: 'KEEPALIVE\n',
  });
});

test('-o json is one object a line, as the schema has it, and says in what context it was read', async () => {
  const ran = await gingham(['decode', '-o', 'json', update(UPDATE), KEEPALIVE]);
  expect(ran).toMatchObject({ code: 0, err: '' });
  const [first, second, ...more] = lines(ran.out);
  expect(more).toEqual([]);
  expect(first).toMatchObject({
    type: 'update',
    offset: 0,
    line: 1,
    column: 1,
    context: { fourOctetAs: false, addPath: [], extendedMessages: false, ibgp: true, source: 'guess' },
    nlri: [{ family: 'ipv4 unicast', prefix: '198.51.100.0/24' }],
    attributes: { asPath: { type: 2, flags: ['transitive'], value: { text: '65001' } }, localPref: { value: 200 } },
    disposition: 'accept',
    faults: [],
  });
  expect(second).toMatchObject({ type: 'keepalive', line: 1 });
  for (const line of lines(ran.out)) expect(lineErrors(line)).toEqual([]);
});

test('--as4, --as2, --ibgp, --ebgp, --add-path and --extended set the context', async () => {
  const context = async (...options: string[]) => {
    const [line] = lines((await gingham(['decode', '-o', 'json', ...options, update(UPDATE)])).out);
    return (line as { context: unknown }).context;
  };
  expect(await context('--as4')).toMatchObject({ fourOctetAs: true, source: 'told' });
  expect(await context('--as2', '--ebgp')).toMatchObject({ fourOctetAs: false, ibgp: false, source: 'told' });
  expect(await context('--add-path', '--extended')).toMatchObject({
    addPath: ['ipv4 unicast'],
    extendedMessages: true,
  });
});

test('path identifiers are guessed where the octets are no routes without them, and no OPEN tells', async () => {
  const paths = update(`${MARKER}0000020000000000000001 18c63364 00000002 18c63364`.replace(/ /g, ''));
  const [line] = lines((await gingham(['decode', '-o', 'json', paths])).out);
  expect(line).toMatchObject({
    context: { addPath: ['ipv4 unicast'], source: 'guess' },
    nlri: [{ pathId: 1 }, { prefix: '198.51.100.0/24', pathId: 2 }],
  });
});

test('a message above 4096 octets is one only with --extended (RFC 8654 4)', async () => {
  // 4977 times 0.0.0.0/0 withdrawn.
  const long = `${MARKER}138802 1371 ${'00'.repeat(4977)} 0000`.replace(/ /g, '');
  expect(await gingham(['decode', long])).toMatchObject({ code: 3, out: expect.stringContaining('1/2') });
  expect(await gingham(['decode', '--extended', long])).toMatchObject({ code: 0, err: '' });
});

test('3: a message with faults is shown with them, and the first is told on standard error with its byte and section', async () => {
  const faulty = update(UPDATE.replace('40010100', '40010107'));
  const ran = await gingham(['decode', KEEPALIVE, faulty]);
  expect(ran.code).toBe(3);
  expect(ran.out).toContain(
    '! withdraw, 3/6 UPDATE Message Error / Invalid ORIGIN Attribute at byte 42 (line 1, column 86): ',
  );
  expect(ran.err).toBe(
    'gingham: the argument: 1 of 2 have faults, the first at byte 42 (line 1, column 86): ORIGIN: value 7 is not 0, 1 or 2 (RFC 7606 7.1)\n',
  );
});

test.each<[string, () => string[], string]>([
  ['no hex', () => [file('bad.txt', 'ff ff\nfg')], 'byte 2 (line 2, column 2): "fg" is no hex'],
  [
    'half a message',
    () => [KEEPALIVE.slice(0, -2)],
    'byte 0 (line 1, column 1): the start of a message, 18 octets; its end is missing (RFC 4271 4.1)',
  ],
  [
    'neither of anything',
    () => [file('x.png', bytes('89504e470d0a1a0a0000000d49484452'))],
    'byte 0: the input begins with 89504e470d0a1a0a',
  ],
  [
    'a pcap cut short',
    () => [file('cut.pcap', pcapFile(101, [packet({ payload: bytes(KEEPALIVE) })]).slice(0, 60))],
    'byte 60: the file ends inside a packet (pcap 5)',
  ],
  [
    'a gzip cut short',
    () => [file('cut.gz', gzipSync(bytes(KEEPALIVE)).slice(0, -9))],
    'gzip: unexpected end of file (RFC 1952 2.3)',
  ],
  ['nothing', () => [file('empty', '')], 'byte 0: the input is empty'],
])('3: %s is named with its byte', async (_name, argv, said) => {
  const ran = await gingham(['decode', ...argv()]);
  expect(ran).toMatchObject({ code: 3, err: expect.stringContaining(said) });
  const json = await gingham(['decode', '-o', 'json', ...argv()]);
  expect(json.code).toBe(3);
  for (const line of lines(json.out)) expect(lineErrors(line)).toEqual([]);
});

test('2 and 4: what cannot be an input', async () => {
  expect(await gingham(['decode', path.join(dir, 'nowhere.pcap')])).toMatchObject({
    code: 4,
    err: expect.stringContaining('is neither a file nor hex'),
  });
  expect(await gingham(['decode', dir])).toMatchObject({ code: 2, err: expect.stringContaining('is a folder') });
  expect(await gingham(['decode', '--as4', '--as2', '00'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--as4 and --as2 exclude each other'),
  });
  expect(await gingham(['decode', '--port', '0', '00'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('"0" is not a port'),
  });
});

test('the example of the README is what comes', async () => {
  const readme = fs.readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
  const [, hex = '', output = ''] = /\$ npx gingham decode (ffff[\s\S]*?[^\\])\n([\s\S]*?)```/.exec(readme) ?? [];
  const ran = await gingham(['decode', ...hex.replace(/\\\n/g, ' ').trim().split(/\s+/)]);
  expect(ran).toMatchObject({ code: 3 });
  expect(ran.out + ran.err).toBe(output);
});
