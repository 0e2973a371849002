/** Dirty slots into the kernel: plan each, write all in one batch (adds before deletes), and take the answers in.
 *  One failing route never stops the rest: it keeps its errno as a reason and a time to try again. */
import type { Clock } from '../../base/ports.ts';
import { formatPrefix, prefix } from '../../base/prefix.ts';
import type { Reason } from '../../base/reason.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import { type BatchFailure, RouteBatch, type RouteVerb, type RouteVia } from '../../netlink/route-batch.ts';
import type { Interfaces } from '../devices/interfaces.ts';
import { planRoute } from './plan.ts';
import { DIRTY, DRIFTED, IN_FLIGHT, NONE, RELEASED, type RouteSlots } from './route-slots.ts';
import { formatVia } from './route-targets.ts';

/** Wishes of a later turn go out after at most so many. */
const SLOTS_PER_ROUND = 4096;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

export interface RouteWriterOptions {
  readonly slots: RouteSlots;
  readonly client: NetlinkClient;
  readonly interfaces: Interfaces;
  readonly clock: Clock;
  readonly table: number;
  readonly startedAt: number;
  readonly allInSync: () => boolean;
  readonly onUncertain: () => void;
  /** The slots have been dealt with, for now. */
  readonly onRound: (ids: readonly number[]) => void;
  readonly onRepaired: () => void;
}

/** What was sent for one message of the batch. */
interface Sent {
  readonly id: number;
  readonly verb: RouteVerb;
  readonly target: number;
  readonly beside: boolean;
}

export class RouteWriter {
  private readonly o: RouteWriterOptions;
  private readonly batch = new RouteBatch(1024);
  private sent: Sent[] = [];
  private deletes: Sent[] = [];

