/** An IPPool as Gingham uses it: parsed, defaults filled in. Pure. Field names are the resource's. */
import type { Prefix } from '../base/prefix.ts';

export type EncapMode = 'Never' | 'Always' | 'CrossSubnet';

export interface Pool {
  readonly name: string;
  readonly cidr: Prefix;
  /** 20..32; addresses of one block are 2^(32 - blockSize). */
  readonly blockSize: number;
  readonly ipipMode: EncapMode;
  readonly vxlanMode: EncapMode;
  readonly natOutgoing: boolean;
  readonly disabled: boolean;
  readonly disableBGPExport: boolean;
  readonly nodeSelector: string;
  readonly allowedUses: readonly ('Workload' | 'Tunnel' | 'LoadBalancer')[];
  readonly assignmentMode: 'Automatic' | 'Manual';
}
