/** Attribute sets, interned: the octets of an UPDATE's attributes become a number, and what they mean is worked out once per
 *  distinct set, not once per route. Pure, hot. A set lives as long as something refers to it, so that a peer that sends
 *  ever new attributes holds no more of them than it holds routes.
 *
 *    octets -> scan (attribute-scan.ts) -> columns: rank, MED, neighbouring AS, next hop, verdict, the set it is used as
 *           -> what is unusual: the decoder of bgp-js
 *
 *  A set has no object. Its attributes as values are decoded again when somebody asks, and a few of those are kept. A set that is
 *  *used* is always in good order: 4-octet AS numbers, nothing unknown without its Partial bit, nothing that was ignored; where
 *  the received octets are not, it is a set of its own, written anew. */
import { Float64Column, Int32Column, Uint8Column, Uint32Column } from '../../base/columns.ts';
import { HashSlots } from '../../base/hash-slots.ts';
import type { IpAddress } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import { WordStore } from '../../base/word-store.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { type DecodedAttributes, decodeAttributesOf } from '../../bgp-js/attributes/attributes.ts';
import { noHost } from '../../bgp-js/attributes/basic-values.ts';
import { nextHopOf } from '../../bgp-js/attributes/next-hop.ts';
import { type BgpError, bgpError } from '../../bgp-js/wire/error.ts';
import type { PathSource } from '../terms/feed.ts';
import {
  CLUSTER_IS_OURS,
  HAS_CLUSTER_LIST,
  HAS_LOCAL_PREF,
  HAS_MED,
  HAS_ORIGINATOR,
  IS_LLGR_STALE,
  IS_NO_LLGR,
  MAX_PATH_LENGTH,
  ScannedSet,
  scanSet,
} from './attribute-scan.ts';
import {
  ACCEPTED,
  asksWords,
  type ImportContext,
  ImportContexts,
  type Imported,
  judgeByWords,
  judgeScanned,
  MALFORMED,
  type OurSelf,
  RESET,
  reasonOf,
} from './import.ts';
import { describeSet, octetsOfSet } from './set-values.ts';

/** Next hops by small numbers, counted: what next-hops.ts is to the sets. */
export interface NextHopIds {
  /** The id of the address, with a reference for the caller. */
  intern(address: IpAddress): number;
  release(id: number): void;
  addressOf(id: number): IpAddress;
}

/** Where the octets of a set lie: valid until the next call of anything that adds sets. */
export interface SetOctets {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const NONE = -1;
/** Of what import accepts as it came. */
const ITSELF = -2;
/** The context stands in the upper half of a word, the length in the lower. */
const CONTEXT_SHIFT = 16;
const LENGTH = 0xffff;
/** Sets whose values are kept, a power of two: what a view or a policy looks at comes in runs. */
const KEPT = 1024;

/** Rank, from the left: ours, not long-lived stale, preferred, LOCAL_PREF, AS_PATH length, ORIGIN. See decision.ts */
const LOCAL_BIT = 2 ** 48;
const FRESH_BIT = 2 ** 47;
const PREFERRED_BIT = 2 ** 46;
const LOCAL_PREF_UNIT = 2 ** 14;

/** Nobody asks for next hops: all have one number. */
const NO_NEXT_HOPS: NextHopIds = { intern: () => 0, release: () => {}, addressOf: () => 0 as IpAddress };

export class AttributeTable {
  readonly nextHops: NextHopIds;
  private readonly us: OurSelf;
  private readonly contexts: ImportContexts;
  /** Where the octets are: behind the set's id, and its context and length in one word. */
  private readonly runs = new Int32Column(NONE);
  private readonly refs = new Int32Column(0);
  private readonly ranks = new Float64Column();
  private readonly meds = new Uint32Column();
  private readonly neighbours = new Uint32Column();
  private readonly nextHop = new Int32Column(NONE);
  /** The set that this one is used as: its own id, another, or -1. Of a free id, the next free one. */
  private readonly usedAs = new Int32Column(NONE);
  private readonly verdicts = new Uint8Column();
  private readonly marks = new Uint8Column();
  private readonly generations = new Uint32Column();
  /** The round of judging that the verdict is from; it wraps, and a verdict that old is of no use to anybody. */
  private readonly judgedIn = new Uint8Column();
  private judging = 0;
  private readonly octets = new WordStore();
  /** Of runs. */
  private readonly slots = new HashSlots();
  /** Decoded values of a few sets, by the lowest bits of the id. */
  private readonly keptIds = new Int32Array(KEPT).fill(NONE);
  private readonly keptValues: (PathAttributes | undefined)[] = [];
  /** Values that octets do not hold: those of our own routes, whose next hop is "us". */
  private readonly values = new Map<number, PathAttributes>();
  private readonly scanned = new ScannedSet();
  private freeHead = NONE;
  private given = 0;
  private live = 0;
  // Peers send one next hop again and again.
  private lastNextHop: IpAddress = 0 as IpAddress;
  private readonly lastNextHopOctets = new Uint8Array(16);
  private readonly span: { bytes: Uint8Array; start: number; end: number } = {
    bytes: this.lastNextHopOctets,
    start: 0,
    end: 0,
  };

