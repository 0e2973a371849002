/** OPEN, KEEPALIVE, NOTIFICATION, ROUTE-REFRESH: bytes and values, both directions. */
import { expect, test } from 'vitest';
import { negotiate, ourOpen } from '../../../src/bgp-js/session/negotiate.ts';
import { bgpError } from '../../../src/bgp-js/wire/error.ts';
import { KEEPALIVE_MESSAGE, ROUTE_REFRESH_MESSAGE } from '../../../src/bgp-js/wire/message.ts';
import {
  decodeNotification,
  encodeNotification,
  hardReset,
  notificationName,
  shutdown,
  shutdownText,
} from '../../../src/bgp-js/wire/notification.ts';
import { decodeOpen, encodeOpen } from '../../../src/bgp-js/wire/open.ts';
import { hex, toHex } from '../../support/hex.ts';
import { A, address, B, configOf } from './two-speakers.ts';

const MARKER = 'ff'.repeat(16);
const framed = (type: number, body: Uint8Array): Uint8Array =>
  Uint8Array.from([...Array.from({ length: 16 }, () => 255), 0, 19 + body.length, type, ...body]);

const OPEN = framed(
  1,
  hex`
  04              # version
  5b a0           # AS_TRANS, as the real number does not fit
  00 5a           # hold time 90
  c0 00 02 01     # identifier 192.0.2.1
  18              # 24 octets of optional parameters
  02 16           # one parameter: capabilities, 22 octets
  01 04 0001 00 01            # multiprotocol: IPv4 unicast
  02 00                       # route refresh
  40 06 c078 0001 01 80       # graceful restart: R, N, 120 s; IPv4 unicast, F
  41 04 fa 56 ea 00           # 4-octet AS 4200000000`,
);

test('OPEN goes both ways, capabilities in the order 1, 2, 64, 65 (RFC 4271 4.2, RFC 5492, RFC 4724 3, RFC 6793)', () => {
  const config = configOf(A, B, {
    localAsn: 4_200_000_000,
    gracefulRestart: { restartTimeSec: 120, bits: () => ({ restarting: true, forwarding: true }) },
  });
  expect(toHex(encodeOpen(ourOpen(config)))).toBe(toHex(OPEN));
  const decoded = decodeOpen(OPEN, 0, OPEN.length);
  expect(decoded).toEqual({ ok: true, value: ourOpen(config) });
});

test('without graceful restart in the configuration the capability is not sent', () => {
  expect(ourOpen(configOf(A, B, { gracefulRestart: undefined } as never)).capabilities.gracefulRestart).toBeUndefined();
});

const bodyOf = (parameters: Uint8Array, lengthOctet = parameters.length): Uint8Array =>
  framed(1, Uint8Array.from([4, 0xfc, 0x00, 0, 90, 192, 0, 2, 2, lengthOctet, ...parameters]));
const decoded = (bytes: Uint8Array) => decodeOpen(bytes, 0, bytes.length);
const faultOf = (bytes: Uint8Array): string | undefined => {
  const result = decoded(bytes);
  return result.ok ? undefined : `${result.error.code}/${result.error.subcode}`;
};

test.each([
  ['one parameter for each capability', hex`02 06 01 04 0001 00 01  02 02 02 00  02 06 41 04 0000fc00`],
  ['all in one parameter', hex`02 0e 01 04 0001 00 01 02 00 41 04 0000fc00`],
  ['an unknown capability between them', hex`02 14 01 04 0001 00 01 80 04 01020304 02 00 41 04 0000fc00`],
])('capabilities are read from %s (RFC 5492 4)', (_name, parameters) => {
  const result = decoded(bodyOf(parameters));
  expect(result).toMatchObject({
    ok: true,
    value: {
      myAs: 64512,
      bgpIdentifier: B,
      capabilities: { multiprotocol: [{ afi: 1, safi: 1 }], routeRefresh: true, fourOctetAsn: 64512 },
    },
  });
});

test('the long form of optional parameters is told by its type octet (RFC 9072 2)', () => {
  const long = hex`ff 0009  02 0006 41 04 0000fc00`;
  for (const lengthOctet of [255, 12])
    expect(decoded(bodyOf(long, lengthOctet))).toMatchObject({
      ok: true,
      value: { capabilities: { fourOctetAsn: 64512 } },
    });
});

test('of several graceful restart capabilities the last counts; restart time 0 and no family are legal (RFC 4724 3)', () => {
  const result = decoded(bodyOf(hex`02 0c 40 06 c078 0001 01 80  40 02 8000`));
  expect(result).toMatchObject({
    ok: true,
    value: {
      capabilities: { gracefulRestart: { restartTimeSec: 0, restarting: true, notification: false, families: [] } },
    },
  });
});

test.each([
  ['an unknown optional parameter', bodyOf(hex`01 01 00`), '2/4'],
  ['parameters longer than the message', bodyOf(hex`02 02 02 00`, 9), '2/0'],
  ['octets behind the parameters', bodyOf(hex`02 02 02 00 00`, 4), '2/0'],
  ['a capability longer than its parameter', bodyOf(hex`02 03 41 04 00`), '2/0'],
  ['multiprotocol of 3 octets', bodyOf(hex`02 05 01 03 000100`), '2/0'],
  ['graceful restart of 3 octets', bodyOf(hex`02 05 40 03 c07800`), '2/0'],
  ['two 4-octet AS numbers that differ', bodyOf(hex`02 0c 41 04 0000fc00 41 04 0000fc01`), '2/2'],
  ['version 3', framed(1, hex`03 fc00 005a c0000202 00`), '2/1'],
])('OPEN with %s is a fault (RFC 4271 6.2, RFC 5492 4)', (_name, bytes, code) => {
  expect(faultOf(bytes)).toBe(code);
});

