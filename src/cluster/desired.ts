/** What this node should be doing, from the cluster's present objects. Pure: the output depends on the present inputs only,
 *  not on the order or history in which they came. daemon/ diffs two outputs and applies the difference. */
import type { Prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { Result } from '../base/result.ts';
import type { Block, BlockAffinity } from '../model/block.ts';
import type { ClusterNode } from '../model/node.ts';
import type { PeerConfig } from '../model/peer.ts';
import type { Pool } from '../model/pool.ts';
import type { Resource } from '../store/port.ts';

/** Pools, blocks and affinities come parsed (ipam's parsePool, parseBlock, parseAffinity), faults included; nodes and the
 *  BGPConfiguration as stored. */
export interface ClusterSnapshot {
  readonly nodes: readonly Resource[];
  readonly pools: readonly Result<Pool, Reason>[];
  readonly blocks: readonly Result<Block, Reason>[];
  readonly affinities: readonly Result<BlockAffinity, Reason>[];
  /** The object named "default"; absent: Calico's defaults. */
  readonly bgpConfiguration: Resource | undefined;
}

export interface DesiredSelf {
  readonly nodeName: string;
  /** Our source address; absent: our Node's. */
  readonly localAddress?: PeerConfig['address'];
  readonly holdTimeSec: number;
  readonly connectRetrySec: number;
  readonly gracefulRestart?: { readonly restartTimeSec: number };
  readonly localPref: number;
}

export interface Desired {
  /** Sorted by name. */
  readonly peers: readonly PeerConfig[];
  /** Own blocks, sorted. */
  readonly originate: readonly Prefix[];
  /** Sorted by name; disabled ones too, because their routes still go through their tunnel. */
  readonly pools: readonly Pool[];
  /** Sorted by name, ourselves included. */
  readonly nodes: readonly ClusterNode[];
  /** Ourselves; absent until our Node object is there. */
  readonly self: ClusterNode | undefined;
  /** The mesh's AS number and BGP port. */
  readonly asn: number;
  readonly listenPort: number;
  readonly tunnels: { readonly ipip: boolean; readonly vxlan: boolean };
  readonly problems: readonly Reason[];
}

export declare function desired(snapshot: ClusterSnapshot, self: DesiredSelf): Desired;
