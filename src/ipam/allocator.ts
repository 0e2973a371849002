/** Addresses for this node over the store: claims blocks, assigns, releases. The only writer of blocks, affinities and
 *  handles. No I/O of its own: the store, the clock and chance come in. Behaviour as Calico's AutoAssign, so that nodes of
 *  both kinds can share one datastore. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Block } from '../model/block.ts';
import type { Store } from '../store/port.ts';

export interface IpamOptions {
  readonly store: Store;
  /** Whose blocks: this node's, or in a lab a node's that cannot claim by itself. */
  readonly nodeName: string;
  /** Wall clock, ms since 1970: claim times and first sequence numbers. */
  readonly now: () => number;
  readonly log?: (message: string, fields: Readonly<Record<string, string | number>>) => void;
}

export interface AssignRequest {
  readonly handleId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly use: 'Workload' | 'Tunnel';
}

export declare class Ipam {
  constructor(options: IpamOptions);
  /** At start: a confirmed block of our own, claimed by compare-and-swap; repairs what a crash left half done. Throws IpamError. */
  ensureBlock(): Promise<Block>;
  /** One address. First from own blocks, then from a newly claimed one, then borrowed unless strictAffinity. Throws IpamError. */
  assign(request: AssignRequest): Promise<Ipv4>;
  /** Addresses the handle holds. */
  assignmentsOf(handleId: string): Promise<readonly Ipv4[]>;
  /** Gives back all addresses of the handle; the answer counts them. Idempotent. */
  release(handleId: string): Promise<number>;
  /** The node's tunnel address: the one it has, else a new one; a new block's first. */
  ensureTunnelAddress(kind: 'ipip' | 'vxlan'): Promise<Ipv4>;
  /** Own blocks as last read or written here; `refresh` reads them anew. */
  listOwn(): readonly Block[];
  refresh(): Promise<readonly Block[]>;
}
