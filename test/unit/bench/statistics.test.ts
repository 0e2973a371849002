import fc from 'fast-check';
import { expect, test } from 'vitest';
import { harnessShare, median, spread, turnOrder } from '../../../bench/engine/statistics.ts';

test('the median is the middle one, of an even number the mean of two, of none NaN', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(median([])).toBeNaN();
});

test('the median does not care for the order of the runs, and leaves them as they are', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1 }), (values) => {
      const before = [...values];
      const found = median(values);
      expect(values).toEqual(before);
      expect(median([...values].reverse())).toBe(found);
      expect(found).toBeGreaterThanOrEqual(Math.min(...values));
      expect(found).toBeLessThanOrEqual(Math.max(...values));
    }),
  );
});

test('the spread is the range in medians', () => {
  expect(spread([1, 2, 3])).toBe(1);
  expect(spread([5])).toBe(0);
});

test('in as many rounds as there are daemons each goes first once, then each once more the other way round', () => {
  const all = ['a', 'b', 'c'];
  const orders = Array.from({ length: 6 }, (_, round) => turnOrder(all, round).join(''));
  expect(orders).toEqual(['abc', 'bca', 'cab', 'cba', 'acb', 'bac']);
  expect(turnOrder([], 3)).toEqual([]);
});

test('the share of the harness is unknown without a floor or a figure', () => {
  expect(harnessShare(2, 0.5)).toBe(0.25);
  expect(harnessShare(2, undefined)).toBeUndefined();
  expect(harnessShare(0, 1)).toBeUndefined();
});
