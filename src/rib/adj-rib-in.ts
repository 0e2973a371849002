/** What peers announce goes into the tables here: withdrawals first, then NLRI, of either the field before the multiprotocol
 *  attribute. Pure, hot: no object, closure or string per route. RFC 4271 9 and 3.2; a malformed set is kept as a rejected path
 *  with its reason, RFC 7606 2 (treat-as-withdraw). Stale marks and sweeps are the table's half of RFC 4724; when to call them
 *  is peer/stale-keeper.ts. */
import { ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';
import { decodeAttributesOf, encodeAttributes } from '../bgp-js/attributes/attributes.ts';
import { forEachPrefix } from '../bgp-js/update/update.ts';
import type { UpdateFrame } from '../bgp-js/update/update-frame.ts';
import { type BgpError, bgpError } from '../bgp-js/wire/error.ts';
import { IPV4_UNICAST_KEY } from '../bgp-js/wire/family.ts';
import { readsPrefix } from '../policy/evaluate.ts';
import type { AttributeSet } from './attribute-table.ts';
import { type ImportContext, type Imported, judge } from './import.ts';
import type { RouteTable } from './route-table.ts';
import type { Source } from './source.ts';

/** What an UPDATE did; `reset` is for the session to send. */
export type Received = { readonly kind: 'taken' } | { readonly kind: 'reset'; readonly error: BgpError };

const NONE = -1;
const TAKEN: Received = { kind: 'taken' };
const CEASE = 6;
const MAX_PREFIXES_REACHED = 1;

export class AdjRibIn {
  private readonly table: RouteTable;
  private readonly nowSec: () => number;
  // The UPDATE at hand: fields instead of closures over them.
  private source: Source;
  private set = NONE;
  private perRoute = false;
  private now = 0;
  private tooMany = false;

  constructor(table: RouteTable, nowSec: () => number) {
    this.table = table;
    this.source = table.local;
    this.nowSec = nowSec;
  }

  receive(source: Source, update: UpdateFrame, fourOctetAs: boolean): Received {
    const { slab } = update;
    this.source = source;
    if (update.withdrawnEnd > update.withdrawnStart) {
      forEachPrefix(slab, update.withdrawnStart, update.withdrawnEnd, this.withdrawOne);
    }
    if (update.unreachFamily === IPV4_UNICAST_KEY) {
      forEachPrefix(slab, update.unreachStart, update.unreachEnd, this.withdrawOne);
    }
    const { nlriStart, nlriEnd, reachStart, reachEnd } = update;
    const inReach = update.reachFamily === IPV4_UNICAST_KEY && reachEnd > reachStart;
    if (nlriEnd === nlriStart && !inReach) return TAKEN;
    const context = this.table.contexts.of(source.kind, fourOctetAs, source.localAsn, source.importPolicy);
    if (nlriEnd > nlriStart) {
      const set = this.table.sets.intern(slab, update.attributesStart, update.attributesEnd, context);
      const received = this.announce(set, context, slab, nlriStart, nlriEnd);
      if (received !== TAKEN || !inReach) return received;
    }
    return this.announce(this.reachSet(update, context), context, slab, reachStart, reachEnd);
  }

  /** The routes in [start, end), of this set, whose reference is taken over. */
  private announce(set: number, context: ImportContext, slab: Uint8Array, start: number, end: number): Received {
    const { sets } = this.table;
    this.set = set;
    const { decoded, imported } = sets.get(set);
    if (decoded.error !== undefined && decoded.disposition === 'reset') {
      sets.release(set);
      return { kind: 'reset', error: decoded.error };
    }
    this.now = this.nowSec();
    this.tooMany = false;
    this.perRoute = context.policy !== undefined && 'used' in imported && readsPrefix(context.policy);
    forEachPrefix(slab, start, end, this.announceOne);
    sets.release(set);
    return this.tooMany ? { kind: 'reset', error: tooManyPrefixes(this.source) } : TAKEN;
  }

  /** The set of IPv4 routes in MP_REACH_NLRI: as if its next hop stood in NEXT_HOP, so that both ways in share their sets. Few
   *  speakers use it, so it may cost. What is malformed is interned as it came, without a NEXT_HOP. RFC 4760 3 */
  private reachSet(update: UpdateFrame, context: ImportContext): number {
    const { slab, attributesStart, attributesEnd } = update;
    const { fourOctetAs } = context;
    const params = { fourOctetAs, ibgp: context.kind === 'ibgp' };
    const { attributes } = decodeAttributesOf(slab, attributesStart, attributesEnd, params, 'mp');
    const nextHop = attributes?.mpNextHop?.address;
    if (attributes === undefined || typeof nextHop !== 'number')
      return this.table.sets.intern(slab, attributesStart, attributesEnd, context);
    const bytes = encodeAttributes({ ...attributes, nextHop }, { fourOctetAs });
    return this.table.sets.intern(bytes, 0, bytes.length, context);
  }

  /** Our own route. `set` comes with a reference, which is taken over. */
  originate(address: number, length: number, set: number): void {
    this.now = this.nowSec();
    const route = this.table.routeFor(address, length);
    this.put(route, this.table.local, set, set);
    this.table.sets.release(set);
  }

  withdraw(source: Source, address: number, length: number): void {
    const { prefixes, paths, first } = this.table;
    const route = prefixes.find(address, length);
    if (route === NONE) return;
    const path = paths.find(first.at[route] as number, source.id);
    if (path !== NONE) this.table.removePath(path);
  }

  /** All its paths are stale from now on; those that were so already go (a peer that restarts twice, RFC 4724 4.2), or stay until
   *  the sweep (a refresh that begins anew or is cut off, RFC 7313 4). */
  markStale(source: Source, already: 'go' | 'stay' = 'go'): void {
    if (already === 'go') this.sweepStale(source);
    source.epoch = (source.epoch + 1) | 0;
    source.stale = source.received;
  }

  sweepStale(source: Source): number {
    return source.stale === 0 ? 0 : this.removeWhere(source, true);
  }

  drop(source: Source): number {
    return source.received === 0 ? 0 : this.removeWhere(source, false);
  }

  /** The paths' order may have changed with the identifier. */
  redecide(source: Source): void {
    const { paths } = this.table;
    for (let path = 0; path < paths.idBound; path++) {
      if (paths.route.at[path] !== NONE && paths.source.at[path] === source.id) {
        this.table.markDirty(paths.route.at[path] as number);
      }
    }
  }

  /** Every verdict anew: this node's addresses changed. */
  reevaluate(): void {
    const { paths, sets } = this.table;
    sets.reevaluate();
    for (let path = 0; path < paths.idBound; path++) {
      const route = paths.route.at[path] as number;
      if (route === NONE) continue;
      const received = paths.received.at[path] as number;
      const { policy } = sets.get(received).context;
      this.perRoute = policy !== undefined && readsPrefix(policy);
      this.now = paths.since.at[path] as number;
      const isFresh = !this.table.isStale(path);
      const source = this.table.sourceOf(path);
      sets.hold(received);
      const used = this.judgeRoute(route, received);
      if (isFresh) this.put(route, source, received, used);
      else this.replace(path, source, received, used);
      if (used !== NONE) sets.release(used);
      sets.release(received);
    }
  }

  private readonly withdrawOne = (address: number, length: number): void => {
    this.withdraw(this.source, address, length);
  };

  private readonly announceOne = (address: number, length: number): void => {
    const route = this.table.routeFor(address, length);
    const used = this.judgeRoute(route, this.set);
    this.put(route, this.source, this.set, used);
    if (used !== NONE) this.table.sets.release(used);
  };

  /** The used set of one route, with a reference, or -1. */
  private judgeRoute(route: number, received: number): number {
    const { sets, prefixes } = this.table;
    const set = sets.get(received);
    if (isMulticast(prefixes.addressOf(route))) return NONE;
    if (!this.perRoute || set.usedId === NONE) {
      if (set.usedId !== NONE) sets.hold(set.usedId);
      return set.usedId;
    }
    const judged = judgeOne(set, prefixes.addressOf(route), prefixes.lengthOf(route));
    if ('rejected' in judged) return NONE;
    if (judged.used === set.decoded.attributes) {
      sets.hold(received);
      return received;
    }
    return sets.internValue(judged.used, set.context.derived ?? set.context);
  }

  /** The route's path of this source becomes (received, used); it counts as heard now, so it is no longer stale. */
  private put(route: number, source: Source, received: number, used: number): void {
    const { paths, first } = this.table;
    let path = paths.find(first.at[route] as number, source.id);
    if (path === NONE) {
      if (source.received >= source.maxPrefixes.limit) {
        this.tooMany = true;
        this.table.freeIfUnused(route);
        return;
      }
      path = paths.add(route, source.id, first.at[route] as number);
      first.at[route] = path;
      source.received++;
      paths.epoch.at[path] = source.epoch;
    } else if (paths.epoch.at[path] !== source.epoch) {
      paths.epoch.at[path] = source.epoch;
      source.stale--;
    }
    this.replace(path, source, received, used);
  }

  private replace(path: number, source: Source, received: number, used: number): void {
    const { paths, sets } = this.table;
    const oldReceived = paths.received.at[path] as number;
    const oldUsed = paths.used.at[path] as number;
    if (oldReceived === received && oldUsed === used) return;
    const route = paths.route.at[path] as number;
    const mattered = this.table.matters(route, path, oldUsed);
    sets.hold(received);
    if (used === NONE) source.rejected++;
    else sets.hold(used);
    paths.received.at[path] = received;
    paths.used.at[path] = used;
    paths.since.at[path] = this.now;
    if (mattered || this.table.matters(route, path, used)) this.table.markDirty(route);
    if (oldReceived === NONE) return;
    sets.release(oldReceived);
    if (oldUsed === NONE) source.rejected--;
    else sets.release(oldUsed);
  }

  private removeWhere(source: Source, staleOnly: boolean): number {
    const { paths } = this.table;
    let removed = 0;
    for (let path = 0; path < paths.idBound; path++) {
      if (paths.source.at[path] !== source.id || paths.route.at[path] === NONE) continue;
      if (staleOnly && paths.epoch.at[path] === source.epoch) continue;
      this.table.removePath(path);
      removed++;
    }
    return removed;
  }
}

/** 224.0.0.0/4: no unicast route leads there. RFC 4271 6.3 */
const isMulticast = (address: number): boolean => address >>> 28 === 14;

/** The verdict on one route of a set that is otherwise good: what a policy says that reads prefixes, and what the prefix itself
 *  says. */
export function judgeOne(set: AttributeSet, address: number, length: number): Imported {
  const { policy, kind } = set.context;
  if (set.decoded.attributes === undefined || 'rejected' in set.imported) return set.imported;
  if (isMulticast(address)) return { rejected: MULTICAST };
  return policy === undefined ? set.imported : judge(policy, set.decoded.attributes, kind, ipv4(address), length);
}

const MULTICAST: Reason = {
  code: 'MULTICAST_PREFIX',
  text: 'a prefix of multicast addresses among unicast routes is ignored (RFC 4271 6.3)',
};

function tooManyPrefixes(source: Source): BgpError {
  const { limit } = source.maxPrefixes;
  const data = Uint8Array.of(0, 1, 1, limit >>> 24, limit >>> 16, limit >>> 8, limit); // AFI 1, SAFI 1, limit: RFC 4486 4
  return bgpError(
    CEASE,
    MAX_PREFIXES_REACHED,
    `peer "${source.name}" sent more than ${limit} prefixes; raise its limit if that is right`,
    data,
  );
}
