/** What people and callers see of one family: whether a route is in the kernel, and why not. Nothing is changed by looking. */
import type { IpPrefix } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import type { OwnersWishes } from './owners-wishes.ts';
import { ROUTE_OWNERS, type RouteState } from './route-programmer.ts';
import { NONE, type RouteSlots } from './route-slots.ts';

const PENDING: Reason = { code: 'PENDING', text: 'not written yet' };

export interface RouteStatesOptions {
  readonly slots: RouteSlots;
  readonly wishes: OwnersWishes;
  /** Wall clock that the seconds of the slots count from, ms. */
  readonly startedAt: number;
}

export class RouteStates {
  private readonly o: RouteStatesOptions;

  constructor(options: RouteStatesOptions) {
    this.o = options;
  }
  reasonOf(id: number): Reason | undefined {
    const { slots } = this.o;
    const wanted = slots.wanted(id);
    if (wanted !== NONE)
      return wanted === slots.installed(id) ? undefined : (slots.failures.get(id)?.reason ?? PENDING);
    const failure = slots.failures.get(id)?.reason;
    if (failure !== undefined) return failure;
    const held = slots.heldReason(id);
    if (held !== undefined || slots.installed(id) === NONE) return held;
    const missing = this.o.wishes.unspoken();
    if (missing.length === 0) return undefined;
    return { code: 'NOT_IN_SYNC', text: `kept until ${missing.join(', ')} have told all their routes` };
  }
  state(p: IpPrefix): RouteState {
    const id = this.o.slots.find(p.address, p.length);
    return id === NONE ? { installed: false } : this.stateOf(id);
  }
  private stateOf(id: number): RouteState {
    const { slots } = this.o;
    const wanted = slots.wanted(id);
    const owner = ROUTE_OWNERS[slots.winner(id)];
    const installed = wanted !== NONE && wanted === slots.installed(id);
    const reason = this.reasonOf(id);
    return {
      installed,
      ...(owner === undefined ? {} : { owner, wanted: slots.targets.get(wanted) }),
      ...(reason === undefined ? {} : { reason }),
      ...(installed ? { since: this.o.startedAt + slots.sinceSec(id) * 1000 } : {}),
    };
  }
  each(on: (p: IpPrefix, state: RouteState) => void): void {
    const { slots } = this.o;
    const { prefixes } = slots;
    for (let id = 0; id < prefixes.idBound; id++) if (prefixes.has(id)) on(slots.prefixOf(id), this.stateOf(id));
  }
  /** Wishes that the kernel does not hold, and is not about to. */
  failed(): number {
    const { slots } = this.o;
    let failed = 0;
    for (const id of slots.failures.keys())
      if (slots.wanted(id) !== NONE && slots.wanted(id) !== slots.installed(id)) failed += 1;
    return failed;
  }
}
