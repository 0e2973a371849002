/** A route as the kernel is to have it. Pure. Targets are few and shared by many prefixes, so they are interned:
 *  a table of routes is prefix -> target, not an object per route. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';

export interface NextHop {
  /** Absent: the destination is on the link itself. Of the route's family, or IPv6 for an IPv4 route (RFC 8950). */
  readonly gateway?: IpAddress;
  readonly device: string;
  /** The gateway is reached through `device` although no subnet says so: every tunnel route. */
  readonly onlink: boolean;
}

export interface RouteTarget {
  readonly type: 'unicast' | 'blackhole';
  readonly scope: 'universe' | 'link';
  /** Empty for blackhole; several are ECMP. */
  readonly nextHops: readonly NextHop[];
  /** rtm_protocol: 12 bird, 186 bgp, 3 boot. */
  readonly protocol: number;
  /** Absent: the kernel's own, which is 0 for IPv4 and 1024 for IPv6. */
  readonly metric?: number;
}

export interface KernelRoute {
  readonly prefix: IpPrefix;
  readonly target: RouteTarget;
}
