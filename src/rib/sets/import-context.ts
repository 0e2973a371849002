/** What the same octets may mean differently by: the peer's kind, our settings towards it, the form of the session. Pure.
 *  Part of the key of an attribute set, so that peers of a kind share their sets. */
import type { IpAddress } from '../../base/ip.ts';
import type { AttributeParams } from '../../bgp-js/attributes/attribute-params.ts';
import { IPV4_UNICAST_KEY } from '../../bgp-js/wire/family.ts';
import type { Policy } from '../../model/policy.ts';
import { readsPrefix, setsStanding } from '../../policy/evaluate.ts';
import { INVALID, type Standing, UNKNOWN, VALID } from '../choice/rank.ts';
import { ClusterIds } from '../terms/cluster-ids.ts';
import type { PathSource } from '../terms/feed.ts';
import type { OriginOf } from '../terms/rib-config.ts';
import type { BgpRole } from '../terms/source.ts';
import type { ScanHow } from './attribute-scan.ts';

export interface ImportContext {
  /** A small number, given out again when no set has it. */
  readonly id: number;
  readonly kind: PathSource['kind'];
  readonly fourOctetAs: boolean;
  readonly localAsn: number;
  readonly allowOwnAs: number;
  readonly policy: Policy | undefined;
  readonly role: BgpRole | undefined;
  /** Counts only with a role; 0 without. */
  readonly peerAsn: number;
  /** Comes in front of the paths; 0: nothing does. */
  readonly prependAsn: number;
  /** What its link-local next hops are on: one that came by another link is another next hop. */
  readonly link: string | undefined;
  /** Its routes were in MP_REACH_NLRI, and so is their next hop. */
  readonly inMpReach: boolean;
  /** The policy reads prefixes: it is asked route by route. */
  readonly perRoute: boolean;
  readonly how: ScanHow;
  readonly params: AttributeParams;
  /** What the decision takes its sets for. */
  readonly standing: Standing;
  /** For the sets that import makes out of received ones, by standing: one context three times, where no rule makes a difference.
   *  Absent: sets of this context are our own making, and are not judged. */
  readonly derived?: readonly [ImportContext, ImportContext, ImportContext];
}

/** The settings that make a context, as of a source. */
export interface ContextSpec {
  readonly kind: PathSource['kind'];
  readonly localAsn: number;
  readonly peerAsn?: number;
  readonly allowOwnAs?: number | undefined;
  readonly importPolicy?: Policy | undefined;
  readonly role?: BgpRole | undefined;
  readonly localAs?: { readonly nodeAsn: number; readonly noPrepend: boolean } | undefined;
  readonly link?: string | undefined;
}

/** This node, as loops are recognised by. */
export interface OurSelf {
  readonly bgpIdentifier: number;
  readonly isOurAddress: (address: IpAddress, link?: string) => boolean;
  /** Default: the BGP identifier. RFC 4456 7 */
  readonly clusters?: ClusterIds;
  /** What IPAM says of a route, for policies that ask. Absent: unknown. */
  readonly originOf?: OriginOf;
}

const NOBODY: OurSelf = { bgpIdentifier: 0, isOurAddress: () => false };

/** What the neighbour believes to be between it and us: whoever hears the path from us learns that the AS it knows us by is on the
 *  way, and takes nothing back that passed there. Between ASes only. RFC 7705 3.1 */
const prependedAsn = ({ kind, localAsn, localAs }: ContextSpec): number =>
  kind !== 'ebgp' || localAs === undefined || localAs.noPrepend || localAs.nodeAsn === localAsn ? 0 : localAsn;

/** One object per distinct context. */
export class ImportContexts {
  private readonly clusters: ClusterIds;
  private readonly family: number;
  private readonly made: (ImportContext | undefined)[] = [];
  private last: ImportContext | undefined;
  private lastSpec: ContextSpec | undefined;
  /** By id: sets that have it. */
  private readonly sets: number[] = [];
  /** Our own routes: nobody judges them. */
  readonly local: ImportContext;

  constructor(us: OurSelf = NOBODY, family: number = IPV4_UNICAST_KEY) {
    this.clusters = us.clusters ?? new ClusterIds(us.bgpIdentifier);
    this.family = family;
    this.local = this.make({ kind: 'local', localAsn: 0 }, true, false, UNKNOWN);
  }

