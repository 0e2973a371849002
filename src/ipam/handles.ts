/** Handles in the store: counted up before a block is written, and taken down after. No I/O of its own. */
import { formatPrefix, type Prefix, parsePrefix } from '../base/prefix.ts';
import { compareAndSwap, createOrGet } from '../store/cas.ts';
import { KINDS } from '../store/kinds.ts';
import { type Resource, StoreError } from '../store/port.ts';
import { truthOf } from './fields.ts';
import { newHandle, parseHandle, withCount } from './handle.ts';
import { handleName } from './names.ts';
import { mustParse, type Records } from './records.ts';

/** How often a handle may vanish under us while we count it up. */
const ATTEMPTS = 10;

export class Handles {
  private readonly records: Records;

  constructor(records: Records) {
    this.records = records;
  }

  /** CIDRs of the blocks in which the handle may hold addresses. */
  async blocksOf(handleId: string): Promise<readonly Prefix[]> {
    const resource = await this.records.read(KINDS.ipamHandle, handleName(handleId));
    if (resource === undefined) return [];
    return Object.keys(mustParse(parseHandle(resource)).blocks).flatMap((text) => parsePrefix(text) ?? []);
  }

  async increment(handleId: string, cidr: Prefix): Promise<void> {
    const { store } = this.records;
    const name = handleName(handleId);
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const { object, created } = await createOrGet(store, KINDS.ipamHandle, name, newHandle(handleId, cidr));
      if (created) return;
      if (truthOf(object.spec?.deleted)) {
        await this.records.finishDelete(KINDS.ipamHandle, object);
        continue;
      }
      const outcome = await this.change(name, (resource) => counted(resource, cidr, (n) => n + 1), object);
      if (outcome !== undefined) return;
    }
    throw new StoreError('Conflict', `ipamhandles "${name}" was deleted by others ${ATTEMPTS} times in a row`, 409);
  }

  async decrement(handleId: string, cidr: Prefix): Promise<void> {
    await this.lower(handleId, cidr, (n) => n - 1);
  }

  /** The block holds nothing of the handle any more, whatever the count says. */
  async clear(handleId: string, cidr: Prefix): Promise<void> {
    await this.lower(handleId, cidr, () => 0);
  }

  private async lower(handleId: string, cidr: Prefix, count: (now: number) => number): Promise<void> {
    const name = handleName(handleId);
    const left = await this.change(name, (resource) => {
      const next = counted(resource, cidr, count);
      const empty = Object.keys(mustParse(parseHandle(next)).blocks).length === 0;
      return empty ? { ...next, spec: { ...next.spec, deleted: true } } : next;
    });
    if (left !== undefined && truthOf(left.spec?.deleted)) await this.records.finishDelete(KINDS.ipamHandle, left);
  }

  /** Undefined: the handle is gone, or half deleted. */
  private async change(
    name: string,
    mutate: (resource: Resource) => Resource,
    cached?: Resource,
  ): Promise<Resource | undefined> {
    const options = cached === undefined ? this.records.cas : { ...this.records.cas, cached };
    const outcome = await this.records.orAbsent(
      compareAndSwap(
        this.records.store,
        KINDS.ipamHandle,
        name,
        (resource) => (truthOf(resource.spec?.deleted) ? undefined : mutate(resource)),
        options,
      ),
    );
    if (outcome === undefined) return undefined;
    if (outcome.changed || !truthOf(outcome.object.spec?.deleted)) return outcome.object;
    await this.records.finishDelete(KINDS.ipamHandle, outcome.object);
    return undefined;
  }
}

function counted(resource: Resource, cidr: Prefix, count: (now: number) => number): Resource {
  const text = formatPrefix(cidr);
  return withCount(resource, text, count(mustParse(parseHandle(resource)).blocks[text] ?? 0));
}
