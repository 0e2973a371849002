/** Attribute sets -> what a group of peers is sent of them, octets to octets. Pure, hot: what export.ts says with values, without an
 *  object per set. Objects are made only where a policy has not seen the set yet, or the peers know AS numbers of two octets. */
import { ipv4 } from '../../base/ipv4.ts';
import { ipv6 } from '../../base/ipv6.ts';
import { decodeAttributesOf, encodeAttributes } from '../../bgp-js/attributes/attributes.ts';
import { rewriteAttributes } from '../../bgp-js/attributes/rewrite.ts';
import { keepsNextHop, ownNextHop } from './export-next-hop.ts';
import { isReflected } from './export-rules.ts';
import type { ExportTarget, OutFamily } from './export-target.ts';
import type { PathSource } from '../terms/feed.ts';
import type { OutArena } from './out-arena.ts';
import { hopKey, hopOctets, isPassableIpv6 } from './out-hop.ts';
import { HOP_ADDED, HOP_APART, HOP_KEPT, HOP_OURS, type HopForm, OutPlans } from './out-plans.ts';
import { CHANGED, HOP_SELF, HOP_SET, MED_SET, OutPolicy, type OutSets, REJECTED } from './out-policy.ts';
import { HAS_BLACKHOLE, HAS_LLGR_STALE, HAS_NO_ADVERTISE, HAS_NO_EXPORT, OutScan } from './out-scan.ts';

/** What decides the octets that peers are sent. */
export interface OutFormat {
  readonly target: ExportTarget;
  readonly family: OutFamily;
  readonly fourOctetAs: boolean;
  readonly addPath: boolean;
  readonly maxMessageLength: number;
}

/** A route with so many octets of next hop in front of it, and all that is not attributes. RFC 4271 4.3, RFC 4760 3 */
export function maxAttributesLength({ family, addPath, maxMessageLength }: OutFormat, hopLength: number): number {
  const route = (addPath ? 4 : 0) + (family === 'ipv4' ? 5 : 17);
  return maxMessageLength - 23 - route - (hopLength === 0 ? 0 : 9 + hopLength);
}

const NOBODY = -1;
/** No next hop of another: it is ours. */
export const OUR_HOP = Number.NaN;

export class OutEncoder {
  readonly format: OutFormat;
  readonly policy: OutPolicy | undefined;
  private readonly sets: OutSets;
  private readonly plans: OutPlans;
  private readonly scan = new OutScan();
  /** Ours, as in MP_REACH_NLRI; undefined: in NEXT_HOP, or there is none. */
  private readonly ownApart: Uint8Array | undefined;
  private readonly ownInField: boolean;
  /** Communities that keep a learned route back, and one of ours. */
  private readonly refusesLearned: number;
  private readonly refusesOurs: number;
  private readonly refusesOtc: boolean;
  /** Of what encode() wrote: octets of next hop in front of the attributes, 0 where it is among them, */
  hopLength = 0;
  /** octets of attributes, */
  length = 0;
  /** and whose next hop it is: hopKey() of a kept one. */
  hopKey = OUR_HOP;

  constructor(format: OutFormat, sets: OutSets, ourIdentifier: number) {
    const { target, family } = format;
    this.format = format;
    this.sets = sets;
    const own = ownNextHop(target, family);
    const ownIpv4 = family === 'ipv4' && typeof own?.address === 'number' ? own.address : undefined;
    this.ownInField = ownIpv4 !== undefined;
    this.ownApart = own === undefined || this.ownInField ? undefined : hopOctets(own);
    this.plans = new OutPlans(target, ourIdentifier, ownIpv4 ?? 0);
    if (target.policy !== undefined) this.policy = new OutPolicy(target.policy, sets, family === 'ipv6', own?.address);
    const beyond = target.kind === 'ebgp' ? HAS_NO_EXPORT : 0;
    this.refusesOurs = HAS_NO_ADVERTISE | beyond | (target.longLived === true ? 0 : HAS_LLGR_STALE);
    this.refusesLearned = this.refusesOurs | (target.kind === 'ebgp' && target.blackhole !== true ? HAS_BLACKHOLE : 0);
    const { role } = target;
    this.refusesOtc = target.kind === 'ebgp' && (role === 'customer' || role === 'peer' || role === 'rs-client');
  }

  /** No route of this source is sent, whatever its set: the first two rows of export-rules.ts. */
  refuses(source: PathSource): boolean {
    const { target } = this.format;
    if (isReflected(source, target)) return !source.client && target.client !== true;
    return source.kind !== 'local' && !target.transit;
  }

