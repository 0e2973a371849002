/** IPAMHandle resources: which blocks hold addresses of one owner, and how many. Pure.
 *  The count is raised before the block is written and lowered after, so a crash leaves it too high, never too low: a
 *  release by handle then looks into a block in vain, but never misses one. */
import { formatPrefix, type Prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { Handle } from '../model/block.ts';
import { apiVersion, KINDS } from '../store/kinds.ts';
import type { Resource } from '../store/port.ts';
import { isObject, textOf, wholeOf } from './fields.ts';
import { handleName } from './names.ts';

export function parseHandle(resource: Resource): Result<Handle, Reason> {
  const { spec = {}, metadata } = resource;
  const handleId = textOf(spec.handleID);
  const blocks: Record<string, number> = {};
  const bad = (what: string): Result<Handle, Reason> =>
    err({ code: 'IPAM_BAD_HANDLE', text: `ipamhandles "${metadata.name}": ${what}. Repair or delete the object.` });
  if (handleId === undefined) return bad('spec.handleID is missing');
  for (const [cidr, raw] of Object.entries(isObject(spec.block) ? spec.block : {})) {
    const count = wholeOf(raw);
    if (count === undefined || count < 0) return bad(`spec.block["${cidr}"] is not a count`);
    blocks[cidr] = count;
  }
  return ok({ handleId, blocks });
}

export const newHandle = (handleId: string, cidr: Prefix): Resource => ({
  apiVersion: apiVersion(KINDS.ipamHandle),
  kind: KINDS.ipamHandle.kind,
  metadata: { name: handleName(handleId) },
  spec: { block: { [formatPrefix(cidr)]: 1 }, deleted: false, handleID: handleId },
});

/** The resource with another count for one block; 0 takes the block out. */
export function withCount(resource: Resource, cidr: string, count: number): Resource {
  const { [cidr]: _, ...others } = isObject(resource.spec?.block) ? resource.spec.block : {};
  return { ...resource, spec: { ...resource.spec, block: count > 0 ? { ...others, [cidr]: count } : others } };
}
