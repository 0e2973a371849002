/** Wishes and what the kernel holds, by prefix, of one family: a row of eight words for what every route has, maps for what few have.
 *  Pure, hot. A slot exists while its prefix is wanted, held, ours in the kernel, or waiting to be written.
 *
 *    wanted | installed | flags, owner, seen | since | note | - | address, length (IPv4)
 *
 *  Slots are written in scattered order (dirty-list.ts), and each look at one is a wait for the memory: so all of a slot is in one
 *  line, its prefix too. Words hold ids plus 1: what was never written is "none". */
import { Int32Column } from '../../base/columns.ts';
import type { IpPrefix } from '../../base/ip.ts';
import { ipPrefix } from '../../base/ip.ts';
import { ipv4 } from '../../base/ipv4.ts';
import { ipv6 } from '../../base/ipv6.ts';
import { Ipv6PrefixTable } from '../../base/ipv6-prefix-table.ts';
import type { PrefixIndex } from '../../base/prefix-index.ts';
import { PrefixTable } from '../../base/prefix-table.ts';
import type { Reason } from '../../base/reason.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import { DirtyList } from './dirty-list.ts';
import { ROUTE_OWNERS, type RouteOwner } from './route-programmer.ts';
import { type Family, RouteTargets } from './route-targets.ts';

export const NONE = -1;
export const DIRTY = 1;
export const IN_FLIGHT = 2;
/** Its owner took it back in this life, so it is no leftover that somebody may still claim. */
export const RELEASED = 4;
/** The kernel lost it behind our back; the next acknowledgement counts as a repair. */
export const DRIFTED = 8;
/** IPv6: there are, or until the next dump there may be, next hops of others in our route. The kernel merges routes of one
 *  metric, and REPLACE would take them all. */
export const SHARED = 16;
/** IPv6: of several next hops found at start the kernel shows the protocol of one only: others' may be among them. */
export const UNSURE = 32;
/** Dirty again while it was in flight. */
export const AGAIN = 64;

const ROW_BITS = 3;
/** The wish that counts, and what the kernel has: target ids. */
const WANTED = 0;
const INSTALLED = 1;
/** Flags in the lowest octet, then whose wish counts, then the last comparison that saw our route. */
const MARKS = 2;
const OWNER_AT = 8;
const SEEN_AT = 16;
const OCTET = 0xff;
/** Whole seconds after the start at which the kernel acknowledged. */
const SINCE = 3;
/** A number of one owner's own; none: it neither wants nor holds the prefix. */
const NOTE = 4;
const PREFIX = 6;

