/** IPAM objects as values, parsed from and formatted to exactly Calico's form by ipam/. Pure.
 *  Sequence numbers are UnixNano, about 1.8e18: beyond 2^53, so they are bigint here and lossless JSON on the wire. */
import type { Prefix } from '../base/prefix.ts';

export interface AllocationAttribute {
  readonly handleId?: string;
  readonly secondary?: Readonly<Record<string, string>>;
  readonly releasedAt?: string;
}

export interface Block {
  readonly cidr: Prefix;
  /** "host:NODE", "virtual:NAME" or absent */
  readonly affinity?: string;
  readonly affinityClaimTime?: string;
  /** By ordinal: index into attributes, or null when free. */
  readonly allocations: readonly (number | null)[];
  /** Free ordinals, first in first out. */
  readonly unallocated: readonly number[];
  readonly attributes: readonly AllocationAttribute[];
  readonly sequenceNumber: bigint;
  readonly sequenceNumberForAllocation: Readonly<Record<string, bigint>>;
  readonly deleted: boolean;
}

export type AffinityState = 'pending' | 'confirmed' | 'pendingDeletion';

export interface BlockAffinity {
  readonly node: string;
  readonly cidr: Prefix;
  readonly state: AffinityState;
  readonly deleted: boolean;
}

export interface Handle {
  readonly handleId: string;
  /** Addresses held, by block CIDR as text. */
  readonly blocks: Readonly<Record<string, number>>;
}
