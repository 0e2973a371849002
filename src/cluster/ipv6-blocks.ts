/** Pools, blocks and affinities of IPv6, as far as routes go: Gingham's own IPAM gives nothing out of them, but a node that was
 *  Calico's may own some, and they are announced as IPv4 blocks are. Pure. */
import { formatIpPrefix, type IpPrefix, isIpv6, parseIpPrefix, prefixHolds } from '../base/ip.ts';
import type { Resource } from '../store/port.ts';

interface Owned {
  readonly cidr: IpPrefix;
  /** "host:NODE" */
  readonly owner: string | undefined;
}

export interface Ipv6Objects {
  readonly pools: readonly IpPrefix[];
  /** Without those that have disableBGPExport. */
  readonly exported: readonly IpPrefix[];
  readonly blocks: readonly Owned[];
  /** Confirmed ones. */
  readonly affinities: readonly Owned[];
}

/** Objects of IPv4 and faulty ones are left out: who reads all of them tells of faults. */
export function readIpv6Objects(objects: {
  readonly pools: readonly Resource[];
  readonly blocks: readonly Resource[];
  readonly affinities: readonly Resource[];
}): Ipv6Objects {
  const pools = objects.pools.flatMap(({ spec = {} }) => {
    const cidr = ipv6Of(spec.cidr);
    return cidr === undefined ? [] : [{ cidr, silent: spec.disableBGPExport === true }];
  });
  const blocks = objects.blocks.flatMap(({ spec = {} }): Owned[] => {
    const cidr = ipv6Of(spec.cidr);
    const owner = typeof spec.affinity === 'string' ? spec.affinity : undefined;
    return cidr === undefined || isTrue(spec.deleted) ? [] : [{ cidr, owner }];
  });
  const affinities = objects.affinities.flatMap(({ spec = {} }): Owned[] => {
    const cidr = ipv6Of(spec.cidr);
    const confirmed = spec.state === 'confirmed' || spec.state === undefined || spec.state === '';
    if (cidr === undefined || !confirmed || isTrue(spec.deleted) || spec.type === 'virtual') return [];
    return [{ cidr, owner: `host:${String(spec.node)}` }];
  });
  return {
    pools: pools.map((p) => p.cidr),
    exported: pools.filter((p) => !p.silent).map((p) => p.cidr),
    blocks,
    affinities,
  };
}

/** As ownBlocks() has it: the block's own word counts, else a confirmed affinity's. Sorted as text. */
export function ownIpv6Blocks(
  objects: Ipv6Objects | undefined,
  nodeName: string,
): { readonly blocks: readonly IpPrefix[]; readonly originate: readonly IpPrefix[] } {
  const us = `host:${nodeName}`;
  const owners = new Map<string, Owned>();
  for (const owned of [...(objects?.affinities ?? []), ...(objects?.blocks ?? [])])
    if (owned.owner === us || owners.has(formatIpPrefix(owned.cidr))) owners.set(formatIpPrefix(owned.cidr), owned);
  const own = [...owners].filter(([, { owner }]) => owner === us).sort(([a], [b]) => (a < b ? -1 : 1));
  const blocks = own.map(([, { cidr }]) => cidr);
  const silent = (objects?.pools ?? []).filter((pool) => objects?.exported.includes(pool) !== true);
  return { blocks, originate: blocks.filter((b) => !silent.some((pool) => prefixHolds(pool, b.address))) };
}

function ipv6Of(text: unknown): IpPrefix | undefined {
  const cidr = typeof text === 'string' && text.includes(':') ? parseIpPrefix(text) : undefined;
  return cidr !== undefined && isIpv6(cidr.address) ? cidr : undefined;
}
/** BlockAffinity.deleted is a string. */
const isTrue = (value: unknown): boolean => value === true || value === 'true';
