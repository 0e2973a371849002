/** Next hops in use and where they lead. Pure: who knows interfaces and the kernel's routes answers through NextHopResolver.
 *  RFC 4271 9.1.2.1. How one is resolved is next-hop-tracker.ts, several for one route are multipath.ts. */
import { Int32Column } from '../../base/columns.ts';
import type { IpAddress } from '../../base/ip.ts';
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
  resolve(nextHop: IpAddress): Resolution;
  /** `listener` is called after changes, which may be of any next hop. The answer ends it. */
  onChange(listener: () => void): () => void;
}

/** Not resolved yet. */
export const UNKNOWN = -2;
export const UNREACHABLE = -1;
/** No cost is above it: costs are a column of 31 bits. */
export const MAX_COST = 0x7fffffff;

const NONE = -1;

/** Next hops by small numbers, counted: a number is given out again when nothing refers to its address any more. */
export class NextHopTable {
  /** Interior cost by id; UNREACHABLE, or UNKNOWN until somebody asks. Written by the tracker only. */
  readonly cost = new Int32Column(UNKNOWN);
  /** Told of every id that is free from now on. */
  onFree: (id: number) => void = () => {};
  private readonly ids = new Map<IpAddress, number>();
  private readonly addresses: IpAddress[] = [];
  private readonly refs = new Int32Column(0);
  private readonly nextFree = new Int32Column(NONE);
  private freeHead = NONE;

  get size(): number {
    return this.ids.size;
  }

  /** All ids ever given are below it. */
  get idBound(): number {
    return this.addresses.length;
  }

  has(id: number): boolean {
    return (this.refs.at[id] as number) > 0;
  }

  addressOf(id: number): IpAddress {
    return this.addresses[id] as IpAddress;
  }

  /** The id, with a reference for the caller. */
  intern(address: IpAddress): number {
    let id = this.ids.get(address);
    if (id === undefined) {
      id = this.freeHead === NONE ? this.addresses.length : this.freeHead;
      this.refs.reach(id);
      this.cost.reach(id);
      this.nextFree.reach(id);
      if (id === this.freeHead) this.freeHead = this.nextFree.at[id] as number;
      this.addresses[id] = address;
      this.refs.at[id] = 0;
      this.cost.at[id] = UNKNOWN;
      this.ids.set(address, id);
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
    this.ids.delete(this.addresses[id] as IpAddress);
    this.nextFree.at[id] = this.freeHead;
    this.freeHead = id;
  }
}