test('negotiation: no capability at all means IPv4 unicast with 2-octet AS numbers (RFC 4760 8, RFC 6793)', () => {
  const open = decoded(bodyOf(hex``));
  if (!open.ok) throw new Error(open.error.text);
  expect(negotiate(configOf(A, B), open.value)).toMatchObject({
    ok: true,
    value: { fourOctetAs: false, routeRefresh: false, holdTimeSec: 90, ibgp: true, peerBgpIdentifier: B },
  });
});

test.each([
  ['AS 0 in the capability', { fourOctetAsn: 0 }, {}, '2/2'],
  ['AS 0 in the field', { fourOctetAsn: 64512 }, { myAs: 0 }, '2/2'],
  ['AS_TRANS without the capability', {}, { myAs: 23456 }, '2/2'],
  ['another AS', { fourOctetAsn: 64513 }, {}, '2/2'],
  ['hold time 1', {}, { holdTimeSec: 1 }, '2/6'],
  ['identifier 0', {}, { bgpIdentifier: address('0.0.0.0') }, '2/3'],
  ['our identifier within our AS', {}, { bgpIdentifier: A }, '2/3'],
  ['IPv6 unicast only', { multiprotocol: [{ afi: 2, safi: 1 }] }, {}, '2/7'],
])(
  'negotiation answers %s with %s (RFC 4271 6.2, RFC 7607, RFC 6286, RFC 5492)',
  (_name, capabilities, fields, code) => {
    const open = { myAs: 64512, holdTimeSec: 90, bgpIdentifier: B, capabilities, ...fields };
    const result = negotiate(configOf(A, B), open);
    expect(result.ok ? undefined : `${result.error.code}/${result.error.subcode}`).toBe(code);
  },
);

test('an identifier of class D and our own identifier over eBGP are fine (RFC 6286 2.1)', () => {
  const open = { myAs: 64513, holdTimeSec: 0, bgpIdentifier: address('224.0.0.5'), capabilities: {} };
  expect(negotiate(configOf(A, B, { peerAsn: 64513 }), open)).toMatchObject({ ok: true, value: { holdTimeSec: 0 } });
  expect(negotiate(configOf(A, B, { peerAsn: 64513 }), { ...open, bgpIdentifier: A })).toMatchObject({ ok: true });
});

test('KEEPALIVE is a header, and ROUTE-REFRESH asks for IPv4 unicast (RFC 4271 4.4, RFC 2918 3)', () => {
  expect(toHex(KEEPALIVE_MESSAGE)).toBe(`${MARKER}001304`);
  expect(toHex(ROUTE_REFRESH_MESSAGE)).toBe(`${MARKER}00170500010001`);
});

test('NOTIFICATION goes both ways with its data (RFC 4271 4.5)', () => {
  const bytes = framed(3, hex`01 02 1001`);
  expect(toHex(encodeNotification(bgpError(1, 2, 'any', hex`1001`)))).toBe(toHex(bytes));
  expect(decodeNotification(bytes, 0, bytes.length)).toEqual(
    bgpError(1, 2, 'Message Header Error / Bad Message Length: length 4097', hex`1001`),
  );
});

test('the shutdown text is one length octet and UTF-8 (RFC 9003 2)', () => {
  // 06 02 12 62..6e: as OpenBGPD sends it
  const bytes = framed(3, hex`06 02 12 62677064207368757474696e6720646f776e`);
  expect(toHex(encodeNotification(shutdown('bgpd shutting down')))).toBe(toHex(bytes));
  const said = decodeNotification(bytes, 0, bytes.length);
  expect(shutdownText(said)).toBe('bgpd shutting down');
  expect(said.text).toBe('Cease / Administrative Shutdown: "bgpd shutting down"');
});

test('a shutdown text of more than 255 octets is cut at a character', () => {
  const error = shutdown('ä'.repeat(200));
  expect(error.data.length).toBe(255);
  expect(shutdownText(error)).toBe('ä'.repeat(127));
});

test.each([
  ['a length beyond the data', hex`09 6162`],
  ['length 0', hex`00`],
  ['no UTF-8', hex`02 ff fe`],
])('a shutdown text with %s is not shown (RFC 9003 2)', (_name, data) => {
  expect(shutdownText(bgpError(6, 2, '', data))).toBeUndefined();
});

test('control characters of a peer do not reach a terminal', () => {
  expect(shutdownText(shutdown('\u001b[2Jgone\n'))).toBe(' [2Jgone ');
});

test('a Hard Reset carries the inner code, subcode and data (RFC 8538 3.1)', () => {
  const bytes = framed(3, hex`06 09  06 02 03 627965`);
  expect(toHex(encodeNotification(hardReset(shutdown('bye'))))).toBe(toHex(bytes));
  expect(decodeNotification(bytes, 0, bytes.length).text).toBe(
    'Cease / Hard Reset: Cease / Administrative Shutdown: "bye"',
  );
});

test('names are there for what the RFCs assign, and numbers for the rest', () => {
  expect(notificationName(2, 11)).toBe('OPEN Message Error / Role Mismatch');
  expect(notificationName(4, 0)).toBe('Hold Timer Expired');
  expect(notificationName(6, 10)).toBe('Cease / BFD Down');
  expect(notificationName(6, 77)).toBe('Cease / subcode 77');
  expect(notificationName(99, 1)).toBe('code 99 / subcode 1');
});
