/** What everything that wants routes receives: peers, the kernel, watchers. Pure: types.
 *  First the dump, then onEndOfFeed once, then changes; a withdrawal names the key, never the value. */
import type { IpAddress } from '../../base/ip.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';

/** Where a path came from: a peer (by its stable number in the Loc-RIB) or this node itself. */
export interface PathSource {
  readonly id: number;
  readonly name: string;
  readonly kind: 'local' | 'ibgp' | 'ebgp';
  /** The peer's; 0.0.0.0 for local. */
  readonly address: IpAddress;
  /** 0 for local. */
  readonly bgpIdentifier: number;
  /** We reflect its routes, and others' to it. RFC 4456 2 */
  readonly client: boolean;
}

/** A way that packets take. */
export interface FeedNextHop {
  /** As BGP says it. */
  readonly address: IpAddress;
  /** Where the packet is handed to: `address` itself, or what it was resolved to through other BGP routes. */
  readonly gateway: IpAddress;
  /** The device that a link-local gateway is on, where the session tells it. */
  readonly link?: string;
}

/** The best path of one prefix. One object is reused for every call: copy what you keep. */
export interface BestPath {
  readonly address: IpAddress;
  readonly length: number;
  /** Of the best path. */
  readonly attributes: PathAttributes;
  /** One, or with ECMP several: in order of address and link, each gateway once. Shared by all routes with the same ones: compare by
   *  identity. Empty for our own routes. */
  readonly nextHops: readonly FeedNextHop[];
  readonly source: PathSource;
  /** The peer restarts gracefully and has not confirmed this route yet. RFC 4724 4.2 */
  readonly stale: boolean;
}

export interface RouteFeed {
  onBest(best: BestPath): void;
  onWithdraw(address: IpAddress, length: number): void;
  /** All inputs known at subscription have been given. */
  onEndOfFeed(): void;
  /** The changes of this turn have been told, and the peers' turn comes now: who writes at once writes before them. */
  onSlice?(): void;
}
