import { expect, test } from 'vitest';
import { formatIpv4, netmask, parseIpv4 } from '../../../src/base/ipv4.ts';
import {
  containsAddress,
  containsPrefix,
  formatPrefix,
  parsePrefix,
  prefix,
  prefixKey,
  prefixOfKey,
} from '../../../src/base/prefix.ts';

test('a dotted quad is read as an unsigned number in host order', () => {
  expect(parseIpv4('10.0.0.1')).toBe(0x0a000001);
  expect(parseIpv4('255.255.255.255')).toBe(0xffffffff);
  expect(formatIpv4(0xc0a82266)).toBe('192.168.34.102');
});

test.each([
  '',
  '10',
  '10.0.0',
  '10.0.0.0.1',
  '256.1.1.1',
  '010.0.0.1',
  '1..2.3',
  '1.2.3.',
  '.1.2.3',
  ' 1.2.3.4',
  '1.2.3.4 ',
  '0x0a.0.0.1',
  '-1.2.3.4',
])('%j is no address', (text) => expect(parseIpv4(text)).toBeUndefined());

test('the mask of /0 is 0 although a shift by 32 is a shift by 0', () => {
  expect([netmask(0), netmask(1), netmask(26), netmask(32)]).toEqual([0, 0x80000000, 0xffffffc0, 0xffffffff]);
});

test.each(['10.0.0.1/8', '10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/08', '/8', '10.0.0.0/-1'])(
  '%j is no prefix',
  (text) => expect(parsePrefix(text)).toBeUndefined(),
);

test('a prefix is canonical, and its text and its key lead back to it', () => {
  for (const text of ['0.0.0.0/0', '10.244.166.128/26', '255.255.255.255/32', '128.0.0.0/1']) {
    const p = parsePrefix(text);
    expect(p && formatPrefix(p)).toBe(text);
    expect(p && prefixOfKey(prefixKey(p.address, p.length))).toEqual(p);
  }
  expect(formatPrefix(prefix(0x0af4a6bf, 26))).toBe('10.244.166.128/26');
});

test('keys sort by address, then shorter first', () => {
  const keys = ['10.0.0.0/8', '10.0.0.0/26', '10.0.0.64/26', '192.0.0.0/8'].map((t) => {
    const p = parsePrefix(t);
    return p ? prefixKey(p.address, p.length) : -1;
  });
  expect([...keys].sort((a, b) => a - b)).toEqual(keys);
});

test('containment looks at the bits of the outer prefix only', () => {
  const pool = prefix(0x0af40000, 16);
  expect(containsAddress(pool, 0x0af4ffff)).toBe(true);
  expect(containsAddress(pool, 0x0af50000)).toBe(false);
  expect(containsPrefix(pool, prefix(0x0af4a680, 26))).toBe(true);
  expect(containsPrefix(prefix(0x0af4a680, 26), pool)).toBe(false);
  expect(containsPrefix(pool, pool)).toBe(true);
});