  constructor(us: OurSelf, nextHops: NextHopIds = NO_NEXT_HOPS, contexts = new ImportContexts(us)) {
    this.us = us;
    this.nextHops = nextHops;
    this.contexts = contexts;
  }

  get size(): number {
    return this.live;
  }

  /** All ids ever given are below it. */
  get idBound(): number {
    return this.given;
  }

  /** Octets that the sets themselves take. */
  get octetsHeld(): number {
    return this.octets.size;
  }

  contextOf(id: number): ImportContext {
    return this.contexts.byId(this.octets.headOf(this.runs.at[id] as number) >>> CONTEXT_SHIFT);
  }

  /** Of whom the set came: part of its key. */
  kindOf(id: number): PathSource['kind'] {
    return this.contextOf(id).kind;
  }

  /** The attributes of a set that is used. Decoded when asked for: compare sets by id, and not these by identity. */
  attributesOf(id: number): PathAttributes {
    const attributes = this.valuesOf(id);
    if (attributes === undefined) throw new Error(`attribute set ${id} is malformed, and asked for as if it were used`);
    return attributes;
  }

  /** The attributes; undefined where they are malformed. */
  valuesOf(id: number): PathAttributes | undefined {
    const own = this.values.get(id);
    if (own !== undefined) return own;
    const at = id & (KEPT - 1);
    if (this.keptIds[at] === id) return this.keptValues[at];
    const { attributes } = this.decodedOf(id);
    if (attributes !== undefined) this.keep(id, attributes);
    return attributes;
  }

  /** The attributes with what is wrong in them; decoded at every call. */
  decodedOf(id: number): DecodedAttributes {
    const own = this.values.get(id);
    if (own !== undefined) return { attributes: own, faults: [], disposition: 'accept' };
    const { bytes, start, end } = this.octetsOf(id);
    return this.decode(bytes, start, end, id);
  }

  /** See decision.ts: higher is better. */
  rankOf(id: number): number {
    return this.ranks.at[id] as number;
  }

  /** In `nextHops`. */
  nextHopOf(id: number): number {
    return this.nextHop.at[id] as number;
  }

  neighbourAsOf(id: number): number {
    return this.neighbours.at[id] as number;
  }

  /** 0 where there is none. */
  medOf(id: number): number {
    return this.meds.at[id] as number;
  }

  hasMed(id: number): boolean {
    return this.isMarked(id, HAS_MED);
  }

  /** -1 where there is none. */
  originatorIdOf(id: number): number {
    if (!this.isMarked(id, HAS_ORIGINATOR)) return NONE;
    return this.find(id, 9, (bytes, at) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at));
  }

  clusterLengthOf(id: number): number {
    return this.isMarked(id, HAS_CLUSTER_LIST) ? this.find(id, 10, (_, at, end) => (end - at) >>> 2) : 0;
  }

  asPathLengthOf(id: number): number {
    return MAX_PATH_LENGTH - (Math.floor(this.rankOf(id) / 4) % (MAX_PATH_LENGTH + 1));
  }

  localPrefOf(id: number): number {
    return Math.floor((this.rankOf(id) % PREFERRED_BIT) / LOCAL_PREF_UNIT);
  }

