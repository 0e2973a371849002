/** Interned route targets: equal targets have one id, so that a table of routes is prefix -> number. Pure.
 *  Targets are few (a next hop of a node, a pod's device), and come and go with them: they are counted and freed. */
import { formatIpv4, ipv4 } from '../../base/ipv4.ts';
import type { NextHop, RouteTarget } from '../../model/kernel-route.ts';
import * as k from '../../netlink/constants.ts';
import type { Route } from '../../netlink/route.ts';
import type { RouteVia } from '../../netlink/route-batch.ts';

interface Entry {
  readonly id: number;
  readonly key: string;
  readonly target: RouteTarget;
  references: number;
  /** What netlink wants, with device names resolved; undefined: to be worked out. */
  via: RouteVia | undefined;
}

const hopKey = (h: NextHop): string => `${h.gateway ?? ''}@${h.device}${h.onlink ? '!' : ''}`;
const keyOf = (t: RouteTarget): string =>
  `${t.type} ${t.scope} ${t.protocol} ${t.metric ?? 0} ${t.nextHops.map(hopKey).join(' ')}`;

export class RouteTargets {
  private readonly entries: (Entry | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly byKey = new Map<string, Entry>();
  /** Callers share target objects; the text key is then made once for each. */
  private byObject = new WeakMap<RouteTarget, Entry>();

  /** The id, with one reference more: `release` it when the slot that holds it changes. */
  retain(target: RouteTarget): number {
    const known = this.byObject.get(target);
    if (known !== undefined && this.entries[known.id] === known) {
      known.references += 1;
      return known.id;
    }
    const key = keyOf(target);
    let entry = this.byKey.get(key);
    if (entry === undefined) {
      const id = this.free.pop() ?? this.entries.length;
      entry = { id, key, target, references: 0, via: undefined };
      this.entries[id] = entry;
      this.byKey.set(key, entry);
    }
    this.byObject.set(target, entry);
    entry.references += 1;
    return entry.id;
  }
  retainId(id: number): number {
    this.entry(id).references += 1;
    return id;
  }
  release(id: number): void {
    const entry = this.entry(id);
    entry.references -= 1;
    if (entry.references > 0) return;
    this.entries[id] = undefined;
    this.byKey.delete(entry.key);
    this.free.push(id);
  }
  get(id: number): RouteTarget {
    return this.entry(id).target;
  }
  get size(): number {
    return this.byKey.size;
  }
  private entry(id: number): Entry {
    const entry = this.entries[id];
    if (entry === undefined) throw new RangeError(`route target ${id} was freed`);
    return entry;
  }
  /** Ids of the targets that use the device. */
  over(device: string): Set<number> {
    const found = new Set<number>();
    for (const e of this.entries) if (e?.target.nextHops.some((h) => h.device === device)) found.add(e.id);
    return found;
  }
  /** Device indexes may have changed. */
  forgetIndexes(): void {
    for (const e of this.entries) if (e !== undefined) e.via = undefined;
  }
  /** Undefined when a device has no index. */
  via(id: number, table: number, indexOf: (device: string) => number | undefined): RouteVia | undefined {
    const entry = this.entry(id);
    entry.via ??= toVia(entry.target, table, indexOf);
    return entry.via;
  }
}

function toVia(t: RouteTarget, table: number, indexOf: (device: string) => number | undefined): RouteVia | undefined {
  const hops: { gateway: number; oif: number; onlink: boolean }[] = [];
  for (const h of t.nextHops) {
    const oif = indexOf(h.device);
    if (oif === undefined) return undefined;
    hops.push({ gateway: h.gateway ?? 0, oif, onlink: h.onlink });
  }
  const rest = {
    table,
    protocol: t.protocol,
    type: t.type === 'blackhole' ? k.RTN_BLACKHOLE : k.RTN_UNICAST,
    scope: t.scope === 'link' ? k.RT_SCOPE_LINK : k.RT_SCOPE_UNIVERSE,
    metric: t.metric ?? 0,
  };
  const [first] = hops;
  if (first === undefined) return rest;
  return hops.length > 1 ? { ...rest, nexthops: hops } : { ...rest, ...first };
}

/** A route of the kernel in our words; undefined when it is of a form we never write (local, throw, with a TOS, …). */
export function fromKernel(route: Route, nameOf: (index: number) => string): RouteTarget | undefined {
  if (route.tos !== 0 || (route.type !== k.RTN_UNICAST && route.type !== k.RTN_BLACKHOLE)) return undefined;
  if (route.scope !== k.RT_SCOPE_UNIVERSE && route.scope !== k.RT_SCOPE_LINK) return undefined;
  const hop = (gateway: number, oif: number, flags: number): NextHop => {
    const way = { device: nameOf(oif), onlink: (flags & k.RTNH_F_ONLINK) !== 0 };
    return gateway === 0 ? way : { ...way, gateway: ipv4(gateway) };
  };
  const nextHops =
    route.nexthops.length > 0
      ? route.nexthops.map((h) => hop(h.gateway, h.oif, h.flags))
      : route.oif === 0 || route.type === k.RTN_BLACKHOLE
        ? []
        : [hop(route.gateway, route.oif, route.flags)];
  return {
    type: route.type === k.RTN_BLACKHOLE ? 'blackhole' : 'unicast',
    scope: route.scope === k.RT_SCOPE_LINK ? 'link' : 'universe',
    nextHops,
    protocol: route.protocol,
    ...(route.metric === 0 ? {} : { metric: route.metric }),
  };
}

/** "via 192.168.34.102 dev tunl0 onlink" */
export function formatVia(t: RouteTarget): string {
  if (t.type === 'blackhole') return 'blackhole';
  return t.nextHops
    .map(
      (h) =>
        `${h.gateway === undefined ? '' : `via ${formatIpv4(h.gateway)} `}dev ${h.device}${h.onlink ? ' onlink' : ''}`,
    )
    .join(' nexthop ');
}
