/** Address families: what the routes of a session are about. Pure. RFC 4760 3, numbers from IANA's AFI and SAFI registries.
 *  A session can carry any family; one with no row here is shown by its numbers. A name is one new row of NAMES. */

export interface Family {
  readonly afi: number;
  readonly safi: number;
}

/** IPv4. RFC 4760 3 */
export const AFI_IPV4 = 1;
/** IPv6. RFC 4760 3 */
export const AFI_IPV6 = 2;
/** Layer 2 VPNs. RFC 4761 3.2.2, RFC 7432 7 */
export const AFI_L2VPN = 25;
/** BGP-LS. RFC 9552 5.2 */
export const AFI_BGP_LS = 16388;

/** Unicast. RFC 4760 6 */
export const SAFI_UNICAST = 1;
/** Routes for multicast’s reverse paths. RFC 4760 6 */
export const SAFI_MULTICAST = 2;
/** Unicast with MPLS labels. RFC 8277 2 */
export const SAFI_LABELED_UNICAST = 4;
/** VPLS. RFC 4761 3.2.2 */
export const SAFI_VPLS = 65;
/** EVPN. RFC 7432 7 */
export const SAFI_EVPN = 70;
/** Link state. RFC 9552 5.2 */
export const SAFI_BGP_LS = 71;
/** Link state of VPNs. RFC 9552 5.2 */
export const SAFI_BGP_LS_VPN = 72;
/** MPLS VPNs. RFC 4364 4.3.4 */
export const SAFI_L3VPN = 128;
/** Route target constraint. RFC 4684 4 */
export const SAFI_ROUTE_TARGET = 132;
/** Flow specifications. RFC 8955 4 */
export const SAFI_FLOWSPEC = 133;
/** Flow specifications of VPNs. RFC 8955 8 */
export const SAFI_FLOWSPEC_VPN = 134;

/** AFI 1, SAFI 1: what a session carries when nothing is said. RFC 4760 8 */
export const IPV4_UNICAST: Family = { afi: AFI_IPV4, safi: SAFI_UNICAST };
/** AFI 2, SAFI 1. RFC 2545 */
export const IPV6_UNICAST: Family = { afi: AFI_IPV6, safi: SAFI_UNICAST };
/** AFI 1, SAFI 2 */
export const IPV4_MULTICAST: Family = { afi: AFI_IPV4, safi: SAFI_MULTICAST };
/** AFI 2, SAFI 2 */
export const IPV6_MULTICAST: Family = { afi: AFI_IPV6, safi: SAFI_MULTICAST };
/** AFI 1, SAFI 4. RFC 8277 */
export const IPV4_LABELED_UNICAST: Family = { afi: AFI_IPV4, safi: SAFI_LABELED_UNICAST };
/** AFI 2, SAFI 4. RFC 8277 */
export const IPV6_LABELED_UNICAST: Family = { afi: AFI_IPV6, safi: SAFI_LABELED_UNICAST };
/** AFI 1, SAFI 128. RFC 4364 */
export const L3VPN_IPV4: Family = { afi: AFI_IPV4, safi: SAFI_L3VPN };
/** AFI 2, SAFI 128. RFC 4659 */
export const L3VPN_IPV6: Family = { afi: AFI_IPV6, safi: SAFI_L3VPN };
/** AFI 1, SAFI 133. RFC 8955 */
export const IPV4_FLOWSPEC: Family = { afi: AFI_IPV4, safi: SAFI_FLOWSPEC };
/** AFI 2, SAFI 133. RFC 8956 */
export const IPV6_FLOWSPEC: Family = { afi: AFI_IPV6, safi: SAFI_FLOWSPEC };
/** AFI 1, SAFI 134. RFC 8955 */
export const L3VPN_IPV4_FLOWSPEC: Family = { afi: AFI_IPV4, safi: SAFI_FLOWSPEC_VPN };
/** AFI 2, SAFI 134. RFC 8956 */
export const L3VPN_IPV6_FLOWSPEC: Family = { afi: AFI_IPV6, safi: SAFI_FLOWSPEC_VPN };
/** AFI 1, SAFI 132. RFC 4684 */
export const ROUTE_TARGET: Family = { afi: AFI_IPV4, safi: SAFI_ROUTE_TARGET };
/** AFI 25, SAFI 65. RFC 4761 */
export const L2VPN_VPLS: Family = { afi: AFI_L2VPN, safi: SAFI_VPLS };
/** AFI 25, SAFI 70. RFC 7432 */
export const L2VPN_EVPN: Family = { afi: AFI_L2VPN, safi: SAFI_EVPN };
/** AFI 16388, SAFI 71. RFC 9552 */
export const BGP_LS: Family = { afi: AFI_BGP_LS, safi: SAFI_BGP_LS };
/** AFI 16388, SAFI 72. RFC 9552 */
export const BGP_LS_VPN: Family = { afi: AFI_BGP_LS, safi: SAFI_BGP_LS_VPN };

