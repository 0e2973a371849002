/** Best paths to wishes of the route programmer: guard, then encapsulation, then want, hold or unwant. One for each family.
 *  No I/O of its own. A feed gives each change once; what depends on pools, nodes, interfaces and routes of others is worked out
 *  again for all prefixes when those change, in steps. Our own paths are not installed here: their blackholes come from the
 *  daemon. Hot: a route costs no object; what it needs for being worked out again is the number of its next hops, which the
 *  programmer keeps with the wish. */
import type { IpAddress, IpPrefix } from '../../base/ip.ts';
import { isIpv6 } from '../../base/ip.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import { isLinkLocal6 } from '../../base/ipv6.ts';
import type { Timers } from '../../base/ports.ts';
import type { Prefix } from '../../base/prefix.ts';
import type { Reason } from '../../base/reason.ts';
import { ok, type Result } from '../../base/result.ts';
import type { NextHop, RouteTarget } from '../../model/kernel-route.ts';
import type { Pool } from '../../model/pool.ts';
import type { BestPath, FeedNextHop, PathSource, RouteFeed } from '../../rib/terms/feed.ts';
import type { Interfaces } from '../devices/interfaces.ts';
import { IPIP_DEVICE, VXLAN_DEVICE } from '../tunnels/tunnel-names.ts';
import { type EncapsulationContext, poolOf, targetVia } from './encapsulation.ts';
import { createGuard, type Guard } from './guard.ts';
import { type NextHopSet, NextHopSets } from './next-hop-sets.ts';
import type { RouteProgrammer, RouteWishes } from './route-programmer.ts';

/** What the routes depend on beside the paths. */
export interface BgpRoutesContext {
  /** All pools, disabled ones too: their blocks are still reached as the pool says. */
  readonly pools: readonly Pool[];
  readonly ownSubnet?: Prefix;
  /** Node address to its address on vxlan.calico. */
  readonly vxlanTunnelAddresses: ReadonlyMap<number, Ipv4>;
  /** Addresses of all peers, those who came by a range too. */
  readonly peers: readonly IpAddress[];
  /** Prefixes that the user allowed by name. */
  readonly allowed: readonly IpPrefix[];
  readonly protocol: number;
}

/** The ways that routes of others lead, kept current. */
export interface OtherWays {
  waysTo(address: IpAddress): readonly NextHop[];
  onChange(listener: () => void): () => void;
}

export interface BgpRoutesOptions {
  readonly family: 'ipv4' | 'ipv6';
  readonly programmer: Pick<RouteProgrammer, 'wishesOf' | 'inSync' | 'flush'>;
  readonly interfaces: Pick<Interfaces, 'connected' | 'connectedIpv6' | 'isLocal' | 'deviceOf' | 'onChange'>;
  /** Absent: only connected subnets lead anywhere. */
  readonly others?: OtherWays;
  /** The interface on which a peer of ours is, whose session is bound to none: its link-local next hop is there. */
  readonly linkOf?: (source: PathSource) => string | undefined;
  readonly timers: Timers;
  readonly context: BgpRoutesContext;
}

/** Changes of interfaces come in bursts. */
const SETTLE_MS = 20;
/** Worked out again in one turn: two milliseconds. */
const ROUTES_PER_STEP = 16_384;
const NONE = -1;

export class BgpRoutes implements RouteFeed {
  private readonly options: BgpRoutesOptions;
  private readonly wishes: RouteWishes;
  private context: BgpRoutesContext;
  private guard: Guard;
  private encapsulation: EncapsulationContext;
  private readonly sets = new NextHopSets();
  private cancelTimer: (() => void) | undefined;
  private cancelStep: (() => void) | undefined;
  private readonly unsubscribe: readonly (() => void)[];

