/** IPAMBlock resources, parsed and formatted exactly as Calico stores them. Pure. */
import type { Reason } from '../base/reason.ts';
import type { Result } from '../base/result.ts';
import type { Block } from '../model/block.ts';
import type { Resource } from '../store/port.ts';

/** A fault is a Reason with code IPAM_BAD_BLOCK that names the object and field. */
export declare function parseBlock(resource: Resource): Result<Block, Reason>;