  constructor(options: RouteWriterOptions) {
    this.o = options;
  }
  /** One round. Rejects when the netlink socket was lost: what the kernel has is then unknown. */
  async write(): Promise<void> {
    const { slots } = this.o;
    const ids = spread(slots.dirty.splice(0, SLOTS_PER_ROUND));
    this.batch.clear();
    this.sent = [];
    this.deletes = [];
    try {
      await this.learnDevices(ids);
      for (const id of ids) this.planSlot(id);
      for (const d of this.deletes) this.put(d);
      const failures = this.batch.size === 0 ? [] : await this.o.client.batch(this.batch);
      this.settle(failures);
    } catch (error) {
      for (const id of ids) {
        slots.unset(id, DIRTY);
        slots.markDirty(id);
      }
      throw error;
    } finally {
      for (const s of this.sent) {
        slots.unset(s.id, IN_FLIGHT);
        slots.targets.release(s.target);
      }
      this.o.onRound(ids);
    }
  }
  /** A device made a moment ago, through our own client, may not have been heard of yet: the kernel is asked once. */
  private async learnDevices(ids: readonly number[]): Promise<void> {
    const { slots, interfaces } = this.o;
    const missing = new Set<string>();
    for (const id of ids) {
      const wanted = slots.wanted(id);
      if (wanted === NONE || wanted === slots.installed(id)) continue;
      for (const hop of slots.targets.get(wanted).nextHops)
        if (interfaces.byName(hop.device)?.up !== true) missing.add(hop.device);
    }
    for (const device of missing) await interfaces.refresh(device);
  }
  private planSlot(id: number): void {
    const { slots } = this.o;
    slots.unset(id, DIRTY);
    const wanted = slots.wanted(id);
    const installed = slots.installed(id);
    const target = wanted === NONE ? undefined : slots.targets.get(wanted);
    const step = planRoute({
      wanted: target,
      installed: installed === NONE ? undefined : slots.targets.get(installed),
      same: wanted === installed,
      foreign: target === undefined ? 'none' : slots.foreignAt(id, target.metric ?? 0),
      mayDelete: slots.has(id, RELEASED) || this.o.allInSync(),
    });
    switch (step) {
      case 'add':
      case 'replace':
        this.change(id, step, wanted, false);
        break;
      case 'add-beside':
        this.change(id, 'add', wanted, true);
        break;
      case 'delete':
        this.remove(id, installed);
        break;
      case 'blocked':
        this.blocked(id);
        break;
      case 'withheld':
        break;
      case 'none':
        slots.failures.delete(id);
        break;
    }
    if (step === 'none' || step === 'delete') this.removeSurplus(id);
  }
  private change(id: number, verb: RouteVerb, target: number, beside: boolean): void {
    const { slots } = this.o;
    const unfit = this.deviceFault(target);
    if (unfit !== undefined) this.fail(id, unfit, Number.POSITIVE_INFINITY);
    else this.put({ id, verb, target: slots.targets.retainId(target), beside });
  }
  private remove(id: number, target: number): void {
    const { slots } = this.o;
    this.deletes.push({ id, verb: 'delete', target: slots.targets.retainId(target), beside: false });
  }
  private removeSurplus(id: number): void {
    for (const extra of this.o.slots.surplus.get(id) ?? []) this.remove(id, extra);
  }
  private put(s: Sent): void {
    const { slots } = this.o;
    const via = this.viaOf(s.target);
    if (via === undefined) {
      // A delete over a device that is gone: so is the route.
      slots.targets.release(s.target);
      this.forget(s.id, s.target);
      return;
    }
    slots.set(s.id, IN_FLIGHT);
    this.sent.push(s);
    this.batch.put(s.verb, slots.prefixes.addressOf(s.id), slots.prefixes.lengthOf(s.id), via);
  }
  private viaOf(target: number): RouteVia | undefined {
    return this.o.slots.targets.via(target, this.o.table, (device) => this.o.interfaces.byName(device)?.index);
  }
  private deviceFault(target: number): Reason | undefined {
    for (const { device } of this.o.slots.targets.get(target).nextHops) {
      const link = this.o.interfaces.byName(device);
      if (link === undefined)
        return { code: 'DEVICE_MISSING', text: `there is no device ${device}; the route follows when it appears` };
      if (!link.up)
        return {
          code: 'DEVICE_DOWN',
          text: `device ${device} is down; the route follows on "ip link set ${device} up"`,
        };
    }
    return undefined;
  }
  private settle(failures: readonly BatchFailure[]): void {
    const { slots } = this.o;
    const failed = new Map(failures.map((f) => [f.index, f]));
    const nowSec = Math.floor((this.o.clock.wall() - this.o.startedAt) / 1000);
    this.sent.forEach((s, index) => {
      const failure = failed.get(index);
      if (failure !== undefined) this.refused(s, failure);
      else if (s.verb === 'delete') this.forget(s.id, s.target);
      else {
        if (s.beside) this.keepSurplus(s.id);
        slots.setInstalled(s.id, s.target);
        slots.sinceSec.at[s.id] = nowSec;
        slots.failures.delete(s.id);
        if (slots.has(s.id, DRIFTED)) this.o.onRepaired();
        slots.unset(s.id, DRIFTED);
      }
    });
  }
  private keepSurplus(id: number): void {
    const { slots } = this.o;
    const old = slots.installed(id);
    if (old === NONE) return;
    slots.surplus.set(id, [...(slots.surplus.get(id) ?? []), slots.targets.retainId(old)]);
    slots.markDirty(id);
  }
  /** The kernel has this route of ours no more. */
  private forget(id: number, target: number): void {
    const { slots } = this.o;
    const extras = slots.surplus.get(id);
    if (extras?.includes(target) === true) {
      const left = extras.toSpliced(extras.indexOf(target), 1);
      if (left.length === 0) slots.surplus.delete(id);
      else slots.surplus.set(id, left);
      slots.targets.release(target);
    } else if (slots.installed(id) === target) slots.setInstalled(id, NONE);
    if (slots.wanted(id) !== slots.installed(id)) slots.markDirty(id);
  }
  private refused(s: Sent, failure: BatchFailure): void {
    const { slots } = this.o;
    if (s.verb === 'delete' && (failure.code === 'ESRCH' || failure.code === 'ENODEV')) this.forget(s.id, s.target);
    else if (s.verb === 'replace' && failure.code === 'ENOENT') {
      slots.setInstalled(s.id, NONE);
      slots.markDirty(s.id);
    } else if (failure.code === 'EEXIST') {
      this.blocked(s.id);
      this.o.onUncertain(); // a route that no event has shown us: look who it is
    } else {
      const text = failure.text === '' ? failure.code : `${failure.code}: ${failure.text}`;
      const p = formatPrefix(prefix(slots.prefixes.addressOf(s.id), slots.prefixes.lengthOf(s.id)));
      const what = `${s.verb} ${p} ${formatVia(slots.targets.get(s.target))}`;
      const delayMs = Math.min((slots.failures.get(s.id)?.delayMs ?? FIRST_RETRY_MS / 2) * 2, MAX_RETRY_MS);
      this.fail(
        s.id,
        { code: 'KERNEL_REFUSED', text: `${what}: ${text}; tried again in ${delayMs / 1000} s` },
        delayMs,
      );
      // The index may be that of a device deleted and made again.
      for (const hop of slots.targets.get(s.target).nextHops)
        void this.o.interfaces.refresh(hop.device).catch(() => {});
    }
  }
  private blocked(id: number): void {
    const foreign = this.o.slots.foreign.get(id)?.[0];
    const whose = foreign === undefined ? 'of others' : `of protocol ${foreign.protocol}`;
    const text = `a route ${whose} has this prefix and metric; ours follows when it goes ("ip route show" names it)`;
    this.fail(id, { code: 'FOREIGN_ROUTE_IN_THE_WAY', text }, Number.POSITIVE_INFINITY);
  }
  private fail(id: number, reason: Reason, delayMs: number): void {
    this.o.slots.failures.set(id, {
      reason,
      retryAt: this.o.clock.now() + delayMs,
      delayMs: Number.isFinite(delayMs) ? delayMs : FIRST_RETRY_MS / 2,
    });
  }
}

/** The kernel's trie takes scattered writes up to five times faster than sorted ones. */
function spread(ids: number[]): number[] {
  if (ids.length < 512) return ids;
  const step = 1597; // prime, and no divisor of a round
  return ids.map((_, i) => ids[(i * step) % ids.length] as number);
}
