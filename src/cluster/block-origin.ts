/** Block origin validation, RPKI for pods: does IPAM give the block to the node that a route leads to? Pure, with the answer of
 *  one snapshot kept for look-ups.
 *
 *    valid     the route lies in a block of the node whose address is its next hop, or is one address of it that the block
 *              gave to a pod of that node (a borrowed one)
 *    invalid   it lies in a block of another node
 *    unknown   outside all pools; larger than a block, or in a part of a pool that nobody owns; a next hop that is no node's
 *
 *  The next hop and not the peer: in a mesh they are the same, and behind a reflector the next hop stays (RFC 4456 10). */
import {
  addressBits,
  formatIp,
  formatIpPrefix,
  type IpAddress,
  type IpPrefix,
  ipPrefix,
  prefixHolds,
} from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';
import type { Block, BlockAffinity } from '../model/block.ts';
import type { BlockOrigin } from '../model/policy.ts';
import type { Ipv6Objects } from './ipv6-blocks.ts';

export interface OwnedBlock {
  readonly cidr: IpPrefix;
  /** Name of the node; absent: nobody's, or a virtual one's. */
  readonly node?: string;
  /** Addresses that it gave to pods of other nodes. */
  readonly lent?: ReadonlyMap<IpAddress, string>;
}

export interface OriginSnapshot {
  readonly pools: readonly IpPrefix[];
  readonly blocks: readonly OwnedBlock[];
  readonly nodes: readonly { readonly name: string; readonly addresses: readonly IpAddress[] }[];
}

export interface Origin {
  readonly origin: BlockOrigin;
  readonly reason?: Reason;
  /** Of an invalid route: whose owner another is. */
  readonly block?: IpPrefix;
}

const OUTSIDE: Origin = { origin: 'unknown' };
const VALID: Origin = { origin: 'valid' };
const unknown = (text: string): Origin => ({ origin: 'unknown', reason: { code: 'ORIGIN_UNKNOWN', text } });
const invalid = (block: IpPrefix, text: string): Origin => ({
  origin: 'invalid',
  reason: { code: 'ORIGIN_INVALID', text },
  block,
});

interface Entry {
  readonly block: OwnedBlock;
  /** All that an answer depends on, as text: who owns it by which addresses, and what is lent. */
  readonly says: string;
}

export class BlockOrigins {
  private pools: readonly IpPrefix[] = [];
  private nodeOf: ReadonlyMap<IpAddress, string> = new Map();
  private entries: ReadonlyMap<string, Entry> = new Map();
  /** By length, longest first, then by address: a number and a bigint are never the same key. */
  private byLength: readonly (readonly [length: number, blocks: ReadonlyMap<IpAddress, OwnedBlock>])[] = [];

  /** The prefixes in which an answer may be another now. */
  update({ pools, blocks, nodes }: OriginSnapshot): readonly IpPrefix[] {
    const addresses = new Map(nodes.map((n) => [n.name, n.addresses]));
    const entries = new Map(
      blocks.map((block) => [formatIpPrefix(block.cidr), { block, says: saysOf(block, addresses) }]),
    );
    const touched: IpPrefix[] = [];
    for (const [key, { block, says }] of entries) if (this.entries.get(key)?.says !== says) touched.push(block.cidr);
    for (const [key, { block }] of this.entries) if (!entries.has(key)) touched.push(block.cidr);
    const [before, after] = [new Set(this.pools.map(formatIpPrefix)), new Set(pools.map(formatIpPrefix))];
    touched.push(...pools.filter((p) => !before.has(formatIpPrefix(p))));
    touched.push(...this.pools.filter((p) => !after.has(formatIpPrefix(p))));
    const nodeOf = new Map(nodes.flatMap((n) => n.addresses.map((a) => [a, n.name] as const)));
    // A next hop that becomes a node's, or another's: it may stand behind any route of a pool.
    const moved = [...nodeOf, ...this.nodeOf].some(
      ([a, name]) => nodeOf.get(a) !== name || this.nodeOf.get(a) !== name,
    );
    this.pools = pools;
    this.nodeOf = nodeOf;
    this.entries = entries;
    this.byLength = byLength(blocks);
    return moved ? [...pools, ...touched] : touched;
  }

