import { afterEach, expect, test } from 'vitest';
import { fixedMemory, GrowingMemory, leaveMemory, onLargeMemory } from '../../../src/base/growing-memory.ts';
import { HashSlots } from '../../../src/base/hash-slots.ts';
import { PrefixTable } from '../../../src/base/prefix-table.ts';

const MIB = 1024 * 1024;
afterEach(() => onLargeMemory(undefined));

test('what was written stays while memory grows past every size at which it grows otherwise, and new octets are zero', () => {
  const memory = new GrowingMemory(64);
  for (let octets = 64; octets <= 20 * MIB; octets = Math.ceil(octets * 1.3)) {
    const had = memory.buffer.byteLength;
    memory.reach(octets);
    const bytes = new Uint8Array(memory.buffer);
    expect(bytes.length).toBeGreaterThanOrEqual(octets);
    if (had > 64) expect(bytes[had - 1]).toBe(7);
    if (bytes.length > had) expect(bytes[bytes.length - 1]).toBe(0);
    bytes[bytes.length - 1] = 7;
  }
});

test('large memory is told of once, before it grows, and then grows by huge pages', () => {
  const told: number[] = [];
  onLargeMemory({ made: (bytes, octets) => void told.push(bytes.length, octets), left: () => expect.fail() });
  const memory = new GrowingMemory(64);
  memory.reach(MIB);
  expect(told).toEqual([MIB, 1024 * MIB]);
  memory.reach(4 * MIB + 1);
  expect(memory.buffer.byteLength).toBe(6 * MIB);
  memory.reach(6 * MIB + 1);
  expect(memory.buffer.byteLength).toBe(8 * MIB);
  expect(told).toHaveLength(2);
});

test('of a fixed piece only a large one is told', () => {
  const told: number[] = [];
  onLargeMemory({ made: (_, octets) => void told.push(octets), left: (bytes) => void told.push(-bytes.length) });
  expect(fixedMemory(MIB).byteLength).toBe(MIB);
  expect(told).toEqual([]);
  expect(fixedMemory(8 * MIB).byteLength).toBe(8 * MIB);
  expect(told).toEqual([8 * MIB]);
});

test('a table that has outgrown its slots says so when the last one has moved', () => {
  const left: number[] = [];
  onLargeMemory({ made: () => {}, left: (bytes) => void left.push(bytes.length) });
  leaveMemory(new Uint8Array(fixedMemory(1024)));
  expect(left).toEqual([]);
  const tables = [new PrefixTable(), new HashSlots()] as const;
  for (let i = 0; i < 150_000; i++) {
    tables[0].insert(i * 256, 24);
    tables[1].add(i * 7919, i);
  }
  expect(left.sort((a, b) => a - b)).toEqual([0.25, 0.25, 0.5, 0.5, 1, 1].map((n) => n * MIB));
});
