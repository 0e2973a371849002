/** Wishes and what the kernel holds, by prefix: flat columns for what every route has, maps for what few have. Pure, hot.
 *  A slot exists while its prefix is wanted, held, ours in the kernel, or waiting to be written. */
import { Int32Column, Uint8Column } from '../../base/columns.ts';
import { PrefixTable } from '../../base/prefix-table.ts';
import type { Reason } from '../../base/reason.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import { ROUTE_OWNERS, type RouteOwner } from './route-programmer.ts';
import { RouteTargets } from './route-targets.ts';

export const NONE = -1;
export const DIRTY = 1;
export const IN_FLIGHT = 2;
/** Its owner took it back in this life, so it is no leftover that somebody may still claim. */
export const RELEASED = 4;
/** The kernel lost it behind our back; the next acknowledgement counts as a repair. */
export const DRIFTED = 8;

const OWNERS = ROUTE_OWNERS.length;

export interface Failure {
  readonly reason: Reason;
  /** Monotonic ms; Infinity: an event will tell. */
  readonly retryAt: number;
  readonly delayMs: number;
}

/** A route of others at a prefix of ours. */
export interface ForeignRoute {
  readonly protocol: number;
  readonly metric: number;
  /** Appended after ours, so that REPLACE hits ours. */
  readonly behind: boolean;
  /** To find it again when it goes. */
  readonly key: string;
}

export class RouteSlots {
  readonly prefixes = new PrefixTable();
  readonly targets = new RouteTargets();
  /** By id * owners + owner. */
  private readonly wishes = new Int32Column(NONE);
  private readonly installedIds = new Int32Column(NONE);
  readonly flags = new Uint8Column();
  /** The last comparison that saw our route. */
  readonly seen = new Int32Column(0);
  /** Whole seconds after the start at which the kernel acknowledged. */
  readonly sinceSec = new Int32Column(0);
  readonly failures = new Map<number, Failure>();
  readonly foreign = new Map<number, ForeignRoute[]>();
  /** Further routes of ours at the prefix: of another metric, or of another life. Target ids, each retained. */
  readonly surplus = new Map<number, number[]>();
  private readonly holds = new Map<number, Reason>();
  dirty: number[] = [];
  /** Lost again and again: until when its repair waits, monotonic ms. */
  private readonly postponed = new Map<number, number>();

  slot(address: number, length: number): number {
    const id = this.prefixes.insert(address, length);
    this.wishes.reach(id * OWNERS + OWNERS - 1);
    this.installedIds.reach(id);
    this.flags.reach(id);
    this.seen.reach(id);
    this.sinceSec.reach(id);
    return id;
  }
  find(address: number, length: number): number {
    return this.prefixes.find(address, length);
  }
  has(id: number, flag: number): boolean {
    return ((this.flags.at[id] as number) & flag) !== 0;
  }
  set(id: number, flag: number): void {
    this.flags.at[id] = (this.flags.at[id] as number) | flag;
  }
  unset(id: number, flag: number): void {
    this.flags.at[id] = (this.flags.at[id] as number) & ~flag;
  }
  markDirty(id: number): void {
    if (this.has(id, DIRTY) || (this.postponed.size > 0 && this.postponed.has(id))) return;
    this.set(id, DIRTY);
    this.dirty.push(id);
  }
  postpone(id: number, until: number): void {
    this.postponed.set(id, until);
  }
  /** Those whose time has come may be marked again. */
  takePostponed(now: number): number[] {
    const due: number[] = [];
    for (const [id, until] of this.postponed) if (until <= now) due.push(id);
    for (const id of due) this.postponed.delete(id);
    return due;
  }
  /** Index into ROUTE_OWNERS of the owner whose wish counts, or -1. */
  winner(id: number): number {
    for (let o = 0; o < OWNERS; o++) if ((this.wishes.at[id * OWNERS + o] as number) !== NONE) return o;
    return NONE;
  }
  wanted(id: number): number {
    const o = this.winner(id);
    return o === NONE ? NONE : (this.wishes.at[id * OWNERS + o] as number);
  }
  installed(id: number): number {
    return this.installedIds.at[id] as number;
  }
  /** Target id or -1; retains the new, releases the old. */
  setInstalled(id: number, target: number): void {
    const old = this.installedIds.at[id] as number;
    if (old === target) return;
    if (target !== NONE) this.targets.retainId(target);
    this.installedIds.at[id] = target;
    if (old !== NONE) this.targets.release(old);
  }
  wish(owner: RouteOwner, id: number, target: RouteTarget): void {
    this.dropHold(owner, id);
    const at = id * OWNERS + ROUTE_OWNERS.indexOf(owner);
    const old = this.wishes.at[at] as number;
    const next = this.targets.retain(target);
    this.wishes.at[at] = next;
    if (old !== NONE) this.targets.release(old);
    this.unset(id, RELEASED);
    if (old !== next) this.changed(id);
  }
  /** True when there was a wish. */
  unwish(owner: RouteOwner, id: number): boolean {
    const at = id * OWNERS + ROUTE_OWNERS.indexOf(owner);
    const old = this.wishes.at[at] as number;
    if (old === NONE) return false;
    this.wishes.at[at] = NONE;
    this.targets.release(old);
    this.changed(id);
    return true;
  }
  private changed(id: number): void {
    this.failures.delete(id);
    this.postponed.delete(id);
    this.markDirty(id);
  }
  hold(owner: RouteOwner, id: number, reason: Reason): void {
    this.holds.set(id * OWNERS + ROUTE_OWNERS.indexOf(owner), reason);
  }
  dropHold(owner: RouteOwner, id: number): void {
    if (this.holds.size > 0) this.holds.delete(id * OWNERS + ROUTE_OWNERS.indexOf(owner));
  }
  get heldCount(): number {
    return this.holds.size;
  }
  heldReason(id: number): Reason | undefined {
    if (this.holds.size === 0) return undefined;
    for (let o = 0; o < OWNERS; o++) {
      const reason = this.holds.get(id * OWNERS + o);
      if (reason !== undefined) return reason;
    }
    return undefined;
  }
  /** Where foreign routes of this metric stand at the prefix. */
  foreignAt(id: number, metric: number): 'none' | 'behind-ours' | 'first' {
    const same = this.foreign.get(id)?.filter((f) => f.metric === metric) ?? [];
    if (same.length === 0) return 'none';
    return same.every((f) => f.behind) ? 'behind-ours' : 'first';
  }
  /** Forgets a slot that nothing speaks for any more. */
  freeIfIdle(id: number): void {
    if (!this.prefixes.has(id) || this.has(id, DIRTY | IN_FLIGHT)) return;
    if (this.winner(id) !== NONE || this.installed(id) !== NONE || this.surplus.has(id)) return;
    if (this.heldReason(id) !== undefined) return;
    this.failures.delete(id);
    this.foreign.delete(id);
    this.postponed.delete(id);
    this.flags.at[id] = 0;
    this.seen.at[id] = 0;
    this.sinceSec.at[id] = 0;
    this.prefixes.delete(this.prefixes.addressOf(id), this.prefixes.lengthOf(id));
  }
}
