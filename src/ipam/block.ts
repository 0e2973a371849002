/** IPAMBlock resources <-> Block values, exactly as Calico stores them, and what may be done with a block. Pure.
 *  Unknown fields of the resource and of its attributes are carried through: a newer writer's data is not ours to drop.
 *  Every write of a block adds 1 to its sequenceNumber (`written`); who writes is block-records.ts. */
import { type Ipv4, ipv4 } from '../base/ipv4.ts';
import { formatPrefix, type Prefix, parsePrefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { AllocationAttribute, Block } from '../model/block.ts';
import { apiVersion, KINDS } from '../store/kinds.ts';
import type { Json, JsonObject, Resource } from '../store/port.ts';
import { bigOf, isObject, listOf, rfc3339, textMapOf, textOf, truthOf, wholeOf } from './fields.ts';
import { cidrName } from './names.ts';

/** An attribute with the fields Gingham does not know (alternateOwnerAttrs, and what may come). */
export interface StoredAttribute extends AllocationAttribute {
  readonly rest?: JsonObject;
}
export interface StoredBlock extends Block {
  readonly attributes: readonly StoredAttribute[];
}

export const hostAffinity = (node: string): string => `host:${node}`;
export const blockSizeOf = (cidr: Prefix): number => 2 ** (32 - cidr.length);
export const addressOf = (block: Block, ordinal: number): Ipv4 => ipv4(block.cidr.address + ordinal);
export const isEmpty = (block: Block): boolean => block.allocations.every((a) => a === null);
export const freeCount = (block: Block): number => block.unallocated.length;

/** A fault is a Reason that names the object and the field: IPAM_BAD_BLOCK, or NOT_IPV4 for a block of another family. */
export function parseBlock(resource: Resource): Result<StoredBlock, Reason> {
  const spec = resource.spec ?? {};
  const bad = (field: string, value: unknown, want: string): Result<StoredBlock, Reason> =>
    err({
      code: 'IPAM_BAD_BLOCK',
      text: `ipamblocks "${resource.metadata.name}": ${field} is ${describe(value)}, but ${want}. Repair or delete the object.`,
    });
  const cidrText = textOf(spec.cidr);
  if (cidrText?.includes(':'))
    return err({ code: 'NOT_IPV4', text: `ipamblocks "${resource.metadata.name}" is not an IPv4 block` });
  const cidr = parsePrefix(cidrText ?? '');
  if (cidr === undefined || cidr.length < 16)
    return bad('spec.cidr', spec.cidr, 'an IPv4 CIDR of /16 to /32 is expected');
  const size = blockSizeOf(cidr);

  const attributes: StoredAttribute[] = [];
  for (const raw of listOf(spec.attributes) ?? []) {
    const attribute = parseAttribute(raw);
    if (attribute === undefined)
      return bad(`spec.attributes[${attributes.length}]`, raw, 'an attribute object is expected');
    attributes.push(attribute);
  }
  const allocations: (number | null)[] = [];
  for (const raw of listOf(spec.allocations) ?? []) {
    const index = raw === null ? null : wholeOf(raw);
    if (index === undefined || (index !== null && (index < 0 || index >= attributes.length)))
      return bad(
        `spec.allocations[${allocations.length}]`,
        raw,
        `null or an index below ${attributes.length} is expected`,
      );
    allocations.push(index);
  }
  if (allocations.length !== size)
    return bad('spec.allocations', `${allocations.length} items`, `${size} are expected`);
  const unallocated: number[] = [];
  for (const raw of listOf(spec.unallocated) ?? []) {
    const ordinal = wholeOf(raw);
    if (ordinal === undefined || ordinal < 0 || ordinal >= size)
      return bad(`spec.unallocated[${unallocated.length}]`, raw, `an ordinal below ${size} is expected`);
    unallocated.push(ordinal);
  }
  const sequenceNumber = spec.sequenceNumber === undefined ? 0n : bigOf(spec.sequenceNumber);
  if (sequenceNumber === undefined)
    return bad('spec.sequenceNumber', spec.sequenceNumber, 'a whole number is expected');
  const sequenceNumberForAllocation: Record<string, bigint> = {};
  for (const [key, raw] of Object.entries(
    isObject(spec.sequenceNumberForAllocation) ? spec.sequenceNumberForAllocation : {},
  )) {
    const value = bigOf(raw);
    if (value === undefined)
      return bad(`spec.sequenceNumberForAllocation["${key}"]`, raw, 'a whole number is expected');
    sequenceNumberForAllocation[key] = value;
  }
  const affinity = textOf(spec.affinity);
  const claimTime = textOf(spec.affinityClaimTime);
  return ok({
    cidr,
    ...(affinity === undefined ? {} : { affinity }),
    ...(claimTime === undefined ? {} : { affinityClaimTime: claimTime }),
    allocations,
    unallocated,
    attributes,
    sequenceNumber,
    sequenceNumberForAllocation,
    deleted: truthOf(spec.deleted),
  });
}

function parseAttribute(raw: Json): StoredAttribute | undefined {
  if (!isObject(raw)) return undefined;
  const { handle_id: handle, secondary, releasedAt, ...rest } = raw;
  const handleId = textOf(handle);
  const map = secondary === undefined || secondary === null ? undefined : textMapOf(secondary);
  if (secondary !== undefined && secondary !== null && map === undefined) return undefined;
  const released = textOf(releasedAt);
  return {
    ...(handleId === undefined ? {} : { handleId }),
    ...(map === undefined ? {} : { secondary: map }),
    ...(released === undefined ? {} : { releasedAt: released }),
    ...(Object.keys(rest).length === 0 ? {} : { rest }),
  };
}

const describe = (value: unknown): string =>
  (typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? 'missing')).slice(0, 80);

