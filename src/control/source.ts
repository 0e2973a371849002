/** What the daemon tells and does for the control service. Pure: types; daemon/ implements it. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Prefix } from '../base/prefix.ts';
import type { BlockView, DrainReport, PeerView, PodView, ReloadReport, RouteView, StatusFacts } from './views.ts';

/** Neither: all routes. `prefix`: all paths of exactly this prefix. `address`: longest match first, then the less
 *  specific ones, down to the shortest. */
export interface RouteQuery {
  readonly prefix?: Prefix;
  readonly address?: Ipv4;
}

export interface ControlSource {
  status(): StatusFacts | Promise<StatusFacts>;
  peers(): readonly PeerView[] | Promise<readonly PeerView[]>;
  /** Sorted by prefix, best path first. Read in pages with the event loop running between them: an implementation
   *  over a live table answers with what it finds then. */
  routes(query: RouteQuery): Iterable<RouteView>;
  blocks(): readonly BlockView[] | Promise<readonly BlockView[]>;
  pods(): readonly PodView[] | Promise<readonly PodView[]>;
  /** `dryRun`: parse and compare only. A faulty file is refused whole: the report has its faults. */
  reload(options: { readonly dryRun: boolean }): Promise<ReloadReport>;
  /** Leaves the mesh: Cease to every peer, then the process ends by itself after answering. */
  drain(): Promise<DrainReport>;
}
