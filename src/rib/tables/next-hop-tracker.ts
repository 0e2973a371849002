/** Where next hops lead, kept true: each is resolved once, and again when what it depends on changes. Pure; RFC 4271 9.1.2.1.
 *
 *    interfaces, kernel routes --resolver--> reached, and not only by a default route: that is the answer
 *    else the longest route of the Loc-RIB that contains the address: its next hop, gateway and cost
 *    else the default route, if there is one; else unreachable
 *    a link-local one                        --resolver--> that is the answer: no router leads from one link to another
 *
 *  A route never leads to its own next hop. Taken literally that would make the answer depend on what was decided before (the
 *  route is good because the next hop resolves through it), so the rule is about all paths, chosen or not: a next hop may use a
 *  route only if no path of the route, followed through everything it could be resolved by, comes back to the next hop. What
 *  is left has no cycle, and so one solution, whatever came first. */
import { type IpAddress, ipPrefix } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import type { FeedNextHop } from '../terms/feed.ts';
import {
  isOfOneLink,
  MAX_COST,
  type NextHopResolver,
  type NextHopTable,
  type Resolution,
  UNREACHABLE,
} from '../terms/next-hops.ts';
import type { NextHopView } from '../terms/views.ts';
import { CoveredAddresses } from './covered-addresses.ts';

/** What the tracker asks of the Loc-RIB. */
export interface CoveringRoutes {
  /** The longest route with a usable or unusable path that contains the address and is no longer than `atMost`; -1: none. */
  longestMatch(address: IpAddress, atMost: number): number;
  prefixOf(route: number): { readonly address: IpAddress; readonly length: number };
  /** Visits the next hops of all paths that import accepted, until one visit answers true: then so does this. */
  someNextHop(route: number, visit: (nextHop: number) => boolean): boolean;
  /** The first next hop that the route was told with; -1 where it was told as ours, undefined where it was not told. */
  toldNextHop(route: number): number | undefined;
}

interface Answer extends NextHopView {
  /** Through how many BGP routes. */
  readonly depth: number;
}

/** More routes, one behind the other, are a mistake, and each level multiplies the work. */
const MAX_DEPTH = 8;
/** Routes looked at for one question whether a route leads back. */
const MAX_VISITS = 256;
const RUN = 128;

export class NextHopTracker {
  private readonly table: NextHopTable;
  private readonly resolver: NextHopResolver | undefined;
  private readonly routes: CoveringRoutes;
  private readonly onWork: () => void;
  private readonly answers: (Answer | undefined)[] = [];
  /** Those that interfaces and kernel do not answer for: the routes that contain them count. */
  private readonly indirect: CoveredAddresses;
  /** Next hop ids below it wait to be asked again; -1: none does. */
  private pending = -1;
  private all = false;
  private again = false;
  private againAll = false;
  /** Of `indirect`, when the asking began. */
  private changesBefore = 0;
  private changed = new Set<number>();
  unreachable = 0;

  constructor(
    table: NextHopTable,
    resolver: NextHopResolver | undefined,
    routes: CoveringRoutes,
    family: 'ipv4' | 'ipv6',
    onWork: () => void,
  ) {
    this.table = table;
    this.resolver = resolver;
    this.routes = routes;
    this.onWork = onWork;
    this.indirect = new CoveredAddresses(family);
    table.onFree = (id) => this.forget(id);
    resolver?.onChange(() => this.refresh(true));
  }

  /** Some next hop depends on the routes of the table. */
  get watching(): boolean {
    return this.indirect.size > 0;
  }

  get busy(): boolean {
    return this.pending >= 0;
  }

  /** The cost, resolved now. */
  resolve(id: number): number {
    const answer = this.answerFor(id);
    this.keep(id, answer);
    return this.table.cost.at[id] as number;
  }

  private forget(id: number): void {
    // Also of one that nobody has asked for: resolveDirect() may have noted it.
    this.indirect.delete(this.table.addressOf(id));
    if (this.answers[id]?.reachable === false) this.unreachable--;
    this.answers[id] = undefined;
  }

  /** Where packets are handed to. */
  wayOf(id: number): FeedNextHop {
    const address = this.table.addressOf(id);
    const answer = this.answers[id];
    const [gateway, link] =
      answer?.gateway === undefined ? [address, this.table.linkOf(id)] : [answer.gateway, answer.link];
    return { address, gateway, ...(link !== undefined && { link }) };
  }

  viewOf(id: number): NextHopView {
    const answer = this.answers[id];
    if (answer === undefined) return { reachable: true, metric: 0, ...this.wayOf(id) };
    const { depth: _depth, ...view } = answer;
    return view;
  }

  /** A route changed: next hops inside it may lead elsewhere. */
  routeChanged(address: IpAddress, length: number): void {
    if (this.indirect.some(address, length)) this.refresh(false);
  }

  /** Next hops are asked again: all of them, or those that depend on routes of the table. */
  refresh(all: boolean): void {
    if (this.resolver === undefined) return;
    if (this.busy) {
      this.again = true;
      this.againAll ||= all;
      return;
    }
    this.pending = this.table.idBound;
    this.changesBefore = this.indirect.changes;
    this.all = all;
    this.onWork();
  }

