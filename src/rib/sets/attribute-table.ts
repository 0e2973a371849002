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
import type { IpAddress } from '../../base/ip.ts';
import type { Reason } from '../../base/reason.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { type DecodedAttributes, decodeAttributesOf } from '../../bgp-js/attributes/attributes.ts';
import { nextHopOf } from '../../bgp-js/attributes/next-hop.ts';
import { type BgpError, bgpError } from '../../bgp-js/wire/error.ts';
import { localPrefOfRank, packRank, pathLengthOfRank, type Standing, UNKNOWN } from '../choice/rank.ts';
import type { PathSource } from '../terms/feed.ts';
import {
  CLUSTER_IS_OURS,
  HAS_CLUSTER_LIST,
  HAS_LOCAL_PREF,
  HAS_MED,
  HAS_ORIGINATOR,
  IS_LLGR_STALE,
  IS_NO_LLGR,
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
import { KeptValues } from './kept-values.ts';
import { ScannedNextHop } from './scanned-next-hop.ts';
import { clusterLengthIn, originatorIn, type SetOctets } from './set-octets.ts';
import { RUN_AT, SET_ROW_BITS, SetRows } from './set-rows.ts';
import { SetStore } from './set-store.ts';
import { describeSet, octetsOfSet } from './set-values.ts';
import { UnreferencedSets } from './unreferenced-sets.ts';

/** Next hops by small numbers, counted: what next-hops.ts is to the sets. */
export interface NextHopIds {
  /** The id of the address, with a reference for the caller. `link`: of the session that it came by. */
  intern(address: IpAddress, link?: string): number;
  release(id: number): void;
  addressOf(id: number): IpAddress;
}

const NONE = -1;
/** Of what import accepts as it came. */
const ITSELF = -2;
/** Nobody asks for next hops: all have one number. */
const NO_NEXT_HOPS: NextHopIds = { intern: () => 0, release: () => {}, addressOf: () => 0 as IpAddress };

export class AttributeTable {
  readonly nextHops: NextHopIds;
  private readonly us: OurSelf;
  private readonly contexts: ImportContexts;
  private readonly rows = new SetRows();
  private readonly store = new SetStore({ cells: this.rows.cells, rowBits: SET_ROW_BITS, at: RUN_AT });
  private judging = 0;
  private readonly values = new KeptValues();
  private readonly scanned = new ScannedSet();
  private readonly scannedNextHop = new ScannedNextHop();
  private readonly unreferenced = new UnreferencedSets();
  private dropping = false;

  constructor(us: OurSelf, nextHops: NextHopIds = NO_NEXT_HOPS, contexts = new ImportContexts(us)) {
    this.us = us;
    this.nextHops = nextHops;
    this.contexts = contexts;
  }

  /** Those that somebody refers to. */
  get size(): number {
    this.dropUnreferenced();
    return this.store.size;
  }

  /** All ids ever given are below it. */
  get idBound(): number {
    return this.store.idBound;
  }

  /** Octets that the sets themselves take. */
  get octetsHeld(): number {
    return this.store.octetsHeld;
  }

  contextOf(id: number): ImportContext {
    return this.contexts.byId(this.store.contextOf(id));
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
    const known = this.values.of(id);
    if (known !== undefined) return known;
    const { attributes } = this.decodedOf(id);
    if (attributes !== undefined) this.values.keep(id, attributes);
    return attributes;
  }

  /** The attributes with what is wrong in them; decoded at every call. */
  decodedOf(id: number): DecodedAttributes {
    const own = this.values.ownOf(id);
    if (own !== undefined) return { attributes: own, faults: [], disposition: 'accept' };
    const { bytes, start, end } = this.octetsOf(id);
    return this.decode(bytes, start, end, id);
  }

  /** See decision.ts: higher is better. */
  rankOf(id: number): number {
    return this.rows.rankOf(id);
  }

  /** In `nextHops`. */
  nextHopOf(id: number): number {
    return this.rows.nextHopOf(id);
  }

  neighbourAsOf(id: number): number {
    return this.rows.neighbourAsOf(id);
  }

  /** 0 where there is none. */
  medOf(id: number): number {
    return this.rows.medOf(id);
  }

  hasMed(id: number): boolean {
    return this.isMarked(id, HAS_MED);
  }

  /** -1 where there is none. */
  originatorIdOf(id: number): number {
    return this.isMarked(id, HAS_ORIGINATOR) ? originatorIn(this.octetsOf(id)) : NONE;
  }

  clusterLengthOf(id: number): number {
    return this.isMarked(id, HAS_CLUSTER_LIST) ? clusterLengthIn(this.octetsOf(id)) : 0;
  }

  asPathLengthOf(id: number): number {
    return pathLengthOfRank(this.rankOf(id));
  }

  localPrefOf(id: number): number {
    return localPrefOfRank(this.rankOf(id));
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
    return this.rows.usedAsOf(id);
  }

  /** A number of import.ts, leaving out a policy that reads prefixes. */
  verdictCodeOf(id: number): number {
    return this.rows.verdictOf(id);
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
    return this.rows.generationOf(id);
  }

  /** The octets, which of a set that is *used* have 4-octet AS numbers, no fault, and no attribute twice. One object is reused.
   *  Of MP_REACH_NLRI only the head is there, up to and with its reserved octet. */
  octetsOf(id: number): SetOctets {
    return this.store.octetsOf(id);
  }

  /** The id of these octets in this context, with a reference for the caller. */
  intern(bytes: Uint8Array, start: number, end: number, context: ImportContext): number {
    let id = this.store.find(bytes, start, end, context.id);
    if (id === NONE) {
      id = this.add(context);
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

  /** Attributes of our own making, or changed by import: equal ones of equal standing give the same id. With a reference for the
   *  caller. */
  internValue(attributes: PathAttributes, context: ImportContext, standing: Standing = UNKNOWN): number {
    const own = context.derived?.[standing] ?? context;
    const bytes = octetsOfSet(attributes, own.how.family);
    let id = this.store.find(bytes, 0, bytes.length, own.id);
    if (id === NONE) {
      id = this.add(own);
      describeSet(attributes, own.how, this.scanned);
      this.fill(id, own, nextHopOf(attributes));
      this.rows.conclude(id, ACCEPTED, id, this.judging);
      this.values.keepMade(id, attributes, own.kind === 'local');
    }
    this.hold(id);
    return id;
  }

  /** Asks the memory for what hold() and release() will look at; see base/prefix-table.ts. */
  prefetch(id: number): number {
    return this.rows.refsOf(id);
  }

  hold(id: number): void {
    this.rows.refer(id, 1);
  }

  release(id: number): void {
    this.releaseMany(id, 1);
  }

  /** So many references at once. */
  holdMany(id: number, count: number): void {
    this.rows.refer(id, count);
  }

  releaseMany(id: number, count: number): void {
    if (this.rows.refer(id, -count) === 0 && this.unreferenced.add(id)) this.dropUnreferenced();
  }

  /** From now on verdicts are out of date, but those of sets that are judged after this. */
  beginJudging(): void {
    this.judging = (this.judging + 1) & 0xff;
  }

  /** Judges the set anew, as this node's addresses are now, unless that has been done since beginJudging(). */
  judgeOnce(id: number): void {
    const context = this.contextOf(id);
    if (this.rows.judgedIn(id) === this.judging || context.derived === undefined) return;
    const used = this.usedOf(id);
    const nextHop = this.rows.nextHopOf(id);
    this.judge(id);
    if (nextHop !== NONE) this.nextHops.release(nextHop);
    if (used !== NONE && used !== id) this.release(used);
  }

  private isMarked(id: number, mark: number): boolean {
    return (this.rows.marksOf(id) & mark) !== 0;
  }

  /** An id for octets that have none; what they mean is still to be found out. */
  private add(context: ImportContext): number {
    // One more than all so far.
    this.rows.reach(this.store.idBound);
    const id = this.store.add();
    this.rows.begin(id);
    this.contexts.hold(context.id);
    return id;
  }

  /** What a received set means, and whether it is used. */
  private judge(id: number): void {
    const context = this.contextOf(id);
    const { bytes, start, end } = this.octetsOf(id);
    const { scanned } = this;
    if (context.fourOctetAs && scanSet(bytes, start, end, context.how, scanned)) {
      const nextHop = this.scannedNextHop.of(bytes, scanned);
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
      this.rows.describe(id, 0, 0, 0, 0);
      this.rows.setNextHop(id, NONE);
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
    this.rows.conclude(id, verdict, used === ITSELF ? id : used, this.judging);
  }

  /** What was scanned or described, into the columns. */
  private fill(id: number, context: ImportContext, nextHop: IpAddress): void {
    const { scanned } = this;
    const rank = packRank(
      context.kind === 'local',
      (scanned.marks & IS_LLGR_STALE) !== 0,
      context.standing,
      scanned.localPref,
      scanned.asPathLength,
      scanned.origin,
    );
    this.rows.describe(id, rank, scanned.med, scanned.neighbourAs, scanned.marks & ~CLUSTER_IS_OURS);
    this.rows.setNextHop(id, this.nextHops.intern(nextHop, context.link));
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

  /** Sets that nobody refers to go. What loses its last reference by that goes in the next round. */
  dropUnreferenced(): void {
    const { store, unreferenced } = this;
    const { ids } = unreferenced;
    if (this.dropping) return;
    this.dropping = true;
    for (let n = unreferenced.take(this.rows); n > 0; n = unreferenced.take(this.rows)) {
      store.prefetchAll(ids, n);
      for (let i = 0; i < n; i++) this.contexts.release(store.contextOf(ids[i]!));
      store.removeAll(ids, n);
      for (let i = 0; i < n; i++) this.forget(ids[i]!);
    }
    this.dropping = false;
  }

  private forget(id: number): void {
    const { rows } = this;
    const nextHop = rows.nextHopOf(id);
    if (nextHop !== NONE) this.nextHops.release(nextHop);
    const used = rows.usedAsOf(id);
    rows.age(id);
    this.values.forget(id);
    if (used !== NONE && used !== id) this.release(used);
  }
}
