/** Which blocks this node announces: its own. Pure. */
import { containsPrefix, formatPrefix, type Prefix, prefixKey, prefixOfKey } from '../base/prefix.ts';
import type { Result } from '../base/result.ts';
import type { Block, BlockAffinity } from '../model/block.ts';
import type { Pool } from '../model/pool.ts';
import type { ClusterReason } from './cluster-reason.ts';

/** Of another address family, or of no node: not faults of the cluster, only not ours to use. */
const ELSEWHERE: readonly string[] = ['NOT_IPV4', 'NOT_HOST'];

/** Splits parsed objects into values and what is wrong with the others. */
export function usable<T>(parsed: readonly Result<T, ClusterReason>[]): {
  readonly values: readonly T[];
  readonly problems: readonly ClusterReason[];
} {
  const values: T[] = [];
  const problems: ClusterReason[] = [];
  for (const p of parsed) {
    if (p.ok) values.push(p.value);
    else if (!ELSEWHERE.includes(p.error.code)) problems.push(p.error);
  }
  return { values, problems };
}

export interface OwnBlocks {
  readonly all: readonly Prefix[];
  /** Without those of pools with disableBGPExport. */
  readonly announced: readonly Prefix[];
  readonly problems: readonly ClusterReason[];
}

/** A block is ours when it says so; a confirmed affinity says so too, unless the block names another owner: then two nodes
 *  would announce one prefix, and the block's word counts, because its creation is what decided the claim. */
export function ownBlocks(
  objects: {
    readonly blocks: readonly Result<Block, ClusterReason>[];
    readonly affinities: readonly Result<BlockAffinity, ClusterReason>[];
  },
  pools: readonly Pool[],
  nodeName: string,
): OwnBlocks {
  const blocks = usable(objects.blocks);
  const affinities = usable(objects.affinities);
  const problems: ClusterReason[] = [...blocks.problems, ...affinities.problems];
  const us = `host:${nodeName}`;
  const owner = new Map(
    blocks.values.filter((b) => !b.deleted).map((b) => [prefixKey(b.cidr.address, b.cidr.length), b.affinity]),
  );
  const own = new Set<number>();
  for (const [key, affinity] of owner) if (affinity === us) own.add(key);
  for (const { node, cidr, state, deleted } of affinities.values) {
    if (node !== nodeName || state !== 'confirmed' || deleted) continue;
    const key = prefixKey(cidr.address, cidr.length);
    const theirs = owner.get(key);
    if (!owner.has(key) || theirs === us) own.add(key);
    else
      problems.push({
        code: 'BLOCK_OWNER_MISMATCH',
        text: `block ${formatPrefix(cidr)}: our affinity is confirmed, but the block belongs to ${theirs ?? 'nobody'}; it is not announced. Delete the stale blockaffinities object.`,
      });
  }
  const silent = pools.filter((p) => p.disableBGPExport);
  const all = [...own].sort((a, b) => a - b).map(prefixOfKey);
  const announced = all.filter((p) => !silent.some((pool) => containsPrefix(pool.cidr, p)));
  return { all, announced, problems };
}
