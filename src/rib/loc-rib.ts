/** The Loc-RIB and the Adj-RIBs-In, in one flat structure. Pure: time slices come from the scheduler passed in. RFC 4271 3.2, 9.1. */
import type { Prefix } from '../base/prefix.ts';
import type { PathAttributes } from '../bgp-js/attribute-types.ts';
import type { BgpError } from '../bgp-js/error.ts';
import type { UpdateFrame } from '../bgp-js/session-types.ts';
import type { PathSource, RouteFeed } from './feed.ts';
import type { RouteView, SourceCounts } from './views.ts';

export interface LocRibConfig {
  /** Runs `run` once, in a later turn of the event loop: setImmediate in the daemon, a queue in tests. */
  readonly schedule: (run: () => void) => void;
  readonly bgpIdentifier: number;
  /** True for an address of this node: a next hop that is ours is never used. RFC 4271 5.1.3 */
  readonly isOurAddress: (address: number) => boolean;
}

/** A peer as the tables need to know it. */
export interface SourceSpec {
  readonly name: string;
  readonly kind: 'ibgp' | 'ebgp';
  readonly address: number;
  readonly localAsn: number;
}

/** What an UPDATE did: `reset` is for the session to send. */
export type Received = { readonly kind: 'taken' } | { readonly kind: 'reset'; readonly error: BgpError };

export type Subscriber = 'kernel' | 'watcher';

const todo = (): never => {
  throw new Error('not yet');
};

export class LocRib {
  constructor(_config: LocRibConfig) {}
  /** Our own route; beats every learned one. Again with other attributes replaces. next hop 0 means: us. */
  originate(_prefix: Prefix, _attributes?: PathAttributes): void {
    todo();
  }
  withdrawLocal(_prefix: Prefix): void {
    todo();
  }
  addSource(_spec: SourceSpec): PathSource {
    return todo();
  }
  /** Drops its routes and forgets it. */
  removeSource(_source: PathSource): void {
    todo();
  }
  /** Its session is up with this identifier (a tie-break). */
  identify(_source: PathSource, _bgpIdentifier: number): void {
    todo();
  }
  receive(_source: PathSource, _update: UpdateFrame, _fourOctetAs: boolean): Received {
    return todo();
  }
  markStale(_source: PathSource): void {
    todo();
  }
  /** Deletes what is still stale; answers how many paths went. */
  sweepStale(_source: PathSource): number {
    return todo();
  }
  dropSource(_source: PathSource): number {
    return todo();
  }
  /** First the dump (synchronously), onEndOfFeed, then changes. The kernel hears of a change before watchers, both before peers. The answer ends it. */
  subscribe(_feed: RouteFeed, _as: Subscriber): () => void {
    return todo();
  }
  /** Decides everything dirty now instead of in slices. */
  settle(): void {
    todo();
  }
  /** This node's addresses changed: next hops are judged anew. */
  reevaluate(): void {
    todo();
  }
  longestMatch(_address: number): RouteView | undefined {
    return todo();
  }
  /** All paths with reasons; undefined for a prefix without any. */
  pathsOf(_prefix: Prefix): RouteView | undefined {
    return todo();
  }
  /** All routes, in order of prefix. */
  routes(): IterableIterator<RouteView> {
    return todo();
  }
  /** How many prefixes have a path at all, and how many a best one. */
  get counts(): {
    readonly routes: number;
    readonly best: number;
    readonly paths: number;
    readonly attributes: number;
  } {
    return todo();
  }
  countsOf(_source: PathSource): SourceCounts {
    return todo();
  }
}