  originOf(address: IpAddress, length: number, nextHop: IpAddress): Origin {
    const pool = this.pools.find((p) => length >= p.length && prefixHolds(p, address));
    if (pool === undefined) return OUTSIDE;
    const block = this.blockOf(address, length);
    const announcer = this.nodeOf.get(nextHop);
    if (block?.node === undefined) return this.nobodys(pool, block, address, length);
    if (announcer === block.node) return VALID;
    const lentTo = length === addressBits(address) ? block.lent?.get(address) : undefined;
    if (lentTo !== undefined && lentTo === announcer) return VALID;
    if (announcer === undefined)
      return unknown(
        `the next hop ${formatIp(nextHop)} is no node's; block ${formatIpPrefix(block.cidr)} belongs to ${block.node}`,
      );
    return invalid(
      block.cidr,
      `IPAM says block ${formatIpPrefix(block.cidr)} belongs to ${block.node}, not to ${announcer}${lentTo === undefined ? '' : `, and ${formatIp(address)} is lent to ${lentTo}`}`,
    );
  }

  private nobodys(pool: IpPrefix, block: OwnedBlock | undefined, address: IpAddress, length: number): Origin {
    const route = formatIpPrefix({ address, length });
    return unknown(
      block === undefined
        ? `no block of pool ${formatIpPrefix(pool)} holds ${route}`
        : `block ${formatIpPrefix(block.cidr)} belongs to no node`,
    );
  }

  private blockOf(address: IpAddress, length: number): OwnedBlock | undefined {
    for (const [blockLength, blocks] of this.byLength) {
      if (blockLength > length || blockLength > addressBits(address)) continue;
      const block = blocks.get(ipPrefix(address, blockLength).address);
      if (block !== undefined) return block;
    }
    return undefined;
  }
}

function byLength(blocks: readonly OwnedBlock[]): readonly (readonly [number, ReadonlyMap<IpAddress, OwnedBlock>])[] {
  const lengths = new Map<number, Map<IpAddress, OwnedBlock>>();
  for (const block of blocks) {
    const same = lengths.get(block.cidr.length) ?? new Map<IpAddress, OwnedBlock>();
    lengths.set(block.cidr.length, same.set(block.cidr.address, block));
  }
  return [...lengths].sort(([a], [b]) => b - a);
}

function saysOf({ node, lent }: OwnedBlock, addresses: ReadonlyMap<string, readonly IpAddress[]>): string {
  const of = (name: string): string => `${name} ${(addresses.get(name) ?? []).map(formatIp).sort().join(' ')}`;
  const others = [...(lent ?? [])].map(([address, to]) => `${formatIp(address)} ${of(to)}`).sort();
  return [node === undefined ? '' : of(node), ...others].join('\n');
}

const HOST = 'host:';
const nodeOf = (owner: string | undefined): { readonly node?: string } =>
  owner?.startsWith(HOST) === true ? { node: owner.slice(HOST.length) } : {};

/** Of IPv6, without what blocks lent: those are not read so far. */
export const ownedIpv6 = (objects: Ipv6Objects | undefined): readonly OwnedBlock[] =>
  [
    ...new Map(
      [...(objects?.affinities ?? []), ...(objects?.blocks ?? [])].map((o) => [formatIpPrefix(o.cidr), o]),
    ).values(),
  ].map(({ cidr, owner }) => ({ cidr, ...nodeOf(owner) }));

/** As originate.ts has it: the block's own word counts, and where there is no block yet, a confirmed affinity's. */
export function ownedBlocks(blocks: readonly Block[], affinities: readonly BlockAffinity[]): readonly OwnedBlock[] {
  const owned = new Map<string, OwnedBlock>();
  for (const { cidr, node, state, deleted } of affinities)
    if (state === 'confirmed' && !deleted) owned.set(formatIpPrefix(cidr), { cidr, node });
  for (const block of blocks) {
    if (block.deleted) continue;
    const { cidr, affinity } = block;
    const owner = nodeOf(affinity);
    owned.set(formatIpPrefix(cidr), { cidr, ...owner, ...lentOf(block, owner.node) });
  }
  return [...owned.values()];
}

/** By ordinal: the attributes of an allocation name the node that asked. */
function lentOf({ cidr, allocations, attributes }: Block, owner: string | undefined): Pick<OwnedBlock, 'lent'> {
  const lent = new Map<IpAddress, string>();
  for (const [ordinal, index] of allocations.entries()) {
    const node = index === null ? undefined : attributes[index]?.secondary?.['node'];
    if (node !== undefined && node !== owner) lent.set(ipv4(cidr.address + ordinal), node);
  }
  return lent.size === 0 ? {} : { lent };
}
