/** The kernel's routes into the slots: by dumps, and by events in between. Decides whose a route is and what is drift.
 *  No I/O of its own: dumps and events are handed in. */
import { ipPrefix } from '../../base/ip.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import * as k from '../../netlink/constants.ts';
import type { NetlinkEvent } from '../../netlink/monitor.ts';
import type { Route } from '../../netlink/route.ts';
import { type OwnershipRule, ownership } from './ownership.ts';
import type { Drift, ForeignRoutes, FoundRoute } from './route-programmer.ts';
import { DRIFTED, IN_FLIGHT, NONE, type RouteSlots, SHARED, UNSURE } from './route-slots.ts';
import { fromKernel } from './route-targets.ts';

export type RouteEvent = Extract<NetlinkEvent, { kind: 'route' }>;

const SHOWN = 20;

export interface RouteReaderOptions {
  readonly slots: RouteSlots;
  readonly table: number;
  readonly rule: OwnershipRule;
  readonly nameOf: (index: number) => string;
  /** Tells of drift; the slot is marked dirty already. */
  readonly onDrift: (id: number, drift: Omit<Drift, 'at'>) => void;
  /** An event and a change of ours crossed: only a dump can tell what the kernel has. */
  readonly onUncertain: () => void;
}

export class RouteReader {
  private readonly o: RouteReaderOptions;
  private epoch = 0;
  /** Surplus before the dump: what we put there stays ours, also where its looks do not say so. */
  private former: ReadonlyMap<number, readonly number[]> = new Map();
  private total = 0;
  private byProtocol: Record<number, number> = {};
  private unclaimed: FoundRoute[] = [];
  private unclaimedTotal = 0;

