/** Slots that wait: none lost, none twice, few in order, many out of order. */
import { expect, test } from 'vitest';
import { DirtyList } from '../../../src/kernel/routes/dirty-list.ts';

const fill = (n: number): DirtyList => {
  const list = new DirtyList();
  for (let id = 0; id < n; id++) list.push(id);
  return list;
};

test('a few come in the order of their marking, also in parts', () => {
  const list = fill(10);
  const into = new Int32Array(64);
  expect(list.take(into, 4)).toBe(4);
  expect([...into.subarray(0, 4)]).toEqual([0, 1, 2, 3]);
  list.push(77);
  expect(list.take(into, 64)).toBe(7);
  expect([...into.subarray(0, 7)]).toEqual([4, 5, 6, 7, 8, 9, 77]);
  expect(list.take(into, 64)).toBe(0);
});

test('of many each comes once, and hardly one beside its neighbour', () => {
  const list = fill(100_000);
  const into = new Int32Array(4096);
  const seen: number[] = [];
  for (let n = list.take(into, 4096); n > 0; n = list.take(into, 4096)) seen.push(...into.subarray(0, n));
  expect(new Set(seen).size).toBe(100_000);
  expect(seen).toHaveLength(100_000);
  const beside = seen.filter((id, i) => i > 0 && id === (seen[i - 1] as number) + 1).length;
  expect(beside).toBeLessThan(100);
  expect(list.length).toBe(0);
});
