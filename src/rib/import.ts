/** Attributes as received -> attributes as used, or why not. Pure. RFC 4271 9.1.2, 5.1.3; RFC 4456 8; faults as RFC 7606.
 *  One verdict serves all routes of an attribute set; only a policy that reads prefixes is asked route by route. */
import { formatIp, type IpAddress } from '../base/ip.ts';
import { formatIpv4, ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';
import type { PathAttributes } from '../bgp-js/attributes/attribute-types.ts';
import type { DecodedAttributes } from '../bgp-js/attributes/attributes.ts';
import { nextHopOf } from '../bgp-js/attributes/next-hop.ts';
import type { Policy } from '../model/policy.ts';
import { evaluate, readsPrefix } from '../policy/evaluate.ts';
import type { PathSource } from './feed.ts';

/** What the same bytes may mean differently by: part of the key of an attribute set, compared by identity. */
export interface ImportContext {
  readonly kind: PathSource['kind'];
  readonly fourOctetAs: boolean;
  readonly localAsn: number;
  readonly policy: Policy | undefined;
  /** For the sets a policy makes out of received ones. Absent: sets of this context are not judged (again). */
  readonly derived?: ImportContext;
}

/** One object per distinct context, so that peers of a kind share their sets. */
export class ImportContexts {
  private readonly made: ImportContext[] = [];
  /** Our own routes: nobody judges them. */
  readonly local: ImportContext = { kind: 'local', fourOctetAs: true, localAsn: 0, policy: undefined };

  of(kind: PathSource['kind'], fourOctetAs: boolean, localAsn: number, policy: Policy | undefined): ImportContext {
    const same = (c: ImportContext): boolean =>
      c.kind === kind && c.fourOctetAs === fourOctetAs && c.localAsn === localAsn && c.policy === policy;
    const found = this.made.find(same);
    if (found) return found;
    const context = { kind, fourOctetAs, localAsn, policy };
    const added = { ...context, derived: context };
    this.made.push(added);
    return added;
  }
}

/** This node, as loops are recognised by. */
export interface OurSelf {
  readonly bgpIdentifier: number;
  readonly isOurAddress: (address: IpAddress) => boolean;
}

export type Imported = { readonly used: PathAttributes } | { readonly rejected: Reason };

type Check = (a: PathAttributes, context: ImportContext, us: OurSelf) => Reason | undefined;

/** First one that answers rejects. A new check is a new row. */
const CHECKS: readonly Check[] = [
  (a, context) =>
    a.asPath.some((segment) => segment.asns.includes(context.localAsn))
      ? { code: 'AS_LOOP', text: `AS_PATH contains our own AS ${context.localAsn}` }
      : undefined,
  (a, _, us) =>
    a.originatorId === us.bgpIdentifier
      ? { code: 'ORIGINATOR_IS_US', text: `ORIGINATOR_ID ${formatIpv4(us.bgpIdentifier)} is our own identifier` }
      : undefined,
  // The cluster identifier of a node is its BGP identifier. Checked also when we reflect for nobody: another reflector may.
  (a, _, us) =>
    a.clusterList?.some((id) => id === us.bgpIdentifier)
      ? { code: 'CLUSTER_LOOP', text: `CLUSTER_LIST contains our own ${formatIpv4(us.bgpIdentifier)}` }
      : undefined,
  (a, _, us) =>
    us.isOurAddress(nextHopOf(a))
      ? { code: 'NEXT_HOP_IS_OURS', text: `NEXT_HOP ${formatIp(nextHopOf(a))} is an address of this node` }
      : undefined,
];

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

/** The verdict for a whole attribute set, leaving out a policy that reads prefixes. */
export function importSet(decoded: DecodedAttributes<PathAttributes>, context: ImportContext, us: OurSelf): Imported {
  const { attributes } = decoded;
  if (attributes === undefined) return { rejected: malformed(decoded) };
  for (const check of CHECKS) {
    const rejected = check(attributes, context, us);
    if (rejected) return { rejected };
  }
  if (context.policy === undefined || readsPrefix(context.policy)) return { used: attributes };
  return judge(context.policy, attributes, context.kind, ipv4(0), 0);
}

/** A prefix-reading policy's verdict on one route that importSet() let through. */
export function judge(
  policy: Policy,
  attributes: PathAttributes,
  source: PathSource['kind'],
  address: IpAddress,
  length: number,
): Imported {
  const verdict = evaluate(policy, { address, length, attributes, source });
  return verdict.kind === 'accept' ? { used: verdict.attributes } : { rejected: verdict.reason };
}
