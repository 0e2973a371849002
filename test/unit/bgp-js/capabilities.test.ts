/** Capabilities: bytes and values, both directions, repeated, unknown and malformed ones; and the two forms of optional parameters. */
import { expect, test } from 'vitest';
import { type Capabilities, decodeCapabilities, encodeCapabilities } from '../../../src/bgp-js/wire/capabilities.ts';
import { HEADER_LENGTH } from '../../../src/bgp-js/wire/message.ts';
import { decodeOpen, encodeOpen } from '../../../src/bgp-js/wire/open.ts';
import { hex, toHex } from '../../support/hex.ts';
import { B } from './two-speakers.ts';

const IPV4 = { afi: 1, safi: 1 };
const IPV6 = { afi: 2, safi: 1 };

const read = (bytes: Uint8Array): Capabilities => {
  const result = decodeCapabilities(bytes);
  if (!result.ok) throw new Error(result.error.text);
  return result.value;
};
const faultOf = (bytes: Uint8Array): string | undefined => {
  const result = decodeCapabilities(bytes);
  return result.ok ? undefined : `${result.error.code}/${result.error.subcode}`;
};

test.each<[string, Uint8Array, Capabilities]>([
  [
    'multiprotocol, a family each (RFC 4760 8)',
    hex`01 04 0001 00 01  01 04 0002 00 01`,
    { multiprotocol: [IPV4, IPV6] },
  ],
  ['route refresh (RFC 2918 2)', hex`02 00`, { routeRefresh: true }],
  [
    'extended next hop encoding: IPv4 unicast over IPv6 (RFC 8950 4)',
    hex`05 06 0001 0001 0002`,
    { extendedNextHop: [{ ...IPV4, nextHopAfi: 2 }] },
  ],
  ['extended message (RFC 8654 3)', hex`06 00`, { extendedMessages: true }],
  ['BGP role, customer (RFC 9234 4.1)', hex`09 01 03`, { roles: [3] }],
  [
    'graceful restart with R and N (RFC 4724 3, RFC 8538 2)',
    hex`40 0a c078  0001 01 80  0002 01 00`,
    {
      gracefulRestart: {
        restartTimeSec: 120,
        restarting: true,
        notification: true,
        families: [
          { ...IPV4, forwarding: true },
          { ...IPV6, forwarding: false },
        ],
      },
    },
  ],
  ['4-octet AS (RFC 6793 3)', hex`41 04 fa56ea00`, { fourOctetAsn: 4_200_000_000 }],
  [
    'ADD-PATH, both ways and receiving only (RFC 7911 4)',
    hex`45 08 0001 01 03  0002 01 01`,
    {
      addPath: [
        { ...IPV4, receive: true, send: true },
        { ...IPV6, receive: true, send: false },
      ],
    },
  ],
  ['enhanced route refresh (RFC 7313 3.1)', hex`46 00`, { enhancedRouteRefresh: true }],
  [
    'long-lived graceful restart, 24 bits of seconds (RFC 9494 3.1)',
    hex`47 07 0001 01 80 015180`,
    { longLivedGracefulRestart: [{ ...IPV4, forwarding: true, staleTimeSec: 86_400 }] },
  ],
  ['long-lived graceful restart without a family, as BIRD sends it', hex`47 00`, { longLivedGracefulRestart: [] }],
  ['host name', hex`49 0a 04 6c656166 04 74657374`, { hostName: { host: 'leaf', domain: 'test' } }],
  ['an unknown one, kept for showing (RFC 5492 3)', hex`80 02 abcd`, { unknown: [{ code: 128, value: hex`abcd` }] }],
])('goes both ways: %s', (_name, bytes, value) => {
  expect(read(bytes)).toEqual(value);
  expect(toHex(encodeCapabilities(value))).toBe(toHex(bytes));
});

test.each<[string, Uint8Array, Capabilities]>([
  ['the same family twice is one (RFC 4760 8)', hex`01 04 0001 00 01 01 04 0001 00 01`, { multiprotocol: [IPV4] }],
  ['the reserved octet of multiprotocol does not count', hex`01 04 0001 ff 01`, { multiprotocol: [IPV4] }],
  [
    'of several graceful restart capabilities the last counts (RFC 4724 3)',
    hex`40 06 0078 0001 01 80  40 02 0005`,
    { gracefulRestart: { restartTimeSec: 5, restarting: false, notification: false, families: [] } },
  ],
  [
    'an ADD-PATH tuple with another value than 1, 2, 3 is as if it were not there (RFC 7911 4)',
    hex`45 0c 0001 01 00  0002 01 02  0001 80 04`,
    { addPath: [{ ...IPV6, receive: false, send: true }] },
  ],
  [
    'instances of ADD-PATH add up',
    hex`45 04 0001 01 01 45 04 0002 01 01`,
    {
      addPath: [
        { ...IPV4, receive: true, send: false },
        { ...IPV6, receive: true, send: false },
      ],
    },
  ],
  ['equal roles are one (RFC 9234 4.2)', hex`09 01 04 09 01 04`, { roles: [4] }],
  ['two roles are both there, for negotiation to refuse', hex`09 01 04 09 01 00`, { roles: [4, 0] }],
  ['an extended next hop of a SAFI beyond one octet is left out', hex`05 06 0001 0101 0002`, { extendedNextHop: [] }],
  ['the same 4-octet AS twice is fine', hex`41 04 0000fc00 41 04 0000fc00`, { fourOctetAsn: 64512 }],
  [
    'a host name comes without what moves a cursor',
    hex`49 06 04 1b5b324a 00`,
    { hostName: { host: ' [2J', domain: '' } },
  ],
])('%s', (_name, bytes, value) => {
  expect(read(bytes)).toEqual(value);
});

