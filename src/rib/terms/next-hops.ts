/** Next hops in use and where they lead. Pure: who knows interfaces and the kernel's routes answers through NextHopResolver.
 *  RFC 4271 9.1.2.1. How one is resolved is next-hop-tracker.ts, several for one route are multipath.ts. */
import { Int32Column } from '../../base/columns.ts';
import { type IpAddress, isIpv6 } from '../../base/ip.ts';
import { isLinkLocal6 } from '../../base/ipv6.ts';
import type { Reason } from '../../base/reason.ts';

/** How the routes of this machine that are not BGP's lead to an address. */
export type Resolution =
  | {
      readonly reachable: true;
      /** Cost of the way, for RFC 4271 9.1.2.2 e; 0 for a neighbour on a link. */
      readonly metric: number;
      /** On a link of this machine. */
      readonly connected: boolean;
      /** Only through a default route: a BGP route that covers the address is a better way. */
      readonly byDefault: boolean;
    }
  | { readonly reachable: false; readonly reason: Reason };

export interface NextHopResolver {
  /** `link`: the device that a link-local one is on, where that is known. */
  resolve(nextHop: IpAddress, link?: string): Resolution;
  /** `listener` is called after changes, which may be of any next hop. The answer ends it. */
  onChange(listener: () => void): () => void;
}

/** Not resolved yet. */
export const UNKNOWN = -2;
export const UNREACHABLE = -1;
/** No cost is above it: costs are a column of 31 bits. */
export const MAX_COST = 0x7fffffff;

const NONE = -1;

/** On one link only: which, the address does not say. RFC 4007 6 */
export const isOfOneLink = (nextHop: IpAddress): boolean => isIpv6(nextHop) && isLinkLocal6(nextHop);

/** Next hops by small numbers, counted: a number is given out again when nothing refers to its address any more. A link-local
 *  address is another next hop on another link: fabrics give all their links the same one. */
export class NextHopTable {
  /** Interior cost by id; UNREACHABLE, or UNKNOWN until somebody asks. Written by the tracker only. */
  readonly cost = new Int32Column(UNKNOWN);
  /** Told of every id that is free from now on. */
  onFree: (id: number) => void = () => {};
  private readonly ids = new Map<IpAddress, number>();
  /** By link, of link-local ones whose link is known. */
  private readonly onLinks = new Map<string, Map<IpAddress, number>>();
  private readonly addresses: IpAddress[] = [];
  private readonly links: (string | undefined)[] = [];
  private readonly refs = new Int32Column(0);
  private readonly nextFree = new Int32Column(NONE);
  private freeHead = NONE;

  get size(): number {
    let size = this.ids.size;
    for (const ids of this.onLinks.values()) size += ids.size;
    return size;
  }

  /** All ids ever given are below it. */
  get idBound(): number {
    return this.addresses.length;
  }

  has(id: number): boolean {
    return (this.refs.at[id] as number) > 0;
  }

  /** Some next hop in use is this address, on whatever link. */
  holds(address: IpAddress): boolean {
    if (this.ids.has(address)) return true;
    for (const ids of this.onLinks.values()) if (ids.has(address)) return true;
    return false;
  }

  addressOf(id: number): IpAddress {
    return this.addresses[id] as IpAddress;
  }

  /** The device it is on; undefined where the address says it, or where nobody does. */
  linkOf(id: number): string | undefined {
    return this.links[id];
  }

  /** The id, with a reference for the caller. `link`: of the session that it came by; it counts for a link-local address. */
  intern(address: IpAddress, link?: string): number {
    const on = link !== undefined && isOfOneLink(address) ? link : undefined;
    const ids = this.idsOn(on);
    let id = ids.get(address);
    if (id === undefined) {
      id = this.freeHead === NONE ? this.addresses.length : this.freeHead;
      this.refs.reach(id);
      this.cost.reach(id);
      this.nextFree.reach(id);
      if (id === this.freeHead) this.freeHead = this.nextFree.at[id] as number;
      this.addresses[id] = address;
      this.links[id] = on;
      this.refs.at[id] = 0;
      this.cost.at[id] = UNKNOWN;
      ids.set(address, id);
    }
    this.hold(id);
    return id;
  }

  hold(id: number): void {
    this.refs.at[id] = (this.refs.at[id] as number) + 1;
  }

  release(id: number): void {
    const left = (this.refs.at[id] as number) - 1;
    this.refs.at[id] = left;
    if (left > 0) return;
    this.onFree(id);
    const link = this.links[id];
    const ids = this.idsOn(link);
    ids.delete(this.addresses[id] as IpAddress);
    if (link !== undefined && ids.size === 0) this.onLinks.delete(link);
    this.nextFree.at[id] = this.freeHead;
    this.freeHead = id;
  }

  private idsOn(link: string | undefined): Map<IpAddress, number> {
    if (link === undefined) return this.ids;
    let ids = this.onLinks.get(link);
    if (ids === undefined) {
      ids = new Map();
      this.onLinks.set(link, ids);
    }
    return ids;
  }
}
