/** IPPool resources. Pure. */
import type { Reason } from '../base/reason.ts';
import type { Result } from '../base/result.ts';
import type { Pool } from '../model/pool.ts';
import type { Resource } from '../store/port.ts';

/** Defaults filled in; a fault names the pool, the field, the value and the remedy. */
export declare function parsePool(resource: Resource): Result<Pool, Reason>;
