/** IPAM blocks with their owner and their route, as people see them. Pure. */
import { formatPrefix, type Prefix, prefixKey } from '../base/prefix.ts';
import type { ClusterSnapshot } from '../cluster/desired.ts';
import type { BlockView } from '../control/views.ts';
import type { Block, BlockAffinity } from '../model/block.ts';

/** "blackhole", "via … dev tunl0 onlink" or "none": what the kernel is asked to have. */
export type RouteOf = (block: Prefix) => string;

/** Sorted by block. An affinity without a block and a block without an affinity are rows too: they are faults to see. */
export function blockViews(snapshot: ClusterSnapshot, routeOf: RouteOf): BlockView[] {
  const blocks = new Map<number, Block>();
  for (const parsed of snapshot.blocks)
    if (parsed.ok && !parsed.value.deleted) blocks.set(keyOf(parsed.value.cidr), parsed.value);
  const affinities = new Map<number, BlockAffinity>();
  for (const parsed of snapshot.affinities)
    if (parsed.ok && !parsed.value.deleted) affinities.set(keyOf(parsed.value.cidr), parsed.value);
  return [...new Set([...blocks.keys(), ...affinities.keys()])]
    .sort((a, b) => a - b)
    .map((key) => toBlockView(blocks.get(key), affinities.get(key), routeOf));
}

const keyOf = (cidr: Prefix): number => prefixKey(cidr.address, cidr.length);

function toBlockView(block: Block | undefined, affinity: BlockAffinity | undefined, routeOf: RouteOf): BlockView {
  const cidr = (block ?? affinity)?.cidr as Prefix;
  const owner = block?.affinity?.startsWith('host:') ? block.affinity.slice('host:'.length) : undefined;
  const node = owner ?? affinity?.node;
  const reason = fault(block, affinity, owner);
  return {
    block: formatPrefix(cidr),
    ...(node === undefined ? {} : { node }),
    affinity: affinity?.state ?? 'none',
    addressesUsed: block?.allocations.filter((a) => a !== null).length ?? 0,
    addressesTotal: 2 ** (32 - cidr.length),
    addressesBorrowed: block === undefined ? 0 : borrowed(block, owner),
    route: routeOf(cidr),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Addresses whose pod or tunnel is on another node than the block's. */
const borrowed = (block: Block, owner: string | undefined): number =>
  block.allocations.filter((index) => {
    const node = index === null ? undefined : block.attributes[index]?.secondary?.['node'];
    return node !== undefined && node !== owner;
  }).length;

function fault(
  block: Block | undefined,
  affinity: BlockAffinity | undefined,
  owner: string | undefined,
): BlockView['reason'] {
  if (block === undefined && affinity?.state === 'confirmed')
    return { code: 'AFFINITY_WITHOUT_BLOCK', text: `${affinity.node} has confirmed a block that does not exist` };
  if (owner !== undefined && affinity !== undefined && affinity.node !== owner)
    return { code: 'BLOCK_OWNER_DIFFERS', text: `the block says ${owner}, the affinity ${affinity.node}` };
  return undefined;
}
