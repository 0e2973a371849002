/** Attributes as values -> the numbers and octets of a set. Pure. The slow way into the tables: our own routes, what a policy
 *  changed, and what the scan (attribute-scan.ts) leaves to the decoder. */
import { writeIpv6 } from '../../base/ipv6.ts';
import { asPathLength, firstAsn } from '../../bgp-js/attributes/as-path.ts';
import type { PathAttributes } from '../../bgp-js/attributes/attribute-types.ts';
import { encodeAttributes } from '../../bgp-js/attributes/attributes.ts';
import { LLGR_STALE, NO_LLGR } from '../../bgp-js/attributes/communities.ts';
import { MP_REACH } from '../../bgp-js/attributes/mp-reach.ts';
import { MAX_PATH_LENGTH } from '../choice/rank.ts';
import {
  CLUSTER_IS_OURS,
  HAS_CLUSTER_LIST,
  HAS_LOCAL_PREF,
  HAS_MED,
  HAS_ORIGINATOR,
  HAS_OTC,
  IS_LLGR_STALE,
  IS_NO_LLGR,
  type ScanHow,
  type ScannedSet,
} from './attribute-scan.ts';

const ORIGINS = ['igp', 'egp', 'incomplete'] as const;
const DEFAULT_LOCAL_PREF = 100;

/** What scanSet() would have found. */
export function describeSet(a: PathAttributes, how: ScanHow, into: ScannedSet): void {
  into.origin = ORIGINS.indexOf(a.origin);
  into.asPathLength = Math.min(asPathLength(a.asPath), MAX_PATH_LENGTH);
  into.neighbourAs = firstAsn(a.asPath) ?? 0;
  into.ownAs = 0;
  for (const { asns } of a.asPath)
    for (const asn of asns) if (asn === how.localAsn || asn === how.nodeAsn) into.ownAs++;
  into.med = a.med ?? 0;
  into.localPref = a.localPref ?? DEFAULT_LOCAL_PREF;
  into.originatorId = a.originatorId ?? 0;
  const clusters = a.clusterList ?? [];
  const communities = a.communities ?? [];
  into.marks =
    (a.med === undefined ? 0 : HAS_MED) |
    (a.localPref === undefined ? 0 : HAS_LOCAL_PREF) |
    (a.originatorId === undefined ? 0 : HAS_ORIGINATOR) |
    (clusters.length === 0 ? 0 : HAS_CLUSTER_LIST) |
    (clusters.some((id) => how.clusters.has(id)) ? CLUSTER_IS_OURS : 0) |
    (a.onlyToCustomer === undefined ? 0 : HAS_OTC) |
    (communities.includes(LLGR_STALE) ? IS_LLGR_STALE : 0) |
    (communities.includes(NO_LLGR) ? IS_NO_LLGR : 0);
}

/** As octetsOf() gives them: 4-octet AS numbers, and of MP_REACH_NLRI the head alone, in front. `family`: whose routes. */
export function octetsOfSet(a: PathAttributes, family: number): Uint8Array {
  const { mpNextHop, ...rest } = a;
  const bytes = encodeAttributes(rest, { fourOctetAs: true });
  if (mpNextHop === undefined || typeof mpNextHop.address !== 'bigint') return bytes;
  const octets = mpNextHop.linkLocal === undefined ? 16 : 32;
  const head = 8 + octets;
  const whole = new Uint8Array(head + bytes.length);
  whole.set([0x80, MP_REACH, 5 + octets, family >>> 16, family >>> 8, family, octets]);
  writeIpv6(whole, 7, mpNextHop.address);
  if (mpNextHop.linkLocal !== undefined) writeIpv6(whole, 23, mpNextHop.linkLocal);
  whole.set(bytes, head);
  return whole;
}
