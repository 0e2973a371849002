/** Interned route targets: equal targets have one id, so that a table of routes is prefix -> number. Pure.
 *  Targets are few (a next hop of a node, a pod's device), and come and go with them: they are counted and freed. */
import { formatIp, type IpAddress, isIpv6 } from '../../base/ip.ts';
import type { NextHop, RouteTarget } from '../../model/kernel-route.ts';
import * as k from '../../netlink/constants.ts';
import type { Route } from '../../netlink/route.ts';
import type { RouteVia } from '../../netlink/route-batch.ts';

export type Family = 'ipv4' | 'ipv6';

/** What the kernel makes of a route without a metric. IP6_RT_PRIO_USER */
const DEFAULT_METRIC = { ipv4: 0, ipv6: 1024 } as const;
/** The loopback's index, 1 in every namespace: IPv6 has its blackholes there. */
const LOOPBACK = 1;

interface Entry {
  readonly id: number;
  readonly key: string;
  readonly target: RouteTarget;
  readonly metric: number;
  references: number;
  /** What netlink wants, with device names resolved; undefined: to be worked out. */
  via: RouteVia | undefined;
  /** The same for a delete, where that differs. */
  gone: RouteVia | undefined;
}

const hopKey = (h: NextHop): string => `${h.gateway ?? ''}@${h.device}${h.onlink ? '!' : ''}`;
/** The kernel has the hops of IPv6 in the order it likes; of IPv4 in ours, but that says nothing either. */
const keyOf = (t: RouteTarget, metric: number): string =>
  `${t.type} ${t.scope} ${t.protocol} ${metric} ${
    t.nextHops.length > 1 ? t.nextHops.map(hopKey).sort().join(' ') : t.nextHops.map(hopKey).join(' ')
  }`;

export class RouteTargets {
  readonly family: Family;
  private readonly entries: (Entry | undefined)[] = [];
  private readonly free: number[] = [];
  private readonly byKey = new Map<string, Entry>();
  /** Callers share target objects; the text key is then made once for each. */
  private byObject = new WeakMap<RouteTarget, Entry>();
  private lastObject: RouteTarget | undefined;
  private lastEntry: Entry | undefined;

  constructor(family: Family = 'ipv4') {
    this.family = family;
  }
  /** The id, with one reference more: `release` it when the slot that holds it changes. */
  retain(target: RouteTarget): number {
    const entry = this.lastObject === target && this.lastEntry !== undefined ? this.lastEntry : this.intern(target);
    entry.references += 1;
    return entry.id;
  }
  private intern(target: RouteTarget): Entry {
    let entry = this.byObject.get(target);
    if (entry === undefined || this.entries[entry.id] !== entry) {
      const metric = this.metricOf(target);
      const key = keyOf(target, metric);
      entry = this.byKey.get(key);
      if (entry === undefined) {
        const id = this.free.pop() ?? this.entries.length;
        entry = { id, key, target, metric, references: 0, via: undefined, gone: undefined };
        this.entries[id] = entry;
        this.byKey.set(key, entry);
      }
      this.byObject.set(target, entry);
    }
    this.lastObject = target;
    this.lastEntry = entry;
    return entry;
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
    if (this.lastEntry === entry) this.lastEntry = undefined;
  }
  get(id: number): RouteTarget {
    return this.entry(id).target;
  }
  /** As the kernel has it. */
  metric(id: number): number {
    return this.entry(id).metric;
  }
  metricOf(target: RouteTarget): number {
    return target.metric === undefined || target.metric === 0 ? DEFAULT_METRIC[this.family] : target.metric;
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
    for (const e of this.entries)
      if (e !== undefined) {
        e.via = undefined;
        e.gone = undefined;
      }
  }
  /** Undefined when a device has no index. */
  via(id: number, table: number, indexOf: (device: string) => number | undefined): RouteVia | undefined {
    const entry = this.entry(id);
    entry.via ??= toVia(entry, table, indexOf);
    return entry.via;
  }
  /** The same where it was asked for since the last change of devices. */
  knownVia(id: number): RouteVia | undefined {
    return this.entry(id).via;
  }
  /** For a delete. An IPv6 blackhole then names its device: without one the kernel would take the first route of our protocol
   *  and metric, whatever its kind. */
  viaOfDelete(id: number, table: number, indexOf: (device: string) => number | undefined): RouteVia | undefined {
    const via = this.via(id, table, indexOf);
    if (this.family === 'ipv4' || via === undefined || via.type !== k.RTN_BLACKHOLE) return via;
    const entry = this.entry(id);
    entry.gone ??= { ...via, oif: LOOPBACK };
    return entry.gone;
  }
}

function toVia(
  { target: t, metric }: Entry,
  table: number,
  indexOf: (device: string) => number | undefined,
): RouteVia | undefined {
  const hops: { gateway: IpAddress | 0; oif: number; onlink: boolean }[] = [];
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
    metric,
  };
  const [first] = hops;
  if (first === undefined) return rest;
  return hops.length > 1 ? { ...rest, nexthops: hops } : { ...rest, ...first };
}

/** A route of the kernel in our words; undefined when it is of a form we never write (local, throw, with a TOS, …). */
export function fromKernel(route: Route, nameOf: (index: number) => string): RouteTarget | undefined {
  if (route.tos !== 0 || (route.type !== k.RTN_UNICAST && route.type !== k.RTN_BLACKHOLE)) return undefined;
  if (route.scope !== k.RT_SCOPE_UNIVERSE && route.scope !== k.RT_SCOPE_LINK) return undefined;
  const hop = (gateway: IpAddress, oif: number, flags: number): NextHop => {
    const way = { device: nameOf(oif), onlink: (flags & k.RTNH_F_ONLINK) !== 0 };
    return gateway === 0 ? way : { ...way, gateway };
  };
  const nextHops =
    route.type === k.RTN_BLACKHOLE
      ? []
      : route.nexthops.length > 0
        ? route.nexthops.map((h) => hop(h.gateway, h.oif, h.flags))
        : route.oif === 0
          ? []
          : [hop(route.gateway, route.oif, route.flags)];
  const six = isIpv6(route.dst);
  // IPv6 knows no scopes: what leads to the link itself is of the link.
  const link = six
    ? nextHops.length > 0 && nextHops.every((h) => h.gateway === undefined)
    : route.scope === k.RT_SCOPE_LINK;
  return {
    type: route.type === k.RTN_BLACKHOLE ? 'blackhole' : 'unicast',
    scope: link ? 'link' : 'universe',
    nextHops,
    protocol: route.protocol,
    ...(route.metric === DEFAULT_METRIC[six ? 'ipv6' : 'ipv4'] ? {} : { metric: route.metric }),
  };
}

/** "via 192.168.34.102 dev tunl0 onlink" */
export function formatVia(t: RouteTarget): string {
  if (t.type === 'blackhole') return 'blackhole';
  return t.nextHops
    .map(
      (h) =>
        `${h.gateway === undefined ? '' : `via ${formatIp(h.gateway)} `}dev ${h.device}${h.onlink ? ' onlink' : ''}`,
    )
    .join(' nexthop ');
}
