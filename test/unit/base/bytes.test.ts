import { expect, test } from 'vitest';
import { Reader, ShortRead, Writer } from '../../../src/base/bytes.ts';

test('what is written in network order is read back, unsigned', () => {
  const w = new Writer(2);
  w.u8(0xff);
  w.u16(0xfffe);
  w.u32(0xfffffffd);
  w.bytes(Uint8Array.of(1, 2, 3));
  const r = new Reader(w.view());
  expect([r.u8(), r.u16(), r.u32(), [...r.view(3)], r.left]).toEqual([0xff, 0xfffe, 0xfffffffd, [1, 2, 3], 0]);
});

test('a reader never reads outside its bounds, even when the slab goes on', () => {
  const slab = Uint8Array.of(1, 2, 3, 4, 5, 6);
  const r = new Reader(slab, 2, 4);
  expect(r.u8()).toBe(3);
  expect(() => r.u16()).toThrow(ShortRead);
  expect(r.u8()).toBe(4);
  expect(() => r.sub(1)).toThrow(ShortRead);
});

test('a length is written after what it counts', () => {
  const w = new Writer();
  const at = w.length;
  w.u16(0);
  w.bytes(new Uint8Array(300));
  w.u16At(at, w.length - 2);
  expect(new Reader(w.view()).u16()).toBe(300);
});

test('a writer that grows on a single octet keeps it', () => {
  const w = new Writer(1);
  for (const octet of [1, 2, 3, 4, 5]) w.u8(octet);
  expect([...w.copy()]).toEqual([1, 2, 3, 4, 5]);
});
