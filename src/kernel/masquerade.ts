/** natOutgoing: what leaves the pools is given the node's address. One nft table of our own, applied whole. Not pure:
 *  it starts `nft -f -`, and only when something changed. */
import type { Prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';

export interface MasqueradeSpec {
  /** Pools whose pods may leave the cluster with the node's address. */
  readonly natOutgoing: readonly Prefix[];
  /** All pools: between them nothing is translated. */
  readonly pools: readonly Prefix[];
}

export interface Masquerade {
  /** Applies the difference; no nft call when there is none. The answer is empty, or says why it does not work. */
  apply(spec: MasqueradeSpec): Promise<readonly Reason[]>;
  /** Takes our table away. */
  remove(): Promise<void>;
}

export declare function createMasquerade(options?: { readonly nft?: string; readonly table?: string }): Masquerade;