  constructor(options: BgpRoutesOptions) {
    this.options = options;
    this.context = options.context;
    this.wishes = options.programmer.wishesOf('bgp', options.family);
    this.guard = this.newGuard();
    this.encapsulation = this.newEncapsulation();
    const settle = (): void => {
      this.cancelTimer ??= options.timers.after(SETTLE_MS, () => {
        this.cancelTimer = undefined;
        this.update(this.context);
      });
    };
    const unsubscribe = [
      options.interfaces.onChange((change) => {
        // A pod's device is no way to a next hop: its comings and goings change nothing here.
        if (change.kind !== 'link' || !change.name.startsWith('cali')) settle();
      }),
    ];
    if (options.others !== undefined) unsubscribe.push(options.others.onChange(settle));
    this.unsubscribe = unsubscribe;
  }
  private newGuard(): Guard {
    const { peers, allowed } = this.context;
    const { interfaces, family } = this.options;
    return createGuard({
      connected: family === 'ipv4' ? interfaces.connected() : interfaces.connectedIpv6(),
      peers,
      allowed,
    });
  }
  private newEncapsulation(): EncapsulationContext {
    const { pools, ownSubnet, vxlanTunnelAddresses, protocol } = this.context;
    const { interfaces, others } = this.options;
    return {
      pools,
      vxlanTunnelAddresses,
      protocol,
      ipipDevice: IPIP_DEVICE,
      vxlanDevice: VXLAN_DEVICE,
      isLocal: (address, link) => interfaces.isLocal(address, link),
      deviceOf: (address) => interfaces.deviceOf(address),
      ...(others === undefined ? {} : { waysTo: (address: IpAddress) => others.waysTo(address) }),
      ...(ownSubnet === undefined ? {} : { ownSubnet }),
    };
  }
  /** Works all routes out again. A wish that comes out as before changes nothing in the kernel. */
  update(context: BgpRoutesContext): void {
    this.context = context;
    this.guard = this.newGuard();
    this.encapsulation = this.newEncapsulation();
    this.sets.forgetTargets();
    this.cancelStep?.();
    this.step(0);
  }
  private step(from: number): void {
    this.cancelStep = undefined;
    const next = this.wishes.forEach(from, ROUTES_PER_STEP, (address, length, note) => {
      const set = this.sets.get(note);
      if (set !== undefined) this.express(address, length, set);
    });
    if (next !== undefined) this.cancelStep = this.options.timers.after(0, () => this.step(next));
  }
  onBest(best: BestPath): void {
    const { address, length, nextHops } = best;
    if (nextHops.length === 0 || best.source.kind === 'local') {
      this.onWithdraw(address, length);
      return;
    }
    const set = this.sets.hold(nextHops, needsLink(nextHops) ? this.options.linkOf?.(best.source) : undefined);
    this.drop(this.express(address, length, set));
  }
  onWithdraw(address: IpAddress, length: number): void {
    this.drop(this.wishes.unwant(address, length));
  }
  onSlice(): void {
    this.options.programmer.flush();
  }
  onEndOfFeed(): void {
    this.options.programmer.inSync('bgp', this.options.family);
  }
  private drop(note: number): void {
    if (note !== NONE) this.sets.release(note);
  }
  /** Answers the number of the next hops that the prefix had. */
  private express(address: IpAddress, length: number, set: NextHopSet): number {
    for (const hop of set.hops) {
      const refused = this.guard.check(address, length, hop.address);
      if (refused !== undefined) return this.wishes.hold(address, length, refused, set.id);
    }
    const route = this.targetFor(poolOf(address, length, this.context.pools), set);
    return route.ok
      ? this.wishes.want(address, length, route.value, set.id)
      : this.wishes.hold(address, length, route.error, set.id);
  }
  private targetFor(pool: number, set: NextHopSet): Result<RouteTarget, Reason> {
    let made = set.targets[pool + 1];
    if (made === undefined) {
      made = isDiscarded(set.hops)
        ? ok({ type: 'blackhole', scope: 'universe', nextHops: [], protocol: this.context.protocol })
        : targetVia(set.hops, this.context.pools[pool], this.encapsulation, set.link);
      set.targets[pool + 1] = made;
    }
    return made;
  }
  stop(): void {
    for (const end of this.unsubscribe) end();
    this.cancelTimer?.();
    this.cancelStep?.();
  }
}

/** A next hop of zeros is of a policy's making, never a peer's: packets are to be dropped here. RFC 7999 3.3 */
const isDiscarded = (hops: readonly FeedNextHop[]): boolean => hops.every((hop) => Number(hop.address) === 0);

function needsLink(hops: readonly FeedNextHop[]): boolean {
  for (let i = 0; i < hops.length; i++) {
    const { gateway, link } = hops[i] as FeedNextHop;
    if (link === undefined && isIpv6(gateway) && isLinkLocal6(gateway)) return true;
  }
  return false;
}
