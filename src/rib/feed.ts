/** What everything that wants routes receives: peers, the kernel, watchers. Pure: types.
 *  First the dump, then onEndOfFeed once, then changes; a withdrawal names the key, never the value. */
import type { Ipv4Attributes } from '../bgp-js/attributes/attribute-types.ts';

/** Where a path came from: a peer (by its stable number in the Loc-RIB) or this node itself. */
export interface PathSource {
  readonly id: number;
  readonly name: string;
  readonly kind: 'local' | 'ibgp' | 'ebgp';
  /** The peer's address and BGP identifier; 0 for local. */
  readonly address: number;
  readonly bgpIdentifier: number;
}

/** The best path of one prefix. One object is reused for every call: copy what you keep. */
export interface BestPath {
  readonly address: number;
  readonly length: number;
  /** Shared by all routes of the attribute set; compare by identity. */
  readonly attributes: Ipv4Attributes;
  readonly source: PathSource;
  /** The peer restarts gracefully and has not confirmed this route yet. RFC 4724 4.2 */
  readonly stale: boolean;
}

export interface RouteFeed {
  onBest(best: BestPath): void;
  onWithdraw(address: number, length: number): void;
  /** All inputs known at subscription have been given. */
  onEndOfFeed(): void;
}