  /** Writes next hop and attributes behind what is in `arena`, of a source that is not refused. False: routes of this set and
   *  source are not sent. */
  encode(set: number, source: PathSource, prefixClass: number, arena: OutArena): boolean {
    const { scan, format } = this;
    const { kind } = source;
    let octets: { readonly bytes: Uint8Array; readonly start: number; readonly end: number } = this.sets.octetsOf(set);
    scan.read(octets.bytes, octets.start, octets.end);
    if ((scan.communities & (kind === 'local' ? this.refusesOurs : this.refusesLearned)) !== 0) return false;
    if (scan.hasOtc && this.refusesOtc) return false;
    let said = 0;
    if (this.policy !== undefined) {
      said = this.policy.answer(set, prefixClass, kind);
      if ((said & REJECTED) !== 0) return false;
      const { policy } = this;
      octets =
        (said & CHANGED) !== 0
          ? { bytes: policy.octets, start: policy.start, end: policy.end }
          : this.sets.octetsOf(set);
      scan.read(octets.bytes, octets.start, octets.end);
    }
    const form = this.nextHop(octets.bytes, said);
    if (form === undefined) return false;
    const hopStart = arena.at;
    if (form === HOP_APART) {
      if (Number.isNaN(this.hopKey)) arena.put(this.ownApart as Uint8Array, 0, (this.ownApart as Uint8Array).length);
      else arena.put(octets.bytes, scan.hopAt, scan.hopAt + 16); // a link-local address beside it means nothing elsewhere
    }
    this.hopLength = arena.at - hopStart;
    const originator = isReflected(source, format.target) ? source.bgpIdentifier : NOBODY;
    const plan = this.plans.of(kind === 'local', (said & MED_SET) !== 0, form, originator);
    const start = arena.at;
    arena.reserve(octets.end - octets.start + plan.growth);
    arena.at = rewriteAttributes(octets.bytes, octets.start, octets.end, plan, arena.bytes, start);
    if (!format.fourOctetAs && !this.shorten(arena, start)) return false;
    this.length = arena.at - start;
    if (this.length <= maxAttributesLength(format, this.hopLength)) return true;
    arena.at = hopStart;
    return false;
  }

  /** Where the next hop goes, with `hopKey` set; undefined: there is none that the peer could use. */
  private nextHop(bytes: Uint8Array, said: number): HopForm | undefined {
    const { scan, format } = this;
    const { hopAt, hopLength } = scan;
    const isIpv4 = hopLength === 4;
    if ((said & HOP_SELF) === 0 && this.isPassable(bytes)) {
      this.hopKey = hopKey(bytes, hopAt, hopLength);
      if ((said & HOP_SET) !== 0 || this.keeps(bytes)) return isIpv4 ? HOP_KEPT : HOP_APART;
    }
    this.hopKey = OUR_HOP;
    if (this.ownInField && format.family === 'ipv4') return isIpv4 ? HOP_OURS : HOP_ADDED;
    return this.ownApart === undefined ? undefined : HOP_APART;
  }

  private isPassable(bytes: Uint8Array): boolean {
    const { hopAt, hopLength } = this.scan;
    const { family, target } = this.format;
    if (hopLength === 4)
      return family === 'ipv4' && (bytes[hopAt]! | bytes[hopAt + 1]! | bytes[hopAt + 2]! | bytes[hopAt + 3]!) !== 0;
    if (hopLength < 16 || (family === 'ipv4' && target.extendedNextHop !== true)) return false;
    return isPassableIpv6(bytes, hopAt);
  }

  private keeps(bytes: Uint8Array): boolean {
    const { target } = this.format;
    if (target.nextHop !== 'auto' || target.kind === 'ibgp') return target.nextHop !== 'self';
    if (target.sharedSubnets === undefined) return false;
    const { hopAt, hopLength } = this.scan;
    if (hopLength === 4) return keepsNextHop(ipv4(this.hopKey), target);
    let address = 0n;
    for (let i = 0; i < 16; i++) address = (address << 8n) | BigInt(bytes[hopAt + i]!);
    return keepsNextHop(ipv6(address), target);
  }

  /** For a speaker of two-octet AS numbers: by way of objects, such speakers are few. RFC 6793 4.2.2 */
  private shorten(arena: OutArena, start: number): boolean {
    const ibgp = this.format.target.kind === 'ibgp';
    const routes = this.hopLength === 0 ? 'nlri' : 'mp';
    const params = { fourOctetAs: true, ibgp, confederation: ibgp, allowAsSets: true };
    const { attributes } = decodeAttributesOf(arena.bytes, start, arena.at, params, routes);
    arena.at = start;
    if (attributes === undefined) return false;
    const bytes = encodeAttributes(attributes, { fourOctetAs: false });
    arena.put(bytes, 0, bytes.length);
    return true;
  }
}
