/** Addresses for this node over the store: claims blocks, assigns, releases. The only writer of blocks, affinities and
 *  handles. No I/O of its own: the store, the clock and chance come in. Behaviour as Calico's AutoAssign, so that nodes of
 *  both kinds can share one datastore. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Random, Timers } from '../base/ports.ts';
import { containsAddress, containsPrefix, formatPrefix, type Prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { Block } from '../model/block.ts';
import type { Pool } from '../model/pool.ts';
import { KINDS } from '../store/kinds.ts';
import type { Resource, Store } from '../store/port.ts';
import { hostAffinity, isEmpty } from './block.ts';
import { addressesOf, allocate, collectReleased, ordinalsOf, releaseOrdinals } from './block-allocation.ts';
import { Claims, type OwnAffinity } from './claims.ts';
import { IpamError } from './error.ts';
import { Handles } from './handles.ts';
import { type TunnelKind, tunnelAttributeType, tunnelHandle } from './names.ts';
import { choosePools } from './pools.ts';
import { type BlockRecord, explain, failedWith, Records } from './records.ts';
import { blockCidrs } from './selection.ts';
import { type IpamSettings, parseSettings, reservedBy } from './settings.ts';

export interface IpamOptions {
  readonly store: Store;
  /** Whose blocks: this node's, or in a lab a node's that cannot claim by itself. */
  readonly nodeName: string;
  /** Wall clock, ms since 1970: claim times and first sequence numbers. */
  readonly now: () => number;
  /** For the pauses of a lost compare-and-swap. */
  readonly timers: Timers;
  readonly random: Random;
}

export interface AssignRequest {
  readonly handleId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly use: 'Workload' | 'Tunnel';
}

/** What one request works by, read at its start. */
interface Terms {
  readonly pools: readonly Pool[];
  readonly refused: readonly Reason[];
  readonly settings: IpamSettings;
  readonly reserved: (address: Ipv4) => boolean;
}

export class Ipam {
  private readonly node: string;
  private readonly now: () => number;
  private readonly records: Records;
  private readonly claims: Claims;
  private readonly handles: Handles;
  private readonly own = new Map<string, Block>();
  private turn: Promise<unknown> = Promise.resolve();

  constructor(options: IpamOptions) {
    this.node = options.nodeName;
    this.now = options.now;
    this.records = new Records(options.store, { timers: options.timers, random: options.random });
    this.claims = new Claims(this.records, this.node, this.now);
    this.handles = new Handles(this.records);
  }

  /** At start: a confirmed block of our own, claimed by compare-and-swap; repairs what a crash left half done. Throws IpamError. */
  ensureBlock(): Promise<Block> {
    return this.inTurn(`claiming a block for node "${this.node}"`, async () => {
      const terms = await this.terms('Workload');
      const [first] = await this.settled(await this.claims.own(), terms);
      return (first ?? (await this.claimNew(terms, 0))).block;
    });
  }

  /** One address. First from own blocks, then from a newly claimed one, then borrowed unless strictAffinity. Throws IpamError;
   *  after IPAM_STORE_UNREACHABLE the address may have been given all the same: release the handle. */
  assign(request: AssignRequest): Promise<Ipv4> {
    return this.inTurn(`assigning an address to handle "${request.handleId}"`, async () =>
      this.assignNow(request, await this.terms(request.use)),
    );
  }

  /** Addresses the handle holds. */
  assignmentsOf(handleId: string): Promise<readonly Ipv4[]> {
    return this.inTurn(`looking up handle "${handleId}"`, () => this.held(handleId));
  }

  /** Gives back all addresses of the handle; the answer counts them. Idempotent. */
  release(handleId: string): Promise<number> {
    return this.inTurn(`releasing handle "${handleId}"`, () => this.releaseNow(handleId));
  }

  /** The node's tunnel address: the one it has, else a new one; a new block's first. Throws IPAM_NO_POOL when no pool wants
   *  such a tunnel on this node. */
  ensureTunnelAddress(kind: TunnelKind): Promise<Ipv4> {
    const handleId = tunnelHandle(kind, this.node);
    return this.inTurn(`assigning the ${kind} tunnel address of node "${this.node}"`, async () => {
      const all = await this.terms('Tunnel');
      const pools = all.pools.filter((p) => (kind === 'ipip' ? p.ipipMode : p.vxlanMode) !== 'Never');
      const terms = { ...all, pools };
      const kept = (await this.held(handleId)).find((a) => pools.some((p) => containsAddress(p.cidr, a)));
      if (kept !== undefined) return kept;
      if (pools.length === 0) throw this.noPool(terms, `${kind} tunnel`);
      await this.releaseNow(handleId);
      const attributes = { node: this.node, type: tunnelAttributeType(kind) };
      return this.assignNow({ handleId, attributes, use: 'Tunnel' }, terms);
    });
  }

