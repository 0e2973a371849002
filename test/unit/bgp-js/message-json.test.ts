/** Messages as JSON and as text: golden files for people, the schema for programs, and every message of the corpus. */
import { describe, expect, test } from 'vitest';
import { messageJson } from '../../../src/bgp-js/json/message-json.ts';
import { messageText } from '../../../src/bgp-js/json/message-text.ts';
import type { UpdateContext } from '../../../src/bgp-js/update/update-context.ts';
import { readCorpus } from '../../support/corpus.ts';
import { updateContextOf } from '../../support/corpus-context.ts';
import { hex } from '../../support/hex.ts';
import { messageErrors } from '../../support/json-schema.ts';
import { bytesOf, u16 } from '../../support/packets.ts';

const MARKER = new Uint8Array(16).fill(0xff);
const message = (type: number, ...body: readonly Uint8Array[]): Uint8Array => {
  const length = body.reduce((n, b) => n + b.length, 19);
  return bytesOf(MARKER, u16(length), [type], ...body);
};
const update = (attributes: Uint8Array, nlri: Uint8Array = hex``, withdrawn: Uint8Array = hex``): Uint8Array =>
  message(
    2,
    Uint8Array.from(u16(withdrawn.length)),
    withdrawn,
    Uint8Array.from(u16(attributes.length)),
    attributes,
    nlri,
  );

const attribute = (flags: number, type: number, value: Uint8Array): Uint8Array =>
  bytesOf([flags, type], (flags & 0x10) !== 0 ? u16(value.length) : [value.length], value);
const open = (myAs: Uint8Array, capabilities: readonly (readonly [number, Uint8Array])[]): Uint8Array => {
  const list = bytesOf(...capabilities.map(([code, value]) => bytesOf([code, value.length], value)));
  return message(1, hex`04`, myAs, hex`005a 0a000001`, bytesOf([list.length + 2, 2, list.length], list));
};

const EBGP: UpdateContext = {
  fourOctetAs: true,
  ibgp: false,
  families: new Set([0x0101, 0x0201, 0x0104, 0x0180, 25 * 256 + 70]),
  addPath: new Set(),
  extendedNextHop: new Set(),
  maxMessageLength: 4096,
};
const IBGP: UpdateContext = { ...EBGP, ibgp: true };
const PATHS: UpdateContext = { ...EBGP, addPath: new Set([0x0101]) };

const ORIGIN = hex`400101 00`;
const AS_PATH = hex`400206 0201 0000fde9`;
const NEXT_HOP = hex`400304 0a000001`;
const BASE = bytesOf(ORIGIN, AS_PATH, NEXT_HOP);

