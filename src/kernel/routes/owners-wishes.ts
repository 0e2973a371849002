/** What the owners want of one family: wish, hold, taking back, and that an owner has said all it knows. It marks slots dirty,
 *  and never touches the kernel: that is route-sync.ts. */
import type { IpAddress, IpPrefix } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import type { RouteOwner, RouteWishes } from './route-programmer.ts';
import { NONE, ownerIndex, RELEASED, type RouteSlots } from './route-slots.ts';

export interface OwnersWishesOptions {
  readonly slots: RouteSlots;
  /** Who must have said all before leftovers are deleted. */
  readonly owners: readonly RouteOwner[];
  /** Something may have to be written. */
  readonly onWish: () => void;
}

export class OwnersWishes {
  private readonly o: OwnersWishesOptions;
  readonly spoken = new Set<RouteOwner>();
  /** Every owner has said all it knows. */
  allSpoken = false;
  /** Who keeps a number of its own with each wish. */
  private noteOwner: RouteOwner | undefined;

  constructor(options: OwnersWishesOptions) {
    this.o = options;
  }
  want(owner: RouteOwner, p: IpPrefix, target: RouteTarget): void {
    this.o.slots.wish(ownerIndex(owner), this.o.slots.slot(p.address, p.length), target);
    this.o.onWish();
  }
  unwant(owner: RouteOwner, p: IpPrefix): void {
    const id = this.o.slots.find(p.address, p.length);
    if (id !== NONE) this.takeBack(owner, id);
  }
  private takeBack(owner: RouteOwner, id: number): void {
    const { slots } = this.o;
    const index = ownerIndex(owner);
    slots.dropHold(index, id);
    if (owner === this.noteOwner) slots.setNote(id, NONE);
    const had = slots.unwish(index, id);
    // What the kernel kept from before us waits for everybody to speak (RFC 4724 4.1). This is no such route any more: it was
    // announced in this life, and the kernel has had it as that peer said. Now that the peer, or a filter, takes it back, to keep
    // it would be to forward on a word that is known to be void. Another peer may yet announce the prefix: then it is added anew.
    // Who knows all of its own without hearing anybody need not have wanted it: a pod that is gone is gone.
    if ((had || owner !== 'bgp') && slots.winner(id) === NONE) {
      slots.set(id, RELEASED);
      if (slots.installed(id) !== NONE) slots.markDirty(id);
    }
    slots.freeIfIdle(id);
    this.o.onWish();
  }
  hold(owner: RouteOwner, p: IpPrefix, reason: Reason): void {
    this.holdBack(owner, this.o.slots.slot(p.address, p.length), reason);
  }
  private holdBack(owner: RouteOwner, id: number, reason: Reason): void {
    const { slots } = this.o;
    const index = ownerIndex(owner);
    slots.hold(index, id, reason);
    if (slots.unwish(index, id) && slots.winner(id) === NONE) slots.set(id, RELEASED);
    this.o.onWish();
  }
  clear(owner: RouteOwner): void {
    const { slots } = this.o;
    const index = ownerIndex(owner);
    for (let id = 0; id < slots.prefixes.idBound; id++) {
      if (!slots.prefixes.has(id)) continue;
      slots.dropHold(index, id);
      if (owner === this.noteOwner) slots.setNote(id, NONE);
      if (slots.unwish(index, id) && slots.winner(id) === NONE) slots.set(id, RELEASED);
      slots.freeIfIdle(id);
    }
    this.o.onWish();
  }
  wishesOf(owner: RouteOwner): RouteWishes {
    const { slots } = this.o;
    if (this.noteOwner !== undefined && this.noteOwner !== owner)
      throw new Error(`the notes of routes are kept by ${this.noteOwner} already`);
    this.noteOwner = owner;
    const index = ownerIndex(owner);
    return {
      want: (address, length, target, note) => {
        const id = slots.slot(address, length);
        const before = slots.note(id);
        slots.setNote(id, note);
        slots.wish(index, id, target);
        this.o.onWish();
        return before;
      },
      hold: (address, length, reason, note) => {
        const id = slots.slot(address, length);
        const before = slots.note(id);
        slots.setNote(id, note);
        this.holdBack(owner, id, reason);
        return before;
      },
      unwant: (address, length) => {
        const id = slots.find(address, length);
        if (id === NONE) return NONE;
        const before = slots.note(id);
        if (before !== NONE) this.takeBack(owner, id);
        return before;
      },
      forEach: (from, places, visit) => {
        const { prefixes } = slots;
        const to = Math.min(from + places, prefixes.idBound);
        for (let id = from; id < to; id++)
          if (prefixes.has(id) && slots.note(id) !== NONE)
            visit(prefixes.addressOf(id) as IpAddress, prefixes.lengthOf(id), slots.note(id));
        return to < prefixes.idBound ? to : undefined;
      },
    };
  }
  inSync(owner: RouteOwner): void {
    if (this.spoken.has(owner)) return;
    this.spoken.add(owner);
    this.allSpoken = this.o.owners.every((o) => this.spoken.has(o));
    if (!this.allSpoken) return;
    const { slots } = this.o;
    if (slots.leftoverCount > 0)
      for (let id = 0; id < slots.prefixes.idBound; id++)
        if (slots.prefixes.has(id) && slots.wanted(id) === NONE && slots.installed(id) !== NONE) slots.markDirty(id);
    this.o.onWish();
  }
  unspoken(): RouteOwner[] {
    return this.o.owners.filter((owner) => !this.spoken.has(owner));
  }
}
