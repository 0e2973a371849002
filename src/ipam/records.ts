/** Reading, changing and deleting stored IPAM objects. No I/O of its own: the store comes in.
 *  Deleting takes two steps, as every writer of these objects does it: `deleted: true` by compare-and-swap, which makes
 *  writers that hold the old revision fail, then DELETE of that uid. Whoever reads an object between the two finishes it. */
import type { Prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { Result } from '../base/result.ts';
import { type CasOptions, compareAndSwap } from '../store/cas.ts';
import { KINDS } from '../store/kinds.ts';
import { type Kind, type Resource, type Store, StoreError } from '../store/port.ts';
import { formatBlock, parseBlock, type StoredBlock, written } from './block.ts';
import { IpamError } from './error.ts';
import { truthOf } from './fields.ts';
import { cidrName } from './names.ts';

export const failedWith = (error: unknown, reason: StoreError['reason']): boolean =>
  error instanceof StoreError && error.reason === reason;

/** A block as read: the value, and the resource it is written back over. */
export interface BlockRecord {
  readonly block: StoredBlock;
  readonly resource: Resource;
}

export function mustParse<T>(parsed: Result<T, Reason>): T {
  if (parsed.ok) return parsed.value;
  throw new IpamError('IPAM_BAD_OBJECT', parsed.error.text);
}

export class Records {
  readonly store: Store;
  readonly cas: CasOptions;

  constructor(store: Store, cas: CasOptions) {
    this.store = store;
    this.cas = cas;
  }

  /** The object, or undefined when it is absent or was half deleted, which this finishes. */
  async read(kind: Kind, name: string): Promise<Resource | undefined> {
    const resource = await this.orAbsent(this.store.get(kind, name));
    if (resource === undefined || !truthOf(resource.spec?.deleted)) return resource;
    await this.finishDelete(kind, resource);
    return undefined;
  }

  /** Both steps. Throws StoreError Conflict when somebody changed the object since `resource` was read. */
  async remove(kind: Kind, resource: Resource): Promise<void> {
    const deleted = kind === KINDS.blockAffinity ? 'true' : true;
    const marked = await this.orAbsent(this.store.replace(kind, { ...resource, spec: { ...resource.spec, deleted } }));
    if (marked !== undefined) await this.finishDelete(kind, marked);
  }

  async finishDelete(kind: Kind, resource: Resource): Promise<void> {
    const { name, uid } = resource.metadata;
    try {
      await this.store.delete(kind, name, uid === undefined ? {} : { uid });
    } catch (error) {
      // Conflict: the uid is another's, so ours is gone.
      if (!failedWith(error, 'NotFound') && !failedWith(error, 'Conflict')) throw error;
    }
  }

  async orAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
    try {
      return await answer;
    } catch (error) {
      if (failedWith(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async readBlock(cidr: Prefix): Promise<BlockRecord | undefined> {
    const resource = await this.read(KINDS.ipamBlock, cidrName(cidr));
    return resource === undefined ? undefined : { resource, block: mustParse(parseBlock(resource)) };
  }

  /** All blocks that can be read, and the CIDRs that are taken: also by a block with a fault elsewhere in it. */
  async listBlocks(): Promise<readonly BlockRecord[]> {
    const { items } = await this.store.list(KINDS.ipamBlock);
    return items.flatMap((resource) => {
      const parsed = parseBlock(resource);
      return parsed.ok ? [{ resource, block: parsed.value }] : [];
    });
  }

  /** Writes `mutate`'s answer with the next sequence number. Undefined: the block is gone, or mutate had nothing to do. */
  async changeBlock(
    cidr: Prefix,
    mutate: (block: StoredBlock) => StoredBlock | undefined,
    cached?: Resource,
  ): Promise<BlockRecord | undefined> {
    const { timers, random, attempts } = this.cas;
    const outcome = await this.orAbsent(
      compareAndSwap(
        this.store,
        KINDS.ipamBlock,
        cidrName(cidr),
        (resource) => {
          const block = mustParse(parseBlock(resource));
          if (block.deleted) return undefined;
          const next = mutate(block);
          return next === undefined ? undefined : formatBlock(written(next), resource);
        },
        {
          timers,
          random,
          ...(attempts === undefined ? {} : { attempts }),
          ...(cached === undefined ? {} : { cached }),
        },
      ),
    );
    if (outcome === undefined || !outcome.changed) return undefined;
    return { resource: outcome.object, block: mustParse(parseBlock(outcome.object)) };
  }
}

/** Turns what the store throws into an IpamError that says what to do; others pass. */
export function explain(error: unknown, doing: string): unknown {
  if (!(error instanceof StoreError)) return error;
  const cause = { cause: error };
  if (error.reason === 'Conflict')
    return new IpamError('IPAM_CONTENTION', `${doing}: ${error.message}`, { ...cause, transient: true });
  if (error.reason === 'Unreachable' || error.reason === 'Server' || error.reason === 'Gone')
    return new IpamError(
      'IPAM_STORE_UNREACHABLE',
      `${doing}: the datastore failed: ${error.message}. Check that it runs and that this node can reach it.`,
      {
        ...cause,
        transient: true,
      },
    );
  return new IpamError(
    'IPAM_STORE_REFUSED',
    `${doing}: the datastore refused: ${error.message}. Check that the CRDs are installed and that this node may write IPAM objects.`,
    cause,
  );
}
