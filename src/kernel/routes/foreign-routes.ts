/** The kernel's routes that BGP did not put there, of one family, kept current by dumps and events that are handed in: where an
 *  address leads without us. Pure. Flat for the common prefix with one route: its interned target by the prefix's id.
 *  Connected subnets are not here (the kernel's own protocol): devices/interfaces.ts has them, with their links. */
import { Int32Column } from '../../base/columns.ts';
import type { IpAddress } from '../../base/ip.ts';
import { Ipv6PrefixTable } from '../../base/ipv6-prefix-table.ts';
import type { PrefixIndex } from '../../base/prefix-index.ts';
import { PrefixTable } from '../../base/prefix-table.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import * as k from '../../netlink/constants.ts';
import type { Route } from '../../netlink/route.ts';
import { type Family, fromKernel, RouteTargets } from './route-targets.ts';

const NONE = -1;

export interface ForeignMatch {
  /** A blackhole also where the kernel answers with an error instead of silence. */
  readonly target: RouteTarget;
  readonly metric: number;
  readonly length: number;
}

export class ForeignRoutes {
  private readonly family: Family;
  /** rtm_protocol of ours. */
  private readonly protocol: number;
  private readonly nameOf: (index: number) => string;
  private prefixes: PrefixIndex;
  private targets: RouteTargets;
  /** Of the route with the lowest metric. */
  private first = new Int32Column(NONE);
  /** By id: all of them, where there are several. */
  private readonly several = new Map<number, number[]>();

  constructor(family: Family, protocol: number, nameOf: (index: number) => string) {
    this.family = family;
    this.protocol = protocol;
    this.nameOf = nameOf;
    this.prefixes = this.newTable();
    this.targets = new RouteTargets(family);
  }
  private newTable(): PrefixIndex {
    return this.family === 'ipv4' ? new PrefixTable() : (new Ipv6PrefixTable() as PrefixIndex);
  }
  clear(): void {
    this.prefixes = this.newTable();
    this.targets = new RouteTargets(this.family);
    this.first = new Int32Column(NONE);
    this.several.clear();
  }
  /** What the dump showed, or an event. True when something changed. */
  add(route: Route, replaced = false): boolean {
    const target = this.targetOf(route);
    if (target === undefined) return replaced && this.forgetReplaced(route);
    const changed = replaced && this.forgetReplaced(route);
    const id = this.prefixes.insert(route.dst, route.len);
    this.first.reach(id);
    const targetId = this.targets.retain(target);
    const there = this.all(id);
    if (there.includes(targetId)) {
      this.targets.release(targetId);
      return changed;
    }
    this.set(id, [...there, targetId]);
    return true;
  }
  remove(route: Route): boolean {
    const target = this.targetOf(route);
    const id = target === undefined ? NONE : this.prefixes.find(route.dst, route.len);
    if (target === undefined || id === NONE) return false;
    const targetId = this.targets.retain(target);
    const there = this.all(id);
    const left = there.filter((t) => t !== targetId);
    this.targets.release(targetId);
    if (left.length === there.length) return false;
    this.targets.release(targetId);
    this.set(id, left);
    return true;
  }
  /** A route with REPLACE took the place of the first of its metric. */
  private forgetReplaced(route: Route): boolean {
    const id = this.prefixes.find(route.dst, route.len);
    if (id === NONE) return false;
    const there = this.all(id);
    const gone = there.find((t) => this.targets.metric(t) === route.metric);
    if (gone === undefined) return false;
    this.targets.release(gone);
    this.set(
      id,
      there.filter((t) => t !== gone),
    );
    return true;
  }
  private all(id: number): readonly number[] {
    const several = this.several.get(id);
    if (several !== undefined) return several;
    const only = this.first.at[id] as number;
    return only === NONE ? [] : [only];
  }
  private set(id: number, ids: readonly number[]): void {
    const sorted = ids.toSorted((a, b) => this.targets.metric(a) - this.targets.metric(b));
    this.first.at[id] = sorted[0] ?? NONE;
    if (sorted.length > 1) this.several.set(id, sorted);
    else this.several.delete(id);
    if (sorted.length === 0) this.prefixes.deleteId(id);
  }
  /** Undefined for ours, for what the kernel makes of addresses, and for what applies to some packets only. */
  private targetOf(route: Route): RouteTarget | undefined {
    if (route.protocol === this.protocol || route.protocol === k.RTPROT_KERNEL || route.tos !== 0) return undefined;
    if (route.type === k.RTN_UNREACHABLE || route.type === k.RTN_PROHIBIT)
      return {
        type: 'blackhole',
        scope: 'universe',
        nextHops: [],
        protocol: route.protocol,
        ...(route.metric === 0 ? {} : { metric: route.metric }),
      };
    return fromKernel(route, this.nameOf);
  }
  /** The longest match; of several routes there, that with the lowest metric. */
  match(address: IpAddress): ForeignMatch | undefined {
    const id = this.prefixes.longestMatch(address);
    if (id === NONE) return undefined;
    const targetId = this.first.at[id] as number;
    return {
      target: this.targets.get(targetId),
      metric: this.targets.metric(targetId),
      length: this.prefixes.lengthOf(id),
    };
  }
  get size(): number {
    return this.prefixes.size;
  }
}