  /** Own blocks as last read or written here. */
  listOwn(): readonly Block[] {
    return [...this.own.values()].sort((a, b) => a.cidr.address - b.cidr.address);
  }

  /** Reads the own blocks anew. */
  refresh(): Promise<readonly Block[]> {
    return this.inTurn(`reading the blocks of node "${this.node}"`, async () => {
      this.own.clear();
      for (const { affinity } of await this.claims.own()) this.note(await this.records.readBlock(affinity.cidr));
      return this.listOwn();
    });
  }

  /** One request after the other: within one process, a lost compare-and-swap is a wasted round trip. */
  private inTurn<T>(doing: string, work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work).catch((error: unknown) => {
      throw explain(error, doing);
    });
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async terms(use: AssignRequest['use']): Promise<Terms> {
    const { store } = this.records;
    const [pools, node, config, reservations] = await Promise.all([
      store.list(KINDS.ipPool),
      this.records.orAbsent(store.get(KINDS.node, this.node)),
      this.records.orAbsent(store.get(KINDS.ipamConfig, 'default')),
      this.records.orAbsent(store.list(KINDS.ipReservation)),
    ]);
    const chosen = choosePools(pools.items, node?.metadata.labels ?? {}, use);
    return {
      pools: chosen.pools,
      refused: chosen.refused,
      settings: parseSettings(config),
      reserved: reservedBy(reservations?.items ?? []),
    };
  }

  private async assignNow(request: AssignRequest, terms: Terms): Promise<Ipv4> {
    if (terms.pools.length === 0) throw this.noPool(terms, request.use);
    const affinities = await this.claims.own();
    for (const affinity of affinities) {
      for (const record of await this.settled([affinity], terms)) {
        const address = await this.assignFrom(record, request, terms, true);
        if (address !== undefined) return address;
      }
    }
    for (let held = affinities.length; ; held++) {
      const record = await this.claimNewOrNone(terms, held);
      if (record === undefined) break;
      const address = await this.assignFrom(record, request, terms, true);
      if (address !== undefined) return address; // else all of it is reserved: the next one
    }
    const borrowed = terms.settings.strictAffinity ? undefined : await this.borrow(request, terms);
    if (borrowed !== undefined) return borrowed;
    throw this.poolsFull(terms);
  }

  /** The confirmed blocks behind those affinities that lie in the pools we may use. */
  private async settled(affinities: readonly OwnAffinity[], terms: Terms): Promise<readonly BlockRecord[]> {
    const out: BlockRecord[] = [];
    for (const own of affinities) {
      if (!terms.pools.some((p) => containsPrefix(p.cidr, own.affinity.cidr))) continue;
      const record = await this.claims.settle(own).catch(unreadable);
      if (record !== undefined) out.push(this.note(record));
    }
    return out;
  }

  private async claimNew(terms: Terms, held: number): Promise<BlockRecord> {
    if (terms.pools.length === 0) throw this.noPool(terms, 'Workload');
    const record = await this.claimNewOrNone(terms, held);
    if (record === undefined) throw this.poolsFull(terms);
    return record;
  }

  /** Undefined: no CIDR is free. At the limit, and where claims are off, nothing is borrowed either, as with Calico. */
  private async claimNewOrNone(terms: Terms, held: number): Promise<BlockRecord | undefined> {
    const { autoAllocateBlocks, maxBlocksPerNode } = terms.settings;
    if (!autoAllocateBlocks)
      throw new IpamError(
        'IPAM_CLAIMS_OFF',
        `node "${this.node}" has no free address in its blocks, and ipamconfigs "default" has autoAllocateBlocks: false. Set it to true, or claim a block for the node.`,
      );
    if (held >= maxBlocksPerNode)
      throw new IpamError(
        'IPAM_BLOCK_LIMIT',
        `node "${this.node}" holds ${held} blocks without a free address, and ${maxBlocksPerNode} is the limit. Raise maxBlocksPerHost in ipamconfigs "default", or use larger blocks in a new pool.`,
      );
    const record = await this.claims.claimNext(terms.pools);
    return record === undefined ? undefined : this.note(record);
  }

