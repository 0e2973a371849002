/** BlockAffinity resources. Pure. */
import type { Reason } from '../base/reason.ts';
import type { Result } from '../base/result.ts';
import type { BlockAffinity } from '../model/block.ts';
import type { Resource } from '../store/port.ts';

export declare function parseAffinity(resource: Resource): Result<BlockAffinity, Reason>;
