/** What must hold of IPAM objects at rest, whatever happened before. */
import { formatIpv4 } from '../../src/base/ipv4.ts';
import { formatPrefix } from '../../src/base/prefix.ts';
import { addressOf, parseBlock, type StoredBlock } from '../../src/ipam/block.ts';
import { parseHandle } from '../../src/ipam/handle.ts';
import { KINDS } from '../../src/store/kinds.ts';
import type { FakeStore } from './fake-store.ts';

/** Faults of one block: each ordinal is free or held, never both or neither; attributes are used, unique and numbered densely. */
export function blockFaults(block: StoredBlock): readonly string[] {
  const faults: string[] = [];
  const free = new Set(block.unallocated);
  if (free.size !== block.unallocated.length) faults.push('an ordinal is queued twice');
  block.allocations.forEach((index, ordinal) => {
    if ((index === null) !== free.has(ordinal))
      faults.push(`ordinal ${ordinal}: allocation ${index}, queued ${free.has(ordinal)}`);
    if ((index !== null) !== (block.sequenceNumberForAllocation[ordinal] !== undefined))
      faults.push(`ordinal ${ordinal}: allocation ${index} with the wrong sequence number entry`);
    if ((block.sequenceNumberForAllocation[ordinal] ?? 0n) >= block.sequenceNumber)
      faults.push(`ordinal ${ordinal} is from the future`);
  });
  block.attributes.forEach((_, index) => {
    if (!block.allocations.includes(index)) faults.push(`attribute ${index} is unused`);
  });
  const distinct = new Set(block.attributes.map((a) => JSON.stringify(a)));
  if (distinct.size !== block.attributes.length) faults.push('two attributes are equal');
  return faults.map((f) => `${formatPrefix(block.cidr)}: ${f}`);
}

/** Any store whose objects can be read at once. */
type Objects = Pick<FakeStore, 'all'>;

export const blocksIn = (store: Objects): readonly StoredBlock[] =>
  store.all(KINDS.ipamBlock).map((resource) => {
    const parsed = parseBlock(resource);
    if (!parsed.ok) throw new Error(parsed.error.text);
    return parsed.value;
  });

/** handle -> its addresses, from the blocks. */
export function allocationsIn(store: Objects): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const block of blocksIn(store))
    block.allocations.forEach((index, ordinal) => {
      const handle = index === null ? undefined : block.attributes[index]?.handleId;
      if (handle !== undefined) out.set(handle, [...(out.get(handle) ?? []), formatIpv4(addressOf(block, ordinal))]);
    });
  return out;
}

/** Blocks are sound, no address is held twice, and the handles count exactly what the blocks hold. */
export function ipamFaults(store: Objects): readonly string[] {
  const faults = blocksIn(store).flatMap(blockFaults);
  const counted = new Map<string, number>();
  for (const block of blocksIn(store))
    for (const index of block.allocations) {
      const handle = index === null ? undefined : block.attributes[index]?.handleId;
      if (handle !== undefined) {
        const key = `${handle} in ${formatPrefix(block.cidr)}`;
        counted.set(key, (counted.get(key) ?? 0) + 1);
      }
    }
  for (const resource of store.all(KINDS.ipamHandle)) {
    const parsed = parseHandle(resource);
    if (!parsed.ok) faults.push(parsed.error.text);
    else
      for (const [cidr, count] of Object.entries(parsed.value.blocks)) {
        const key = `${parsed.value.handleId} in ${cidr}`;
        if (counted.get(key) !== count)
          faults.push(`${key}: the handle says ${count}, the block ${counted.get(key) ?? 0}`);
        counted.delete(key);
      }
  }
  for (const [key, count] of counted) faults.push(`${key}: ${count} addresses without a handle`);
  return faults;
}
