/** What the daemon tells and does for the control service. Pure: types; daemon/ implements it. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';
import type {
  BlockView,
  DrainReport,
  ExplanationView,
  PodView,
  ReloadReport,
  RouteView,
  StatusFacts,
  UndrainReport,
} from './views.ts';
import type { PeerView } from './views-of-peers.ts';

/** Neither `prefix` nor `address`: all routes. `prefix`: all paths of exactly this prefix. `address`: longest match first, then
 *  the less specific ones, down to the shortest. */
export interface RouteQuery {
  readonly prefix?: IpPrefix;
  readonly address?: IpAddress;
  /** Of all routes: every path. Else the best one, and where no path can be used all of them with their reasons. */
  readonly allPaths?: boolean;
  /** Name or address of a peer: its Adj-RIB-In, or its Adj-RIB-Out. */
  readonly receivedFrom?: string;
  readonly advertisedTo?: string;
  /** Only what import rejected, or export kept back. */
  readonly rejectedOnly?: boolean;
  readonly family?: 'ipv4' | 'ipv6';
}

/** What was asked for is not there: the text says what is. */
export class NotThere extends Error {}

export interface DrainOptions {
  /** Between the word and the end; 0: it ends after answering. */
  readonly waitMs: number;
  /** Only the word. */
  readonly stay: boolean;
}

export interface ControlSource {
  status(): StatusFacts | Promise<StatusFacts>;
  peers(): readonly PeerView[] | Promise<readonly PeerView[]>;
  /** Sorted by prefix, best path first. Read in pages with the event loop running between them: an implementation
   *  over a live table answers with what it finds then. Undefined stands for a few milliseconds of work that found nothing to
   *  show: the loop is to run. Throws NotThere for a peer that is not. */
  routes(query: RouteQuery): Iterable<RouteView | undefined>;
  /** Throws NotThere where no route is. */
  explain(target: IpPrefix | IpAddress): ExplanationView;
  /** MRT records of the live tables, read in pieces as routes are. */
  dumpTables(): Iterable<Uint8Array | undefined>;
  blocks(): readonly BlockView[] | Promise<readonly BlockView[]>;
  pods(): readonly PodView[] | Promise<readonly PodView[]>;
  /** `dryRun`: parse and compare only. A faulty file is refused whole: the report has its faults. */
  reload(options: { readonly dryRun: boolean }): Promise<ReloadReport>;
  /** Leaves the mesh: GRACEFUL_SHUTDOWN to every peer, and unless `stay`, `waitMs` later, Cease, and the process ends by itself. */
  drain(options: DrainOptions): Promise<DrainReport>;
  /** Takes it back. */
  undrain(): Promise<UndrainReport>;
}
