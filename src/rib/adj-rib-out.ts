/** What one peer is told. Pure: bytes leave through `send`. RFC 4271 3.2 and 9.2, End-of-RIB RFC 4724 2, refresh RFC 2918.
 *
 *  Pulled, not pushed: the peer stands at a place in the change list and takes as much as its connection takes. What a route
 *  is now decides what is sent, not what happened to it; one bit per route remembers that the peer has it. The initial
 *  feed is a walk over all routes by id, after which the changes follow. */
import { BitColumn } from '../base/columns.ts';
import { prefixKey } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { Ipv4Attributes, PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import { encodeAttributes } from '../bgp-js/attributes/attributes.ts';
import { END_OF_RIB, MAX_ATTRIBUTES_LENGTH, packAnnouncements, packWithdrawals } from '../bgp-js/update/packer.ts';
import { type Exported, exportTo, mayPass } from './export.ts';
import type { ExportTarget, OutFamily } from './export-target.ts';
import type { PathSource } from './feed.ts';
import type { LocRib, OutPort } from './loc-rib.ts';

const NONE = -1;
/** Routes of one send: some 10 KB of UPDATEs when they share attributes. */
const BATCH = 2048;
/** One attribute set as sent, with the prefixes of the batch at hand. */
interface Out {
  readonly bytes: Uint8Array;
  keys: number[];
}
type Answer = { readonly out: Out } | { readonly not: Reason };

export interface OutOptions {
  /** Default: IPv4. */
  readonly family?: OutFamily;
  readonly target: ExportTarget;
  readonly fourOctetAs: boolean;
  /** Several paths of a prefix, at most so many. RFC 7911 */
  readonly addPath?: { readonly max: number };
  /** Default 4096; more where it was negotiated. RFC 8654 */
  readonly maxMessageLength?: number;
  /** Its own routes are not sent back to it. */
  readonly source: PathSource;
  /** Whole messages; false: wait for resume(). */
  readonly send: (messages: Uint8Array) => boolean;
  /** We are restarting: only our own routes until release(). RFC 4724 4.1 */
  readonly holdLearned: boolean;
  readonly onEndOfRibSent?: () => void;
}

const noAnswers = (): Readonly<Record<PathSource['kind'], WeakMap<Ipv4Attributes, Answer>>> => ({
  local: new WeakMap(),
  ibgp: new WeakMap(),
  ebgp: new WeakMap(),
});

export class AdjRibOut {
  private readonly options: OutOptions;
  private readonly port: OutPort;
  private readonly has = new BitColumn();
  private target: ExportTarget;
  private answers = noAnswers();
  /** The next route of the walk; -1: there is none. */
  private walkAt = 0;
  /** The walk of release() is for what the peer does not have yet. */
  private missingOnly = false;
  private refreshWanted = false;
  /** What comes behind the walk of refresh(). */
  private refreshSent: (() => void) | undefined;
  private blocked = false;
  private closed = false;
  private holdLearned: boolean;
  private endOfRibSent = false;
  /** End-of-RIB waits until what was undecided at the start is decided. */
  private readonly markedAtStart: number;

  /** Call pump() when the session may be written to: right away, for one that is Established. */
  constructor(rib: LocRib, options: OutOptions) {
    this.options = options;
    this.target = options.target;
    this.holdLearned = options.holdLearned;
    this.port = rib.openOut(() => this.pump());
    this.markedAtStart = this.port.table.marked;
  }

  /** Prefixes the peer has from us. */
  get sent(): number {
    return this.has.count;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.port.close();
  }

  /** The connection takes bytes again. */
  resume(): void {
    this.blocked = false;
    this.pump();
  }

  /** The peer asked for everything once more. A request during a walk means one more walk, not many. `sent` is called once all
   *  is written; with several requests the last one's. RFC 2918 4, RFC 7313 4 */
  refresh(sent?: () => void): void {
    this.refreshSent = sent;
    if (this.walkAt === NONE) this.walk(false);
    else this.refreshWanted = true;
    this.pump();
  }

  /** The peer's settings changed: everything is judged anew, and what it is to have no more is withdrawn. */
  retarget(target: ExportTarget): void {
    this.target = target;
    this.answers = noAnswers();
    this.walk(false);
    this.pump();
  }

  /** The restart is over: learned routes go out, then End-of-RIB. */
  release(): void {
    if (!this.holdLearned) return;
    this.holdLearned = false;
    if (this.walkAt === NONE) this.walk(true);
    else this.refreshWanted = true;
    this.pump();
  }

  /** Sends until nothing is left or the connection is full. */
  pump(): void {
    while (!this.blocked && !this.closed) {
      const messages = this.batch();
      if (messages === undefined) break;
      if (messages.length > 0) this.blocked = !this.options.send(messages);
    }
    if (this.closed) return;
    this.port.trim(); // the slowest reader lets go, also long after the slice that changed something
    if (this.blocked) return;
    this.endOfRefresh();
    this.endOfRib();
  }

  private endOfRefresh(): void {
    if (this.walkAt !== NONE || this.refreshWanted) return;
    const sent = this.refreshSent;
    this.refreshSent = undefined;
    sent?.();
  }

  /** Why a route told as (attributes, source) goes to this peer or not: for `why`. */
  explain(attributes: PathAttributes, source: PathSource): Exported {
    if (source === this.options.source) {
      return { not: { code: 'SPLIT_HORIZON', text: `learned from "${source.name}" itself` } };
    }
    const exported = exportTo(attributes as Ipv4Attributes, source.kind, this.target);
    const answer = this.answer(attributes as Ipv4Attributes, source.kind);
    return 'not' in answer ? answer : exported;
  }

  private walk(missingOnly: boolean): void {
    this.walkAt = 0;
    this.missingOnly = missingOnly;
    // The changes that wait stay: a route that is gone is in them only, and its bit must be cleared before its id is reused.
  }

  /** The messages of up to BATCH routes; undefined when there is nothing to do. */
  private batch(): Uint8Array | undefined {
    const { changes, prefixes } = this.port.table;
    if (this.walkAt === NONE && this.refreshWanted) {
      this.refreshWanted = false;
      this.walk(false);
    }
    if (this.walkAt === NONE && changes.isDone(this.port.cursor)) return undefined;
    const withdrawn: number[] = [];
    const outs: Out[] = [];
    let routes = 0;
    for (; this.walkAt !== NONE && routes < BATCH; routes++) {
      const route = this.walkAt;
      if (route >= prefixes.idBound) {
        this.walkAt = NONE;
        break;
      }
      this.walkAt++;
      if (prefixes.has(route) && !(this.missingOnly && this.has.get(route))) this.offer(route, outs, withdrawn);
    }
    while (this.walkAt === NONE && routes < BATCH) {
      const route = changes.take(this.port.cursor);
      if (route === NONE) break;
      this.offer(route, outs, withdrawn);
      routes++;
    }
    return assemble(withdrawn, outs);
  }

  private offer(route: number, outs: Out[], withdrawn: number[]): void {
    const { prefixes, sets, sources, toldSet, toldSource } = this.port.table;
    const key = prefixKey(prefixes.addressOf(route), prefixes.lengthOf(route));
    const set = toldSet.at[route] as number;
    const source = set === NONE ? undefined : sources[toldSource.at[route] as number];
    if (
      source !== undefined &&
      source !== this.options.source &&
      !(this.holdLearned && source.kind !== 'local') &&
      mayPass(this.target, source.kind, prefixes.addressOf(route), prefixes.lengthOf(route))
    ) {
      const answer = this.answer(sets.attributesOf(set) as Ipv4Attributes, source.kind);
      if ('out' in answer) {
        if (answer.out.keys.length === 0) outs.push(answer.out);
        answer.out.keys.push(key);
        this.has.set(route);
        return;
      }
    }
    if (!this.has.get(route)) return;
    this.has.clear(route);
    withdrawn.push(key);
  }

  private answer(attributes: Ipv4Attributes, kind: PathSource['kind']): Answer {
    const known = this.answers[kind].get(attributes);
    if (known) return known;
    const made = this.work(attributes, kind);
    this.answers[kind].set(attributes, made);
    return made;
  }

  private work(attributes: Ipv4Attributes, kind: PathSource['kind']): Answer {
    const exported = exportTo(attributes, kind, this.target);
    if ('not' in exported) return exported;
    const bytes = encodeAttributes(exported.send, { fourOctetAs: this.options.fourOctetAs });
    if (bytes.length <= MAX_ATTRIBUTES_LENGTH) return { out: { bytes, keys: [] } };
    return {
      not: {
        code: 'ATTRIBUTES_TOO_LONG',
        text: `${bytes.length} bytes of attributes do not fit into an UPDATE of 4096`,
      },
    };
  }

  private endOfRib(): void {
    const { table, cursor } = this.port;
    if (this.endOfRibSent || this.holdLearned || table.decided < this.markedAtStart) return;
    if (this.walkAt !== NONE || !table.changes.isDone(cursor)) return;
    this.endOfRibSent = true;
    this.blocked = !this.options.send(END_OF_RIB);
    this.options.onEndOfRibSent?.();
  }
}

/** Withdrawals first, then one run of UPDATEs per attribute set, as one piece. */
function assemble(withdrawn: readonly number[], outs: readonly Out[]): Uint8Array {
  const parts: Uint8Array[] = [];
  if (withdrawn.length > 0) parts.push(packWithdrawals(withdrawn));
  for (const out of outs) {
    parts.push(packAnnouncements(out.bytes, out.keys));
    out.keys = [];
  }
  if (parts.length === 1) return parts[0] as Uint8Array;
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