  /** Asks some again. Answers, once all were asked, which ones lead elsewhere than before. */
  run(): ReadonlySet<number> | undefined {
    for (let n = 0; n < RUN && this.pending > 0; n++) {
      const id = --this.pending;
      const old = this.answers[id];
      if (old === undefined || !this.table.has(id)) continue;
      if (!this.all && !this.indirect.has(old.address)) continue;
      const answer = this.answerFor(id);
      if (sameWay(old, answer)) continue;
      this.keep(id, answer);
      this.changed.add(id);
    }
    if (this.pending > 0) return undefined;
    this.pending = -1;
    const { changed } = this;
    this.changed = new Set();
    // What led through one that changed may have changed with it; and whoever is asked about a circle asks which next hops
    // depend on routes at all.
    const moved = changed.size > 0 || this.indirect.changes !== this.changesBefore;
    const once = this.again || (moved && this.watching);
    const all = this.againAll;
    this.again = false;
    this.againAll = false;
    if (once) this.refresh(all);
    return changed;
  }

  private keep(id: number, answer: Answer): void {
    const old = this.answers[id];
    if (old?.reachable === false) this.unreachable--;
    if (!answer.reachable) this.unreachable++;
    this.answers[id] = answer;
    this.table.cost.at[id] = answer.reachable ? Math.min(answer.metric ?? 0, MAX_COST) : UNREACHABLE;
  }

  private answerFor(id: number): Answer {
    const address = this.table.addressOf(id);
    // 0.0.0.0 or :: is this node itself, in routes of our own making.
    const link = this.table.linkOf(id);
    if (this.resolver === undefined || Number(address) === 0) return direct(address, 0, link);
    const found = this.resolver.resolve(address, link);
    if (isOfOneLink(address)) return asFound(address, found, link);
    if (found.reachable && !found.byDefault) {
      this.indirect.delete(address);
      return direct(address, found.metric);
    }
    this.indirect.add(address);
    return this.throughRoutes(id, address) ?? asFound(address, found);
  }

  /** By the longest route that may be used; undefined where none may. */
  private throughRoutes(id: number, address: IpAddress): Answer | undefined {
    let refused: Reason | undefined;
    for (let atMost = 128; atMost >= 0; ) {
      const route = this.routes.longestMatch(address, atMost);
      if (route < 0) break;
      const prefix = this.routes.prefixOf(route);
      atMost = prefix.length - 1;
      const next = this.routes.toldNextHop(route);
      if (next === undefined) continue;
      const through = ipPrefix(prefix.address, prefix.length);
      // Our own route: a pod, or a service, of this node.
      if (next === -1) return { address, reachable: true, gateway: address, metric: 0, through: [through], depth: 1 };
      if (this.leadsTo(route, id)) {
        refused ??= LOOP;
        continue;
      }
      const answer = this.answers[next];
      const depth = (answer?.depth ?? 0) + 1;
      if (answer !== undefined && !answer.reachable) continue;
      if (depth > MAX_DEPTH) return { address, reachable: false, reason: TOO_DEEP, depth: 0 };
      return {
        reachable: true,
        ...this.wayOf(next),
        address,
        metric: answer?.metric ?? 0,
        through: [through, ...(answer?.through ?? [])],
        depth,
      };
    }
    if (refused === undefined) return undefined;
    const found = this.resolver?.resolve(address);
    return found?.reachable ? undefined : { address, reachable: false, reason: refused, depth: 0 };
  }

  /** Whether some path of `route`, by whatever its next hop could be resolved, leads to `target`. Yes where that cannot be told
   *  in reasonable time. */
  private leadsTo(route: number, target: number): boolean {
    const seen = new Set<number>([route]);
    const waiting = [route];
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      const found = this.routes.someNextHop(at, (nextHop) => {
        if (nextHop === target) return true;
        const address = this.table.addressOf(nextHop);
        if (this.answers[nextHop] === undefined) this.resolveDirect(address);
        if (!this.indirect.has(address)) return false;
        for (let atMost = 128; atMost >= 0; ) {
          const next = this.routes.longestMatch(address, atMost);
          if (next < 0) break;
          atMost = this.routes.prefixOf(next).length - 1;
          if (seen.has(next)) continue;
          seen.add(next);
          waiting.push(next);
        }
        return seen.size > MAX_VISITS;
      });
      if (found) return true;
    }
    return false;
  }

  /** Notes whether the routes of the table count for a next hop that nobody has asked for yet, and which is not asked again either
   *  when the kernel's ways change. */
  private resolveDirect(address: IpAddress): void {
    if (isOfOneLink(address)) return;
    const found = this.resolver?.resolve(address);
    if (found === undefined) return;
    if (found.reachable && !found.byDefault) this.indirect.delete(address);
    else this.indirect.add(address);
  }
}

const direct = (address: IpAddress, metric: number, link?: string): Answer => ({
  address,
  reachable: true,
  gateway: address,
  ...(link !== undefined && { link }),
  metric,
  depth: 0,
});

const asFound = (address: IpAddress, found: Resolution, link?: string): Answer =>
  found.reachable ? direct(address, found.metric, link) : { address, reachable: false, reason: found.reason, depth: 0 };

const LOOP: Reason = {
  code: 'NEXT_HOP_LOOP',
  text: 'every route that contains the next hop leads back to it (RFC 4271 9.1.2.1)',
};
const TOO_DEEP: Reason = {
  code: 'NEXT_HOP_TOO_DEEP',
  text: `the next hop is resolved by more than ${MAX_DEPTH} routes, one behind the other`,
};

const sameWay = (a: Answer, b: Answer): boolean =>
  a.reachable === b.reachable &&
  a.gateway === b.gateway &&
  a.link === b.link &&
  a.metric === b.metric &&
  a.depth === b.depth &&
  a.reason?.code === b.reason?.code &&
  a.through?.length === b.through?.length &&
  (a.through ?? []).every((p, i) => p.address === b.through?.[i]?.address && p.length === b.through[i]?.length);