  constructor(options: RouteReaderOptions) {
    this.o = options;
  }
  beginDump(): void {
    this.epoch = (this.epoch % 255) + 1; // 0: never seen
    this.total = 0;
    this.byProtocol = {};
    this.unclaimed = [];
    this.unclaimedTotal = 0;
    this.o.slots.foreign.clear();
    // With its references; a dump that failed or began anew has left its own here, which are kept as well.
    const former = new Map(this.former);
    for (const [id, ids] of this.o.slots.surplus) former.set(id, [...(former.get(id) ?? []), ...ids]);
    this.former = former;
    this.o.slots.surplus.clear();
  }
  private forgetFormer(): void {
    for (const [, ids] of this.former) for (const id of ids) this.o.slots.targets.release(id);
    this.former = new Map();
  }
  onDumped(route: Route): void {
    const { slots } = this.o;
    const known = slots.find(route.dst, route.len);
    if (known !== NONE && this.asInstalled(known, route)) {
      slots.setSeen(known, this.epoch);
      slots.unset(known, SHARED);
      if (slots.wanted(known) !== slots.installed(known)) slots.markDirty(known);
      return;
    }
    const p = ipPrefix(route.dst, route.len);
    const target = fromKernel(route, this.o.nameOf);
    const whose = ownership(p, route.protocol, target, this.o.rule);
    const shared = this.sharedWith(known, route, target);
    if (shared !== NONE) {
      this.seen(known, shared);
      slots.set(known, SHARED);
      this.others(known, route, undefined);
      return;
    }
    const targetId = target === undefined ? NONE : slots.targets.retain(target);
    // What we put there in this life, or exactly want, is ours whatever it looks like.
    const ours =
      targetId !== NONE &&
      (whose === 'ours' ||
        (whose === 'unclaimed' &&
          known !== NONE &&
          (slots.installed(known) === targetId ||
            slots.wanted(known) === targetId ||
            this.former.get(known)?.includes(targetId) === true)));
    if (ours) this.found(slots.slot(p.address, p.length), targetId, target);
    else this.others(known, route, whose === 'unclaimed' && target !== undefined ? { prefix: p, target } : undefined);
    if (targetId !== NONE) slots.targets.release(targetId);
  }
  /** Ours, not seen in this dump yet, with one next hop, as it was: the common case, without an object for it. */
  private asInstalled(id: number, route: Route): boolean {
    const { slots } = this.o;
    const installed = slots.installed(id);
    if (installed === NONE || slots.seen(id) === this.epoch || route.nexthops.length > 0) return false;
    const via = slots.targets.knownVia(installed);
    return (
      via !== undefined &&
      via.nexthops === undefined &&
      via.protocol === route.protocol &&
      via.type === route.type &&
      (via.type === k.RTN_BLACKHOLE || (via.gateway === route.gateway && via.oif === route.oif)) &&
      via.metric === route.metric &&
      (slots.family === 'ipv6' || via.scope === route.scope) &&
      route.tos === 0 &&
      (via.onlink === true) === ((route.flags & k.RTNH_F_ONLINK) !== 0)
    );
  }
  /** IPv6: the target that is ours when the route has all its next hops and others beside them, which some program appended. */
  private sharedWith(id: number, route: Route, found: RouteTarget | undefined): number {
    const { slots } = this.o;
    if (slots.family === 'ipv4' || id === NONE || found === undefined || found.nextHops.length < 2) return NONE;
    for (const candidate of [slots.installed(id), slots.wanted(id)]) {
      if (candidate === NONE || slots.targets.metric(candidate) !== route.metric) continue;
      const { nextHops } = slots.targets.get(candidate);
      if (nextHops.length === 0 || nextHops.length >= found.nextHops.length) continue;
      if (nextHops.every((h) => found.nextHops.some((f) => f.gateway === h.gateway && f.device === h.device)))
        return candidate;
    }
    return NONE;
  }
  /** Ours by its looks. */
  private found(id: number, targetId: number, target: RouteTarget | undefined): void {
    const { slots } = this.o;
    const known = slots.installed(id) === targetId;
    this.seen(id, targetId);
    if (slots.family === 'ipv4' || slots.installed(id) !== targetId) return;
    slots.unset(id, SHARED);
    if (!known && target !== undefined && target.nextHops.length > 1) slots.set(id, UNSURE);
  }
  /** Ours. Of several at one prefix the wanted one counts as installed, the others are surplus. */
  private seen(id: number, targetId: number): void {
    const { slots } = this.o;
    if (slots.seen(id) !== this.epoch) {
      slots.setSeen(id, this.epoch);
      const before = slots.installed(id);
      slots.setInstalled(id, targetId);
      const wanted = slots.wanted(id);
      if (before !== NONE && before === wanted && before !== targetId)
        this.drifted(id, { what: 'replaced', culpritPort: 0 });
      if (before !== targetId || wanted !== targetId) slots.markDirty(id);
      return;
    }
    let extra = targetId;
    if (slots.wanted(id) === targetId) {
      extra = slots.targets.retainId(slots.installed(id));
      slots.setInstalled(id, targetId);
    } else slots.targets.retainId(extra);
    slots.surplus.set(id, [...(slots.surplus.get(id) ?? []), extra]);
    slots.markDirty(id);
  }
  private others(known: number, route: Route, unclaimed: FoundRoute | undefined): void {
    this.total += 1;
    this.byProtocol[route.protocol] = (this.byProtocol[route.protocol] ?? 0) + 1;
    if (unclaimed !== undefined) {
      this.unclaimedTotal += 1;
      if (this.unclaimed.length < SHOWN) this.unclaimed.push(unclaimed);
    }
    // The kernel dumps the routes of one prefix in their order.
    if (known !== NONE) this.stands(known, route, this.o.slots.seen(known) === this.epoch);
  }
  /** A foreign route at a prefix of ours. */
  private stands(id: number, route: Route, afterOurs: boolean): void {
    if (route.tos !== 0) return;
    const { slots } = this.o;
    const there = slots.foreign.get(id) ?? [];
    const key = routeKey(route);
    const installed = slots.installed(id);
    const behind = afterOurs && installed !== NONE && slots.targets.metric(installed) === route.metric;
    if (!there.some((f) => f.key === key))
      slots.foreign.set(id, [...there, { protocol: route.protocol, metric: route.metric, key, behind }]);
    if (slots.wanted(id) !== slots.installed(id)) slots.markDirty(id);
  }
  /** Ours that the dump did not show are gone; what a foreign route blocked may be free. In steps, of a table that may be
   *  large: from slot `from` on, at most `count`. Answers where to go on; the end is at the tables' idBound. */
  endDump(from: number, count: number): number {
    const { slots } = this.o;
    if (from === 0) this.forgetFormer();
    const to = Math.min(from + count, slots.prefixes.idBound);
    for (let id = from; id < to; id++) {
      if (!slots.prefixes.has(id)) continue;
      if (slots.seen(id) !== this.epoch && slots.installed(id) !== NONE)
        this.lost(id, { what: 'missing', culpritPort: 0 });
      if (slots.failures.size > 0 && slots.failures.has(id) && slots.foreign.get(id) === undefined) slots.markDirty(id);
      slots.freeIfIdle(id);
    }
    return to;
  }
  private lost(id: number, how: Omit<Drift, 'at' | 'prefix'>): void {
    const { slots } = this.o;
    const was = slots.installed(id);
    slots.setInstalled(id, NONE);
    if (slots.wanted(id) === was) this.drifted(id, how);
    slots.markDirty(id);
  }
  private drifted(id: number, how: Omit<Drift, 'at' | 'prefix'>): void {
    const { slots } = this.o;
    slots.set(id, DRIFTED);
    this.o.onDrift(id, { ...how, prefix: slots.prefixOf(id) });
  }
  /** A change that was not ours, in order, applied on top of the last dump. */
  onEvent(event: RouteEvent): void {
    const { route } = event;
    const { slots } = this.o;
    if (route.table !== this.o.table) return;
    const id = slots.find(route.dst, route.len);
    const p = ipPrefix(route.dst, route.len);
    const target = fromKernel(route, this.o.nameOf);
    const whose = ownership(p, route.protocol, target, this.o.rule);
    if (id === NONE) {
      if (whose === 'ours' && !event.gone) this.onDumpedLate(route);
      return;
    }
    if (slots.has(id, IN_FLIGHT) || target?.nextHops.some((h) => h.device.startsWith('#')) === true)
      this.o.onUncertain();
    if (this.isOfMergedHops(id, event, target)) return;
    if (event.gone) this.onGone(id, route, target, event.portId);
    else this.onNew(id, event, target, whose === 'ours');
    slots.freeIfIdle(id);
  }
  /** IPv6 tells of hops joining and leaving a route as of routes, by one hop's protocol: only a dump shows what is there then. Until
   *  it has, nothing at this prefix is replaced. */
  private isOfMergedHops(id: number, event: RouteEvent, target: RouteTarget | undefined): boolean {
    const { slots } = this.o;
    const installed = slots.installed(id);
    if (slots.family === 'ipv4' || installed === NONE) return false;
    if (slots.targets.metric(installed) !== event.route.metric) return false;
    const hops = slots.targets.get(installed).nextHops.length;
    if (event.gone && !slots.has(id, SHARED | UNSURE) && this.isInstalled(id, target)) return false;
    if (hops === 0 || (hops < 2 && (target?.nextHops.length ?? 0) < 2 && !slots.has(id, SHARED))) return false;
    slots.set(id, SHARED);
    this.o.onUncertain();
    return true;
  }
  /** Somebody made a route that looks like ours at a prefix nobody wants: a leftover like any other. */
  private onDumpedLate(route: Route): void {
    const target = fromKernel(route, this.o.nameOf);
    if (target === undefined) return;
    const { slots } = this.o;
    const id = slots.slot(route.dst, route.len);
    const targetId = slots.targets.retain(target);
    slots.setInstalled(id, targetId);
    slots.targets.release(targetId);
    slots.setSeen(id, this.epoch);
    slots.markDirty(id);
  }
  private isInstalled(id: number, target: RouteTarget | undefined): boolean {
    if (target === undefined) return false;
    const { slots } = this.o;
    const targetId = slots.targets.retain(target);
    const same = slots.installed(id) === targetId;
    slots.targets.release(targetId);
    return same;
  }
  private onGone(id: number, route: Route, target: RouteTarget | undefined, portId: number): void {
    const { slots } = this.o;
    if (this.isInstalled(id, target)) {
      this.lost(id, { what: 'deleted', culpritPort: portId });
      return;
    }
    this.forgetSurplus(id, target);
    const key = routeKey(route);
    const there = slots.foreign.get(id) ?? [];
    const left = there.filter((f) => f.key !== key);
    // Of merged next hops one went: the rest has another key.
    if (slots.family === 'ipv6' && left.length > 0 && left.length === there.length) this.o.onUncertain();
    if (left.length === 0) slots.foreign.delete(id);
    else slots.foreign.set(id, left);
    if (slots.wanted(id) !== slots.installed(id)) slots.markDirty(id);
  }
  private forgetSurplus(id: number, target: RouteTarget | undefined): void {
    const { slots } = this.o;
    const there = slots.surplus.get(id);
    if (there === undefined || target === undefined) return;
    const targetId = slots.targets.retain(target);
    const left = there.filter((extra) => extra !== targetId);
    for (let n = left.length; n < there.length; n++) slots.targets.release(targetId);
    slots.targets.release(targetId);
    if (left.length === 0) slots.surplus.delete(id);
    else slots.surplus.set(id, left);
  }
  private onNew(id: number, event: RouteEvent, target: RouteTarget | undefined, ours: boolean): void {
    const { slots } = this.o;
    const { route } = event;
    const targetId = target === undefined ? NONE : slots.targets.retain(target);
    const installed = slots.installed(id);
    const mine = targetId !== NONE && (ours || targetId === installed || targetId === slots.wanted(id));
    const replacedOurs =
      event.replaced &&
      installed !== NONE &&
      targetId !== installed &&
      slots.targets.metric(installed) === route.metric;
    if (replacedOurs) {
      this.lost(id, { what: 'replaced', culpritProtocol: route.protocol, culpritPort: event.portId });
    } else if (event.replaced) this.forgetForeign(id, route.metric);
    if (!mine) this.stands(id, route, event.appended);
    else if (slots.installed(id) === NONE) slots.setInstalled(id, targetId);
    else if (slots.installed(id) !== targetId)
      slots.surplus.set(id, [...(slots.surplus.get(id) ?? []), slots.targets.retainId(targetId)]);
    if (targetId !== NONE) slots.targets.release(targetId);
    slots.markDirty(id);
  }
  /** A foreign route was replaced: the first of that metric, which is the one we know. */
  private forgetForeign(id: number, metric: number): void {
    const there = this.o.slots.foreign.get(id);
    if (there === undefined) return;
    const at = there.findIndex((f) => f.metric === metric);
    if (at >= 0) this.o.slots.foreign.set(id, there.toSpliced(at, 1));
  }
  /** The kernel drops a device's routes without a word when the device goes down. */
  onDeviceDown(device: string): void {
    const { slots } = this.o;
    const over = slots.targets.over(device);
    if (over.size === 0) return;
    for (let id = 0; id < slots.prefixes.idBound; id++) {
      if (!slots.prefixes.has(id) || !over.has(slots.installed(id))) continue;
      this.lost(id, { what: 'device-down', culpritPort: 0 });
      slots.freeIfIdle(id);
    }
  }
  foreignRoutes(): ForeignRoutes {
    const { slots } = this.o;
    const inTheWay: { prefix: FoundRoute['prefix']; protocol: number }[] = [];
    for (const [id, failure] of slots.failures) {
      const first = slots.foreign.get(id)?.[0];
      if (failure.reason.code !== 'FOREIGN_ROUTE_IN_THE_WAY' || first === undefined) continue;
      const p = slots.prefixOf(id);
      inTheWay.push({ prefix: p, protocol: first.protocol });
      if (inTheWay.length === SHOWN) break;
    }
    const { total, byProtocol, unclaimed, unclaimedTotal } = this;
    return { total, byProtocol, inTheWay, unclaimed, unclaimedTotal };
  }
}

const routeKey = (r: Route): string =>
  `${r.protocol} ${r.metric} ${r.type} ${r.gateway} ${r.oif} ${r.nexthops.map((h) => `${h.gateway}@${h.oif}`).join(' ')}`;