  /** Carries LLGR_STALE, or NO_LLGR. RFC 9494 */
  isLongLivedStale(id: number): boolean {
    return this.isMarked(id, IS_LLGR_STALE);
  }
  isNotForLongLived(id: number): boolean {
    return this.isMarked(id, IS_NO_LLGR);
  }

  /** The set as used, which is the set itself where import changed nothing; -1 when it is rejected. */
  usedOf(id: number): number {
    return this.usedAs.at[id] as number;
  }

  /** A number of import.ts, leaving out a policy that reads prefixes. */
  verdictCodeOf(id: number): number {
    return this.verdicts.at[id] as number;
  }

  /** Why routes of the set are rejected, or what they are used as; leaving out a policy that reads prefixes. */
  verdictOf(id: number): Imported {
    const used = this.usedOf(id);
    return used === NONE ? { rejected: this.reasonOf(id) } : { used: this.attributesOf(used) };
  }

  reasonOf(id: number): Reason {
    return reasonOf(this.verdictCodeOf(id), this.decodedOf(id), this.contextOf(id), this.us);
  }

  /** Of a set whose verdict is RESET: what ends the session. */
  errorOf(id: number): BgpError {
    return this.decodedOf(id).error ?? bgpError(3, 1, 'the attributes could not be decoded');
  }

  /** Another number each time the id is given out: who remembers something by id sees by it that the set is another one. */
  generationOf(id: number): number {
    return this.generations.at[id] as number;
  }

  /** The octets, which of a set that is *used* have 4-octet AS numbers, no fault, and no attribute twice. One object is reused.
   *  Of MP_REACH_NLRI only the head is there, up to and with its reserved octet. */
  octetsOf(id: number): SetOctets {
    const run = this.runs.at[id] as number;
    this.span.bytes = this.octets.octetsOf(run);
    this.span.start = this.octets.startOf(run);
    this.span.end = this.span.start + (this.octets.headOf(run) & LENGTH);
    return this.span;
  }

  /** The id of these octets in this context, with a reference for the caller. */
  intern(bytes: Uint8Array, start: number, end: number, context: ImportContext): number {
    const hash = this.octets.load(bytes, start, end);
    const head = headOf(context, end - start);
    let id = this.lookUp(hash, head);
    if (id === NONE) {
      id = this.add(hash, head);
      this.judge(id);
    }
    this.hold(id);
    return id;
  }

  /** The same set as received by the settings of another context, with a reference for the caller. */
  internAgain(id: number, context: ImportContext): number {
    const { bytes, start, end } = this.octetsOf(id);
    // The store keeps its arrays, and never moves what is in them.
    return this.intern(bytes, start, end, context);
  }

  /** Attributes of our own making, or changed by import: equal ones give the same id. With a reference for the caller. */
  internValue(attributes: PathAttributes, context: ImportContext): number {
    const own = context.derived ?? context;
    const bytes = octetsOfSet(attributes, own.how.family);
    const hash = this.octets.load(bytes, 0, bytes.length);
    const head = headOf(own, bytes.length);
    let id = this.lookUp(hash, head);
    if (id === NONE) {
      id = this.add(hash, head);
      describeSet(attributes, own.how, this.scanned);
      this.fill(id, own, nextHopOf(attributes));
      this.verdicts.at[id] = ACCEPTED;
      this.usedAs.at[id] = id;
      if (own.kind === 'local' || !isReadable(attributes)) this.values.set(id, attributes);
      else this.keep(id, attributes);
    }
    this.hold(id);
    return id;
  }

  /** Asks the memory for what hold() and release() will look at; see base/prefix-table.ts. */
  prefetch(id: number): number {
    return this.refs.at[id] as number;
  }

  hold(id: number): void {
    this.refs.at[id] = (this.refs.at[id] as number) + 1;
  }

  release(id: number): void {
    const left = (this.refs.at[id] as number) - 1;
    this.refs.at[id] = left;
    if (left === 0) this.remove(id);
  }

  /** From now on verdicts are out of date, but those of sets that are judged after this. */
  beginJudging(): void {
    this.judging = (this.judging + 1) & 0xff;
  }

