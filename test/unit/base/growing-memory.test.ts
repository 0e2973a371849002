import { afterEach, expect, test } from 'vitest';
import { fixedMemory, GrowingMemory, onLargeMemory } from '../../../src/base/growing-memory.ts';

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
  onLargeMemory((bytes, octets) => void told.push(bytes.length, octets));
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
  onLargeMemory((_, octets) => void told.push(octets));
  expect(fixedMemory(MIB).byteLength).toBe(MIB);
  expect(told).toEqual([]);
  expect(fixedMemory(8 * MIB).byteLength).toBe(8 * MIB);
  expect(told).toEqual([8 * MIB]);
});
