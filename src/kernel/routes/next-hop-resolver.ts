/** Where a next hop leads without BGP: by connected subnets, links, and the kernel's routes that are not ours. The port that rib/
 *  declares, of both families, and the ways that a route through such a next hop takes. Kept current by events; no I/O of its
 *  own but netlink, through client and monitor. RFC 4271 9.1.2.1 */
import { formatIp, type IpAddress, isIpv6 } from '../../base/ip.ts';
import { isLinkLocal6 } from '../../base/ipv6.ts';
import type { Timers } from '../../base/ports.ts';
import type { Reason } from '../../base/reason.ts';
import type { NextHop } from '../../model/kernel-route.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import { AF_INET, AF_INET6, RT_TABLE_MAIN, RTM_NEWROUTE } from '../../netlink/constants.ts';
import { type NetlinkEvent, type NetlinkMonitor, openMonitor } from '../../netlink/monitor.ts';
import { isErrno } from '../../netlink/request.ts';
import { decodeRoute, dumpRoutesRequest } from '../../netlink/route.ts';
import type { NextHopResolver, Resolution } from '../../rib/terms/next-hops.ts';
import type { Interfaces } from '../devices/interfaces.ts';
import { ForeignRoutes } from './foreign-routes.ts';

export interface KernelNextHopsOptions {
  readonly client: NetlinkClient;
  readonly interfaces: Interfaces;
  readonly timers: Timers;
  /** rtm_protocol of our routes: those lead nowhere by themselves. */
  readonly protocol: number;
  /** The namespace the client is of; absent: this one. */
  readonly netns?: string;
}

export interface KernelNextHops extends NextHopResolver {
  /** Ways to an address that is in no connected subnet: next hops of somebody else's route to it. Empty: none. */
  waysTo(address: IpAddress): readonly NextHop[];
  /** Addresses that we have a route of our own to, by a gateway on a link: they lead where the gateway does. */
  setGateways(gateways: ReadonlyMap<IpAddress, IpAddress>): void;
  stop(): void;
}

/** Changes come in bursts. */
const SETTLE_MS = 20;
const AFTER_FAULT_MS = 1000;
const MAX_WAITING_EVENTS = 100_000;

type RouteEvent = Extract<NetlinkEvent, { kind: 'route' }>;

/** Resolves when all is read. */
export async function watchNextHops(options: KernelNextHopsOptions): Promise<KernelNextHops> {
  const watched = new Watched(options);
  await watched.reread();
  return watched;
}

class Watched implements KernelNextHops {
  private readonly o: KernelNextHopsOptions;
  private readonly ipv4: ForeignRoutes;
  private readonly ipv6: ForeignRoutes;
  private readonly monitor: NetlinkMonitor;
  private readonly unsubscribe: () => void;
  private readonly listeners = new Set<() => void>();
  /** Events that arrive during a read wait for its end. */
  private waiting: RouteEvent[] | undefined;
  private readAgain = false;
  private cancelTimer: (() => void) | undefined;
  private cancelRetry: (() => void) | undefined;
  private stopped = false;
  private gateways: ReadonlyMap<IpAddress, IpAddress> = new Map();

