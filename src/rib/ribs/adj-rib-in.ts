/** What peers announce goes into the tables here: withdrawals first, then NLRI, of either the field before the multiprotocol
 *  attribute. Pure, hot: no object, closure or string per route. RFC 4271 9 and 3.2, RFC 4760, RFC 7911; a malformed set is kept
 *  as a rejected path with its reason, RFC 7606 2 (treat-as-withdraw). Which octets make up a set is received-set.ts; the verdict
 *  on a set is import.ts, on one route route-judge.ts. What makes all paths of a peer stale or go is leaving.ts. */
import { addressBits, type IpAddress, type IpPrefix } from '../../base/ip.ts';
import type { UpdateFrame } from '../../bgp-js/update/update-frame.ts';
import type { BgpError } from '../../bgp-js/wire/error.ts';
import { AFI_IPV4, AFI_IPV6, IPV4_UNICAST_KEY, IPV6_UNICAST_KEY } from '../../bgp-js/wire/family.ts';
import { PrefixClasses } from '../../policy/prefix-classes.ts';
import { RESET } from '../sets/import.ts';
import { liesReady, nlriOctets, reachOctets } from '../sets/received-set.ts';
import { NlriRun } from '../tables/nlri-run.ts';
import { DONE } from '../tables/path-runs.ts';
import { type LimitNotice, limitReached, tooManyPrefixes } from '../tables/prefix-limit.ts';
import type { RouteJudge } from '../tables/route-judge.ts';
import type { RouteTable } from '../tables/route-table.ts';
import type { Source } from '../terms/source.ts';

/** What an UPDATE did; `reset` is for the session to send. */
export type Received =
  | { readonly kind: 'taken' }
  /** Taken as far as the limit allows: to be told. */
  | { readonly kind: 'limit'; readonly notice: LimitNotice }
  | { readonly kind: 'reset'; readonly error: BgpError };

const NONE = -1;
const TAKEN: Received = { kind: 'taken' };

export class AdjRibIn {
  private readonly judge: RouteJudge;
  private readonly table: RouteTable;
  private readonly nowSec: () => number;
  private readonly isIpv4: boolean;
  private readonly family: number;
  private readonly run: NlriRun;
  // The UPDATE at hand.
  private source: Source;
  private now = 0;
  private notice: LimitNotice | undefined;

  constructor(table: RouteTable, nowSec: () => number) {
    this.table = table;
    this.judge = table.judge;
    this.run = new NlriRun(table);
    this.source = table.local;
    this.nowSec = nowSec;
    this.isIpv4 = table.family === 'ipv4';
    this.family = this.isIpv4 ? IPV4_UNICAST_KEY : IPV6_UNICAST_KEY;
  }

  /** Of both families' routes in the UPDATE only those of this table are taken. */
  receive(source: Source, update: UpdateFrame, options: { readonly fourOctetAs: boolean }): Received {
    const { slab, nlriStart, nlriEnd, reachStart, reachEnd } = update;
    this.source = source;
    if (this.isIpv4 && update.withdrawnEnd > update.withdrawnStart)
      this.withdrawAll(slab, update.withdrawnStart, update.withdrawnEnd, update.addPath);
    if (update.unreachFamily === this.family)
      this.withdrawAll(slab, update.unreachStart, update.unreachEnd, update.unreachAddPath);
    const inNlri = this.isIpv4 && nlriEnd > nlriStart;
    const inReach = update.reachFamily === this.family && reachEnd > reachStart;
    if (!inNlri && !inReach) return TAKEN;
    const { sets, contexts } = this.table;
    this.now = this.nowSec();
    this.notice = undefined;
    if (inNlri) {
      const context = contexts.of(source.spec, options.fourOctetAs, false);
      let set: number;
      if (liesReady(update)) set = sets.intern(slab, update.attributesStart, update.attributesEnd, context);
      else {
        const octets = nlriOctets(update);
        set = sets.intern(octets.bytes, 0, octets.end, context);
      }
      const error = this.announce(set, slab, nlriStart, nlriEnd, update.addPath);
      if (error !== undefined) return { kind: 'reset', error };
    }
    if (inReach) {
      const { bytes, end, inMpReach } = reachOctets(update);
      const set = sets.intern(bytes, 0, end, contexts.of(source.spec, options.fourOctetAs, inMpReach));
      const error = this.announce(set, slab, reachStart, reachEnd, update.reachAddPath);
      if (error !== undefined) return { kind: 'reset', error };
    }
    return this.notice === undefined ? TAKEN : { kind: 'limit', notice: this.notice };
  }