const OWNERS = ROUTE_OWNERS.length;
export const ownerIndex = (owner: RouteOwner): number => ROUTE_OWNERS.indexOf(owner);

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
  readonly family: Family;
  readonly prefixes: PrefixIndex;
  readonly targets: RouteTargets;
  private readonly rows = new Int32Column(0);
  /** By id: the wishes of owners that come after. Few prefixes have two. */
  private readonly others = new Map<number, Map<number, number>>();
  readonly failures = new Map<number, Failure>();
  readonly foreign = new Map<number, ForeignRoute[]>();
  /** Further routes of ours at the prefix: of another metric, or of another life. Target ids, each retained. */
  readonly surplus = new Map<number, number[]>();
  private readonly holds = new Map<number, Reason>();
  readonly dirty = new DirtyList();
  /** Lost again and again: until when its repair waits, monotonic ms. */
  private readonly postponed = new Map<number, number>();
  /** Prefixes that are wanted; of them installed as wanted; ours in the kernel that nobody wants. */
  wantedCount = 0;
  installedCount = 0;
  leftoverCount = 0;

  constructor(family: Family = 'ipv4') {
    this.family = family;
    this.prefixes =
      family === 'ipv4'
        ? new PrefixTable({ rows: { cells: this.rows, rowBits: ROW_BITS, at: PREFIX } })
        : (new Ipv6PrefixTable() as PrefixIndex);
    this.targets = new RouteTargets(family);
  }
  slot(address: number | bigint, length: number): number {
    const id = this.prefixes.insert(address, length);
    this.rows.reach(((id + 1) << ROW_BITS) - 1);
    return id;
  }
  find(address: number | bigint, length: number): number {
    return this.prefixes.find(address, length);
  }
  prefixOf(id: number): IpPrefix {
    const address = this.prefixes.addressOf(id);
    return ipPrefix(typeof address === 'bigint' ? ipv6(address) : ipv4(address), this.prefixes.lengthOf(id));
  }
  has(id: number, flag: number): boolean {
    return ((this.rows.at[(id << ROW_BITS) + MARKS] as number) & flag) !== 0;
  }
  set(id: number, flag: number): void {
    const at = (id << ROW_BITS) + MARKS;
    this.rows.at[at] = (this.rows.at[at] as number) | flag;
  }
  unset(id: number, flag: number): void {
    const at = (id << ROW_BITS) + MARKS;
    this.rows.at[at] = (this.rows.at[at] as number) & ~flag;
  }
  /** The last comparison that saw our route, modulo 256. */
  seen(id: number): number {
    return ((this.rows.at[(id << ROW_BITS) + MARKS] as number) >>> SEEN_AT) & OCTET;
  }
  setSeen(id: number, epoch: number): void {
    const at = (id << ROW_BITS) + MARKS;
    this.rows.at[at] = ((this.rows.at[at] as number) & ~(OCTET << SEEN_AT)) | ((epoch & OCTET) << SEEN_AT);
  }
  sinceSec(id: number): number {
    return this.rows.at[(id << ROW_BITS) + SINCE] as number;
  }
  setSince(id: number, sec: number): void {
    this.rows.at[(id << ROW_BITS) + SINCE] = sec;
  }
  note(id: number): number {
    return (this.rows.at[(id << ROW_BITS) + NOTE] as number) - 1;
  }
  setNote(id: number, note: number): void {
    this.rows.at[(id << ROW_BITS) + NOTE] = note + 1;
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
    if (this.wanted(id) === NONE) return NONE;
    return ((this.rows.at[(id << ROW_BITS) + MARKS] as number) >>> OWNER_AT) & OCTET;
  }
  wanted(id: number): number {
    return (this.rows.at[(id << ROW_BITS) + WANTED] as number) - 1;
  }
  installed(id: number): number {
    return (this.rows.at[(id << ROW_BITS) + INSTALLED] as number) - 1;
  }
  /** Takes over one reference of `wanted` and gives up that of the former, for the caller to keep or release. */
  private setWanted(id: number, wanted: number, owner: number): void {
    this.count(id, -1);
    const row = id << ROW_BITS;
    this.rows.at[row + WANTED] = wanted + 1;
    this.rows.at[row + MARKS] = ((this.rows.at[row + MARKS] as number) & ~(OCTET << OWNER_AT)) | (owner << OWNER_AT);
    this.count(id, 1);
  }
  /** Target id or -1; retains the new, releases the old. */
  setInstalled(id: number, target: number): void {
    const old = this.installed(id);
    if (old === target) return;
    if (target !== NONE) this.targets.retainId(target);
    this.count(id, -1);
    this.rows.at[(id << ROW_BITS) + INSTALLED] = target + 1;
    this.count(id, 1);
    if (old !== NONE) this.targets.release(old);
  }
  private count(id: number, by: number): void {
    const wanted = this.wanted(id);
    const installed = this.installed(id);
    if (wanted !== NONE) {
      this.wantedCount += by;
      if (wanted === installed) this.installedCount += by;
    } else if (installed !== NONE) this.leftoverCount += by;
  }
  wish(owner: number, id: number, target: RouteTarget): void {
    this.dropHold(owner, id);
    const next = this.targets.retain(target);
    const before = this.wanted(id);
    const winner = this.winner(id);
    this.unset(id, RELEASED);
    if (winner !== NONE && winner < owner) {
      const others = this.others.get(id) ?? new Map<number, number>();
      const old = others.get(owner);
      others.set(owner, next);
      this.others.set(id, others);
      if (old !== undefined) this.targets.release(old);
      return;
    }
    if (winner !== NONE && winner > owner) {
      const others = this.others.get(id) ?? new Map<number, number>();
      others.set(winner, before);
      this.others.set(id, others);
      this.setWanted(id, next, owner);
    } else {
      this.setWanted(id, next, owner);
      if (before !== NONE) this.targets.release(before);
    }
    if (before !== next) this.changed(id);
  }
  /** True when there was a wish. */
  unwish(owner: number, id: number): boolean {
    const others = this.others.size === 0 ? undefined : this.others.get(id);
    if (this.winner(id) !== owner) {
      const old = others?.get(owner);
      if (others === undefined || old === undefined) return false;
      others.delete(owner);
      if (others.size === 0) this.others.delete(id);
      this.targets.release(old);
      return true;
    }
    const old = this.wanted(id);
    let heir = NONE;
    for (let o = 0; o < OWNERS && heir === NONE; o++) if (others?.has(o) === true) heir = o;
    this.setWanted(id, others?.get(heir) ?? NONE, heir === NONE ? 0 : heir);
    others?.delete(heir);
    if (others?.size === 0) this.others.delete(id);
    this.targets.release(old);
    if (this.wanted(id) !== old) this.changed(id);
    return true;
  }
  private changed(id: number): void {
    if (this.failures.size > 0) this.failures.delete(id);
    if (this.postponed.size > 0) this.postponed.delete(id);
    this.markDirty(id);
  }
  hold(owner: number, id: number, reason: Reason): void {
    this.holds.set(id * OWNERS + owner, reason);
  }
  dropHold(owner: number, id: number): void {
    if (this.holds.size > 0) this.holds.delete(id * OWNERS + owner);
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
  /** Where foreign routes of this metric stand at the prefix. IPv6 has no order that REPLACE would keep: it takes the first that
   *  may have several next hops, or the first that may not, as ours is. */
  foreignAt(id: number, metric: number): 'none' | 'behind-ours' | 'first' {
    if (
      this.has(id, SHARED | UNSURE) &&
      this.installed(id) !== NONE &&
      this.targets.metric(this.installed(id)) === metric
    )
      return 'first';
    if (this.foreign.size === 0) return 'none';
    let found: 'none' | 'behind-ours' = 'none';
    for (const f of this.foreign.get(id) ?? []) {
      if (f.metric !== metric) continue;
      if (!f.behind || this.family === 'ipv6') return 'first';
      found = 'behind-ours';
    }
    return found;
  }
  /** Forgets a slot that nothing speaks for any more. */
  freeIfIdle(id: number): void {
    if (this.wanted(id) !== NONE || this.installed(id) !== NONE) return;
    if (!this.prefixes.has(id) || this.has(id, DIRTY | IN_FLIGHT)) return;
    if (this.surplus.size > 0 && this.surplus.has(id)) return;
    if (this.heldReason(id) !== undefined) return;
    if (this.failures.size > 0) this.failures.delete(id);
    if (this.foreign.size > 0) this.foreign.delete(id);
    if (this.postponed.size > 0) this.postponed.delete(id);
    this.rows.at.fill(0, id << ROW_BITS, (id << ROW_BITS) + PREFIX);
    this.prefixes.deleteId(id);
  }
}
