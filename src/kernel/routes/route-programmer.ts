/** The single writer of routes: what it offers, for both families. Pure: types; the work is both-families.ts and, for each family,
 *  route-sync.ts. Marking dirty never touches the kernel; applying does: one event-loop turn later, or at `flush`. */

import type { IpAddress, IpPrefix } from '../../base/ip.ts';
import type { Clock, Timers } from '../../base/ports.ts';
import type { Reason } from '../../base/reason.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import type { Interfaces } from '../devices/interfaces.ts';

/** In order of precedence: when two want one prefix, the first has it. */
export const ROUTE_OWNERS = ['workload', 'local', 'bgp', 'gateway'] as const;
export type RouteOwner = (typeof ROUTE_OWNERS)[number];

/** A route as found in the kernel, in our words. */
export interface FoundRoute {
  readonly prefix: IpPrefix;
  readonly target: RouteTarget;
}

export interface RouteProgrammerOptions {
  readonly client: NetlinkClient;
  /** Device names, their indexes, up and down. */
  readonly interfaces: Interfaces;
  readonly clock: Clock;
  readonly timers: Timers;
  /** rtm_protocol of all but workload routes: 12 bird, 186 bgp. */
  readonly protocol: number;
  /** Default main (254). */
  readonly table?: number;
  /** The namespace the client is of, for the event socket; absent: this one. */
  readonly netns?: string;
  /** Who must say inSync before leftovers are deleted; default all. */
  readonly owners?: readonly RouteOwner[];
  /** Of a route with our protocol number over a device that is not ours: is its next hop one that we would use? */
  readonly isOurs?: (route: FoundRoute) => boolean;
  /** Period of the full comparison; default 90 s. */
  readonly resyncMs?: number;
  /** For the log: drift and overflows, at most one line a second comes of it. */
  readonly onDrift?: (drift: Drift) => void;
}

export interface Drift {
  readonly prefix: IpPrefix;
  readonly what: 'deleted' | 'replaced' | 'device-down' | 'missing';
  /** Of the route that took our place; of a deletion the kernel tells only the process. */
  readonly culpritProtocol?: number;
  /** Port id of the netlink socket that did it: the process id, as a rule. 0: the kernel itself. */
  readonly culpritPort?: number;
  /** Wall clock, ms. */
  readonly at: number;
}

/** The wishes of one owner and family without an object for each: address and length are the prefix, canonical, the address
 *  of this family. With each goes a number of the owner's own, by which it can say the wish anew. */
export interface RouteWishes {
  /** Each answers the number that went with the prefix before; -1: it was neither wanted nor held. */
  want(address: IpAddress, length: number, target: RouteTarget, note: number): number;
  hold(address: IpAddress, length: number, reason: Reason, note: number): number;
  unwant(address: IpAddress, length: number): number;
  /** Visits what is wanted or held, from one place on, so many places; answers where to go on, undefined at the end. The visitor
   *  may change the wish it is called for. */
  forEach(
    from: number,
    places: number,
    visit: (address: IpAddress, length: number, note: number) => void,
  ): number | undefined;
}

export interface RouteState {
  /** The kernel holds what is wanted. */
  readonly installed: boolean;
  readonly owner?: RouteOwner;
  readonly wanted?: RouteTarget;
  /** Why it is not installed. */
  readonly reason?: Reason;
  /** Wall clock, ms: when the kernel acknowledged it, or when it was found at start. */
  readonly since?: number;
}

export interface ForeignRoutes {
  /** Routes of others in our table at the last comparison. */
  readonly total: number;
  readonly byProtocol: Readonly<Record<number, number>>;
  /** Those that stand where we want a route; at most 20. */
  readonly inTheWay: readonly { readonly prefix: IpPrefix; readonly protocol: number }[];
  /** Routes with our protocol number that are not recognisably ours: reported, never touched; at most 20. */
  readonly unclaimed: readonly FoundRoute[];
  readonly unclaimedTotal: number;
}

export interface RouteProgrammerStatus {
  /** Prefixes that an owner wants. */
  readonly wanted: number;
  /** Of them, those the kernel holds as wanted. */
  readonly installed: number;
  /** Wanted, tried and refused, each with its reason in `state`. */
  readonly failed: number;
  /** Held back by a reason of their owner. */
  readonly held: number;
  /** Routes of ours that were there at start. */
  readonly found: number;
  readonly foundByFamily: FoundByFamily;
  /** Routes of ours that nobody wants and that wait for all owners to be in sync. */
  readonly leftover: number;
  readonly foreign: ForeignRoutes;
  readonly driftRepaired: number;
  readonly lastDrift?: Drift;
  /** Times that the kernel dropped events and everything was read again. */
  readonly overflows: number;
  readonly inSync: readonly RouteOwner[];
}

/** Routes of ours that outlived us: by them the forwarding bit says the truth, family by family. RFC 4724 3 */
export interface FoundByFamily {
  readonly ipv4: number;
  readonly ipv6: number;
}

export interface RouteProgrammer {
  /** Subscribes, dumps, recognises our own. `found`: those of both families. */
  start(): Promise<{ found: number; byFamily: FoundByFamily }>;
  /** The owner's route for the prefix, in place of its former one. Idempotent. */
  want(owner: RouteOwner, prefix: IpPrefix, target: RouteTarget): void;
  unwant(owner: RouteOwner, prefix: IpPrefix): void;
  /** The owner knows the prefix, but the route is not to be: the stored "why not". Takes its `want` back. */
  hold(owner: RouteOwner, prefix: IpPrefix, reason: Reason): void;
  /** Takes back all that the owner wanted or held: on `leave`. */
  clear(owner: RouteOwner): void;
  /** The owner has said all it knows, of one family or of both. Routes of a family that nobody wants are deleted when every
   *  owner has spoken for it. */
  inSync(owner: RouteOwner, family?: 'ipv4' | 'ipv6'): void;
  /** Few wishes are in the kernel when it returns, if nothing else is being written or read: the caller has said all it had to
   *  say in this turn, and wants no later one. */
  flush(): void;
  /** Resolves when the kernel has acknowledged the present wish for the prefix, or with the reason why not. */
  settled(prefix: IpPrefix): Promise<Reason | undefined>;
  /** Resolves when nothing is waiting to be written. */
  idle(): Promise<void>;
  state(prefix: IpPrefix): RouteState;
  status(): RouteProgrammerStatus;
  /** Every prefix that is wanted, held, or ours in the kernel, while `on` runs. */
  each(on: (prefix: IpPrefix, state: RouteState) => void): void;
  /** For who has hundreds of thousands of wishes, flat. */
  wishesOf(owner: RouteOwner, family: 'ipv4' | 'ipv6'): RouteWishes;
  /** Compare with the kernel now, not after resyncMs. */
  resync(): Promise<void>;
  /** Stops listening and writing. The routes stay. */
  stop(): void;
}
