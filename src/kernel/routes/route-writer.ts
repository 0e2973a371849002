/** Dirty slots into the kernel: plan each, write all in one batch (adds before deletes), and take the answers in.
 *  One failing route never stops the rest: it keeps its errno as a reason and a time to try again. Hot: what is sent is kept
 *  in columns by the message's place in the batch, so that an answer is found by its sequence number. */

import { formatIpPrefix } from '../../base/ip.ts';
import type { Clock } from '../../base/ports.ts';
import type { Reason } from '../../base/reason.ts';
import { type NetlinkClient, ROUTES_AT_ONCE } from '../../netlink/client.ts';
import { type BatchFailure, RouteBatch } from '../../netlink/route-batch.ts';
import type { Interfaces } from '../devices/interfaces.ts';
import { planRoute } from './plan.ts';
import { AGAIN, DIRTY, DRIFTED, IN_FLIGHT, NONE, RELEASED, type RouteSlots, SHARED, UNSURE } from './route-slots.ts';
import { formatVia } from './route-targets.ts';

/** Wishes of a later turn go out after at most so many. */
const SLOTS_PER_ROUND = 4096;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

/** Verbs of the column. */
const ADD = 0;
const REPLACE = 1;
const DELETE = 2;
/** An add of another metric: what is installed becomes surplus. */
const BESIDE = 3;
const WORDS = ['add', 'replace', 'delete', 'add'] as const;

export interface RouteWriterOptions {
  readonly slots: RouteSlots;
  readonly client: Pick<NetlinkClient, 'batch' | 'batchNow'>;
  readonly interfaces: Interfaces;
  readonly clock: Clock;
  readonly table: number;
  readonly startedAt: number;
  readonly allInSync: () => boolean;
  readonly onUncertain: () => void;
  /** `count` slots of `ids` have been dealt with, for now. */
  readonly onRound: (ids: Int32Array, count: number) => void;
  readonly onRepaired: () => void;
}

/** What one batch sends, by place in it. A reference to each target is held. */
class Round {
  readonly batch = new RouteBatch(ROUTES_AT_ONCE);
  ids = new Int32Array(ROUTES_AT_ONCE);
  count = 0;
  sentId = new Int32Array(2 * ROUTES_AT_ONCE);
  sentVerb = new Uint8Array(2 * ROUTES_AT_ONCE);
  sentTarget = new Int32Array(2 * ROUTES_AT_ONCE);
  sent = 0;
  /** Slot and target of deletes, which go last. */
  readonly deletes: number[] = [];

  note(id: number, verb: number, target: number): void {
    const at = this.sent++;
    if (at === this.sentId.length) {
      const { sentId, sentVerb, sentTarget } = this;
      this.sentId = new Int32Array(at * 2);
      this.sentVerb = new Uint8Array(at * 2);
      this.sentTarget = new Int32Array(at * 2);
      this.sentId.set(sentId);
      this.sentVerb.set(sentVerb);
      this.sentTarget.set(sentTarget);
    }
    this.sentId[at] = id;
    this.sentVerb[at] = verb;
    this.sentTarget[at] = target;
  }
}

export class RouteWriter {
  private readonly o: RouteWriterOptions;
  /** One is made ready while the other is on its way. */
  private readonly rounds: readonly [Round, Round] = [new Round(), new Round()];
  private round: Round = this.rounds[0];
  private readonly indexOf = (device: string): number | undefined => this.o.interfaces.byName(device)?.index;