  /** Judges the set anew, as this node's addresses are now, unless that has been done since beginJudging(). */
  judgeOnce(id: number): void {
    const context = this.contextOf(id);
    if (this.judgedIn.at[id] === this.judging || context.derived === undefined) return;
    const used = this.usedOf(id);
    const nextHop = this.nextHop.at[id] as number;
    this.judge(id);
    if (nextHop !== NONE) this.nextHops.release(nextHop);
    if (used !== NONE && used !== id) this.release(used);
  }

  private isMarked(id: number, mark: number): boolean {
    return ((this.marks.at[id] as number) & mark) !== 0;
  }

  private keep(id: number, attributes: PathAttributes): void {
    const at = id & (KEPT - 1);
    this.keptIds[at] = id;
    this.keptValues[at] = attributes;
  }

  /** Of the octets that the store has loaded. */
  private lookUp(hash: number, head: number): number {
    const { slots, octets } = this;
    for (let at = slots.first(hash); at !== NONE; at = slots.after(at, hash)) {
      const run = slots.numberAt(at);
      if (octets.isLoaded(run, head)) return octets.firstOf(run);
    }
    return NONE;
  }

  /** An id for octets that have none; what they mean is still to be found out. */
  private add(hash: number, head: number): number {
    let id = this.freeHead;
    if (id === NONE) {
      id = this.given++;
      const { runs, refs, ranks, meds, neighbours, nextHop, usedAs, verdicts, marks, generations, judgedIn } = this;
      for (const column of [runs, refs, ranks, meds, neighbours, nextHop, usedAs, generations]) column.reach(id);
      for (const column of [verdicts, marks, judgedIn]) column.reach(id);
    } else this.freeHead = this.usedAs.at[id] as number;
    const run = this.octets.put(id, head);
    this.runs.at[id] = run;
    this.refs.at[id] = 0;
    this.nextHop.at[id] = NONE;
    this.slots.add(hash, run);
    this.contexts.hold(head >>> CONTEXT_SHIFT);
    this.live++;
    return id;
  }

  /** What a received set means, and whether it is used. */
  private judge(id: number): void {
    const context = this.contextOf(id);
    const { bytes, start, end } = this.octetsOf(id);
    const { scanned } = this;
    if (context.fourOctetAs && scanSet(bytes, start, end, context.how, scanned)) {
      const nextHop = this.nextHopAt(bytes);
      this.fill(id, context, nextHop);
      const verdict = judgeScanned(scanned, nextHop, context, this.us);
      this.conclude(id, verdict, verdict === ACCEPTED ? ITSELF : NONE);
      if (verdict === ACCEPTED && asksWords(context)) this.askWords(id, this.attributesOf(id), context, false);
      return;
    }
    this.judgeUnusual(id, this.decode(bytes, start, end, id), context);
  }

  private judgeUnusual(id: number, decoded: DecodedAttributes, context: ImportContext): void {
    const { attributes } = decoded;
    if (attributes === undefined) {
      this.ranks.at[id] = 0;
      this.marks.at[id] = 0;
      this.nextHop.at[id] = NONE;
      this.conclude(id, decoded.disposition === 'reset' ? RESET : MALFORMED, NONE);
      return;
    }
    describeSet(attributes, context.how, this.scanned);
    const nextHop = nextHopOf(attributes);
    this.fill(id, context, nextHop);
    const verdict = judgeScanned(this.scanned, nextHop, context, this.us);
    if (verdict === ACCEPTED) this.askWords(id, attributes, context, true);
    else this.conclude(id, verdict, NONE);
  }

  /** `unusual`: the octets are not what is used, whatever the policy says. */
  private askWords(id: number, attributes: PathAttributes, context: ImportContext, unusual: boolean): void {
    const judged = judgeByWords(attributes, context);
    if ('rejected' in judged) this.conclude(id, judged.verdict, NONE);
    else if (unusual || judged.used !== attributes) this.conclude(id, ACCEPTED, this.internValue(judged.used, context));
    else this.conclude(id, ACCEPTED, ITSELF);
  }

  private conclude(id: number, verdict: number, used: number): void {
    this.verdicts.at[id] = verdict;
    this.usedAs.at[id] = used === ITSELF ? id : used;
    this.judgedIn.at[id] = this.judging;
  }

