/** What is worth saying once about the cluster's objects although nothing of this node is wrong. Pure. */
import { containsPrefix, formatPrefix, type Prefix } from '../base/prefix.ts';
import type { Result } from '../base/result.ts';
import type { Block } from '../model/block.ts';
import type { Pool } from '../model/pool.ts';
import { KINDS } from '../store/kinds.ts';
import type { Resource } from '../store/port.ts';
import type { ClusterReason } from './cluster-reason.ts';
import type { ReadNode } from './node.ts';

/** Of the one that is ours its prefixAdvertisements are followed; those of other nodes are theirs. */
export const configurationsOfOneNode = (objects: readonly Resource[], nodeName: string): readonly ClusterReason[] =>
  objects.flatMap(({ metadata: { name }, spec = {} }) => {
    const about = { kind: KINDS.bgpConfiguration, name };
    if (!name.startsWith('node.'))
      return {
        code: 'OBJECT_NOT_HONOURED',
        text: `bgpconfigurations "${name}" has no effect: it is neither named "default" nor after a node, as "node.${nodeName}"`,
        about,
      };
    const ignored = Object.keys(spec).filter((field) => !FOLLOWED_OF_NODE.includes(field));
    if (name !== `node.${nodeName}` || ignored.length === 0) return [];
    return {
      code: 'FIELD_NOT_HONOURED',
      text: `bgpconfigurations "${name}": ${ignored.sort().join(', ')} ${ignored.length === 1 ? 'has' : 'have'} no effect in this version of Gingham, which reads them of the one named "default"`,
      about,
    };
  });

const FOLLOWED_OF_NODE: readonly string[] = ['prefixAdvertisements', 'communities'];

/** kube-proxy takes what is outside its clusterCIDR for the outside world, and masquerades what Services send there. */
export const poolsOutside = (pools: readonly Pool[], clusterCidrs: readonly Prefix[]): readonly ClusterReason[] =>
  clusterCidrs.length === 0
    ? []
    : pools
        .filter((pool) => !clusterCidrs.some((cidr) => containsPrefix(cidr, pool.cidr)))
        .map((pool) => ({
          code: 'POOL_OUTSIDE_CLUSTER_CIDR',
          text: `ippools "${pool.name}": ${formatPrefix(pool.cidr)} is outside kube-proxy's clusterCIDR ${clusterCidrs.map(formatPrefix).join(', ')}: Services see its pods with their node's address. Change one of the two.`,
          about: { kind: KINDS.ipPool, name: pool.name },
        }));

/** Peers and routes of a node go with its Node object. Its addresses stay taken until somebody collects them. */
export function blocksOfGoneNodes(
  { blocks }: { readonly blocks: readonly Result<Block, ClusterReason>[] },
  nodes: readonly ReadNode[],
): readonly ClusterReason[] {
  if (nodes.length === 0) return [];
  const here = new Set(nodes.map((n) => n.node.name));
  const left = new Map<string, number>();
  for (const block of blocks) {
    const owner = block.ok && !block.value.deleted ? block.value.affinity : undefined;
    const node = owner?.startsWith('host:') === true ? owner.slice('host:'.length) : undefined;
    if (node !== undefined && !here.has(node)) left.set(node, (left.get(node) ?? 0) + 1);
  }
  return [...left].map(([node, count]) => ({
    code: 'BLOCKS_OF_GONE_NODE',
    text: `node "${node}" is gone from the cluster, and with it peers and routes; ${count} of its blocks stay taken: this version of Gingham does not collect them`,
  }));
}
