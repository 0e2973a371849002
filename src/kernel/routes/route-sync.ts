/** The route programmer at work: one loop that reads (dump) or writes (a round of dirty slots), never both at once, so
 *  that a dump sees no change of ours half done. Events come in between and are applied in order. */
import { type Prefix, prefix } from '../../base/prefix.ts';
import type { Reason } from '../../base/reason.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import { RT_TABLE_MAIN, RTM_NEWROUTE } from '../../netlink/constants.ts';
import { type NetlinkEvent, type NetlinkMonitor, openMonitor } from '../../netlink/monitor.ts';
import { isErrno } from '../../netlink/request.ts';
import { decodeRoute, dumpRoutesRequest } from '../../netlink/route.ts';
import type { InterfaceChange } from '../devices/interfaces.ts';
import {
  type Drift,
  ROUTE_OWNERS,
  type RouteOwner,
  type RouteProgrammer,
  type RouteProgrammerOptions,
  type RouteProgrammerStatus,
  type RouteState,
} from './route-programmer.ts';
import { type RouteEvent, RouteReader } from './route-reader.ts';
import { DIRTY, IN_FLIGHT, NONE, RELEASED, RouteSlots } from './route-slots.ts';
import { RouteWriter } from './route-writer.ts';

const RESYNC_MS = 90_000;
/** Of dumps that an event asks for. */
const MIN_BETWEEN_DUMPS_MS = 200;
const TICK_MS = 500;
const MAX_WAITING_EVENTS = 100_000;
/** The same route lost again within so long is repaired only after it: two programs must not spin against each other. */
const REPAIR_PAUSE_MS = 900;
const AFTER_FAULT_MS = 1000;
const PENDING: Reason = { code: 'PENDING', text: 'not written yet' };

export const createRouteProgrammer = (options: RouteProgrammerOptions): RouteProgrammer => new RouteSync(options);

class RouteSync implements RouteProgrammer {
  private readonly o: RouteProgrammerOptions;
  private readonly table: number;
  private readonly startedAt: number;
  private readonly slots = new RouteSlots();
  private readonly reader: RouteReader;
  private readonly writer: RouteWriter;
  private readonly spoken = new Set<RouteOwner>();
  private readonly waiters = new Map<number, ((reason: Reason | undefined) => void)[]>();
  private idlers: (() => void)[] = [];
  private monitor: NetlinkMonitor | undefined;
  private unsubscribe: (() => void) | undefined;
  private cancelTick: (() => void) | undefined;
  private cancelDumpTimer: (() => void) | undefined;
  /** Events during a dump. */
  private waiting: RouteEvent[] | undefined;
  private running = false;
  private scheduled = false;
  private started = false;
  private stopped = false;
  private dumpWanted = false;
  private lastDumpAt = Number.NEGATIVE_INFINITY;
  private pausedUntil = Number.NEGATIVE_INFINITY;
  private lastRepairs = new Map<number, number>();
  private found = 0;
  private repaired = 0;
  private overflows = 0;
  private lastDrift: Drift | undefined;

  constructor(options: RouteProgrammerOptions) {
    this.o = options;
    this.table = options.table ?? RT_TABLE_MAIN;
    this.startedAt = options.clock.wall();
    const { slots, table } = this;
    const { client, interfaces, clock, protocol } = options;
    const onUncertain = (): void => this.wantDump();
    this.reader = new RouteReader({
      slots,
      table,
      rule: { protocol, isOurs: options.isOurs ?? (() => false) },
      nameOf: (index) => interfaces.byIndex(index)?.name ?? `#${index}`,
      onDrift: (id, drift) => this.onDrift(id, { ...drift, at: clock.wall() }),
      onUncertain,
    });
    this.writer = new RouteWriter({
      slots,
      client,
      interfaces,
      clock,
      table,
      startedAt: this.startedAt,
      allInSync: () => this.allInSync(),
      onUncertain,
      onRound: (ids) => this.onRound(ids),
      onRepaired: () => {
        this.repaired += 1;
      },
    });
  }
  async start(): Promise<{ found: number }> {
    const { client, netns } = this.o;
    this.monitor = openMonitor({
      groups: ['route'],
      ignorePortId: client.portId,
      ...(netns === undefined ? {} : { netns }),
      onEvent: (event) => this.onEvent(event),
      onOverflow: () => {
        this.overflows += 1;
        this.wantDump();
      },
    });
    this.unsubscribe = this.o.interfaces.onChange((change) => this.onInterface(change));
    await this.dump();
    this.slots.prefixes.forEach((id) => {
      if (this.slots.installed(id) !== NONE) this.found += 1 + (this.slots.surplus.get(id)?.length ?? 0);
    });
    this.started = true;
    this.tick();
    this.schedule();
    return { found: this.found };
  }

  // Wishes.

