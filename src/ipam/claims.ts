/** Which blocks are ours: the affinity machine. Each function takes what it finds to the end, whatever step a crash or
 *  another node stopped at: affinity pending -> block created -> affinity confirmed. Two nodes may try for one CIDR; the
 *  block's creation decides, and the loser takes its affinity back. */
import { containsPrefix, type Prefix, parsePrefix } from '../base/prefix.ts';
import type { AffinityState, BlockAffinity } from '../model/block.ts';
import type { Pool } from '../model/pool.ts';
import { compareAndSwap, createOrGet } from '../store/cas.ts';
import { KINDS } from '../store/kinds.ts';
import { type Resource, StoreError } from '../store/port.ts';
import { newAffinity, ownAffinitiesSelector, parseAffinity, withState } from './affinity.ts';
import { formatBlock, hostAffinity, newBlock, parseBlock } from './block.ts';
import { truthOf } from './fields.ts';
import { affinityName, cidrName } from './names.ts';
import { type BlockRecord, failedWith, mustParse, type Records } from './records.ts';
import { blockCidrs, takenBy } from './selection.ts';

export interface OwnAffinity {
  readonly affinity: BlockAffinity;
  readonly resource: Resource;
}

/** How often a claim starts anew when others write the same objects. */
const ATTEMPTS = 10;

export class Claims {
  private readonly records: Records;
  private readonly node: string;
  private readonly now: () => number;

  constructor(records: Records, node: string, now: () => number) {
    this.records = records;
    this.node = node;
    this.now = now;
  }

  /** Affinities of this node, half-deleted ones finished and left out. */
  async own(): Promise<readonly OwnAffinity[]> {
    const { items } = await this.records.store.list(KINDS.blockAffinity, {
      labelSelector: ownAffinitiesSelector(this.node),
    });
    const out: OwnAffinity[] = [];
    for (const resource of items) {
      const parsed = parseAffinity(resource);
      if (!parsed.ok || parsed.value.node !== this.node) continue; // a hash is not proof
      if (parsed.value.deleted) await this.records.finishDelete(KINDS.blockAffinity, resource);
      else out.push({ affinity: parsed.value, resource });
    }
    return out.sort((a, b) => a.affinity.cidr.address - b.affinity.cidr.address);
  }

  /** The block behind an affinity of ours, confirmed; undefined when the affinity was stale, which this mends. */
  async settle({ affinity, resource }: OwnAffinity): Promise<BlockRecord | undefined> {
    const record = await this.records.readBlock(affinity.cidr);
    if (record === undefined) return this.claim(affinity.cidr);
    if (record.block.affinity !== hostAffinity(this.node)) {
      await this.drop(resource);
      return undefined;
    }
    return affinity.state === 'confirmed' ? record : this.claim(affinity.cidr);
  }

  /** Claims `cidr`: undefined when another node has it. */
  async claim(cidr: Prefix): Promise<BlockRecord | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.claimOnce(cidr);
      } catch (error) {
        const raced = (['Conflict', 'NotFound', 'AlreadyExists'] as const).some((reason) => failedWith(error, reason));
        if (!raced || attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async claimOnce(cidr: Prefix): Promise<BlockRecord | undefined> {
    const pending = await this.pendingAffinity(cidr);
    const { object, created } = await createOrGet(
      this.records.store,
      KINDS.ipamBlock,
      cidrName(cidr),
      formatBlock(newBlock(cidr, this.node, this.now())),
    );
    let record: BlockRecord | undefined = { resource: object, block: mustParse(parseBlock(object)) };
    if (record.block.deleted) {
      await this.records.finishDelete(KINDS.ipamBlock, object);
      record = undefined;
    } else if (record.block.affinity !== hostAffinity(this.node)) {
      await this.drop(pending);
      return undefined;
    } else if (!created) {
      // Whoever holds the old revision of our block may be about to release it; a new one stops that.
      record = await this.records.changeBlock(cidr, (b) => (b.affinity === hostAffinity(this.node) ? b : undefined));
    }
    if (record === undefined)
      throw new StoreError('Conflict', `ipamblocks "${cidrName(cidr)}" went away while it was claimed`, 409);
    await this.confirm(cidr, pending);
    return record;
  }

  private async pendingAffinity(cidr: Prefix): Promise<Resource> {
    const { store } = this.records;
    const name = affinityName(this.node, cidr);
    const { object, created } = await createOrGet(store, KINDS.blockAffinity, name, newAffinity(this.node, cidr));
    if (created) return object;
    if (truthOf(object.spec?.deleted)) {
      await this.records.finishDelete(KINDS.blockAffinity, object);
      return store.create(KINDS.blockAffinity, newAffinity(this.node, cidr));
    }
    return this.setState(object, 'pending');
  }

  /** From exactly the revision we made pending: if a release began in between, its state must not be painted over. */
  private async confirm(cidr: Prefix, pending: Resource): Promise<void> {
    try {
      await this.setState(pending, 'confirmed');
    } catch (error) {
      if (!failedWith(error, 'Conflict')) throw error;
      const now = parseAffinity(await this.records.store.get(KINDS.blockAffinity, affinityName(this.node, cidr)));
      if (!now.ok || now.value.state !== 'confirmed' || now.value.deleted) throw error;
    }
  }

  private async setState(resource: Resource, state: AffinityState): Promise<Resource> {
    const { timers, random } = this.records.cas;
    const { object } = await compareAndSwap(
      this.records.store,
      KINDS.blockAffinity,
      resource.metadata.name,
      (current) => (current.spec?.state === state ? undefined : withState(current, state)),
      { timers, random, attempts: 1, cached: resource },
    );
    return object;
  }

  /** A stale affinity goes; if somebody changed it meanwhile it is judged anew next time. */
  private async drop(resource: Resource): Promise<void> {
    try {
      await this.records.remove(KINDS.blockAffinity, resource);
    } catch (error) {
      if (!failedWith(error, 'Conflict')) throw error;
    }
  }

  /** The first free CIDR of the pools, in our own order, that we win. */
  async claimNext(pools: readonly Pool[]): Promise<BlockRecord | undefined> {
    const taken: Prefix[] = [];
    for (const resource of (await this.records.store.list(KINDS.ipamBlock)).items) {
      if (truthOf(resource.spec?.deleted)) await this.records.finishDelete(KINDS.ipamBlock, resource);
      else taken.push(...cidrOf(resource));
    }
    for (const pool of pools) {
      const isTaken = takenBy(
        taken.filter((c) => containsPrefix(pool.cidr, c) || containsPrefix(c, pool.cidr)),
        pool.blockSize,
      );
      for (const cidr of blockCidrs(pool, this.node)) {
        if (isTaken(cidr)) continue;
        const record = await this.claim(cidr);
        if (record !== undefined) return record;
      }
    }
    return undefined;
  }
}

/** A block that cannot be read still holds its CIDR: its name says which. */
function cidrOf(resource: Resource): readonly Prefix[] {
  const parsed = parseBlock(resource);
  if (parsed.ok) return [parsed.value.cidr];
  const match = /^(\d+)-(\d+)-(\d+)-(\d+)-(\d+)$/.exec(resource.metadata.name);
  const cidr = match === null ? undefined : parsePrefix(`${match.slice(1, 5).join('.')}/${match[5]}`);
  return cidr === undefined ? [] : [cidr];
}
