/** The route programmer at work on one family: one loop that reads (dump) or writes (a round of dirty slots), never both at
 *  once, so that a dump sees no change of ours half done. Events come in between and are applied in order.
 *
 *  Nothing is written before the first dump has ended. An add could not harm a foreign route (CREATE|EXCL), but an answer that it
 *  is there already would not say whose it is, and what we replace or delete must have been seen as ours. Nor would it gain
 *  anything: no peer is dialled before the dump has told how many routes of ours outlived us (RFC 4724 3, the F bit), and the
 *  dump takes half a microsecond a route. Later ones hold writing up for as long; were it to go on, a route added where the dump
 *  had been already would look lost, and be repaired as drift. */
import type { IpPrefix } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import { AF_INET, AF_INET6, RT_TABLE_MAIN, RTM_NEWROUTE } from '../../netlink/constants.ts';
import { type NetlinkEvent, type NetlinkMonitor, openMonitor } from '../../netlink/monitor.ts';
import { isErrno } from '../../netlink/request.ts';
import { decodeRoute, dumpRoutesRequest } from '../../netlink/route.ts';
import type { InterfaceChange } from '../devices/interfaces.ts';
import { OwnersWishes } from './owners-wishes.ts';
import {
  type Drift,
  ROUTE_OWNERS,
  type RouteProgrammerOptions,
  type RouteProgrammerStatus,
} from './route-programmer.ts';
import { type RouteEvent, RouteReader } from './route-reader.ts';
import { DIRTY, IN_FLIGHT, NONE, RouteSlots } from './route-slots.ts';
import { RouteStates } from './route-states.ts';
import type { Family } from './route-targets.ts';
import { RouteWriter } from './route-writer.ts';

const RESYNC_MS = 90_000;
/** Of dumps that an event asks for. */
const MIN_BETWEEN_DUMPS_MS = 200;
const TICK_MS = 500;
const MAX_WAITING_EVENTS = 100_000;
/** The same route lost again within so long is repaired only after it: two programs must not spin against each other. */
const REPAIR_PAUSE_MS = 900;
const AFTER_FAULT_MS = 1000;

/** Slots looked at in one turn of the event loop, after a dump. */
const SLOTS_PER_TURN = 32_768;

/** What one family has of RouteProgrammerStatus. */
export type FamilyStatus = Omit<RouteProgrammerStatus, 'foundByFamily'>;

export class RouteSync {
  private readonly o: RouteProgrammerOptions;
  private readonly table: number;
  private readonly startedAt: number;
  private readonly slots: RouteSlots;
  private readonly reader: RouteReader;
  private readonly writer: RouteWriter;
  readonly wishes: OwnersWishes;
  readonly states: RouteStates;
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