  want(owner: RouteOwner, p: Prefix, target: RouteTarget): void {
    this.slots.wish(owner, this.slots.slot(p.address, p.length), target);
    this.schedule();
  }
  unwant(owner: RouteOwner, p: Prefix): void {
    const id = this.slots.find(p.address, p.length);
    if (id !== NONE) this.takeBack(owner, id);
  }
  private takeBack(owner: RouteOwner, id: number): void {
    this.slots.dropHold(owner, id);
    const had = this.slots.unwish(owner, id);
    // Another peer may yet announce what one peer withdrew; but a pod that is gone is gone.
    if ((had || owner !== 'bgp') && (owner !== 'bgp' || this.allInSync())) {
      if (this.slots.winner(id) === NONE && this.slots.installed(id) !== NONE) {
        this.slots.set(id, RELEASED);
        this.slots.markDirty(id);
      }
    }
    this.slots.freeIfIdle(id);
    this.schedule();
  }
  hold(owner: RouteOwner, p: Prefix, reason: Reason): void {
    const id = this.slots.slot(p.address, p.length);
    this.slots.hold(owner, id, reason);
    if (this.slots.unwish(owner, id) && this.slots.winner(id) === NONE) this.slots.set(id, RELEASED);
    this.schedule();
  }
  clear(owner: RouteOwner): void {
    this.slots.prefixes.forEach((id) => {
      this.slots.dropHold(owner, id);
      if (this.slots.unwish(owner, id) && this.slots.winner(id) === NONE) this.slots.set(id, RELEASED);
      this.slots.freeIfIdle(id);
    });
    this.schedule();
  }
  inSync(owner: RouteOwner): void {
    if (this.spoken.has(owner)) return;
    this.spoken.add(owner);
    if (!this.allInSync()) return;
    this.slots.prefixes.forEach((id) => {
      if (this.slots.wanted(id) === NONE && this.slots.installed(id) !== NONE) this.slots.markDirty(id);
    });
    this.schedule();
  }
  private allInSync(): boolean {
    return (this.o.owners ?? ROUTE_OWNERS).every((owner) => this.spoken.has(owner));
  }

  // What people and callers see.

  settled(p: Prefix): Promise<Reason | undefined> {
    const id = this.slots.find(p.address, p.length);
    if (id === NONE) return Promise.resolve(undefined);
    if (this.stopped || (this.started && !this.slots.has(id, DIRTY | IN_FLIGHT)))
      return Promise.resolve(this.reasonOf(id));
    if (!this.started) this.slots.markDirty(id);
    return new Promise((resolve) => this.waiters.set(id, [...(this.waiters.get(id) ?? []), resolve]));
  }
  idle(): Promise<void> {
    if (this.stopped || (this.started && !this.running && this.slots.dirty.length === 0 && !this.dumpWanted))
      return Promise.resolve();
    return new Promise((resolve) => this.idlers.push(resolve));
  }
  private reasonOf(id: number): Reason | undefined {
    const { slots } = this;
    const wanted = slots.wanted(id);
    if (wanted !== NONE)
      return wanted === slots.installed(id) ? undefined : (slots.failures.get(id)?.reason ?? PENDING);
    const failure = slots.failures.get(id)?.reason;
    if (failure !== undefined) return failure;
    const held = slots.heldReason(id);
    if (held !== undefined || slots.installed(id) === NONE) return held;
    const missing = (this.o.owners ?? ROUTE_OWNERS).filter((owner) => !this.spoken.has(owner));
    if (missing.length === 0) return undefined;
    return { code: 'NOT_IN_SYNC', text: `kept until ${missing.join(', ')} have told all their routes` };
  }
  state(p: Prefix): RouteState {
    const id = this.slots.find(p.address, p.length);
    return id === NONE ? { installed: false } : this.stateOf(id);
  }
  private stateOf(id: number): RouteState {
    const { slots } = this;
    const wanted = slots.wanted(id);
    const owner = ROUTE_OWNERS[slots.winner(id)];
    const installed = wanted !== NONE && wanted === slots.installed(id);
    const reason = this.reasonOf(id);
    return {
      installed,
      ...(owner === undefined ? {} : { owner, wanted: slots.targets.get(wanted) }),
      ...(reason === undefined ? {} : { reason }),
      ...(installed ? { since: this.startedAt + (slots.sinceSec.at[id] as number) * 1000 } : {}),
    };
  }
  each(on: (p: Prefix, state: RouteState) => void): void {
    this.slots.prefixes.forEach((id, address, length) => {
      on(prefix(address, length), this.stateOf(id));
    });
  }
  status(): RouteProgrammerStatus {
    const { slots } = this;
    let wanted = 0;
    let installed = 0;
    let failed = 0;
    let leftover = 0;
    slots.prefixes.forEach((id) => {
      const target = slots.wanted(id);
      if (target === NONE) leftover += slots.installed(id) === NONE ? 0 : 1;
      else {
        wanted += 1;
        if (target === slots.installed(id)) installed += 1;
        else if (slots.failures.has(id)) failed += 1;
      }
    });
    return {
      wanted,
      installed,
      failed,
      held: slots.heldCount,
      found: this.found,
      leftover,
      foreign: this.reader.foreignRoutes(),
      driftRepaired: this.repaired,
      ...(this.lastDrift === undefined ? {} : { lastDrift: this.lastDrift }),
      overflows: this.overflows,
      inSync: [...this.spoken],
    };
  }

  // What the world says.

