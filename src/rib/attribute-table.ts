/** Attribute sets, interned: the bytes of an UPDATE's attributes become a number, and what they mean is worked out once per
 *  distinct set, not once per route. Pure, hot. A set lives as long as something refers to it, so that a peer that sends
 *  ever new attributes holds no more of them than it holds routes. */
import { Int32Column } from '../base/columns.ts';
import type { IpAddress } from '../base/ip.ts';
import { OctetStore } from '../base/octet-store.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import { type DecodedAttributes, decodeAttributes, encodeAttributes } from '../bgp-js/attributes/attributes.ts';
import { nextHopOf } from '../bgp-js/attributes/next-hop.ts';
import { asPathLength, DEFAULT_LOCAL_PREF, neighbourAs, rankOf } from './decision.ts';
import type { PathSource } from './feed.ts';
import { type ImportContext, type Imported, importSet, type OurSelf } from './import.ts';

export interface AttributeSet {
  readonly context: ImportContext;
  readonly decoded: DecodedAttributes<PathAttributes>;
  /** The verdict for all routes of the set; changes only in reevaluate(). */
  imported: Imported;
  /** The set after an import policy's changes; the set itself when there are none; -1 when rejected. */
  usedId: number;
}

/** Next hops by small numbers, counted: what next-hops.ts is to the sets. */
export interface NextHopIds {
  /** The id of the address, with a reference for the caller. */
  intern(address: IpAddress): number;
  release(id: number): void;
}

/** Where the octets of a set lie: valid until the next call of anything that adds sets. */
export interface SetOctets {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

const NONE = -1;

/** Nobody asks for next hops: all have one number. */
const NO_NEXT_HOPS: NextHopIds = { intern: () => 0, release: () => {} };

export class AttributeTable {
  readonly nextHops: NextHopIds;
  private readonly us: OurSelf;
  private readonly sets: (AttributeSet | undefined)[] = [];
  private readonly ranks: number[] = [];
  private readonly refs = new Int32Column(0);
  private readonly hashes = new Int32Column(0);
  /** The octets of each set, as received: what is compared. */
  private readonly octets = new OctetStore();
  private readonly runs = new Int32Column(0);
  private readonly lengths = new Int32Column(0);
  /** Next set of the same bucket; of a free id, the next free one. */
  private readonly next = new Int32Column(NONE);
  private readonly generations = new Int32Column(0);
  private buckets = new Int32Array(64).fill(NONE);
  private freeHead = NONE;
  private live = 0;
  private lastHit = NONE;

  constructor(us: OurSelf, nextHops: NextHopIds = NO_NEXT_HOPS) {
    this.us = us;
    this.nextHops = nextHops;
  }

  get size(): number {
    return this.live;
  }

  get(id: number): AttributeSet {
    return this.sets[id] as AttributeSet;
  }

  /** The attributes as used, of an id that is in use. */
  attributesOf(id: number): PathAttributes {
    return (this.sets[id] as AttributeSet).decoded.attributes as PathAttributes;
  }

  /** Another number each time the id is given out: who remembers something by id sees by it that the set is another one. */
  generationOf(id: number): number {
    return this.generations.at[id] as number;
  }

  /** See decision.ts: higher is better. */
  rankOf(id: number): number {
    return this.ranks[id] as number;
  }

  /** Of whom the set came: part of its key. */
  kindOf(id: number): PathSource['kind'] {
    return this.get(id).context.kind;
  }

  /** The set as used, which is the set itself where import changed nothing; -1 when it is rejected. */
  usedOf(id: number): number {
    return this.get(id).usedId;
  }

  /** Why routes of the set are rejected, or what they are used as; leaving out a policy that reads prefixes. */
  verdictOf(id: number): Imported {
    return this.get(id).imported;
  }

  /** In `nextHops`. */
  nextHopOf(id: number): number {
    return this.nextHops.intern(nextHopOf(this.attributesOf(id)));
  }

  neighbourAsOf(id: number): number {
    return neighbourAs(this.attributesOf(id));
  }

  /** 0 where there is none. */
  medOf(id: number): number {
    return this.attributesOf(id).med ?? 0;
  }

  /** -1 where there is none. */
  originatorIdOf(id: number): number {
    return this.attributesOf(id).originatorId ?? NONE;
  }

  clusterLengthOf(id: number): number {
    return this.attributesOf(id).clusterList?.length ?? 0;
  }

  asPathLengthOf(id: number): number {
    return asPathLength(this.attributesOf(id));
  }

  localPrefOf(id: number): number {
    return this.attributesOf(id).localPref ?? DEFAULT_LOCAL_PREF;
  }

  /** As on the wire, 4-octet AS numbers; the octets of a set that is *used* have no fault and no attribute twice. One object is
   *  reused. Of an MP_REACH_NLRI only the head is there, up to and with its reserved octet. */
  octetsOf(id: number): SetOctets {
    const bytes = encodeAttributes(this.attributesOf(id), { fourOctetAs: true });
    return { bytes, start: 0, end: bytes.length };
  }