  constructor(options: KernelNextHopsOptions) {
    this.o = options;
    const { interfaces, protocol, client, netns } = options;
    const nameOf = (index: number): string => interfaces.byIndex(index)?.name ?? `#${index}`;
    this.ipv4 = new ForeignRoutes('ipv4', protocol, nameOf);
    this.ipv6 = new ForeignRoutes('ipv6', protocol, nameOf);
    this.monitor = openMonitor({
      groups: ['route', 'route6'],
      ignorePortId: client.portId,
      ...(netns === undefined ? {} : { netns }),
      onEvent: (event) => this.onEvent(event),
      onOverflow: () => void this.reread(),
    });
    this.unsubscribe = interfaces.onChange((change) => {
      // A pod's device is no way to a next hop.
      if (change.kind === 'link' && change.name.startsWith('cali')) return;
      // With a device, and with its last address, the kernel drops its IPv4 routes without a word.
      if (change.kind === 'reread' || change.kind === 'address' ? true : !change.up) this.readSoon();
      this.changed();
    });
  }
  private onEvent(event: NetlinkEvent): void {
    if (event.kind !== 'route') return;
    if (this.waiting === undefined) {
      if (this.apply(event)) this.changed();
    } else if (this.waiting.length < MAX_WAITING_EVENTS) this.waiting.push(event);
    else this.readAgain = true;
  }
  private apply({ route, gone, replaced }: RouteEvent): boolean {
    if (route.table !== RT_TABLE_MAIN) return false;
    const table = isIpv6(route.dst) ? this.ipv6 : this.ipv4;
    const changed = gone ? table.remove(route) : table.add(route, replaced);
    // IPv6 tells of next hops joining and leaving a route one by one.
    if (isIpv6(route.dst) && (route.nexthops.length > 0 || (gone && !changed && table.match(route.dst) !== undefined)))
      this.readSoon();
    return changed;
  }
  private readSoon(): void {
    if (this.stopped || this.cancelRetry !== undefined) return;
    this.cancelRetry = this.o.timers.after(SETTLE_MS, () => {
      this.cancelRetry = undefined;
      void this.reread();
    });
  }
  async reread(): Promise<void> {
    if (this.stopped) return;
    if (this.waiting !== undefined) {
      this.readAgain = true;
      return;
    }
    this.waiting = [];
    try {
      await this.read(this.ipv4, AF_INET);
      await this.read(this.ipv6, AF_INET6);
    } catch {
      this.cancelRetry ??= this.o.timers.after(AFTER_FAULT_MS, () => {
        this.cancelRetry = undefined;
        void this.reread();
      });
    }
    const waited = this.waiting;
    this.waiting = undefined;
    for (const event of waited) this.apply(event);
    this.changed();
    if (this.readAgain) {
      this.readAgain = false;
      this.readSoon();
    }
  }
  private async read(table: ForeignRoutes, family: number): Promise<void> {
    const { client } = this.o;
    table.clear();
    try {
      await client.dump(
        dumpRoutesRequest(RT_TABLE_MAIN, 0, family),
        (m) => {
          // rtm_protocol: of a full table of ours nothing is decoded.
          if (m.type !== RTM_NEWROUTE || m.byte(m.at + 21) === this.o.protocol) return undefined;
          const route = decodeRoute(m);
          if (route !== undefined && route.table === RT_TABLE_MAIN) table.add(route);
          return undefined;
        },
        () => table.clear(),
      );
    } catch (error) {
      // A kernel without this family has no routes of it.
      if (!isErrno(error, 'ENOENT', 'EAFNOSUPPORT', 'EOPNOTSUPP')) throw error;
    }
  }
  private changed(): void {
    if (this.stopped || this.listeners.size === 0) return;
    this.cancelTimer ??= this.o.timers.after(SETTLE_MS, () => {
      this.cancelTimer = undefined;
      for (const listener of this.listeners) listener();
    });
  }
  resolve(nextHop: IpAddress, link?: string): Resolution {
    // Where nobody knows the link: while the session is up that it came by, it is reachable.
    if (isIpv6(nextHop) && isLinkLocal6(nextHop))
      return link === undefined || this.o.interfaces.byName(link)?.carrier === true
        ? DIRECT
        : no('NEXT_HOP_LINK_DOWN', `next hop ${formatIp(nextHop)} is on ${link}, which has no carrier`);
    const gateway = this.gateways.get(nextHop);
    if (gateway !== undefined) {
      const way = this.resolve(gateway);
      return way.reachable ? { ...way, connected: false } : way;
    }
    const { interfaces } = this.o;
    const on = interfaces.deviceOf(nextHop);
    const other = this.table(nextHop).match(nextHop);
    if (on !== undefined && (other === undefined || other.length <= on.prefixLength))
      return interfaces.byName(on.device)?.carrier === false
        ? no('NEXT_HOP_LINK_DOWN', `next hop ${formatIp(nextHop)} is on ${on.device}, which has no carrier`)
        : DIRECT;
    if (other === undefined)
      return no(
        'NEXT_HOP_UNREACHABLE',
        `no route of this machine leads to next hop ${formatIp(nextHop)}; add one, or make the peer send a next hop of a shared subnet`,
      );
    if (other.target.nextHops.length === 0)
      return no(
        'NEXT_HOP_BLACKHOLED',
        `the route of this machine to next hop ${formatIp(nextHop)}, a /${other.length} of protocol ${other.target.protocol}, drops packets`,
      );
    if (!other.target.nextHops.some((h) => this.works(h)))
      return no(
        'NEXT_HOP_LINK_DOWN',
        `the way to next hop ${formatIp(nextHop)} is over ${other.target.nextHops[0]?.device}, which has no carrier`,
      );
    return { reachable: true, metric: other.metric, connected: false, byDefault: other.length === 0 };
  }
  waysTo(address: IpAddress): readonly NextHop[] {
    const gateway = this.gateways.get(address);
    const device = gateway === undefined ? undefined : this.o.interfaces.deviceOf(gateway)?.device;
    if (gateway !== undefined && device !== undefined) return [{ gateway, device, onlink: false }];
    const hops = this.table(address).match(address)?.target.nextHops ?? [];
    const working = hops.filter((h) => this.works(h));
    return working.length > 0 ? working : hops;
  }
  private works({ device }: NextHop): boolean {
    const link = this.o.interfaces.byName(device);
    return link?.up === true && link.carrier;
  }
  private table(address: IpAddress): ForeignRoutes {
    return isIpv6(address) ? this.ipv6 : this.ipv4;
  }
  setGateways(gateways: ReadonlyMap<IpAddress, IpAddress>): void {
    if (gateways.size === 0 && this.gateways.size === 0) return;
    // Never in a ring: a gateway is on a link, and has none itself.
    this.gateways = new Map([...gateways].filter(([, gateway]) => !gateways.has(gateway)));
    this.changed();
  }
  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  stop(): void {
    this.stopped = true;
    this.cancelTimer?.();
    this.cancelRetry?.();
    this.unsubscribe();
    this.monitor.close();
    this.listeners.clear();
  }
}

const DIRECT: Resolution = { reachable: true, metric: 0, connected: true, byDefault: false };
const no = (code: string, text: string): Resolution => {
  const reason: Reason = { code, text };
  return { reachable: false, reason };
};
