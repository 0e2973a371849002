/** What an export policy says of attribute sets, remembered by set and class of prefix. Pure, hot. Objects are made of a set only
 *  when it is judged for the first time; kept is a number, and where the policy changes attributes, the changed ones as octets.
 *  The memory is a table of bounded size that forgets what falls on the same place; a set's generation tells whether its
 *  number was given out again. */

import type { IpAddress } from '../../base/ip.ts';
import { WordStore } from '../../base/word-store.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { encodeAttributes } from '../../bgp-js/attributes/attributes.ts';
import type { Policy } from '../../model/policy.ts';
import { type Judge, judgeOf } from '../../policy/judge.ts';
import type { AttributeTable } from '../sets/attribute-table.ts';
import type { PathSource } from '../terms/feed.ts';
import { hopOctets } from './out-hop.ts';

/** What is asked of the table of sets. */
export type OutSets = Pick<AttributeTable, 'octetsOf' | 'attributesOf' | 'generationOf' | 'size'>;

const FREE = -1;
const LEAST = 1 << 8;
const MOST = 1 << 18;

/** Bits of an answer. */
export const REJECTED = 1;
/** The attributes are the answer's own octets. */
export const CHANGED = 2;
export const MED_SET = 4;
export const HOP_SET = 8;
export const HOP_SELF = 16;

const MP_REACH_HEAD = 8;

export class OutPolicy {
  readonly judge: Judge;
  private readonly sets: OutSets;
  private readonly isIpv6: boolean;
  private readonly localAddress: IpAddress | undefined;
  /** Made when a policy first changes something. */
  private changed: WordStore | undefined;
  private keys = new Int32Array(0);
  private classes = new Int32Array(0);
  private generations = new Int32Array(0);
  private flags = new Uint8Array(0);
  private runs = new Int32Array(0);
  private lengths = new Int32Array(0);
  /** Of the last answer() with CHANGED. */
  octets: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;

  constructor(policy: Policy, sets: OutSets, isIpv6: boolean, localAddress: IpAddress | undefined) {
    this.judge = judgeOf(policy);
    this.sets = sets;
    this.isIpv6 = isIpv6;
    this.localAddress = localAddress;
    this.resize(LEAST);
  }

  /** Bits. */
  answer(set: number, prefixClass: number, source: PathSource['kind']): number {
    if (this.sets.size > this.keys.length && this.keys.length < MOST) this.resize(this.keys.length * 8);
    const slot = (set ^ Math.imul(prefixClass, 0x9e3779b1)) & (this.keys.length - 1);
    if (
      this.keys[slot] !== set ||
      this.classes[slot] !== prefixClass ||
      this.generations[slot] !== this.sets.generationOf(set)
    )
      this.work(slot, set, prefixClass, source);
    const flags = this.flags[slot] as number;
    if ((flags & CHANGED) !== 0) {
      const run = this.runs[slot] as number;
      const store = this.changed as WordStore;
      this.octets = store.octetsOf(run);
      this.start = store.startOf(run);
      this.end = this.start + (this.lengths[slot] as number);
    }
    return flags;
  }

  private work(slot: number, set: number, prefixClass: number, source: PathSource['kind']): void {
    this.forget(slot);
    const { isIpv6, localAddress } = this;
    const attributes = this.sets.attributesOf(set);
    const context = localAddress === undefined ? { isIpv6 } : { isIpv6, localAddress };
    const verdict = this.judge.forSet(attributes, source, context).verdict(prefixClass);
    this.keys[slot] = set;
    this.classes[slot] = prefixClass;
    this.generations[slot] = this.sets.generationOf(set);
    if (verdict.kind === 'reject') {
      this.flags[slot] = REJECTED;
      return;
    }
    let flags = 0;
    if (verdict.med === 'set') flags |= MED_SET;
    if (verdict.nextHop === 'set') flags |= HOP_SET;
    if (verdict.nextHop === 'self') flags |= HOP_SELF;
    if (verdict.attributes !== attributes) {
      const bytes = octetsOfSet(verdict.attributes);
      flags |= CHANGED;
      this.changed ??= new WordStore();
      this.changed.load(bytes, 0, bytes.length);
      this.runs[slot] = this.changed.put(0, bytes.length);
      this.lengths[slot] = bytes.length;
    }
    this.flags[slot] = flags;
  }

  private forget(slot: number): void {
    if (this.keys[slot] === FREE || ((this.flags[slot] as number) & CHANGED) === 0) return;
    this.changed?.giveBack(this.runs[slot] as number, this.lengths[slot] as number);
  }

  private resize(size: number): void {
    for (let slot = 0; slot < this.keys.length; slot++) this.forget(slot);
    this.keys = new Int32Array(size).fill(FREE);
    this.classes = new Int32Array(size);
    this.generations = new Int32Array(size);
    this.flags = new Uint8Array(size);
    this.runs = new Int32Array(size);
    this.lengths = new Int32Array(size);
  }
}

/** As a set's octets in the tables: with the head of MP_REACH_NLRI where there is one. */
export function octetsOfSet(attributes: PathAttributes): Uint8Array {
  const rest = encodeAttributes(attributes, { fourOctetAs: true });
  if (attributes.mpNextHop === undefined) return rest;
  const hop = hopOctets(attributes.mpNextHop);
  const bytes = new Uint8Array(MP_REACH_HEAD + hop.length + rest.length);
  // Optional; the family does not matter here.
  bytes.set([0x80, 14, 5 + hop.length, 0, 2, 1, hop.length]);
  bytes.set(hop, MP_REACH_HEAD - 1);
  bytes.set(rest, MP_REACH_HEAD + hop.length);
  return bytes;
}