  /** Our own route. `set` comes with a reference, which is taken over. */
  originate(address: IpAddress, length: number, set: number): void {
    this.now = this.nowSec();
    const { table } = this;
    this.put(table.routeOf(address, length), table.local, 0, set, set);
    table.sets.release(set);
  }

  withdraw(source: Source, address: IpAddress, length: number, pathId = 0): void {
    const route = this.table.find(address, length);
    if (route !== NONE) this.withdrawRoute(route, source, pathId);
  }

  /** Its settings are others: what it has announced is judged anew, in slices. No session is touched. */
  changeSource(source: Source): void {
    const { sets, contexts, paths, rounds } = this.table;
    rounds.begin({
      visit: (path) => {
        if (paths.sourceOf(path) !== source.id) return;
        const received = paths.receivedOf(path);
        const context = sets.contextOf(received);
        // Asked each time: one that no set is of may be gone by the next slice.
        const to = contexts.of(source.spec, context.fourOctetAs, context.inMpReach);
        if (to === context) return;
        const again = sets.internAgain(received, to);
        this.judgeAgain(path, source, again);
        sets.release(again);
      },
      done: () => {},
    });
  }

  /** Every verdict anew, in slices: this node's addresses changed. `address`: only this one, which is nothing to routes where no
   *  next hop is it. */
  reevaluate(address?: IpAddress): void {
    const { sets, paths, rounds, nextHops } = this.table;
    if (address !== undefined && !nextHops.holds(address)) return;
    sets.beginJudging();
    rounds.begin({
      visit: (path) => {
        const received = paths.receivedOf(path);
        sets.judgeOnce(received);
        if (sets.contextOf(received).perRoute || paths.usedOf(path) !== sets.usedOf(received))
          this.judgeAgain(path, this.table.sourceOf(path), received);
      },
      done: () => {},
    });
  }

  /** IPAM says something else of what lies in these prefixes: the routes there are judged anew, and no others. */
  reevaluateWithin(within: readonly IpPrefix[]): void {
    const { sets, paths, rounds, index } = this.table;
    const lines = within.map((p) => ({ ...p, le: addressBits(p.address) }));
    const inside = new PrefixClasses([lines]);
    rounds.begin({
      visit: (path) => {
        const route = paths.routeOf(path);
        const received = paths.receivedOf(path);
        if (!sets.contextOf(received).perRoute) return;
        if (inside.holds(inside.classOf(this.table.addressOf(route), index.lengthOf(route)), 0))
          this.judgeAgain(path, this.table.sourceOf(path), received);
      },
      done: () => {},
    });
  }

  /** The routes in [start, end), of this set, whose reference is taken over. Answers what ends the session. */
  private announce(set: number, slab: Uint8Array, start: number, end: number, addPath: boolean): BgpError | undefined {
    const { source, run } = this;
    const { sets } = this.table;
    if (sets.verdictCodeOf(set) === RESET) {
      const error = sets.errorOf(set);
      sets.release(set);
      return error;
    }
    const { runs, bestPaths } = this.table;
    const simple = !sets.contextOf(set).perRoute;
    const used = sets.usedOf(set);
    const inRuns = simple && used !== NONE && !addPath;
    const endsSession = source.maxPrefixes.action === 'idle';
    let isFull = false;
    for (let at = start; at < end && !(isFull && endsSession); ) {
      at = run.read(slab, at, end, addPath);
      run.insert(slab);
      let leftOut = false;
      const done =
        inRuns && !run.hasMulticast && bestPaths.comparesPairs && source.received + run.count <= source.mostPrefixes
          ? runs.come(run.routes, run.count, source, set, used, this.now)
          : 0;
      for (let i = 0; done < run.count && i < run.count && !(leftOut && endsSession); i++) {
        const route = run.routes[i]!;
        if (route === DONE) continue;
        const isIn =
          simple && !run.hasMulticast
            ? this.put(route, source, run.pathIdOf(i), set, used)
            : this.judgeAndPut(route, run.pathIdOf(i), set);
        if (!isIn) leftOut = true;
      }
      if (leftOut) run.forget();
      isFull ||= leftOut;
    }
    sets.release(set);
    return isFull && endsSession ? tooManyPrefixes(source, this.isIpv4 ? AFI_IPV4 : AFI_IPV6) : undefined;
  }