  constructor(options: RouteWriterOptions) {
    this.o = options;
  }
  /** Rounds as long as there is something to write and `goOn`. Rejects when the netlink socket was lost: what the kernel has is
   *  then unknown. */
  async write(goOn: () => boolean): Promise<void> {
    let onItsWay: Promise<void> = Promise.resolve();
    try {
      do {
        const round = this.round === this.rounds[0] ? this.rounds[1] : this.rounds[0];
        this.round = round;
        const missing = this.take(round, SLOTS_PER_ROUND);
        const answered = this.send(round, missing);
        answered.catch(() => {}); // awaited below
        const before = onItsWay;
        onItsWay = answered;
        await before;
      } while (this.o.slots.dirty.length > 0 && goOn());
    } finally {
      await onItsWay;
    }
  }
  private async send(round: Round, missing: ReadonlySet<string>): Promise<void> {
    try {
      for (const device of missing) await this.o.interfaces.refresh(device);
      this.plan(round);
      if (round.batch.size > 0) this.settle(round, await this.o.client.batch(round.batch));
    } catch (error) {
      this.giveBack(round);
      throw error;
    } finally {
      this.end(round);
    }
  }
  /** One round of few, done when it returns. False: there are more than few, or a device must be asked for first; nothing was
   *  done. Throws as write() rejects. */
  writeNow(): boolean {
    const { dirty } = this.o.slots;
    const [round] = this.rounds;
    if (dirty.length === 0) return true;
    if (dirty.length > ROUTES_AT_ONCE) return false;
    try {
      if (this.take(round, ROUTES_AT_ONCE).size > 0) return this.giveBack(round);
      this.plan(round);
      if (round.batch.size > ROUTES_AT_ONCE) return this.giveBack(round); // with surplus at many prefixes
      const failures = this.o.client.batchNow(round.batch);
      if (failures === undefined) throw new Error('the netlink socket gave no answer');
      this.settle(round, failures);
      return true;
    } catch (error) {
      this.giveBack(round);
      throw error;
    } finally {
      this.end(round);
    }
  }
  /** Takes dirty slots; answers the devices of their targets that are not known to be up. A device made a moment ago, through
   *  our own client, may not have been heard of yet: the kernel is asked once. */
  private take(round: Round, most: number): ReadonlySet<string> {
    const { slots, interfaces } = this.o;
    const n = Math.min(most, slots.dirty.length);
    if (round.ids.length < n) round.ids = new Int32Array(SLOTS_PER_ROUND);
    round.count = slots.dirty.take(round.ids, n);
    const missing = new Set<string>();
    let last = NONE;
    for (let i = 0; i < round.count; i++) {
      const id = round.ids[i] as number;
      const wanted = slots.wanted(id);
      if (wanted === NONE || wanted === last || wanted === slots.installed(id)) continue;
      last = wanted;
      for (const hop of slots.targets.get(wanted).nextHops)
        if (interfaces.byName(hop.device)?.up !== true) missing.add(hop.device);
    }
    return missing;
  }
  private plan(round: Round): void {
    const { slots } = this.o;
    round.batch.clear();
    round.sent = 0;
    round.deletes.length = 0;
    for (let i = 0; i < round.count; i++) {
      const id = round.ids[i] as number;
      slots.unset(id, DIRTY);
      // What becomes of it is not known yet.
      if (slots.has(id, IN_FLIGHT)) slots.set(id, AGAIN);
      else this.planSlot(round, id);
    }
    for (let i = 0; i < round.deletes.length; i += 2)
      this.put(round, round.deletes[i] as number, DELETE, round.deletes[i + 1] as number);
  }
  /** To be dealt with again. */
  private giveBack(round: Round): false {
    const { slots } = this.o;
    for (let i = 0; i < round.count; i++) {
      const id = round.ids[i] as number;
      if (!slots.prefixes.has(id)) continue;
      slots.unset(id, DIRTY);
      slots.markDirty(id);
    }
    round.count = 0;
    return false;
  }
  private end(round: Round): void {
    const { slots } = this.o;
    for (let i = 0; i < round.sent; i++) {
      const id = round.sentId[i] as number;
      slots.unset(id, IN_FLIGHT);
      if (slots.has(id, AGAIN)) {
        slots.unset(id, AGAIN);
        slots.markDirty(id);
      }
      slots.targets.release(round.sentTarget[i] as number);
    }
    round.sent = 0;
    this.o.onRound(round.ids, round.count);
    round.count = 0;
  }
  private planSlot(round: Round, id: number): void {
    const { slots } = this.o;
    const wanted = slots.wanted(id);
    const installed = slots.installed(id);
    const step = planRoute({
      wanted: wanted === NONE ? undefined : slots.targets.metric(wanted),
      installed: installed === NONE ? undefined : slots.targets.metric(installed),
      same: wanted === installed,
      foreign: wanted === NONE ? 'none' : slots.foreignAt(id, slots.targets.metric(wanted)),
      mayDelete: slots.has(id, RELEASED) || this.o.allInSync(),
    });
    switch (step) {
      case 'add':
        this.change(round, id, ADD, wanted);
        break;
      case 'replace':
        this.change(round, id, REPLACE, wanted);
        break;
      case 'add-beside':
        this.change(round, id, BESIDE, wanted);
        break;
      case 'delete':
        this.remove(round, id, installed);
        break;
      case 'blocked':
        this.blocked(id);
        break;
      case 'withheld':
        break;
      case 'none':
        if (slots.failures.size > 0) slots.failures.delete(id);
        break;
    }
    if (slots.surplus.size > 0 && (step === 'none' || step === 'delete'))
      for (const extra of slots.surplus.get(id) ?? []) this.remove(round, id, extra);
  }
  private change(round: Round, id: number, verb: number, target: number): void {
    const unfit = this.deviceFault(target);
    if (unfit !== undefined) this.fail(id, unfit, Number.POSITIVE_INFINITY);
    else this.put(round, id, verb, this.o.slots.targets.retainId(target));
  }
  private remove(round: Round, id: number, target: number): void {
    round.deletes.push(id, this.o.slots.targets.retainId(target));
  }
  private put(round: Round, id: number, verb: number, target: number): void {
    const { slots, table } = this.o;
    const via =
      verb === DELETE
        ? slots.targets.viaOfDelete(target, table, this.indexOf)
        : slots.targets.via(target, table, this.indexOf);
    if (via === undefined) {
      // A delete over a device that is gone: so is the route.
      slots.targets.release(target);
      this.forget(id, target);
      return;
    }
    slots.set(id, IN_FLIGHT);
    round.note(id, verb, target);
    const word = WORDS[verb] as (typeof WORDS)[number];
    round.batch.put(word, slots.prefixes.addressOf(id), slots.prefixes.lengthOf(id), via);
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
  private settle(round: Round, failures: readonly BatchFailure[]): void {
    const { slots } = this.o;
    const failed = failures.length === 0 ? undefined : new Map(failures.map((f) => [f.index, f]));
    const nowSec = Math.floor((this.o.clock.wall() - this.o.startedAt) / 1000);
    for (let at = 0; at < round.sent; at++) {
      const id = round.sentId[at] as number;
      const verb = round.sentVerb[at] as number;
      const target = round.sentTarget[at] as number;
      const failure = failed?.get(at);
      if (failure !== undefined) this.refused(id, verb, target, failure);
      else if (verb === DELETE) this.forget(id, target);
      else {
        if (verb === BESIDE) this.keepSurplus(id);
        slots.setInstalled(id, target);
        slots.setSince(id, nowSec);
        if (slots.failures.size > 0) slots.failures.delete(id);
        if (slots.has(id, DRIFTED)) this.o.onRepaired();
        slots.unset(id, DRIFTED | SHARED | UNSURE);
      }
    }
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
    const extras = slots.surplus.size === 0 ? undefined : slots.surplus.get(id);
    if (extras?.includes(target) === true) {
      const left = extras.toSpliced(extras.indexOf(target), 1);
      if (left.length === 0) slots.surplus.delete(id);
      else slots.surplus.set(id, left);
      slots.targets.release(target);
    } else if (slots.installed(id) === target) slots.setInstalled(id, NONE);
    if (slots.wanted(id) !== slots.installed(id)) slots.markDirty(id);
  }
  private refused(id: number, verb: number, target: number, failure: BatchFailure): void {
    const { slots } = this.o;
    if (verb === DELETE && (failure.code === 'ESRCH' || failure.code === 'ENODEV')) {
      // Of several IPv6 next hops some may still be there.
      if (slots.family === 'ipv6' && slots.targets.get(target).nextHops.length > 1) this.o.onUncertain();
      this.forget(id, target);
    } else if (verb === REPLACE && failure.code === 'ENOENT') {
      slots.setInstalled(id, NONE);
      slots.markDirty(id);
    } else if (failure.code === 'EEXIST') {
      this.blocked(id);
      this.o.onUncertain(); // a route that no event has shown us: look who it is
    } else {
      const text = failure.text === '' ? failure.code : `${failure.code}: ${failure.text}`;
      const p = formatIpPrefix(slots.prefixOf(id));
      const what = `${WORDS[verb]} ${p} ${formatVia(slots.targets.get(target))}`;
      const delayMs = Math.min((slots.failures.get(id)?.delayMs ?? FIRST_RETRY_MS / 2) * 2, MAX_RETRY_MS);
      this.fail(id, { code: 'KERNEL_REFUSED', text: `${what}: ${text}; tried again in ${delayMs / 1000} s` }, delayMs);
      // The index may be that of a device deleted and made again.
      for (const hop of slots.targets.get(target).nextHops) void this.o.interfaces.refresh(hop.device).catch(() => {});
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