/** `block` as a resource: over `base`'s metadata and unknown fields when it was read, fresh when it is new. */
export function formatBlock(block: StoredBlock, base?: Resource): Resource {
  const { affinity: _a, affinityClaimTime: _t, ...kept } = base?.spec ?? { strictAffinity: false };
  return {
    ...(base ?? { apiVersion: apiVersion(KINDS.ipamBlock), kind: KINDS.ipamBlock.kind }),
    metadata: base?.metadata ?? { name: cidrName(block.cidr) },
    spec: {
      ...kept,
      cidr: formatPrefix(block.cidr),
      ...(block.affinity === undefined ? {} : { affinity: block.affinity }),
      ...(block.affinityClaimTime === undefined ? {} : { affinityClaimTime: block.affinityClaimTime }),
      allocations: block.allocations,
      attributes: block.attributes.map(formatAttribute),
      deleted: block.deleted,
      sequenceNumber: block.sequenceNumber,
      sequenceNumberForAllocation: block.sequenceNumberForAllocation,
      unallocated: block.unallocated,
    },
  };
}

const formatAttribute = (a: StoredAttribute): JsonObject => ({
  ...a.rest,
  ...(a.handleId === undefined ? {} : { handle_id: a.handleId }),
  ...(a.secondary === undefined ? {} : { secondary: a.secondary }),
  ...(a.releasedAt === undefined ? {} : { releasedAt: a.releasedAt }),
});

/** A fresh block of `node`: all free in order, so that the first address given is the block's first. The sequence number
 *  starts at UnixNano, so that a block deleted and made anew never repeats one. */
export function newBlock(cidr: Prefix, node: string, wallMs: number): StoredBlock {
  const size = blockSizeOf(cidr);
  return {
    cidr,
    affinity: hostAffinity(node),
    affinityClaimTime: rfc3339(wallMs),
    allocations: Array.from({ length: size }, () => null),
    unallocated: Array.from({ length: size }, (_, ordinal) => ordinal),
    attributes: [],
    sequenceNumber: BigInt(Math.trunc(wallMs)) * 1_000_000n,
    sequenceNumberForAllocation: {},
    deleted: false,
  };
}

/** The block as it goes to the store: every write counts. */
export const written = (block: StoredBlock): StoredBlock => ({ ...block, sequenceNumber: block.sequenceNumber + 1n });
