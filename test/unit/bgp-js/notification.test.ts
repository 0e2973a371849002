/** NOTIFICATION in words: what the data says, the texts for operators, and what is malformed in them. */
import { expect, test } from 'vitest';
import { bgpError } from '../../../src/bgp-js/wire/error.ts';
import { IPV6_UNICAST } from '../../../src/bgp-js/wire/family.ts';
import { message, NOTIFICATION } from '../../../src/bgp-js/wire/message.ts';
import {
  administrativeReset,
  decodeNotification,
  encodeNotification,
  hardReset,
  maximumPrefixes,
  notificationName,
  shutdown,
  shutdownText,
} from '../../../src/bgp-js/wire/notification.ts';
import { hex, toHex } from '../../support/hex.ts';

const textOf = (body: Uint8Array): string => {
  const bytes = message(NOTIFICATION, body);
  return decodeNotification(bytes, 0, bytes.length).text;
};

test.each([
  ['the length (RFC 4271 6.1)', hex`01 02 1001`, 'Message Header Error / Bad Message Length: length 4097'],
  ['the type (RFC 4271 6.1)', hex`01 03 09`, 'Message Header Error / Bad Message Type: type 9'],
  [
    'the version (RFC 4271 6.2)',
    hex`02 01 0004`,
    'OPEN Message Error / Unsupported Version Number: it speaks version 4',
  ],
  [
    'the capabilities (RFC 5492 5)',
    hex`02 07 01 04 0002 00 01  40 02 0000  82 00`,
    'OPEN Message Error / Unsupported Capability: multiprotocol ipv6 unicast, graceful restart, capability 130',
  ],
  [
    'the attribute (RFC 4271 6.3)',
    hex`03 04 c0 01 01 00`,
    'UPDATE Message Error / Attribute Flags Error: attribute type 1',
  ],
  [
    'the missing attribute (RFC 4271 6.3)',
    hex`03 03 05`,
    'UPDATE Message Error / Missing Well-known Attribute: attribute type 5',
  ],
  [
    'the unexpected message (RFC 6608 4)',
    hex`05 02 02`,
    'Finite State Machine Error / Receive Unexpected Message in OpenConfirm State: UPDATE',
  ],
  [
    'family and limit (RFC 4486 4)',
    hex`06 01 0001 01 000186a0`,
    'Cease / Maximum Number of Prefixes Reached: ipv4 unicast, at most 100000',
  ],
  ['the text (RFC 9003 2)', hex`06 02 03 627965`, 'Cease / Administrative Shutdown: "bye"'],
  ['the text of a reset (RFC 9003 2)', hex`06 04 03 627965`, 'Cease / Administrative Reset: "bye"'],
  [
    'what a Hard Reset wraps (RFC 8538 3.1)',
    hex`06 09 06 01 0002 01 00000001`,
    'Cease / Hard Reset: Cease / Maximum Number of Prefixes Reached: ipv6 unicast, at most 1',
  ],
  ['nothing more for one level more', hex`06 09 06 09 06 02`, 'Cease / Hard Reset: Cease / Hard Reset'],
])('its data says %s', (_name, body, text) => {
  expect(textOf(body)).toBe(text);
});

test.each([
  ['of another length', hex`01 02 10`, 'Message Header Error / Bad Message Length'],
  ['of no length', hex`06 01`, 'Cease / Maximum Number of Prefixes Reached'],
  ['cut off', hex`06 01 0001 01`, 'Cease / Maximum Number of Prefixes Reached'],
  ['that no RFC gives a meaning', hex`04 00 0102`, 'Hold Timer Expired'],
])('data %s is not read into', (_name, body, text) => {
  expect(textOf(body)).toBe(text);
});

test.each([
  ['a length beyond the data', hex`06 02 09 6162`],
  ['no UTF-8', hex`06 02 02 fffe`],
  ['half a character', hex`06 04 01 c3`],
])('a shutdown text with %s is not shown, and that it was there is (RFC 9003 4)', (_name, body) => {
  expect(textOf(body)).toMatch(/: with a text that is malformed \(RFC 9003 4\)$/);
});

test('a text of 255 octets goes through, a longer one is cut at a character (RFC 9003 2)', () => {
  expect(shutdownText(shutdown('x'.repeat(255)))).toBe('x'.repeat(255));
  for (const [text, kept] of [
    ['x'.repeat(256), 255],
    ['€'.repeat(100), 85],
    ['😀'.repeat(100), 63],
    [`x${'😀'.repeat(100)}`, 64],
  ] as const) {
    const error = shutdown(text);
    expect(error.data.length).toBeLessThanOrEqual(256);
    expect([...(shutdownText(error) ?? '')].length).toBe(kept);
  }
});

test('Cease/4 carries a text as well, and Cease/1 family and limit (RFC 9003 2, RFC 4486 4)', () => {
  expect(toHex(encodeNotification(administrativeReset('bye')).subarray(18))).toBe('03060403627965');
  expect(toHex(encodeNotification(maximumPrefixes(IPV6_UNICAST, 4_000_000_000)).subarray(18))).toBe(
    '03060100' + '0201ee6b2800',
  );
  expect(maximumPrefixes(IPV6_UNICAST, 5).text).toContain('ipv6 unicast, at most 5');
});

test('data that would not fit 4096 octets is cut (RFC 4271 4.1)', () => {
  const bytes = encodeNotification(hardReset(bgpError(7, 1, 'any', new Uint8Array(60_000))));
  expect(bytes.length).toBe(4096);
});

test('every code and subcode of the registry has its name', () => {
  const subcodes: readonly [number, readonly number[]][] = [
    [1, [1, 2, 3]],
    [2, [1, 2, 3, 4, 6, 7, 11]],
    [3, [1, 2, 3, 4, 5, 6, 8, 9, 10, 11]],
    [5, [1, 2, 3]],
    [6, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]],
    [7, [1]],
  ];
  for (const [code, list] of subcodes)
    for (const subcode of list) expect(notificationName(code, subcode), `${code}/${subcode}`).not.toMatch(/code \d/);
  for (const code of [1, 2, 3, 4, 5, 6, 7, 8]) expect(notificationName(code, 0)).not.toMatch(/code \d/);
});
