/** Attributes as values, of a few sets: what a view or a policy looks at comes in runs, and is decoded once. Pure. Beside them
 *  those that octets do not hold, for as long as the set lives. */
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { noHost } from '../../bgp-js/attributes/basic-values.ts';

const NONE = -1;
/** A power of two. */
const KEPT = 64;

export class KeptValues {
  /** By the lowest bits of the set's id. */
  private readonly ids = new Int32Array(KEPT).fill(NONE);
  private readonly values: (PathAttributes | undefined)[] = [];
  /** Those of our own routes, whose next hop is "us". */
  private readonly own = new Map<number, PathAttributes>();

  of(id: number): PathAttributes | undefined {
    const own = this.own.get(id);
    if (own !== undefined) return own;
    const at = id & (KEPT - 1);
    return this.ids[at] === id ? this.values[at] : undefined;
  }

  /** Those that octets do not hold. */
  ownOf(id: number): PathAttributes | undefined {
    return this.own.get(id);
  }

  /** Until another set's come in their place. */
  keep(id: number, attributes: PathAttributes): void {
    const at = id & (KEPT - 1);
    this.ids[at] = id;
    this.values[at] = attributes;
  }

  /** Of a set of our own making: for good, where a decoder could not give them back. */
  keepMade(id: number, attributes: PathAttributes, isOurs: boolean): void {
    if (isOurs || !isReadable(attributes)) this.own.set(id, attributes);
    else this.keep(id, attributes);
  }

  /** The set is no more. */
  forget(id: number): void {
    this.own.delete(id);
    const at = id & (KEPT - 1);
    if (this.ids[at] !== id) return;
    this.ids[at] = NONE;
    this.values[at] = undefined;
  }
}

/** What a decoder would take back: import may say "discard" with a next hop that no peer may send. */
function isReadable(attributes: PathAttributes): boolean {
  const { nextHop, mpNextHop, localPref, originatorId, clusterList } = attributes;
  if (nextHop !== undefined && noHost(nextHop)) return false;
  if (nextHop === undefined && mpNextHop === undefined) return false;
  if (typeof mpNextHop?.address === 'number') return false;
  return localPref !== undefined || (originatorId === undefined && clusterList === undefined);
}