  /** The id of these bytes in this context, with a reference for the caller. */
  intern(bytes: Uint8Array, start: number, end: number, context: ImportContext): number {
    if (this.lastHit !== NONE && this.isSame(this.lastHit, bytes, start, end, context)) {
      this.hold(this.lastHit);
      return this.lastHit;
    }
    const hash = fnv1a(bytes, start, end);
    let id = this.buckets[hash & (this.buckets.length - 1)] as number;
    while (id !== NONE && !(this.hashes.at[id] === hash && this.isSame(id, bytes, start, end, context))) {
      id = this.next.at[id] as number;
    }
    if (id === NONE) {
      const decoded: DecodedAttributes = decodeAttributes(bytes, start, end, {
        fourOctetAs: context.fourOctetAs,
        ibgp: context.kind === 'ibgp',
      });
      id = this.add(bytes, start, end, hash, context, decoded);
    }
    this.hold(id);
    this.lastHit = id;
    return id;
  }

  /** Attributes of our own making, or changed by a policy: equal ones give the same id. With a reference for the caller. */
  internValue(attributes: PathAttributes, context: ImportContext): number {
    const bytes = encodeAttributes(attributes, { fourOctetAs: true });
    const hash = fnv1a(bytes, 0, bytes.length);
    let id = this.buckets[hash & (this.buckets.length - 1)] as number;
    while (id !== NONE && !(this.hashes.at[id] === hash && this.isSame(id, bytes, 0, bytes.length, context))) {
      id = this.next.at[id] as number;
    }
    if (id === NONE)
      id = this.add(bytes, 0, bytes.length, hash, context, { attributes, faults: [], disposition: 'accept' });
    this.hold(id);
    return id;
  }

  hold(id: number): void {
    this.refs.at[id] = (this.refs.at[id] as number) + 1;
  }

  release(id: number): void {
    const left = (this.refs.at[id] as number) - 1;
    this.refs.at[id] = left;
    if (left === 0) this.remove(id);
  }

  /** Judges every set anew: this node's addresses changed. */
  reevaluate(): void {
    for (let id = 0; id < this.sets.length; id++) {
      const set = this.sets[id];
      if (set === undefined || set.context.derived === undefined) continue;
      const old = set.usedId;
      set.imported = importSet(set.decoded, set.context, this.us);
      set.usedId = this.usedIdOf(id, set);
      if (old !== NONE && old !== id) this.release(old);
    }
  }

  private add(
    bytes: Uint8Array,
    start: number,
    end: number,
    hash: number,
    context: ImportContext,
    decoded: DecodedAttributes<PathAttributes>,
  ): number {
    if (this.live >= this.buckets.length) this.rehash();
    let id = this.freeHead;
    if (id === NONE) id = this.sets.length;
    else this.freeHead = this.next.at[id] as number;
    this.refs.reach(id);
    this.hashes.reach(id);
    this.runs.reach(id);
    this.lengths.reach(id);
    this.next.reach(id);
    this.generations.reach(id);
    const imported: Imported =
      context.derived === undefined
        ? { used: decoded.attributes as PathAttributes }
        : importSet(decoded, context, this.us);
    const set: AttributeSet = { context, decoded, imported, usedId: id };
    this.sets[id] = set;
    this.ranks[id] = decoded.attributes ? rankOf(decoded.attributes, context.kind) : 0;
    this.refs.at[id] = 0;
    this.hashes.at[id] = hash;
    this.runs.at[id] = this.octets.put(bytes, start, end);
    this.lengths.at[id] = end - start;
    const bucket = hash & (this.buckets.length - 1);
    this.next.at[id] = this.buckets[bucket] as number;
    this.buckets[bucket] = id;
    this.live++;
    set.usedId = this.usedIdOf(id, set);
    return id;
  }

  private usedIdOf(id: number, set: AttributeSet): number {
    if ('rejected' in set.imported) return NONE;
    if (set.imported.used === set.decoded.attributes) return id;
    return this.internValue(set.imported.used, set.context.derived as ImportContext);
  }

  private remove(id: number): void {
    const set = this.get(id);
    const bucket = (this.hashes.at[id] as number) & (this.buckets.length - 1);
    const after = this.next.at[id] as number;
    let at = this.buckets[bucket] as number;
    if (at === id) {
      this.buckets[bucket] = after;
    } else {
      while (this.next.at[at] !== id) at = this.next.at[at] as number;
      this.next.at[at] = after;
    }
    this.sets[id] = undefined;
    this.generations.at[id] = (this.generations.at[id] as number) + 1;
    this.octets.giveBack(this.runs.at[id] as number, this.lengths.at[id] as number);
    this.next.at[id] = this.freeHead;
    this.freeHead = id;
    this.live--;
    if (this.lastHit === id) this.lastHit = NONE;
    if (set.usedId !== NONE && set.usedId !== id) this.release(set.usedId);
  }

  private rehash(): void {
    this.buckets = new Int32Array(this.buckets.length * 2).fill(NONE);
    for (let id = 0; id < this.sets.length; id++) {
      if (this.sets[id] === undefined) continue;
      const bucket = (this.hashes.at[id] as number) & (this.buckets.length - 1);
      this.next.at[id] = this.buckets[bucket] as number;
      this.buckets[bucket] = id;
    }
  }

  private isSame(id: number, bytes: Uint8Array, start: number, end: number, context: ImportContext): boolean {
    const length = end - start;
    if (this.lengths.at[id] !== length || (this.sets[id] as AttributeSet).context !== context) return false;
    return this.octets.is(this.runs.at[id] as number, bytes, start, length);
  }
}

function fnv1a(bytes: Uint8Array, start: number, end: number): number {
  let h = 0x811c9dc5;
  for (let i = start; i < end; i++) h = Math.imul(h ^ (bytes[i] as number), 0x01000193);
  return h | 0;
}
