/** The cluster's pools, seen together. Pure. */
import { containsPrefix, formatPrefix } from '../base/prefix.ts';
import type { Result } from '../base/result.ts';
import type { Pool } from '../model/pool.ts';
import type { ClusterReason } from './cluster-reason.ts';
import { usable } from './originate.ts';

/** Sorted by name; overlaps are told, because the encapsulation of a route would then depend on which pool is asked. */
export function readPools(parsed: readonly Result<Pool, ClusterReason>[]): {
  readonly pools: readonly Pool[];
  readonly problems: readonly ClusterReason[];
} {
  const { values, problems } = usable(parsed);
  const pools = [...values].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const overlaps = pools.flatMap((a, i) =>
    pools.slice(i + 1).flatMap((b) =>
      containsPrefix(a.cidr, b.cidr) || containsPrefix(b.cidr, a.cidr)
        ? [
            {
              code: 'POOL_OVERLAP',
              text: `ippools "${a.name}" (${formatPrefix(a.cidr)}) and "${b.name}" (${formatPrefix(b.cidr)}) overlap; delete one, or change its CIDR`,
            },
          ]
        : [],
    ),
  );
  return { pools, problems: [...problems, ...overlaps] };
}
