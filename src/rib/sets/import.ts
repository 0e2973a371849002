/** Attributes as received -> attributes as used, or why not. Pure. RFC 4271 9.1.2, 5.1.3; RFC 4456 8; RFC 9234 5; faults as
 *  RFC 7606. One verdict serves all routes of an attribute set; only a policy that reads prefixes is asked route by route.
 *  The tables keep a verdict as a number; its words are made when somebody asks. */
import { formatIp, type IpAddress } from '../../base/ip.ts';
import { formatIpv4, ipv4 } from '../../base/ipv4.ts';
import type { Reason } from '../../base/reason.ts';
import { prependAsn } from '../../bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import type { DecodedAttributes } from '../../bgp-js/attributes/attributes.ts';
import { nextHopOf } from '../../bgp-js/attributes/next-hop.ts';
import { otcIngress } from '../../bgp-js/attributes/only-to-customer.ts';
import { evaluate, readsPrefix } from '../../policy/evaluate.ts';
import { CLUSTER_IS_OURS, HAS_ORIGINATOR, type ScannedSet } from './attribute-scan.ts';
import type { ImportContext, OurSelf } from './import-context.ts';

export { type ImportContext, ImportContexts, type OurSelf } from './import-context.ts';

export type Imported = { readonly used: PathAttributes } | { readonly rejected: Reason };

/** Verdicts as the tables keep them. */
export const ACCEPTED = 0;
export const AS_LOOP = 1;
export const ORIGINATOR_IS_US = 2;
export const CLUSTER_LOOP = 3;
export const NEXT_HOP_IS_OURS = 4;
export const MALFORMED = 5;
export const ROUTE_LEAK = 6;
export const POLICY_REJECTED = 7;
/** Its UPDATE ends the session: such a set lives only as long as it takes to say so. */
export const RESET = 8;

/** What needs no attribute as a value: the verdict by the numbers of the set. */
export function judgeScanned(set: ScannedSet, nextHop: IpAddress, context: ImportContext, us: OurSelf): number {
  if (set.ownAs > context.allowOwnAs) return AS_LOOP;
  if ((set.marks & HAS_ORIGINATOR) !== 0 && set.originatorId === us.bgpIdentifier) return ORIGINATOR_IS_US;
  // Checked also when we reflect for nobody: another reflector may.
  if ((set.marks & CLUSTER_IS_OURS) !== 0) return CLUSTER_LOOP;
  return us.isOurAddress(nextHop, context.link) ? NEXT_HOP_IS_OURS : ACCEPTED;
}

/** The words to a verdict, worked out again from the set. */
export function reasonOf(
  verdict: number,
  decoded: DecodedAttributes<PathAttributes>,
  context: ImportContext,
  us: OurSelf,
): Reason {
  const { attributes } = decoded;
  switch (attributes === undefined ? MALFORMED : verdict) {
    case AS_LOOP: {
      const allowed = context.allowOwnAs > 0 ? ` more than ${context.allowOwnAs} times` : '';
      return { code: 'AS_LOOP', text: `AS_PATH contains our own AS ${context.localAsn}${allowed}` };
    }
    case ORIGINATOR_IS_US:
      return {
        code: 'ORIGINATOR_IS_US',
        text: `ORIGINATOR_ID ${formatIpv4(us.bgpIdentifier)} is our own identifier`,
      };
    case CLUSTER_LOOP: {
      const id = attributes?.clusterList?.find((one) => context.how.clusters.has(one));
      return { code: 'CLUSTER_LOOP', text: `CLUSTER_LIST contains our own ${formatIpv4(id ?? us.bgpIdentifier)}` };
    }
    case NEXT_HOP_IS_OURS: {
      const nextHop = attributes === undefined ? ipv4(0) : nextHopOf(attributes);
      return { code: 'NEXT_HOP_IS_OURS', text: `NEXT_HOP ${formatIp(nextHop)} is an address of this node` };
    }
    case ROUTE_LEAK:
    case POLICY_REJECTED: {
      const judged = attributes === undefined ? undefined : judgeByWords(attributes, context);
      if (judged !== undefined && 'rejected' in judged) return judged.rejected;
      return { code: 'REJECTED', text: 'the verdict is being made anew' };
    }
    case MALFORMED:
      return malformed(decoded);
    default:
      return { code: 'REJECTED', text: 'the verdict is being made anew' };
  }
}

const NAMES: Readonly<Record<number, string>> = {
  1: 'ORIGIN',
  2: 'AS_PATH',
  3: 'NEXT_HOP',
  4: 'MED',
  5: 'LOCAL_PREF',
  7: 'AGGREGATOR',
  8: 'COMMUNITIES',
  9: 'ORIGINATOR_ID',
  10: 'CLUSTER_LIST',
  14: 'MP_REACH_NLRI',
  16: 'EXTENDED_COMMUNITIES',
  25: 'IPV6_EXTENDED_COMMUNITIES',
  32: 'LARGE_COMMUNITIES',
  35: 'OTC',
};

/** MALFORMED_NEXT_HOP and the like, of the first fault that costs the routes. */
function malformed(decoded: DecodedAttributes<PathAttributes>): Reason {
  const fault = decoded.faults.find((f) => f.action === 'withdraw') ?? decoded.faults[0];
  if (fault === undefined) return { code: 'MALFORMED_ATTRIBUTES', text: 'the attributes could not be decoded' };
  return { code: `MALFORMED_${NAMES[fault.type] ?? `ATTRIBUTE_${fault.type}`}`, text: fault.text };
}

/** Whether judgeByWords() could say anything but yes: then a new set is decoded. */
export const asksWords = ({ policy, role, prependAsn }: ImportContext): boolean =>
  role !== undefined || prependAsn !== 0 || (policy !== undefined && !readsPrefix(policy));

/** What needs attributes as values: the role's rule about OTC, the AS that stands between, then the policy, where it asks for no
 *  prefix. Policy sees the path as it is used, as FRR's does: the loop check saw it as it came. */
export function judgeByWords(
  attributes: PathAttributes,
  context: ImportContext,
): { readonly used: PathAttributes } | { readonly rejected: Reason; readonly verdict: number } {
  let used = attributes;
  if (context.role !== undefined) {
    const otc = otcIngress(attributes, context.role, context.peerAsn);
    if (otc.kind === 'leak') return { verdict: ROUTE_LEAK, rejected: { code: 'ROUTE_LEAK', text: otc.text } };
    used = otc.attributes;
  }
  if (context.prependAsn !== 0) used = { ...used, asPath: prependAsn(used.asPath, context.prependAsn) };
  if (context.policy === undefined || readsPrefix(context.policy)) return { used };
  // It reads neither prefix nor origin: any will do.
  const any = { address: ipv4(0), length: 0, attributes: used, source: context.kind };
  const verdict = evaluate(context.policy, any);
  return verdict.kind === 'accept'
    ? { used: verdict.attributes }
    : { verdict: POLICY_REJECTED, rejected: verdict.reason };
}
