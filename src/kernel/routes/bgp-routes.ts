/** Best paths to wishes of the route programmer: guard, then encapsulation, then want, hold or unwant.
 *  No I/O of its own. A feed gives each change once; what depends on pools, nodes and interfaces is worked out again for
 *  all prefixes when those change. Our own paths are not installed here: their blackholes come from the daemon. */
import { type IpAddress, isIpv6 } from '../../base/ip.ts';
import type { Ipv4 } from '../../base/ipv4.ts';
import type { Timers } from '../../base/ports.ts';
import { type Prefix, prefix, prefixKey, prefixOfKey } from '../../base/prefix.ts';
import type { Reason } from '../../base/reason.ts';
import type { Result } from '../../base/result.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import type { Pool } from '../../model/pool.ts';
import type { BestPath, RouteFeed } from '../../rib/feed.ts';
import type { Interfaces } from '../devices/interfaces.ts';
import { IPIP_DEVICE, VXLAN_DEVICE } from '../tunnels/tunnel-names.ts';
import { type Encapsulation, type EncapsulationContext, encapsulationOf, targetVia } from './encapsulation.ts';
import { createGuard, type Guard } from './guard.ts';
import type { RouteProgrammer } from './route-programmer.ts';

/** What the routes depend on beside the paths. */
export interface BgpRoutesContext {
  /** All pools, disabled ones too: their blocks are still reached as the pool says. */
  readonly pools: readonly Pool[];
  readonly ownSubnet?: Prefix;
  /** Node address to its address on vxlan.calico. */
  readonly vxlanTunnelAddresses: ReadonlyMap<number, Ipv4>;
  /** Addresses of all configured peers. */
  readonly peers: readonly number[];
  /** Prefixes that the user allowed by name. */
  readonly allowed: readonly Prefix[];
  readonly protocol: number;
}

export interface BgpRoutesOptions {
  readonly programmer: Pick<RouteProgrammer, 'want' | 'unwant' | 'hold' | 'inSync'>;
  readonly interfaces: Pick<Interfaces, 'connected' | 'isLocal' | 'deviceOf' | 'onChange'>;
  readonly timers: Timers;
  readonly context: BgpRoutesContext;
}

/** Changes of interfaces come in bursts. */
const SETTLE_MS = 20;

export class BgpRoutes implements RouteFeed {
  private readonly options: BgpRoutesOptions;
  private context: BgpRoutesContext;
  private guard: Guard;
  private encapsulation: EncapsulationContext;
  /** prefixKey -> next hop of every best path that is not our own. */
  private readonly nextHops = new Map<number, Ipv4>();
  /** By encapsulation and next hop; shared by all prefixes behind it. */
  private readonly targets = new Map<string, Result<RouteTarget, Reason>>();
  private cancelTimer: (() => void) | undefined;
  private readonly unsubscribe: () => void;

  constructor(options: BgpRoutesOptions) {
    this.options = options;
    this.context = options.context;
    this.guard = this.newGuard();
    this.encapsulation = this.newEncapsulation();
    this.unsubscribe = options.interfaces.onChange((change) => {
      // A pod's device is no way to a next hop: its comings and goings change nothing here.
      if (change.kind === 'link' && change.name.startsWith('cali')) return;
      this.cancelTimer ??= options.timers.after(SETTLE_MS, () => {
        this.cancelTimer = undefined;
        this.update(this.context);
      });
    });
  }
  private newGuard(): Guard {
    const { peers, allowed } = this.context;
    return createGuard({ connected: this.options.interfaces.connected(), peers, allowed });
  }
  private newEncapsulation(): EncapsulationContext {
    const { pools, ownSubnet, vxlanTunnelAddresses, protocol } = this.context;
    return {
      pools,
      vxlanTunnelAddresses,
      protocol,
      ipipDevice: IPIP_DEVICE,
      vxlanDevice: VXLAN_DEVICE,
      isLocal: (address) => this.options.interfaces.isLocal(address),
      deviceOf: (address) => this.options.interfaces.deviceOf(address),
      ...(ownSubnet === undefined ? {} : { ownSubnet }),
    };
  }
  /** Works all routes out again. A wish that comes out as before changes nothing in the kernel. */
  update(context: BgpRoutesContext): void {
    this.context = context;
    this.guard = this.newGuard();
    this.encapsulation = this.newEncapsulation();
    this.targets.clear();
    for (const [key, nextHop] of this.nextHops) this.express(prefixOfKey(key), nextHop);
  }
  onBest(best: BestPath): void {
    if (isIpv6(best.address)) return;
    const nextHop = best.nextHops[0]?.gateway;
    if (best.source.kind === 'local' || nextHop === undefined || isIpv6(nextHop)) {
      this.onWithdraw(best.address, best.length);
      return;
    }
    this.nextHops.set(prefixKey(best.address, best.length), nextHop);
    this.express(prefix(best.address, best.length), nextHop);
  }
  onWithdraw(address: IpAddress, length: number): void {
    if (!isIpv6(address) && this.nextHops.delete(prefixKey(address, length)))
      this.options.programmer.unwant('bgp', prefix(address, length));
  }
  onEndOfFeed(): void {
    this.options.programmer.inSync('bgp');
  }
  private express(p: Prefix, nextHop: Ipv4): void {
    const refused = this.guard.check(p.address, p.length, nextHop);
    if (refused !== undefined) {
      this.options.programmer.hold('bgp', p, refused);
      return;
    }
    const route = this.targetFor(encapsulationOf(p, nextHop, this.encapsulation), nextHop);
    if (route.ok) this.options.programmer.want('bgp', p, route.value);
    else this.options.programmer.hold('bgp', p, route.error);
  }
  private targetFor(encapsulation: Encapsulation, nextHop: Ipv4): Result<RouteTarget, Reason> {
    const key = `${encapsulation} ${nextHop}`;
    const known = this.targets.get(key);
    if (known !== undefined) return known;
    const made = targetVia(nextHop, encapsulation, this.encapsulation);
    this.targets.set(key, made);
    return made;
  }
  stop(): void {
    this.unsubscribe();
    this.cancelTimer?.();
  }
}
