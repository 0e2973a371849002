/** Giving and taking back the addresses of one block. Pure: a block in, a block out. The rules are Calico's, because its
 *  nodes write the same objects: free ordinals are a queue, attributes are shared by equal allocations, and the sequence
 *  number an allocation carries is the block's before the write that made it. */
import { invariant } from '../base/invariant.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import { addressOf, type StoredAttribute, type StoredBlock } from './block.ts';
import { rfc3339 } from './fields.ts';

export interface Allocated {
  readonly block: StoredBlock;
  readonly address: Ipv4;
}

/** The first free address that `reserved` does not keep back, or undefined when the block is full. Reserved ordinals stay
 *  where they are in the queue. */
export function allocate(
  block: StoredBlock,
  handleId: string,
  secondary: Readonly<Record<string, string>>,
  reserved: (address: Ipv4) => boolean = () => false,
): Allocated | undefined {
  // A queue that names an ordinal in use is another writer's bug; giving it out would make it two pods' bug.
  const at = block.unallocated.findIndex((o) => block.allocations[o] === null && !reserved(addressOf(block, o)));
  const ordinal = block.unallocated[at];
  if (ordinal === undefined) return undefined;
  const { attributes, index } = withAttribute(block.attributes, { handleId, secondary });
  const allocations = [...block.allocations];
  allocations[ordinal] = index;
  return {
    address: addressOf(block, ordinal),
    block: {
      ...block,
      allocations,
      unallocated: block.unallocated.filter((o) => o !== ordinal),
      attributes,
      sequenceNumberForAllocation: { ...block.sequenceNumberForAllocation, [ordinal]: block.sequenceNumber },
    },
  };
}

/** Ordinals held by the handle. One in cooldown has lost its handle already. */
export function ordinalsOf(block: StoredBlock, handleId: string): readonly number[] {
  const ours = new Set<number>();
  block.attributes.forEach((a, index) => {
    if (a.handleId === handleId) ours.add(index);
  });
  return block.allocations.flatMap((index, ordinal) => (index !== null && ours.has(index) ? [ordinal] : []));
}

export const addressesOf = (block: StoredBlock, handleId: string): readonly Ipv4[] =>
  ordinalsOf(block, handleId).map((ordinal) => addressOf(block, ordinal));

/** Takes `ordinals` back: they keep one attribute with only the time, and leave for the tail of the queue when the cooldown
 *  is over, which without one is at once. */
export function releaseOrdinals(
  block: StoredBlock,
  ordinals: readonly number[],
  wallMs: number,
  cooldownSec: number,
): StoredBlock {
  const { attributes, index } = withAttribute(block.attributes, { releasedAt: rfc3339(wallMs) });
  const allocations = [...block.allocations];
  const sequenceNumberForAllocation = { ...block.sequenceNumberForAllocation };
  for (const ordinal of ordinals) {
    invariant(allocations[ordinal] !== null, `ordinal ${ordinal} is released, but it is free`);
    allocations[ordinal] = index;
    sequenceNumberForAllocation[ordinal] = block.sequenceNumber;
  }
  return collectReleased({ ...block, allocations, attributes, sequenceNumberForAllocation }, wallMs, cooldownSec);
}

/** Moves ordinals whose cooldown is over to the tail of the queue, and drops attributes that nothing uses any more. */
export function collectReleased(block: StoredBlock, wallMs: number, cooldownSec: number): StoredBlock {
  const cold = (a: StoredAttribute | undefined): boolean =>
    a?.releasedAt !== undefined && (cooldownSec <= 0 || Date.parse(a.releasedAt) < wallMs - cooldownSec * 1000);
  const allocations = [...block.allocations];
  const unallocated = [...block.unallocated];
  const sequenceNumberForAllocation = { ...block.sequenceNumberForAllocation };
  allocations.forEach((index, ordinal) => {
    if (index === null || !cold(block.attributes[index])) return;
    allocations[ordinal] = null;
    delete sequenceNumberForAllocation[ordinal];
    if (!unallocated.includes(ordinal)) unallocated.push(ordinal);
  });
  return renumber({ ...block, allocations, unallocated, sequenceNumberForAllocation });
}

/** Attributes in use keep their order and get the lowest indexes. */
function renumber(block: StoredBlock): StoredBlock {
  const used = new Set(block.allocations);
  const attributes: StoredAttribute[] = [];
  const moved = block.attributes.map((attribute, index) => (used.has(index) ? attributes.push(attribute) - 1 : -1));
  return { ...block, attributes, allocations: block.allocations.map((i) => (i === null ? null : (moved[i] ?? null))) };
}

function withAttribute(
  attributes: readonly StoredAttribute[],
  wanted: StoredAttribute,
): { readonly attributes: readonly StoredAttribute[]; readonly index: number } {
  const index = attributes.findIndex((a) => sameAttribute(a, wanted));
  return index >= 0 ? { attributes, index } : { attributes: [...attributes, wanted], index: attributes.length };
}

function sameAttribute(a: StoredAttribute, b: StoredAttribute): boolean {
  const x = Object.entries(a.secondary ?? {});
  const y = b.secondary ?? {};
  return (
    a.rest === undefined &&
    a.handleId === b.handleId &&
    a.releasedAt === b.releasedAt &&
    x.length === Object.keys(y).length &&
    x.every(([key, value]) => y[key] === value)
  );
}
