/** Any message as a value; families and roles by name; where one frame ends. */
import { expect, test } from 'vitest';
import { decodeMessage, encodeMessage, type Message } from '../../../src/bgp-js/message.ts';
import { PLAIN_CONTEXT } from '../../../src/bgp-js/update/update-context.ts';
import { bgpError } from '../../../src/bgp-js/wire/error.ts';
import * as families from '../../../src/bgp-js/wire/family.ts';
import { frameLength } from '../../../src/bgp-js/wire/framer.ts';
import { message } from '../../../src/bgp-js/wire/message.ts';
import { hex, toHex } from '../../support/hex.ts';
import { B } from './two-speakers.ts';

const { familyName, familyOfKey, IPV4_UNICAST, keyOfFamily, parseFamily } = families;

test.each<[string, Message]>([
  [
    'OPEN',
    { type: 'open', open: { myAs: 1, holdTimeSec: 90, bgpIdentifier: B, capabilities: { routeRefresh: true } } },
  ],
  ['KEEPALIVE', { type: 'keepalive' }],
  ['NOTIFICATION', { type: 'notification', error: bgpError(4, 0, 'Hold Timer Expired') }],
  ['ROUTE-REFRESH', { type: 'route-refresh', refresh: { family: IPV4_UNICAST, subtype: 1 } }],
  ['a refresh with filters', { type: 'route-refresh', refresh: { family: IPV4_UNICAST, subtype: 0, orf: hex`01 02` } }],
])('%s goes both ways', (_name, value) => {
  const bytes = encodeMessage(value);
  expect(decodeMessage(bytes, 0, bytes.length)).toEqual({ ok: true, value });
});

test('an UPDATE is read and written with its context', () => {
  const bytes = message(2, hex`0002 080a 0000`);
  const decoded = decodeMessage(bytes, 0, bytes.length, PLAIN_CONTEXT);
  if (!decoded.ok || decoded.value.type !== 'update') throw new Error('no UPDATE');
  expect(decoded.value.update.withdrawn.length).toBe(1);
  expect(toHex(encodeMessage(decoded.value, PLAIN_CONTEXT))).toBe(toHex(bytes));
});

test.each([
  ['a broken marker', new Uint8Array(19), '1/1'],
  ['a header cut off', message(4, hex``).subarray(0, 12), '1/2'],
  ['a message cut off', message(2, hex`0000 0000`).subarray(0, 22), '1/2'],
  ['two messages', Uint8Array.from([...message(4, hex``), ...message(4, hex``)]), '1/2'],
  ['type 6', message(6, hex``), '1/3'],
  ['a NOTIFICATION without a code', message(3, hex``), '1/2'],
  ['an OPEN of version 3', message(1, hex`03 0001 005a c0000202 00`), '2/1'],
  ['a ROUTE-REFRESH of 3 octets', message(5, hex`0001 00`), '7/1'],
])('%s is %s', (_name, bytes, code) => {
  const decoded = decodeMessage(bytes, 0, bytes.length);
  expect(decoded.ok ? undefined : `${decoded.error.code}/${decoded.error.subcode}`).toBe(code);
});

test.each([
  ['KEEPALIVE of 20 octets', 4, 20, 4096, -2],
  ['OPEN of 28 octets', 1, 28, 4096, -2],
  ['UPDATE of 22 octets', 2, 22, 4096, -2],
  ['NOTIFICATION of 20 octets', 3, 20, 4096, -4],
  ['UPDATE of 4096 octets', 2, 4096, 4096, 0],
  ['UPDATE of 4097 octets', 2, 4097, 4096, -2],
  ['UPDATE of 65535 octets, extended', 2, 65_535, 65_535, 0],
  ['OPEN of 4097 octets, extended', 1, 4097, 65_535, -2],
  ['KEEPALIVE of 4097 octets, extended', 4, 4097, 65_535, -2],
  ['NOTIFICATION of 5000 octets, extended', 3, 5000, 65_535, 0],
  ['ROUTE-REFRESH of 18 octets', 5, 18, 4096, -2],
  ['ROUTE-REFRESH of 19 octets', 5, 19, 4096, 19],
  ['type 0', 0, 19, 4096, -3],
  ['type 200', 200, 19, 4096, -3],
])('the framer judges %s by its header alone (RFC 4271 6.1, RFC 8654 4)', (_name, type, length, limit, answer) => {
  const header = message(type, new Uint8Array(0));
  header[16] = length >>> 8;
  header[17] = length & 0xff;
  expect(frameLength(header, 0, header.length, limit)).toBe(answer);
});

test('every family has a name that leads back to it, and one without has its numbers', () => {
  const known = Object.values(families).filter((f): f is families.Family => typeof f === 'object');
  expect(known.length).toBeGreaterThan(15);
  for (const family of [...known, { afi: 16_390, safi: 200 }]) {
    expect(parseFamily(familyName(family))).toEqual(family);
    expect(familyOfKey(keyOfFamily(family))).toEqual(family);
  }
  expect(parseFamily('IPv6  Unicast')).toEqual({ afi: 2, safi: 1 });
  expect(parseFamily('l2vpn-evpn')).toEqual({ afi: 25, safi: 70 });
  for (const wrong of ['', 'ipv5 unicast', 'afi 70000 safi 1', 'afi 1 safi 256'])
    expect(parseFamily(wrong)).toBeUndefined();
});
