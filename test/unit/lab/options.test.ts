import { expect, test } from 'vitest';
import { checkLabOptions, DEFAULT_LAB } from '../../../src/lab/mesh/options.ts';

test('without options a lab has three nodes, two pods on each, IPIP, and graceful restart', () => {
  expect(checkLabOptions({})).toEqual({ ok: true, value: DEFAULT_LAB });
});

test('all faults are named at once, each with the value and what would do', () => {
  const checked = checkLabOptions({ name: 'Über/lab', nodes: 0, pods: -1, encap: 'gre' as 'none', holdTimeSec: 2 });
  expect(checked.ok).toBe(false);
  if (checked.ok) return;
  expect(checked.error).toHaveLength(5);
  expect(checked.error.join('\n')).toMatch(
    /Über\/lab[\s\S]*--nodes is 0[\s\S]*--pods is -1[\s\S]*gre[\s\S]*hold-time is 2/,
  );
});

test('nodes of both kinds together are at most twenty, the addresses a lab has', () => {
  expect(checkLabOptions({ nodes: 18, bird: 2 }).ok).toBe(true);
  expect(checkLabOptions({ nodes: 18, bird: 3 }).ok).toBe(false);
});

test('a hold time of 0 turns keepalives off and is allowed (RFC 4271 4.2)', () => {
  expect(checkLabOptions({ holdTimeSec: 0 }).ok).toBe(true);
});

test('a name that would leave the folder of labs is refused', () => {
  for (const name of ['..', '.', 'a/b', '', '-a', 'a'.repeat(33)]) expect(checkLabOptions({ name }).ok).toBe(false);
});
