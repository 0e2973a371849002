import { expect, test } from 'vitest';
import { OctetStore } from '../../../src/base/octet-store.ts';

const octets = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (seed + i * 7) & 255);

test('a run is what was put, wherever it lay, and no other', () => {
  const store = new OctetStore();
  const around = octets(100, 1);
  const run = store.put(around, 10, 53);
  expect(store.is(run, around.slice(10, 53), 0, 43)).toBe(true);
  expect(store.is(run, around, 11, 43)).toBe(false);
});

test('runs of all lengths stay as they are while others come and go, and what is given back is used again', () => {
  const store = new OctetStore();
  const held = new Map<number, Uint8Array>();
  for (let n = 0; n < 20_000; n++) {
    const bytes = octets((n * 37) % 4096, n);
    held.set(store.put(bytes, 0, bytes.length), bytes);
    if (held.size <= 300) continue;
    const [run, oldest] = held.entries().next().value as [number, Uint8Array];
    expect(store.is(run, oldest, 0, oldest.length)).toBe(true);
    store.giveBack(run, oldest.length);
    held.delete(run);
  }
  for (const [run, bytes] of held) expect(store.is(run, bytes, 0, bytes.length)).toBe(true);
  expect(store.size, '300 runs of 2 KB at a time').toBeLessThan(4 << 20);
});

test('the longest attributes fit, also behind others', () => {
  const store = new OctetStore();
  const long = octets(65_535, 3);
  const runs = Array.from({ length: 40 }, () => store.put(long, 0, long.length));
  for (const run of runs) expect(store.is(run, long, 0, long.length)).toBe(true);
  expect(new Set(runs).size).toBe(40);
});
