import { expect, test } from 'vitest';
import { matchesSelector } from '../../../src/ipam/selector.ts';

const labels = { rack: 'r1', 'kubernetes.io/os': 'linux', empty: '' };

test.each([
  ['', true],
  ['all()', true],
  ['!all()', false],
  ['global()', false],
  ["rack == 'r1'", true],
  ['rack == "r2"', false],
  ["rack != 'r2'", true],
  ["absent != 'r2'", true],
  ['has(rack)', true],
  ['!has(rack)', false],
  ['has(toString)', false],
  ["kubernetes.io/os == 'linux'", true],
  ["rack in {'r1', 'r2'}", true],
  ["rack not in {'r1'}", false],
  ["absent not in {'r1'}", true],
  ["absent in {'r1'}", false],
  ["rack contains '1'", true],
  ["rack starts with 'r'", true],
  ["absent ends with 'x'", false],
  ["has(absent) || (rack == 'r1' && !has(absent))", true],
  ['has(rack) && has(absent) || has(empty)', true],
])('%s is %s', (selector, matches) => {
  expect(matchesSelector(selector, labels)).toEqual({ ok: true, value: matches });
});

test.each([
  'rack',
  'rack ==',
  'rack === "x"',
  "has('rack')",
  '(all()',
  'all() all()',
  'every()',
  '#',
  "rack in {'a'",
  '('.repeat(99),
])('a selector that cannot be read is a fault, not "nothing": %s', (selector) => {
  expect(matchesSelector(selector, labels).ok).toBe(false);
});