  private withdrawAll(slab: Uint8Array, start: number, end: number, addPath: boolean): void {
    const { run, source } = this;
    const { runs, bestPaths } = this.table;
    for (let at = start; at < end; ) {
      at = run.read(slab, at, end, addPath);
      run.find(slab);
      let done = 0;
      if (!addPath && bestPaths.comparesPairs) {
        done = runs.go(run.routes, run.count, source, source.epoch, source.epoch);
        source.received -= done;
      }
      for (let i = 0; done < run.count && i < run.count; i++) {
        const route = run.routes[i]!;
        if (route !== NONE && route !== DONE) this.withdrawRoute(route, source, run.pathIdOf(i));
      }
    }
  }

  private withdrawRoute(route: number, source: Source, pathId: number): void {
    const { paths, routes } = this.table;
    const path = paths.find(route, routes.firstOf(route), source.id, pathId);
    if (path !== NONE) this.table.removePath(path);
  }

  private judgeAndPut(route: number, pathId: number, set: number): boolean {
    const used = this.judge.used(route, set);
    const kept = this.put(route, this.source, pathId, set, used);
    if (used !== NONE) this.table.sets.release(used);
    return kept;
  }

  /** The route's path of this source becomes (received, used); it counts as heard now, so it is no longer stale. False when the
   *  source's limit keeps it out. */
  private put(route: number, source: Source, pathId: number, received: number, used: number): boolean {
    const { table } = this;
    const { paths, routes } = table;
    let path = paths.find(route, routes.firstOf(route), source.id, pathId);
    // One that is on its way out does not count any more.
    const isMore = path === NONE || table.isDead(path);
    if (isMore && source.received >= source.mostPrefixes && !this.mayExceed(source)) return false;
    if (path === NONE) {
      path = paths.add(route, source.id, routes.firstOf(route), pathId);
      routes.setFirst(route, paths.headOf(path, routes.firstOf(route)));
      source.received++;
      paths.setEpoch(path, source.epoch);
    } else table.freshen(path, source);
    this.replace(path, source, received, used);
    return true;
  }

  /** Asked from the share on that is warned of. */
  private mayExceed(source: Source): boolean {
    const { limit, action } = source.maxPrefixes;
    const above = source.received >= limit;
    if (above && action === 'drop') source.leftOut++;
    if (!above || action !== 'idle') this.notice = limitReached(source, above) ?? this.notice;
    return !above || action === 'warn';
  }

  /** As it came in, by settings that are others now. */
  private judgeAgain(path: number, source: Source, received: number): void {
    const { table } = this;
    if (table.isDead(path)) return;
    this.now = table.paths.sinceOf(path);
    const used = table.leaving.asUsed(source, path, this.judge.used(table.paths.routeOf(path), received));
    this.replace(path, source, received, used);
    if (used !== NONE) table.sets.release(used);
  }

  private replace(path: number, source: Source, received: number, used: number): void {
    const { paths, sets } = this.table;
    const oldReceived = paths.receivedOf(path);
    const oldUsed = paths.usedOf(path);
    if (oldReceived === received && oldUsed === used) return;
    sets.hold(received);
    paths.setReceived(path, received);
    paths.setSince(path, this.now);
    if (used === NONE) {
      if (oldReceived === NONE || oldUsed !== NONE) source.rejected++;
    } else {
      sets.hold(used);
      if (oldReceived !== NONE && oldUsed === NONE) source.rejected--;
    }
    if (used !== oldUsed) this.table.use(path, used);
    if (oldUsed !== NONE) sets.release(oldUsed);
    if (oldReceived !== NONE) sets.release(oldReceived);
  }
}