const MESSAGES: readonly (readonly [string, Uint8Array, UpdateContext])[] = [
  ['keepalive', message(4), EBGP],
  [
    'open',
    open(
      hex`5ba0`, // AS_TRANS
      [
        [1, hex`0001 00 01`],
        [1, hex`0002 00 01`],
        [2, hex``],
        [6, hex``],
        [5, hex`0001 0001 0002`],
        [64, hex`c078 0001 01 80`],
        [65, hex`fa56ea01`],
        [69, hex`0001 01 03 0002 01 01`],
        [70, hex``],
        [71, hex`0001 01 80 000e10`],
        [9, hex`03`],
        [73, hex`04 726d7531 02 6578`],
        [75, hex`03 782e79`],
        [200, hex`beef`],
      ],
    ),
    EBGP,
  ],
  ['open-without-capabilities', message(1, hex`04 fde9 00b4 0a000001 00`), EBGP],
  ['open-of-faults', message(1, hex`04 0000 0002 00000000 00`), EBGP],
  ['open-malformed', message(1, hex`04 fde9 00b4 0a000001 0a 02 08 0200 4103 000000 ff`), EBGP],
  [
    'update-ibgp',
    update(
      bytesOf(
        hex`400101 02`,
        attribute(0x40, 2, hex`02 02 0000fde9 fa56ea01  01 02 0000fdea 0000fdeb  02 01 0000fdec`),
        NEXT_HOP,
        hex`800404 00000064 400504 000000c8 400600`,
        attribute(0xc0, 7, hex`0000fde9 0a000009`),
        attribute(0xc0, 8, hex`fde90007 ffffff01 ffff0000`),
        attribute(0x80, 9, hex`0a000008`),
        attribute(0x80, 10, hex`0a000007 0a000006`),
        attribute(0xc0, 16, hex`0002fde900000009 0300000000000064`),
        attribute(0xc0, 32, hex`0000fde9 00000001 00000002`),
        attribute(0xe0, 99, hex`c0ffee`),
      ),
      hex`1a c0000240 18 c63364`,
      hex`08 0a`,
    ),
    { ...IBGP, allowAsSets: true },
  ],
  ['update-add-path', update(BASE, hex`00000001 18 c63364 00000002 18 c63364`, hex`00000003 08 0a`), PATHS],
  [
    'update-ipv6',
    update(
      bytesOf(
        attribute(
          0x90,
          14,
          hex`0002 01 20 20010db8000000000000000000000001 fe800000000000000000000000000001 00 30 20010db80001 30 20010db80002`,
        ),
        attribute(0x80, 15, hex`0002 01 30 20010db80009`),
        ORIGIN,
        AS_PATH,
        attribute(0xc0, 35, hex`0000fde9`),
        attribute(0xe0, 25, hex`0002 20010db8000000000000000000000009 0007`),
      ),
    ),
    EBGP,
  ],
  [
    'update-vpn',
    update(
      bytesOf(
        attribute(0x80, 14, hex`0001 80 0c 0000000000000000 0a000001 00 70 000641 0000fde800000001 0a0100`),
        ORIGIN,
        AS_PATH,
        attribute(0xc0, 16, hex`0002fde800000001`),
      ),
    ),
    EBGP,
  ],
  [
    'update-evpn',
    update(
      bytesOf(
        attribute(0x80, 14, hex`0019 46 04 0a000001 00 03 11 0001 0a000001 0001 00000000 20 0a000001`),
        ORIGIN,
        AS_PATH,
      ),
    ),
    EBGP,
  ],
  ['end-of-rib', update(hex``), EBGP],
  ['end-of-rib-ipv6', update(hex`800f03 0002 01`), EBGP],
  ['withdraw', update(hex``, hex``, hex`18 c63364 18 c63365`), EBGP],
  // Three faults in one: ORIGIN of two octets, LOCAL_PREF over eBGP, a second MED. The strongest counts.
  [
    'update-of-faults',
    update(
      bytesOf(hex`400102 0000`, AS_PATH, NEXT_HOP, hex`400504 00000064 800404 00000001 800404 00000002`),
      hex`18 c63364`,
    ),
    EBGP,
  ],
  ['update-bad-prefix', update(BASE, hex`18 c63364 21 0a000000 00`), EBGP],
  ['update-overrun', message(2, hex`0000 00ff`, BASE), EBGP],
  ['shutdown', message(3, hex`06 02 0b`, new TextEncoder().encode('maintenance')), EBGP],
  ['hard-reset', message(3, hex`06 09 06 02 04`, new TextEncoder().encode('b\u001b[e')), EBGP],
  ['notification', message(3, hex`03 05 400102 0000`), EBGP],
  ['refresh', message(5, hex`0002 01 01`), EBGP],
  ['refresh-too-short', message(5, hex`0002 01`), EBGP],
  ['no-marker', bytesOf(hex`00`, message(4).subarray(1)), EBGP],
  ['bad-type', message(9), EBGP],
  ['bad-length', message(4, hex`00`), EBGP],
];

const golden = (name: string): string => new URL(`golden/messages/${name}`, import.meta.url).pathname;

describe.each(MESSAGES)('%s', (name, bytes, context) => {
  test('as people see it', async () => {
    const lines = messageText(messageJson(bytes, context));
    expect(lines.every((line) => /^[^\p{Cc}]*$/u.test(line))).toBe(true);
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(golden(`${name}.txt`));
  });
  test('as programs see it, and as the schema has it', async () => {
    const json = messageJson(bytes, context);
    expect(messageErrors(json)).toEqual([]);
    await expect(`${JSON.stringify(json, null, 2)}\n`).toMatchFileSnapshot(golden(`${name}.json.txt`));
  });
});

const CORPUS = readCorpus();

test('every message of the corpus is shown as the schema has it, and costs what the corpus says', () => {
  const wrong: string[] = [];
  for (const m of CORPUS) {
    if (m.outcome === 'incomplete') continue;
    const json = messageJson(m.bytes, updateContextOf(m));
    const where = `${m.file}:${m.line} ${m.title}`;
    for (const error of messageErrors(json)) wrong.push(`${where}: ${error}`);
    const [kind = ''] = m.outcome.split(' ');
    if (json.type === 'update' && kind !== 'error' && json.disposition !== kind)
      wrong.push(`${where}: ${json.disposition}, not ${m.outcome}`);
    for (const f of json.faults) {
      if (f.octet < 0 || f.octet > m.bytes.length) wrong.push(`${where}: octet ${f.octet} of ${m.bytes.length}`);
      if (f.section === undefined) wrong.push(`${where}: no section in ${f.text}`);
    }
    messageText(json);
  }
  expect(wrong).toEqual([]);
});

test('a fault of an attribute is at that attribute (RFC 7606)', () => {
  const bytes = update(bytesOf(ORIGIN, AS_PATH, NEXT_HOP, hex`800403 000000`), hex`18 c63364`);
  const json = messageJson(bytes, EBGP);
  expect(json.faults).toMatchObject([
    { disposition: 'withdraw', code: 3, subcode: 5, attribute: 4, octet: 23 + 20, section: 'RFC 7606 7.4' },
  ]);
});
