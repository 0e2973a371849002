/** One peer's place in the changes, and what it has. Pure. The work on it is out-group.ts; what peers call is adj-rib-out.ts. */
import type { IpAddress } from '../../base/ip.ts';
import type { PathSource } from '../terms/feed.ts';
import type { Cursor } from '../tables/change-list.ts';
import type { OutPort } from '../ribs/out-port.ts';
import { addressOctets, hopKey } from './out-hop.ts';
import { SentPaths, SentRoutes } from './out-sent.ts';

const NONE = -1;

export class OutMember {
  readonly port: OutPort;
  /** Of `port`: where it stands in the changes. */
  readonly cursor: Cursor;
  readonly source: PathSource;
  readonly sourceId: number;
  readonly send: (messages: Uint8Array) => boolean;
  /** One of the two: with ADD-PATH the second. */
  readonly routes = new SentRoutes();
  readonly paths: SentPaths | undefined;
  /** The peer's, to be compared with next hops. */
  readonly address: Uint8Array;
  readonly addressKey: number;
  /** The next route of the walk; -1: there is none. */
  walkAt = 0;
  /** Where it began; behind the last route it goes on at the first, until here. */
  walkFrom = 0;
  wrapped = false;
  /** The walk is for what the peer does not have yet. */
  missingOnly = false;
  refreshWanted = false;
  /** What comes behind the walk of a refresh. */
  refreshSent: (() => void) | undefined;
  holdLearned: boolean;
  endOfRibSent = false;
  /** End-of-RIB waits until what was undecided at the start is decided. */
  readonly markedAtStart: number;
  /** Nothing is left to send, for now. */
  onIdle: () => void = () => {};
  /** The connection takes no more. */
  blocked = false;
  closed = false;
  /** Messages that are packed and wait for the connection: of one batch at most. */
  waiting: readonly Uint8Array[] = [];
  waitingAt = 0;

  constructor(
    port: OutPort,
    source: PathSource,
    address: IpAddress,
    send: (messages: Uint8Array) => boolean,
    addPath: boolean,
    holdLearned: boolean,
  ) {
    this.port = port;
    this.cursor = port.cursor;
    this.source = source;
    this.sourceId = source.id;
    this.send = send;
    this.paths = addPath ? new SentPaths() : undefined;
    this.address = addressOctets(address);
    this.addressKey = hopKey(this.address, 0, this.address.length);
    this.holdLearned = holdLearned;
    this.markedAtStart = port.table.queue.marked;
  }

  /** Prefixes, with ADD-PATH paths, that the peer has from us. */
  get count(): number {
    return this.paths?.count ?? this.routes.count;
  }

  has(route: number): boolean {
    return this.paths?.holds(route) ?? this.routes.holds(route);
  }

  get hasRoutesToSend(): boolean {
    return this.walkAt !== NONE || this.refreshWanted || !this.port.changes.isDone(this.cursor);
  }

  /** Something is said when nothing is left to send. */
  get waitsToBeIdle(): boolean {
    return !this.endOfRibSent || this.refreshSent !== undefined;
  }

  /** Once more over all routes; with others of its group that are on such a walk, from where they are. The changes that wait
   *  stay: a route that is gone is in them only, and what we know of it must go before its id is given out again. */
  walk(missingOnly: boolean, from: number): void {
    this.walkAt = from;
    this.walkFrom = from;
    this.wrapped = false;
    this.missingOnly = missingOnly;
  }

  /** Hands the pieces to the connection as far as it takes them. */
  deliver(pieces: readonly Uint8Array[]): void {
    this.waiting = pieces;
    this.waitingAt = 0;
    this.flush();
  }

  flush(): void {
    while (!this.blocked && !this.closed && this.waitingAt < this.waiting.length) {
      const piece = this.waiting[this.waitingAt++] as Uint8Array;
      this.blocked = !this.send(piece);
    }
    if (this.waitingAt < this.waiting.length) return;
    this.waiting = [];
    this.waitingAt = 0;
  }
}
