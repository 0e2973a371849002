import { expect, test } from 'vitest';
import {
  BitColumn,
  Float64Column,
  Int32Column,
  SparseColumn,
  Uint8Column,
  Uint16Column,
  Uint32Column,
} from '../../../src/base/columns.ts';

test('a column keeps what is in it while it grows, from a few places to a million, and new places hold its fill', () => {
  const ids = new Int32Column(-1);
  const columns = [new Uint8Column(), new Uint16Column(), new Uint32Column(), new Float64Column()];
  for (let id = 0; id < 1_000_000; id = Math.ceil(id * 1.01) + 1) {
    ids.reach(id);
    expect(ids.at[id]).toBe(-1);
    ids.at[id] = id;
    for (const column of columns) {
      column.reach(id);
      expect(column.at[id]).toBe(0);
      column.at[id] = id & 0xff;
    }
  }
  for (let id = 0; id < 1_000_000; id = Math.ceil(id * 1.01) + 1) {
    expect(ids.at[id]).toBe(id);
    for (const column of columns) expect(column.at[id]).toBe(id & 0xff);
  }
  expect(ids.at[2]).not.toBe(undefined);
});

test('growth takes little more than is asked for once a column is large', () => {
  const column = new Uint8Column();
  column.reach(10_000_000);
  column.reach(column.at.length);
  expect(column.at.length).toBeLessThan(10_000_000 + 2 * 8 * 65536);
});

test('bits are set, cleared, counted, and false beyond the end', () => {
  const bits = new BitColumn();
  for (const id of [0, 31, 32, 100_000]) bits.set(id);
  bits.set(31);
  bits.clear(32);
  bits.clear(5_000_000);
  expect(bits.count).toBe(3);
  expect([0, 1, 31, 32, 100_000, 9_999_999].map((id) => bits.get(id))).toEqual([true, false, true, false, true, false]);
  bits.clearAll();
  expect([bits.count, bits.get(0)]).toEqual([0, false]);
});

test('a sparse column has memory as far as something else than 0 was written, and forgets it again', () => {
  const column = new SparseColumn();
  column.set(5_000_000, 0);
  expect(column.get(5_000_000)).toBe(0);
  column.set(1000, -7);
  column.set(3, 8);
  expect([0, 3, 999, 1000, 1001, 1e9].map((id) => column.get(id))).toEqual([0, 8, 0, -7, 0, 0]);
  column.set(1000, 0);
  expect(column.get(1000)).toBe(0);
});