/** One number per family, for sets and tables: 0 is no family (AFI and SAFI 0 are both reserved). */
export const familyKey = (afi: number, safi: number): number => afi * 256 + safi;
/** familyKey() of a Family. */
export const keyOfFamily = (family: Family): number => familyKey(family.afi, family.safi);
/** Undoes familyKey(). */
export const familyOfKey = (key: number): Family => ({ afi: Math.floor(key / 256), safi: key % 256 });
/** Whether both are the same family. */
export const sameFamily = (a: Family, b: Family): boolean => a.afi === b.afi && a.safi === b.safi;
/** Whether the list holds the family. */
export const hasFamily = (families: readonly Family[], family: Family): boolean =>
  families.some((f) => sameFamily(f, family));

/** familyKey() of IPV4_UNICAST. */
export const IPV4_UNICAST_KEY: number = keyOfFamily(IPV4_UNICAST);
/** familyKey() of IPV6_UNICAST. */
export const IPV6_UNICAST_KEY: number = keyOfFamily(IPV6_UNICAST);

const NAMES: readonly (readonly [Family, string])[] = [
  [IPV4_UNICAST, 'ipv4 unicast'],
  [IPV6_UNICAST, 'ipv6 unicast'],
  [IPV4_MULTICAST, 'ipv4 multicast'],
  [IPV6_MULTICAST, 'ipv6 multicast'],
  [IPV4_LABELED_UNICAST, 'ipv4 labeled-unicast'], // RFC 8277
  [IPV6_LABELED_UNICAST, 'ipv6 labeled-unicast'],
  [L3VPN_IPV4, 'l3vpn ipv4'], // RFC 4364
  [L3VPN_IPV6, 'l3vpn ipv6'], // RFC 4659
  [IPV4_FLOWSPEC, 'ipv4 flowspec'], // RFC 8955
  [IPV6_FLOWSPEC, 'ipv6 flowspec'], // RFC 8956
  [L3VPN_IPV4_FLOWSPEC, 'l3vpn ipv4 flowspec'],
  [L3VPN_IPV6_FLOWSPEC, 'l3vpn ipv6 flowspec'],
  [ROUTE_TARGET, 'route-target'], // RFC 4684
  [L2VPN_VPLS, 'l2vpn vpls'], // RFC 4761
  [L2VPN_EVPN, 'l2vpn evpn'], // RFC 7432
  [BGP_LS, 'bgp-ls'], // RFC 9552
  [BGP_LS_VPN, 'bgp-ls-vpn'],
];
const BY_KEY = new Map(NAMES.map(([family, name]) => [keyOfFamily(family), name]));
const BY_NAME = new Map(NAMES.map(([family, name]) => [name, family]));

/** 'ipv4 unicast', 'l2vpn evpn', or 'afi 7 safi 9' for one that we have no name for. */
export const familyName = (family: Family): string =>
  BY_KEY.get(keyOfFamily(family)) ?? `afi ${family.afi} safi ${family.safi}`;

/** Undoes familyName, letters of any size and spaces or one dash between words; undefined for what is none. */
export function parseFamily(text: string): Family | undefined {
  const name = text.trim().toLowerCase().replace(/\s+/g, ' ');
  const known = BY_NAME.get(name) ?? NAMES.find(([, n]) => n.replace(/ /g, '-') === name)?.[0];
  if (known !== undefined) return known;
  const [, afi, safi] = /^afi (\d{1,5}) safi (\d{1,3})$/.exec(name) ?? [];
  if (afi === undefined || safi === undefined) return undefined;
  const family = { afi: Number(afi), safi: Number(safi) };
  return family.afi <= 0xffff && family.safi <= 0xff ? family : undefined;
}
