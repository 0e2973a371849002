/** How attribute sets change on their way to a group of peers: one Rewrite of bgp-js for each kind of route and of next hop. Pure:
 *  made once, used for all sets. The same with values is export.ts. */
import { GRACEFUL_SHUTDOWN } from '../../bgp-js/attributes/communities.ts';
import {
  type Addition,
  addition,
  BACK,
  DROP,
  FILTER,
  FRONT,
  KEEP,
  keepAll,
  PATH,
  PATH_STAYS,
  type PathRewrite,
  REPLACE,
  type Rewrite,
  rewriteOf,
  WITHIN_AN_AS,
} from '../../bgp-js/attributes/rewrite-plan.ts';
import { DEFAULT_LOCAL_PREF } from '../choice/decision.ts';
import { prependedAsns } from './export-path.ts';
import type { ExportTarget } from './export-target.ts';

/** Where a route's next hop goes. */
export const HOP_OURS = 0; // NEXT_HOP is our address
export const HOP_KEPT = 1; // NEXT_HOP stays
export const HOP_APART = 2; // into MP_REACH_NLRI, by the writer
export const HOP_ADDED = 3; // NEXT_HOP is our address, where the set has none
export type HopForm = typeof HOP_OURS | typeof HOP_KEPT | typeof HOP_APART | typeof HOP_ADDED;

const AS_PATH = 2;
const NEXT_HOP = 3;
const MED = 4;
const LOCAL_PREF = 5;
const COMMUNITIES = 8;
const ORIGINATOR_ID = 9;
const CLUSTER_LIST = 10;
const EXTENDED_COMMUNITIES = 16;
const IPV6_EXTENDED_COMMUNITIES = 25;
const LARGE_COMMUNITIES = 32;
const OTC = 35;

/** Of no route that is reflected. */
const NOBODY = -1;

export class OutPlans {
  private readonly to: ExportTarget;
  private readonly clusterId: number;
  private readonly ownIpv4: number;
  private readonly made = new Map<number, Rewrite>();

  /** `ownIpv4`: what NEXT_HOP becomes; 0 where it is never ours. */
  constructor(to: ExportTarget, ourIdentifier: number, ownIpv4: number) {
    this.to = to;
    this.clusterId = to.clusterId ?? ourIdentifier;
    this.ownIpv4 = ownIpv4;
  }

  /** `originator`: who a reflected route came in from; -1 for all others. */
  of(isLocal: boolean, medIsSet: boolean, hop: HopForm, originator: number): Rewrite {
    const key = (originator + 1) * 16 + hop * 4 + (isLocal ? 2 : 0) + (medIsSet ? 1 : 0);
    const known = this.made.get(key);
    if (known !== undefined) return known;
    // Reflectors of peers that come and go: a few thousand of them are enough to remember.
    if (this.made.size > 4096) this.made.clear();
    const made = this.make(isLocal, medIsSet, hop, originator);
    this.made.set(key, made);
    return made;
  }

  private make(isLocal: boolean, medIsSet: boolean, hop: HopForm, originator: number): Rewrite {
    const { to } = this;
    const actions = keepAll();
    const additions: Addition[] = [];
    let path: PathRewrite = PATH_STAYS;
    if (to.kind === 'ebgp') {
      path = this.leaving(actions, additions);
      if (medIsSet || to.med === 'keep' || (isLocal && to.med !== 'drop')) actions[MED] = KEEP;
    } else {
      this.staying(actions, additions, isLocal, originator);
      if (to.med === 'drop' && !medIsSet) actions[MED] = DROP;
    }
    this.communities(actions, additions);
    if (hop === HOP_OURS || hop === HOP_ADDED) {
      actions[NEXT_HOP] = REPLACE;
      additions.push(addition(NEXT_HOP, this.ownIpv4, hop === HOP_ADDED));
    } else if (hop === HOP_APART) actions[NEXT_HOP] = DROP;
    return rewriteOf(actions, additions, path);
  }

  private leaving(actions: Uint8Array, additions: Addition[]): PathRewrite {
    const { role, removePrivateAs, peerAsn, localAsn } = this.to;
    for (const type of WITHIN_AN_AS) actions[type] = DROP;
    actions[AS_PATH] = PATH;
    actions[EXTENDED_COMMUNITIES] = FILTER;
    // To a customer, a peer or an RS-client it goes marked. RFC 9234 5
    if (role === 'provider' || role === 'peer' || role === 'rs') additions.push(addition(OTC, localAsn));
    return {
      prepend: prependedAsns(this.to),
      privateAsns: removePrivateAs === undefined ? 'keep' : removePrivateAs === 'all' ? 'remove' : 'replace',
      keepAsn: peerAsn,
      leavesConfederation: true,
    };
  }

  private staying(actions: Uint8Array, additions: Addition[], isLocal: boolean, originator: number): void {
    const { gracefulShutdown, localPref } = this.to;
    if (gracefulShutdown === true) actions[LOCAL_PREF] = REPLACE;
    additions.push(addition(LOCAL_PREF, gracefulShutdown === true ? 0 : isLocal ? localPref : DEFAULT_LOCAL_PREF));
    if (originator === NOBODY) return;
    additions.push(addition(ORIGINATOR_ID, originator), addition(CLUSTER_LIST, this.clusterId));
    actions[CLUSTER_LIST] = FRONT;
  }

  private communities(actions: Uint8Array, additions: Addition[]): void {
    const { withhold, gracefulShutdown } = this.to;
    if (withhold?.standard === true) actions[COMMUNITIES] = DROP;
    if (gracefulShutdown === true) {
      // Our own word, not one to be withheld.
      actions[COMMUNITIES] = withhold?.standard === true ? REPLACE : BACK;
      additions.push(addition(COMMUNITIES, GRACEFUL_SHUTDOWN));
    }
    if (withhold?.extended === true) {
      actions[EXTENDED_COMMUNITIES] = DROP;
      actions[IPV6_EXTENDED_COMMUNITIES] = DROP;
    }
    if (withhold?.large === true) actions[LARGE_COMMUNITIES] = DROP;
  }
}
