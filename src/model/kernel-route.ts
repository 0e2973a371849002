/** A route as the kernel is to have it. Pure. Targets are few and shared by many prefixes, so they are interned:
 *  a table of routes is prefix -> target, not an object per route. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Prefix } from '../base/prefix.ts';

export interface NextHop {
  /** Absent: the destination is on the link itself. */
  readonly gateway?: Ipv4;
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
  readonly metric?: number;
}

export interface KernelRoute {
  readonly prefix: Prefix;
  readonly target: RouteTarget;
}
