import { expect, test } from 'vitest';
import { WordStore } from '../../../src/base/word-store.ts';

const octets = (seed: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => Math.imul(seed + i, 0x9e3779b1) >>> 24);
const read = (store: WordStore, run: number, length: number): Uint8Array =>
  store.octetsOf(run).slice(store.startOf(run), store.startOf(run) + length);

test('runs of all lengths stay as they are while others come and go, and what is given back is used again', () => {
  const store = new WordStore();
  const held = new Map<number, { seed: number; length: number; run: number }>();
  for (let n = 0; n < 30_000; n++) {
    const length = (n * 7919) % 300;
    store.load(octets(n, length), 0, length);
    held.set(n, { seed: n, length, run: store.put(n, length) });
    const victim = held.get((n * 31) % 30_000);
    if (n % 2 === 0 && victim !== undefined) {
      store.giveBack(victim.run, victim.length);
      held.delete(victim.seed);
    }
  }
  for (const { seed, length, run } of held.values()) {
    if (seed % 97 === 0) expect(read(store, run, length)).toEqual(octets(seed, length));
    expect([store.firstOf(run), store.headOf(run)]).toEqual([seed, length]);
  }
  const before = store.size;
  for (const { length, run } of held.values()) store.giveBack(run, length);
  for (const { seed, length } of held.values()) {
    store.load(octets(seed, length), 0, length);
    store.put(seed, length);
  }
  expect(store.size).toBe(before);
});

test('what is loaded is the same as a run of these octets and this head, wherever it lies, and as no other', () => {
  const store = new WordStore();
  for (let length = 0; length < 20; length++) {
    const bytes = octets(length, length);
    const hash = store.load(bytes, 0, length);
    const run = store.put(1, length);
    const slab = Uint8Array.from([1, 2, 3, ...bytes, 9]);
    expect(store.load(slab, 3, 3 + length)).toBe(hash);
    expect(store.isLoaded(run, length)).toBe(true);
    expect(store.isLoaded(run, length + 1)).toBe(false);
    for (let i = 0; i < length; i++) {
      const other = Uint8Array.from(bytes);
      other[i] = (other[i] as number) ^ 1;
      store.load(other, 0, length);
      expect(store.isLoaded(run, length)).toBe(false);
    }
  }
});
