import { describe, expect, test } from 'vitest';
import { parseIpv4 } from '../../../src/base/ipv4.ts';
import { formatPrefix, parsePrefix, prefix, prefixOfKey } from '../../../src/base/prefix.ts';
import { PrefixTable } from '../../../src/base/prefix-table.ts';

function table(...texts: string[]): PrefixTable {
  const made = new PrefixTable();
  for (const text of texts) {
    const p = parsePrefix(text);
    if (!p) throw new Error(text);
    made.insert(p.address, p.length);
  }
  return made;
}
const match = (t: PrefixTable, address: string, atMost?: number): string => {
  const id = t.longestMatch(parseIpv4(address) as number, atMost);
  return id < 0 ? 'none' : formatPrefix(prefix(t.addressOf(id), t.lengthOf(id)));
};

describe('PrefixTable', () => {
  test('the longest prefix wins, then the less specific ones follow', () => {
    const t = table('0.0.0.0/0', '10.0.0.0/8', '10.244.0.0/16', '10.244.1.0/26', '10.244.1.7/32');
    expect(match(t, '10.244.1.7')).toBe('10.244.1.7/32');
    expect(match(t, '10.244.1.7', 31)).toBe('10.244.1.0/26');
    expect(match(t, '10.244.1.7', 25)).toBe('10.244.0.0/16');
    expect(match(t, '192.0.2.1')).toBe('0.0.0.0/0');
    expect(match(table('10.0.0.0/8'), '11.0.0.1')).toBe('none');
  });

  test('the same address with another length is another prefix', () => {
    const t = table('10.0.0.0/8', '10.0.0.0/16');
    expect(t.size).toBe(2);
    expect(t.find(0x0a000000, 8)).not.toBe(t.find(0x0a000000, 16));
    expect(t.find(0x0a000000, 24)).toBe(-1);
  });

  test('growth leaves ids where they are', () => {
    const t = new PrefixTable();
    const ids = new Map<number, number>();
    for (let i = 0; i < 5000; i++) ids.set(i, t.insert((0x0a000000 + i * 64) >>> 0, 26));
    for (const [i, id] of ids) {
      expect(t.find((0x0a000000 + i * 64) >>> 0, 26)).toBe(id);
      expect(t.addressOf(id)).toBe(0x0a000000 + i * 64);
    }
  });

  test('the id of a deleted prefix is given out again, so columns by id stay small', () => {
    const t = new PrefixTable();
    for (let i = 0; i < 10_000; i++) {
      t.insert(i * 256, 24);
      t.delete(i * 256, 24);
    }
    // Some dozens are dead before the first walk takes them out.
    expect(t.idBound).toBeLessThanOrEqual(32);
  });

  test('however many are deleted, the ids of most of them are free, and none is in use twice', () => {
    const t = new PrefixTable();
    const count = 20_000;
    for (let i = 0; i < count; i++) t.insert(i * 256, 24);
    for (let i = 0; i < count; i += 2) t.delete(i * 256, 24);
    expect(t.size).toBe(count / 2);
    // Half of them were there before.
    const ids = new Set<number>();
    for (let i = 0; i < count; i++) ids.add(t.insert((i + count / 2) * 256, 24));
    expect(ids.size).toBe(count);
    expect(t.size).toBe((count * 5) / 4);
    expect(t.idBound).toBeLessThan((count * 3) / 2);
    for (let i = 1; i < count / 2; i += 2) expect(t.find(i * 256, 24)).toBeGreaterThanOrEqual(0);
    for (let i = 0; i < count / 2; i += 2) expect(t.find(i * 256, 24)).toBe(-1);
  });

  test('a prefix that comes back has the id that it had', () => {
    const t = table('10.0.0.0/8', '10.0.0.0/16');
    const id = t.find(0x0a000000, 8);
    t.deleteId(id);
    expect([t.has(id), t.size, t.find(0x0a000000, 8), match(t, '10.1.0.0')]).toEqual([false, 1, -1, 'none']);
    expect(t.insert(0x0a000000, 8)).toBe(id);
    expect([t.size, match(t, '10.1.0.0')]).toEqual([2, '10.0.0.0/8']);
  });

  test('sorted keys are by address, then shorter first, also above 128.0.0.0', () => {
    const t = table('192.168.0.0/16', '10.0.0.0/16', '10.0.0.0/8', '9.0.0.0/8');
    expect([...t.sortedKeys()].map((k) => formatPrefix(prefixOfKey(k)))).toEqual([
      '9.0.0.0/8',
      '10.0.0.0/8',
      '10.0.0.0/16',
      '192.168.0.0/16',
    ]);
  });
});