  private onEvent(event: NetlinkEvent): void {
    if (event.kind !== 'route') return;
    if (this.waiting === undefined) {
      this.reader.onEvent(event);
      this.schedule();
    } else if (this.waiting.length < MAX_WAITING_EVENTS) this.waiting.push(event);
    else this.wantDump();
  }
  private onInterface(change: InterfaceChange): void {
    const { slots } = this;
    slots.targets.forgetIndexes();
    if (change.kind === 'link') {
      if (!change.up) this.reader.onDeviceDown(change.name);
      else
        for (const [id] of slots.failures)
          if (
            slots.wanted(id) !== NONE &&
            slots.targets.get(slots.wanted(id)).nextHops.some((h) => h.device === change.name)
          )
            slots.markDirty(id);
    }
    // With a device's last address the kernel drops its routes without a word.
    if (change.kind === 'reread' || (change.kind === 'address' && change.gone)) this.wantDump();
    this.schedule();
  }
  private onDrift(id: number, drift: Drift): void {
    this.lastDrift = drift;
    const now = this.o.clock.now();
    const last = this.lastRepairs.get(id) ?? Number.NEGATIVE_INFINITY;
    this.lastRepairs.set(id, now);
    if (now - last < REPAIR_PAUSE_MS) this.slots.postpone(id, now + REPAIR_PAUSE_MS);
    this.o.onDrift?.(drift);
  }

  // The loop.

  private wantDump(): void {
    this.dumpWanted = true;
    this.schedule();
    const wait = this.lastDumpAt + MIN_BETWEEN_DUMPS_MS - this.o.clock.now();
    if (wait <= 0 || this.cancelDumpTimer !== undefined) return;
    this.cancelDumpTimer = this.o.timers.after(wait, () => {
      this.cancelDumpTimer = undefined;
      this.schedule();
    });
  }
  private schedule(): void {
    if (this.scheduled || this.running || !this.started || this.stopped) return;
    this.scheduled = true;
    setImmediate(() => {
      this.scheduled = false;
      void this.run();
    });
  }
  private async run(): Promise<void> {
    if (this.running || this.stopped) return;
    this.running = true;
    try {
      while (!this.stopped && this.o.clock.now() >= this.pausedUntil) {
        if (this.dumpWanted && this.o.clock.now() - this.lastDumpAt >= MIN_BETWEEN_DUMPS_MS) await this.dump();
        else if (this.slots.dirty.length > 0) await this.writer.write();
        else break;
      }
    } catch {
      // The netlink socket was lost, and with it the answers: open anew, read all, go on.
      this.pausedUntil = this.o.clock.now() + AFTER_FAULT_MS;
      this.dumpWanted = true;
    }
    this.running = false;
    if (this.slots.dirty.length === 0 && !this.dumpWanted) for (const done of this.idlers.splice(0)) done();
  }
  async resync(): Promise<void> {
    this.lastDumpAt = Number.NEGATIVE_INFINITY;
    this.wantDump();
    await this.idle();
  }
  private async dump(): Promise<void> {
    this.dumpWanted = false;
    this.waiting = [];
    this.lastDumpAt = this.o.clock.now();
    try {
      this.reader.beginDump();
      await this.o.client.dump(
        dumpRoutesRequest(this.table),
        (m) => {
          const route = m.type === RTM_NEWROUTE ? decodeRoute(m) : undefined;
          if (route !== undefined && route.table === this.table) this.reader.onDumped(route);
          return undefined;
        },
        () => this.reader.beginDump(),
      );
      this.reader.endDump();
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw error;
      this.reader.endDump(); // a table that nobody has used yet
    } finally {
      const waited = this.waiting;
      this.waiting = undefined;
      for (const event of waited) this.reader.onEvent(event);
    }
  }
  private tick(): void {
    if (this.stopped) return;
    const now = this.o.clock.now();
    for (const [id, failure] of this.slots.failures) if (failure.retryAt <= now) this.slots.markDirty(id);
    for (const id of this.slots.takePostponed(now)) this.slots.markDirty(id);
    if (now - this.lastDumpAt >= (this.o.resyncMs ?? RESYNC_MS)) {
      this.dumpWanted = true;
      this.lastRepairs.clear();
    }
    this.schedule();
    this.cancelTick = this.o.timers.after(TICK_MS, () => this.tick());
  }
  private onRound(ids: readonly number[]): void {
    for (const id of ids) {
      const waiters = this.waiters.get(id);
      if (waiters !== undefined && !this.slots.has(id, DIRTY)) {
        this.waiters.delete(id);
        const reason = this.reasonOf(id);
        for (const resolve of waiters) resolve(reason);
      }
      this.slots.freeIfIdle(id);
    }
  }
  stop(): void {
    this.stopped = true;
    this.cancelTick?.();
    this.cancelDumpTimer?.();
    this.unsubscribe?.();
    this.monitor?.close();
    const reason: Reason = { code: 'STOPPED', text: 'the daemon is stopping' };
    for (const waiters of this.waiters.values()) for (const resolve of waiters) resolve(reason);
    this.waiters.clear();
    for (const done of this.idlers.splice(0)) done();
  }
}