  constructor(options: RouteProgrammerOptions, family: Family) {
    this.o = options;
    this.slots = new RouteSlots(family);
    this.table = options.table ?? RT_TABLE_MAIN;
    this.startedAt = options.clock.wall();
    const { slots, table } = this;
    const { client, interfaces, clock, protocol } = options;
    const owners = options.owners ?? ROUTE_OWNERS;
    this.wishes = new OwnersWishes({ slots, owners, onWish: () => this.schedule() });
    this.states = new RouteStates({ slots, wishes: this.wishes, startedAt: this.startedAt });
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
      allInSync: () => this.wishes.allSpoken,
      onUncertain,
      onRound: (ids, count) => this.onRound(ids, count),
      onRepaired: () => {
        this.repaired += 1;
      },
    });
  }
  async start(): Promise<number> {
    const { client, netns } = this.o;
    this.monitor = openMonitor({
      groups: [this.slots.family === 'ipv4' ? 'route' : 'route6'],
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
    this.found = this.slots.leftoverCount + this.slots.installedCount;
    for (const extra of this.slots.surplus.values()) this.found += extra.length;
    for (let id = 0; id < this.slots.prefixes.idBound; id++) {
      // Wanted already, and there in another form.
      const { slots } = this;
      if (slots.prefixes.has(id) && slots.installed(id) !== NONE && slots.wanted(id) !== NONE)
        if (slots.installed(id) !== slots.wanted(id)) this.found += 1;
    }
    this.started = true;
    this.tick();
    this.schedule();
    return this.found;
  }

  settled(p: IpPrefix): Promise<Reason | undefined> {
    const id = this.slots.find(p.address, p.length);
    if (id === NONE) return Promise.resolve(undefined);
    if (this.stopped || (this.started && !this.slots.has(id, DIRTY | IN_FLIGHT)))
      return Promise.resolve(this.states.reasonOf(id));
    if (!this.started) this.slots.markDirty(id);
    return new Promise((resolve) => this.waiters.set(id, [...(this.waiters.get(id) ?? []), resolve]));
  }
  idle(): Promise<void> {
    if (this.stopped || (this.started && !this.running && this.slots.dirty.length === 0 && !this.dumpWanted))
      return Promise.resolve();
    return new Promise((resolve) => this.idlers.push(resolve));
  }
  status(): FamilyStatus {
    const { slots } = this;
    return {
      wanted: slots.wantedCount,
      installed: slots.installedCount,
      failed: this.states.failed(),
      held: slots.heldCount,
      found: this.found,
      leftover: slots.leftoverCount,
      foreign: this.reader.foreignRoutes(),
      driftRepaired: this.repaired,
      ...(this.lastDrift === undefined ? {} : { lastDrift: this.lastDrift }),
      overflows: this.overflows,
      inSync: [...this.wishes.spoken],
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

  private dumpIsDue(): boolean {
    return this.dumpWanted && this.o.clock.now() - this.lastDumpAt >= MIN_BETWEEN_DUMPS_MS;
  }
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
  /** Few changes, now. Many, or with a dump or a round on its way, in later turns as ever. */
  flush(): void {
    if (this.running || this.stopped || !this.started || this.slots.dirty.length === 0) return;
    if (this.o.clock.now() < this.pausedUntil) return;
    this.running = true;
    try {
      this.writer.writeNow();
    } catch {
      this.fault();
    }
    this.running = false;
    this.schedule();
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
        if (this.dumpIsDue()) await this.dump();
        else if (this.slots.dirty.length > 0) await this.writer.write(() => !this.stopped && !this.dumpIsDue());
        else break;
      }
    } catch {
      this.fault();
    }
    this.running = false;
    if (this.slots.dirty.length === 0 && !this.dumpWanted) for (const done of this.idlers.splice(0)) done();
  }
  /** The netlink socket was lost, and with it the answers: open anew, read all, go on. */
  private fault(): void {
    this.pausedUntil = this.o.clock.now() + AFTER_FAULT_MS;
    this.dumpWanted = true;
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
    const family = this.slots.family === 'ipv4' ? AF_INET : AF_INET6;
    try {
      this.reader.beginDump();
      await this.o.client.dump(
        dumpRoutesRequest(this.table, 0, family),
        (m) => {
          const route = m.type === RTM_NEWROUTE ? decodeRoute(m) : undefined;
          if (route !== undefined && route.table === this.table) this.reader.onDumped(route);
          return undefined;
        },
        () => this.reader.beginDump(),
      );
      await this.endDump();
    } catch (error) {
      // A table that nobody has used yet; or a kernel without IPv6, where every wish will say so.
      if (!isErrno(error, 'ENOENT', 'EAFNOSUPPORT', 'EOPNOTSUPP')) throw error;
      await this.endDump();
    } finally {
      const waited = this.waiting;
      this.waiting = undefined;
      for (const event of waited) this.reader.onEvent(event);
    }
  }
  private async endDump(): Promise<void> {
    for (let id = 0; ; ) {
      id = this.reader.endDump(id, SLOTS_PER_TURN);
      if (id >= this.slots.prefixes.idBound) return;
      await new Promise<void>((next) => setImmediate(next));
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
  private onRound(ids: Int32Array, count: number): void {
    const { slots, waiters } = this;
    for (let i = 0; i < count; i++) {
      const id = ids[i] as number;
      const waiting = waiters.size === 0 ? undefined : waiters.get(id);
      if (waiting !== undefined && !slots.has(id, DIRTY)) {
        waiters.delete(id);
        const reason = this.states.reasonOf(id);
        for (const resolve of waiting) resolve(reason);
      }
      slots.freeIfIdle(id);
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