  /** `inMpReach`: where the routes are. */
  of(spec: ContextSpec, fourOctetAs: boolean, inMpReach = false): ImportContext {
    // Asked for every UPDATE, and a peer sends many in a row.
    const { last } = this;
    if (
      last !== undefined &&
      this.lastSpec === spec &&
      last.fourOctetAs === fourOctetAs &&
      last.inMpReach === inMpReach
    )
      return last;
    this.lastSpec = spec;
    this.last = this.find(spec, fourOctetAs, inMpReach);
    return this.last;
  }

  private find(spec: ContextSpec, fourOctetAs: boolean, inMpReach: boolean): ImportContext {
    const peerAsn = spec.role === undefined ? 0 : (spec.peerAsn ?? 0);
    const prependAsn = prependedAsn(spec);
    for (const c of this.made) {
      if (
        c?.derived !== undefined &&
        c.kind === spec.kind &&
        c.localAsn === spec.localAsn &&
        c.prependAsn === prependAsn &&
        c.how.nodeAsn === (spec.localAs?.nodeAsn ?? spec.localAsn) &&
        c.policy === spec.importPolicy &&
        c.fourOctetAs === fourOctetAs &&
        c.inMpReach === inMpReach &&
        c.allowOwnAs === (spec.allowOwnAs ?? 0) &&
        c.role === spec.role &&
        c.peerAsn === peerAsn &&
        c.link === spec.link
      )
        return c;
    }
    this.forgetUnused();
    const usual = this.make(spec, true, inMpReach, UNKNOWN);
    const differ = spec.importPolicy !== undefined && setsStanding(spec.importPolicy);
    const [invalid, valid] = differ
      ? [this.make(spec, true, inMpReach, INVALID), this.make(spec, true, inMpReach, VALID)]
      : [usual, usual];
    return this.make(spec, fourOctetAs, inMpReach, UNKNOWN, [invalid, usual, valid]);
  }

  byId(id: number): ImportContext {
    return this.made[id] as ImportContext;
  }

  hold(id: number): void {
    this.sets[id] = (this.sets[id] as number) + 1;
  }
  release(id: number): void {
    this.sets[id] = (this.sets[id] as number) - 1;
  }

  /** Policies change with every reload: what no set is of any more goes, when a new one comes. */
  private forgetUnused(): void {
    for (const c of this.made) {
      if (c?.derived === undefined || this.sets[c.id] !== 0) continue;
      if (c.derived.some(({ id }) => this.sets[id] !== 0)) continue;
      for (const { id } of c.derived) this.made[id] = undefined;
      this.made[c.id] = undefined;
    }
  }

  private make(
    spec: ContextSpec,
    fourOctetAs: boolean,
    inMpReach: boolean,
    standing: Standing,
    derived?: ImportContext['derived'],
  ): ImportContext {
    let id = 0;
    while (this.made[id] !== undefined) id++;
    const ibgp = spec.kind === 'ibgp';
    const families = new Set([this.family]);
    const context: ImportContext = {
      id,
      kind: spec.kind,
      fourOctetAs,
      localAsn: spec.localAsn,
      allowOwnAs: spec.allowOwnAs ?? 0,
      policy: spec.importPolicy,
      role: spec.role,
      peerAsn: spec.role === undefined ? 0 : (spec.peerAsn ?? 0),
      prependAsn: prependedAsn(spec),
      link: spec.link,
      inMpReach,
      perRoute: spec.importPolicy !== undefined && readsPrefix(spec.importPolicy),
      how: {
        ibgp,
        inMpReach,
        family: this.family,
        localAsn: spec.localAsn,
        nodeAsn: spec.localAs?.nodeAsn ?? spec.localAsn,
        clusters: this.clusters,
      },
      standing,
      // Whether an IPv6 next hop was agreed on for IPv4 routes is the framer's to see: what came so far may have one. RFC 8950 4
      params: { fourOctetAs, ibgp, families, extendedNextHop: families },
      ...(derived && { derived }),
    };
    this.made[id] = context;
    this.sets[id] = 0;
    return context;
  }
}
