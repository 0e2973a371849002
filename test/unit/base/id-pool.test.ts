import { describe, expect, test } from 'vitest';
import { IdPool } from '../../../src/base/id-pool.ts';

describe('IdPool', () => {
  test('new ids count up; what came back goes out first, the lowest before the others', () => {
    const pool = new IdPool();
    expect([pool.take(), pool.take(), pool.take(), pool.take()]).toEqual([0, 1, 2, 3]);
    for (const id of [2, 0, 3]) pool.give(id);
    expect([pool.take(), pool.take(), pool.take(), pool.take()]).toEqual([0, 2, 3, 4]);
    expect(pool.bound).toBe(5);
  });

  test('also the last id of a word, and those of words far apart', () => {
    const pool = new IdPool();
    for (let i = 0; i < 3_000_000; i++) pool.take();
    const back = [2_999_999, 31, 32, 1023, 1024, 32_767, 32_768, 1_048_575, 1_048_576, 0];
    for (const id of back) pool.give(id);
    const again = back.map(() => pool.take());
    expect(again).toEqual([...back].sort((a, b) => a - b));
    expect(pool.take()).toBe(3_000_000);
  });

  test('whatever comes and goes, the lowest free id is next', () => {
    const pool = new IdPool();
    const out: number[] = [];
    const free = new Set<number>();
    let state = 7;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    for (let step = 0; step < 10_000; step++) {
      // In tides: many come, then most of them go.
      if (out.length === 0 || random(10) < (Math.floor(step / 2000) % 2 === 0 ? 8 : 2)) {
        const expected = free.size > 0 ? Math.min(...free) : pool.bound;
        const id = pool.take();
        if (id !== expected) expect(id, `step ${step}`).toBe(expected);
        free.delete(id);
        out.push(id);
      } else {
        const [id] = out.splice(random(out.length), 1) as [number];
        pool.give(id);
        free.add(id);
      }
    }
    expect(pool.bound).toBeGreaterThan(1024);
    expect(out.length + free.size).toBe(pool.bound);
  });
});