  /** What was scanned or described, into the columns. */
  private fill(id: number, context: ImportContext, nextHop: IpAddress): void {
    const { scanned } = this;
    this.ranks.at[id] =
      (context.kind === 'local' ? LOCAL_BIT : 0) +
      ((scanned.marks & IS_LLGR_STALE) !== 0 ? 0 : FRESH_BIT) +
      scanned.localPref * LOCAL_PREF_UNIT +
      (MAX_PATH_LENGTH - scanned.asPathLength) * 4 +
      2 -
      scanned.origin;
    this.meds.at[id] = scanned.med;
    this.neighbours.at[id] = scanned.neighbourAs;
    this.marks.at[id] = scanned.marks & ~CLUSTER_IS_OURS;
    this.nextHop.at[id] = this.nextHops.intern(nextHop);
  }

  private nextHopAt(bytes: Uint8Array): IpAddress {
    const { nextHopAt: at, nextHopOctets } = this.scanned;
    const last = this.lastNextHopOctets;
    if (nextHopOctets === 4) {
      const word = ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
      return word as IpAddress;
    }
    let same = 0;
    while (same < 16 && bytes[at + same] === last[same]) same++;
    if (same < 16 || typeof this.lastNextHop === 'number') {
      for (let i = 0; i < 16; i++) last[i] = bytes[at + i]!;
      this.lastNextHop = readAddress(last);
    }
    return this.lastNextHop;
  }

  /** Sets of our own making were good once: what a peer must not send, we may have. */
  private decode(bytes: Uint8Array, start: number, end: number, id: number): DecodedAttributes {
    const context = this.contextOf(id);
    const routes = context.inMpReach ? 'mp' : 'nlri';
    if (context.derived !== undefined) return decodeAttributesOf(bytes, start, end, context.params, routes);
    const ibgp = this.isMarked(id, HAS_LOCAL_PREF);
    const params = { ...context.params, fourOctetAs: true, ibgp, allowAsSets: true, aigp: true };
    return decodeAttributesOf(bytes, start, end, params, routes);
  }

  private find(id: number, type: number, read: (bytes: Uint8Array, at: number, end: number) => number): number {
    const { bytes, start, end } = this.octetsOf(id);
    for (let at = start; at < end; ) {
      const long = (bytes[at]! & 0x10) !== 0;
      const value = at + (long ? 4 : 3);
      const next = value + (long ? (bytes[at + 2]! << 8) | bytes[at + 3]! : bytes[at + 2]!);
      if (bytes[at + 1] === type) return read(bytes, value, next);
      at = next;
    }
    return NONE;
  }

  private remove(id: number): void {
    const { bytes, start, end } = this.octetsOf(id);
    const run = this.runs.at[id] as number;
    this.slots.remove(this.octets.load(bytes, start, end), run);
    this.contexts.release(this.contextOf(id).id);
    this.octets.giveBack(run, end - start);
    if (this.nextHop.at[id] !== NONE) this.nextHops.release(this.nextHop.at[id] as number);
    const used = this.usedOf(id);
    this.generations.at[id] = (this.generations.at[id] as number) + 1;
    this.values.delete(id);
    const kept = id & (KEPT - 1);
    if (this.keptIds[kept] === id) {
      this.keptIds[kept] = NONE;
      this.keptValues[kept] = undefined;
    }
    this.usedAs.at[id] = this.freeHead;
    this.freeHead = id;
    this.live--;
    if (used !== NONE && used !== id) this.release(used);
  }
}

/** What a decoder would take back: import may say "discard" with a next hop that no peer may send. */
function isReadable(attributes: PathAttributes): boolean {
  const { nextHop, mpNextHop, localPref, originatorId, clusterList } = attributes;
  if (nextHop !== undefined && noHost(nextHop)) return false;
  if (nextHop === undefined && mpNextHop === undefined) return false;
  if (typeof mpNextHop?.address === 'number') return false;
  return localPref !== undefined || (originatorId === undefined && clusterList === undefined);
}

const readAddress = (octets: Uint8Array): IpAddress => {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  return ((view.getBigUint64(0) << 64n) | view.getBigUint64(8)) as IpAddress;
};

const headOf = (context: ImportContext, length: number): number => (context.id << CONTEXT_SHIFT) | length;
