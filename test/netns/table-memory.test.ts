/** The advice reaches the kernel: it notes it in the flags of the mapping. proc(5), smaps. */
import fs from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { fixedMemory, GrowingMemory, leaveMemory, onLargeMemory } from '../../src/base/growing-memory.ts';
import { adviseOnTables } from '../../src/sys/table-memory.ts';

afterAll(() => onLargeMemory(undefined));

/** Of mappings that the kernel may give huge pages to ("hg"), how many octets. */
function advised(): number {
  let octets = 0;
  let size = 0;
  for (const line of fs.readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const found = /^Size: +(\d+) kB/.exec(line);
    if (found) size = Number(found[1]) * 1024;
    if (/^VmFlags:.* hg\b/.test(line)) octets += size;
  }
  return octets;
}

test('memory that grows large is marked for huge pages, all that it may come to', () => {
  const before = advised();
  adviseOnTables();
  const memory = new GrowingMemory(64);
  memory.reach(8 * 1024 * 1024);
  expect(advised() - before).toBeGreaterThanOrEqual(1024 ** 3);
});

test('memory that a table has left is the kernel’s again', () => {
  adviseOnTables();
  const size = 32 * 1024 * 1024;
  const bytes = new Uint8Array(fixedMemory(size)).fill(1);
  const before = process.memoryUsage.rss();
  leaveMemory(bytes);
  expect(before - process.memoryUsage.rss()).toBeGreaterThan(size / 2);
});
