/** What the Loc-RIB gives to each who tells peers of it. Pure: types. */
import type { Clock } from '../../base/ports.ts';
import type { Cursor } from '../tables/change-list.ts';
import type { RouteTable } from '../tables/route-table.ts';

/** What Adj-RIB-Out reads: where it stands in the changes, and the tables. */
export interface OutPort {
  readonly cursor: Cursor;
  readonly table: RouteTable;
  /** What `cursor` stands in: changes of what was told, or with `allPaths` of all usable paths. */
  readonly changes: RouteTable['changes'];
  /** For those who have more to send than one turn of the event loop should take. */
  readonly schedule: (run: () => void) => void;
  readonly clock: Clock;
  /** Forgets what every reader has read. */
  trim(): void;
  close(): void;
}
