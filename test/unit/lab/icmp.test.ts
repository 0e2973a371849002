import { expect, test } from 'vitest';
import { decodeEchoReply, encodeEcho, internetChecksum } from '../../../src/lab/tour/icmp.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));

test('the checksum of the example in RFC 1071 section 3 is the complement of ddf2', () => {
  expect(internetChecksum(bytes('00 01 f2 03 f4 f5 f6 f7'))).toBe(0xffff - 0xddf2);
});

test('the checksum over a message that carries its own checksum is 0, also with an odd last byte (RFC 1071)', () => {
  expect(internetChecksum(encodeEcho(7, 300))).toBe(0);
  expect(internetChecksum(bytes('ff'))).toBe(0x00ff);
});

//   45 .. 3e 01 .. 0af46802 0af4a682    IPv4: 20 bytes of header, TTL 62, ICMP, 10.244.104.2 -> 10.244.166.130
//   00 00 ....  0007 0003              echo reply, identifier 7, sequence 3
const REPLY = '45000054 00000000 3e010000 0af46802 0af4a682  0000 0000 0007 0003';

test('a reply tells who answered, to which request, and how many routers were on the way (RFC 792)', () => {
  expect(decodeEchoReply(bytes(REPLY))).toEqual({ source: 0x0af46802, ttl: 62, id: 7, sequence: 3 });
});

test('requests, other messages, and packets that are cut off are not replies', () => {
  expect(decodeEchoReply(bytes(REPLY.replace('0000 0000 0007', '0800 0000 0007')))).toBeUndefined();
  expect(decodeEchoReply(bytes(REPLY.replace('0000 0000 0007', '0301 0000 0007')))).toBeUndefined();
  for (let cut = 0; cut < 28; cut++) expect(decodeEchoReply(bytes(REPLY).subarray(0, cut))).toBeUndefined();
});

test('options in the IPv4 header move the message (RFC 791 3.1)', () => {
  const withOption = `46${REPLY.slice(2).replace('0af4a682', '0af4a682 01010100')}`;
  expect(decodeEchoReply(bytes(withOption))).toMatchObject({ id: 7, sequence: 3 });
});
