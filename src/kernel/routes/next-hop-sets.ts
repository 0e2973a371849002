/** Sets of next hops by a small number, which routes keep instead of them. Pure. Counted by their users, and freed.
 *  With each goes the route through it, for each pool: the same for all prefixes of both. */
import type { Reason } from '../../base/reason.ts';
import type { Result } from '../../base/result.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import type { FeedNextHop } from '../../rib/terms/feed.ts';

export interface NextHopSet {
  readonly id: number;
  readonly hops: readonly FeedNextHop[];
  /** Of link-local next hops. */
  readonly link: string | undefined;
  users: number;
  /** By place of the pool, and 0 for none: one more. */
  targets: (Result<RouteTarget, Reason> | undefined)[];
}

export class NextHopSets {
  private readonly byId: (NextHopSet | undefined)[] = [];
  private readonly free: number[] = [];
  /** The feed shares one array among routes, and may make an equal one later. */
  private readonly byIdentity = new Map<readonly FeedNextHop[], NextHopSet>();
  private lastHops: readonly FeedNextHop[] | undefined;
  private last: NextHopSet | undefined;

  /** With one user more, who must release() it. `link` is asked for when an address does not tell its link. */
  hold(hops: readonly FeedNextHop[], link: string | undefined): NextHopSet {
    if (hops === this.lastHops && this.last !== undefined && this.last.link === link) {
      this.last.users += 1;
      return this.last;
    }
    let set = this.byIdentity.get(hops);
    if (set === undefined || set.link !== link) {
      set = { id: this.free.pop() ?? this.byId.length, hops, link, users: 0, targets: [] };
      this.byId[set.id] = set;
      if (!this.byIdentity.has(hops)) this.byIdentity.set(hops, set);
    }
    set.users += 1;
    this.lastHops = hops;
    this.last = set;
    return set;
  }
  get(id: number): NextHopSet | undefined {
    return this.byId[id];
  }
  release(id: number): void {
    const set = this.byId[id];
    if (set === undefined) return;
    set.users -= 1;
    if (set.users > 0) return;
    this.byId[id] = undefined;
    this.free.push(id);
    if (this.byIdentity.get(set.hops) === set) this.byIdentity.delete(set.hops);
    if (this.last === set) this.last = undefined;
  }
  /** What depends on pools, devices and routes of others has changed. */
  forgetTargets(): void {
    for (const set of this.byId) if (set !== undefined) set.targets = [];
  }
  get size(): number {
    return this.byId.length - this.free.length;
  }
}