test.each([
  ['multiprotocol of 3 octets', hex`01 03 000100`, '2/0'],
  ['multiprotocol of 5 octets', hex`01 05 0001000100`, '2/0'],
  ['route refresh with a value', hex`02 01 00`, '2/0'],
  ['extended next hop of 5 octets', hex`05 05 0001000100`, '2/0'],
  ['extended message with a value', hex`06 01 00`, '2/0'],
  ['a role of 2 octets', hex`09 02 0000`, '2/0'],
  ['a role of no octet', hex`09 00`, '2/0'],
  ['graceful restart of 1 octet', hex`40 01 00`, '2/0'],
  ['graceful restart of 5 octets', hex`40 05 0078 0001 01`, '2/0'],
  ['4-octet AS of 3 octets', hex`41 03 00fc00`, '2/0'],
  ['ADD-PATH of 3 octets', hex`45 03 000101`, '2/0'],
  ['enhanced route refresh with a value', hex`46 01 00`, '2/0'],
  ['long-lived graceful restart of 6 octets', hex`47 06 0001 01 80 0151`, '2/0'],
  ['a host name longer than its capability', hex`49 02 05 61`, '2/0'],
  ['a capability without its length', hex`01`, '2/0'],
  ['two 4-octet AS numbers', hex`41 04 0000fc00 41 04 0000fc01`, '2/2'],
])('%s is answered %s (RFC 4271 6.2)', (_name, bytes, code) => {
  expect(faultOf(bytes)).toBe(code);
});

test('a list of thousands of families and unknown capabilities is read, and little of it is kept', () => {
  const families = Array.from({ length: 900 }, (_, i) => [1, 4, i >> 8, i & 0xff, 0, 1]).flat();
  expect(read(Uint8Array.from(families)).multiprotocol?.length).toBe(64);
  const unknown = Array.from({ length: 900 }, () => [200, 1, 7]).flat();
  expect(read(Uint8Array.from(unknown)).unknown?.length).toBe(64);
});

test('host names share what a capability holds, and are cut at a character', () => {
  const both = (host: string, domain: string) => read(encodeCapabilities({ hostName: { host, domain } })).hostName;
  expect(both('h'.repeat(200), 'd'.repeat(60))).toEqual({ host: 'h'.repeat(200), domain: 'd'.repeat(53) });
  expect(both('ä'.repeat(200), 'd')).toEqual({ host: 'ä'.repeat(126), domain: 'd' });
});

const open = (capabilities: Capabilities) => ({ myAs: 64512, holdTimeSec: 90, bgpIdentifier: B, capabilities });
/** Unknown capabilities of so many octets in all: pieces of 100 and a rest. */
function unknownOf(octets: number): Capabilities {
  const unknown = [];
  for (let left = octets; left > 0; left -= 100)
    unknown.push({ code: 200, value: new Uint8Array(Math.min(left, 100) - 2).fill(left) });
  return { unknown };
}

test('253 octets of capabilities take the short form, 254 the long one, and both come back (RFC 9072 2)', () => {
  for (const [octets, head] of [
    [253, 'ff02fd'],
    [254, 'ffff01010200fe'],
    [700, 'ffff02bf0202bc'],
  ] as const) {
    const value = open(unknownOf(octets));
    const bytes = encodeOpen(value);
    expect(toHex(bytes.subarray(HEADER_LENGTH + 9)).slice(0, head.length), `${octets}`).toBe(head);
    expect(decodeOpen(bytes, 0, bytes.length)).toEqual({ ok: true, value });
  }
});

test('no capabilities are no parameters (RFC 4271 4.2)', () => {
  const bytes = encodeOpen(open({}));
  expect(bytes.length).toBe(29);
  expect(bytes[28]).toBe(0);
});

const withParameters = (parameters: Uint8Array): Uint8Array => {
  const bytes = encodeOpen(open({}));
  const whole = new Uint8Array(28 + parameters.length);
  whole.set(bytes.subarray(0, 28));
  whole.set(parameters, 28);
  return whole;
};
const openFault = (parameters: Uint8Array): string | undefined => {
  const bytes = withParameters(parameters);
  const result = decodeOpen(bytes, 0, bytes.length);
  return result.ok ? undefined : `${result.error.code}/${result.error.subcode}`;
};

test.each([
  [
    'the long form is told by its type octet, whatever the first says (RFC 9072 2)',
    hex`0c ff 0009 02 0006 41 04 0000fc00`,
    undefined,
  ],
  ['the long form may be short', hex`ff ff 0003 02 0000`, undefined],
  ['a long parameter cut off is 2/0', hex`ff ff 0009 02 0007 41 04 0000fc00`, '2/0'],
  ['a long length that lies is 2/0', hex`ff ff 000a 02 0006 41 04 0000fc00`, '2/0'],
  ['parameter 255 behind another is none that exists: 2/4', hex`05 02 00 ff 01 00`, '2/4'],
  ['the deprecated authentication parameter is 2/4 (RFC 4271 4.2)', hex`03 01 01 00`, '2/4'],
])('%s', (_name, parameters, code) => {
  expect(openFault(parameters)).toBe(code);
});
