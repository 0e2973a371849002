/** The control packet of RFC 5880 4.1, and the rules of 6.8.6 that need no session. */
import { expect, test } from 'vitest';
import { decodeControlPacket, encodeControlPacket } from '../../../src/bfd/packet.ts';
import { hex, toHex } from '../../support/hex.ts';

//   20 c8 03 18  version 1, no diagnostic; Up, C; multiplier 3; length 24
const UP = hex`20 c8 03 18  00 00 00 07  00 00 00 09  00 01 86 a0  00 03 0d 40  00 00 00 00`;
const with_ = (at: number, value: number, bytes = UP): Uint8Array => {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
};
const faultOf = (bytes: Uint8Array): string => {
  const decoded = decodeControlPacket(bytes);
  return decoded.ok ? 'none' : decoded.error.code;
};

test('a packet decodes field by field, and encodes to the same bytes (RFC 5880 4.1)', () => {
  const decoded = decodeControlPacket(UP);
  expect(decoded).toEqual({
    ok: true,
    value: {
      diagnostic: 0,
      state: 'Up',
      poll: false,
      final: false,
      controlPlaneIndependent: true,
      demand: false,
      multiplier: 3,
      myDiscriminator: 7,
      yourDiscriminator: 9,
      desiredMinTxUs: 100_000,
      requiredMinRxUs: 200_000,
      requiredMinEchoRxUs: 0,
    },
  });
  if (decoded.ok) expect(toHex(encodeControlPacket(decoded.value))).toBe(toHex(UP));
});

test.each([
  ['another version', with_(0, 0x40), 'BFD_VERSION'],
  ['a length below 24', with_(3, 23), 'BFD_BAD_LENGTH'],
  ['a length below 26 with the A bit', with_(1, 0xcc), 'BFD_BAD_LENGTH'],
  ['a length beyond the payload', with_(3, 25), 'BFD_BAD_LENGTH'],
  ['a multiplier of 0', with_(2, 0), 'BFD_ZERO_MULTIPLIER'],
  ['the multipoint bit', with_(1, 0xc1), 'BFD_MULTIPOINT'],
  ['my discriminator 0', with_(7, 0), 'BFD_ZERO_DISCRIMINATOR'],
  ['Up without your discriminator', with_(11, 0), 'BFD_NO_YOUR_DISCRIMINATOR'],
  ['Init without your discriminator', with_(1, 0x80, with_(11, 0)), 'BFD_NO_YOUR_DISCRIMINATOR'],
  ['nothing', new Uint8Array(), 'BFD_TOO_SHORT'],
  ['three octets', UP.subarray(0, 3), 'BFD_TOO_SHORT'],
  [
    'an authentication section',
    hex`20 c4 03 1a 00 00 00 07 00 00 00 09 00 01 86 a0 00 03 0d 40 00 00 00 00 01 04`,
    'BFD_AUTHENTICATION',
  ],
])('%s is discarded (RFC 5880 6.8.6)', (_what, bytes, code) => {
  expect(faultOf(bytes)).toBe(code);
});

test('Down and AdminDown need not name our discriminator; octets behind the packet are no fault', () => {
  expect(faultOf(with_(1, 0x40, with_(11, 0)))).toBe('none');
  expect(faultOf(with_(1, 0x00, with_(11, 0)))).toBe('none');
  expect(faultOf(Uint8Array.from([...UP, 1, 2, 3]))).toBe('none');
});
