/** Why no address could be given or taken back. Pure. The code is stable; the text names object, value and remedy. */
import type { Reason } from '../base/reason.ts';

export type IpamFault =
  | 'IPAM_NO_POOL' // no IPPool serves this node and use
  | 'IPAM_POOLS_FULL' // every block of every such pool is taken and none may be borrowed from
  | 'IPAM_BLOCK_LIMIT' // the node holds as many blocks as IPAMConfig allows
  | 'IPAM_CLAIMS_OFF' // autoAllocateBlocks is false and own blocks are full
  | 'IPAM_CONTENTION' // compare-and-swap lost too often
  | 'IPAM_BAD_OBJECT' // a stored object cannot be read
  | 'IPAM_STORE_UNREACHABLE' // the datastore did not answer
  | 'IPAM_STORE_REFUSED'; // the datastore would not have the object

export class IpamError extends Error {
  override readonly name = 'IpamError';
  readonly reason: Reason;
  /** True when the same request may succeed later without anybody changing anything. */
  readonly transient: boolean;

  constructor(code: IpamFault, text: string, options?: { readonly transient?: boolean; readonly cause?: unknown }) {
    super(text, options?.cause === undefined ? undefined : { cause: options.cause });
    this.reason = { code, text };
    this.transient = options?.transient ?? false;
  }
}