  /** The handle first: a crash in between leaves a count too high, which a release mends, and never an address without owner. */
  private async assignFrom(
    record: BlockRecord,
    request: AssignRequest,
    terms: Terms,
    asOwner: boolean,
  ): Promise<Ipv4 | undefined> {
    const { cidr } = record.block;
    const attempt = (block: BlockRecord['block']): ReturnType<typeof allocate> => {
      if (asOwner && block.affinity !== hostAffinity(this.node)) return undefined;
      const ready = collectReleased(block, this.now(), terms.settings.cooldownSec);
      return allocate(ready, request.handleId, request.attributes, terms.reserved);
    };
    if (attempt(record.block) === undefined) return undefined;
    await this.handles.increment(request.handleId, cidr);
    let address: Ipv4 | undefined;
    try {
      const changed = await this.records.changeBlock(
        cidr,
        (block) => {
          const allocated = attempt(block);
          address = allocated?.address;
          return allocated?.block;
        },
        record.resource,
      );
      if (changed !== undefined) {
        this.note(changed);
        return address;
      }
    } catch (error) {
      // An unanswered write may have been done: then the handle must keep counting it, and the release by handle finds it.
      if (failedWith(error, 'Conflict')) await this.handles.decrement(request.handleId, cidr);
      throw error;
    }
    await this.handles.decrement(request.handleId, cidr);
    return undefined;
  }

  /** From other nodes' blocks, which stay theirs. */
  private async borrow(request: AssignRequest, terms: Terms): Promise<Ipv4 | undefined> {
    const blocks = new Map((await this.records.listBlocks()).map((r) => [formatPrefix(r.block.cidr), r]));
    for (const pool of terms.pools) {
      for (const cidr of blockCidrs(pool, this.node)) {
        const record = blocks.get(formatPrefix(cidr));
        if (record === undefined || record.block.affinity === hostAffinity(this.node)) continue;
        const address = await this.assignFrom(record, request, terms, false);
        if (address !== undefined) return address;
      }
    }
    return undefined;
  }

  private async held(handleId: string): Promise<readonly Ipv4[]> {
    const addresses: Ipv4[] = [];
    for (const cidr of await this.handles.blocksOf(handleId)) {
      const record = await this.records.readBlock(cidr);
      if (record !== undefined) addresses.push(...addressesOf(this.note(record).block, handleId));
    }
    return addresses;
  }

  private async releaseNow(handleId: string): Promise<number> {
    let released = 0;
    for (const cidr of await this.handles.blocksOf(handleId)) {
      released += await this.releaseFrom(cidr, handleId);
      await this.handles.clear(handleId, cidr);
    }
    return released;
  }

  private async releaseFrom(cidr: Prefix, handleId: string): Promise<number> {
    const cooldownSec = parseSettings(
      await this.records.orAbsent(this.records.store.get(KINDS.ipamConfig, 'default')),
    ).cooldownSec;
    let count = 0;
    const changed = await this.records.changeBlock(cidr, (block) => {
      const ordinals = ordinalsOf(block, handleId);
      count = ordinals.length;
      return count === 0 ? undefined : releaseOrdinals(block, ordinals, this.now(), cooldownSec);
    });
    if (changed === undefined) return 0;
    this.note(changed);
    if (isEmpty(changed.block) && changed.block.affinity === undefined) await this.removeEmpty(changed.resource);
    return count;
  }

  /** A block that nobody owns lives as long as an address in it. */
  private async removeEmpty(resource: Resource): Promise<void> {
    try {
      await this.records.remove(KINDS.ipamBlock, resource);
    } catch (error) {
      if (!failedWith(error, 'Conflict')) throw error; // somebody uses it again
    }
  }

  private note<R extends BlockRecord | undefined>(record: R): R {
    if (record === undefined) return record;
    const key = formatPrefix(record.block.cidr);
    if (record.block.affinity === hostAffinity(this.node)) this.own.set(key, record.block);
    else this.own.delete(key);
    return record;
  }

  private noPool(terms: Terms, use: string): IpamError {
    const why = terms.refused.map((r) => r.text).join('; ') || 'there is no IPPool';
    return new IpamError(
      'IPAM_NO_POOL',
      `no pool serves node "${this.node}" for ${use}: ${why}. Create an IPPool, or change one so that it fits.`,
    );
  }

  private poolsFull(terms: Terms): IpamError {
    const pools = terms.pools.map((p) => `${p.name} (${formatPrefix(p.cidr)})`).join(', ');
    const lent = terms.settings.strictAffinity
      ? 'strictAffinity forbids borrowing'
      : 'no other block has a free address';
    return new IpamError(
      'IPAM_POOLS_FULL',
      `every block of ${pools} is taken, and ${lent}. Add an IPPool, or delete nodes and pods that are gone.`,
    );
  }
}

/** One block that cannot be read must not keep the others from serving; cluster/desired names it as a problem. */
function unreadable(error: unknown): undefined {
  if (!(error instanceof IpamError && error.reason.code === 'IPAM_BAD_OBJECT')) throw error;
}
