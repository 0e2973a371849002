/** Address families: what the routes of a session are about. Pure. RFC 4760 3, numbers from IANA's AFI and SAFI registries.
 *  A session can carry any family; one with no row here is shown by its numbers. A name is one new row of NAMES. */

export interface Family {
  readonly afi: number;
  readonly safi: number;
}

export const AFI_IPV4 = 1;
export const AFI_IPV6 = 2;
export const AFI_L2VPN = 25;
export const AFI_BGP_LS = 16388;

export const SAFI_UNICAST = 1;
export const SAFI_MULTICAST = 2;
export const SAFI_LABELED_UNICAST = 4;
export const SAFI_VPLS = 65;
export const SAFI_EVPN = 70;
export const SAFI_BGP_LS = 71;
export const SAFI_BGP_LS_VPN = 72;
export const SAFI_L3VPN = 128;
export const SAFI_ROUTE_TARGET = 132;
export const SAFI_FLOWSPEC = 133;
export const SAFI_FLOWSPEC_VPN = 134;

export const IPV4_UNICAST: Family = { afi: AFI_IPV4, safi: SAFI_UNICAST };
export const IPV6_UNICAST: Family = { afi: AFI_IPV6, safi: SAFI_UNICAST };
export const IPV4_MULTICAST: Family = { afi: AFI_IPV4, safi: SAFI_MULTICAST };
export const IPV6_MULTICAST: Family = { afi: AFI_IPV6, safi: SAFI_MULTICAST };
export const IPV4_LABELED_UNICAST: Family = { afi: AFI_IPV4, safi: SAFI_LABELED_UNICAST };
export const IPV6_LABELED_UNICAST: Family = { afi: AFI_IPV6, safi: SAFI_LABELED_UNICAST };
export const L3VPN_IPV4: Family = { afi: AFI_IPV4, safi: SAFI_L3VPN };
export const L3VPN_IPV6: Family = { afi: AFI_IPV6, safi: SAFI_L3VPN };
export const IPV4_FLOWSPEC: Family = { afi: AFI_IPV4, safi: SAFI_FLOWSPEC };
export const IPV6_FLOWSPEC: Family = { afi: AFI_IPV6, safi: SAFI_FLOWSPEC };
export const L3VPN_IPV4_FLOWSPEC: Family = { afi: AFI_IPV4, safi: SAFI_FLOWSPEC_VPN };
export const L3VPN_IPV6_FLOWSPEC: Family = { afi: AFI_IPV6, safi: SAFI_FLOWSPEC_VPN };
export const ROUTE_TARGET: Family = { afi: AFI_IPV4, safi: SAFI_ROUTE_TARGET };
export const L2VPN_VPLS: Family = { afi: AFI_L2VPN, safi: SAFI_VPLS };
export const L2VPN_EVPN: Family = { afi: AFI_L2VPN, safi: SAFI_EVPN };
export const BGP_LS: Family = { afi: AFI_BGP_LS, safi: SAFI_BGP_LS };
export const BGP_LS_VPN: Family = { afi: AFI_BGP_LS, safi: SAFI_BGP_LS_VPN };

/** One number per family, for sets and tables: 0 is no family (AFI and SAFI 0 are both reserved). */
export const familyKey = (afi: number, safi: number): number => afi * 256 + safi;
export const keyOfFamily = (family: Family): number => familyKey(family.afi, family.safi);
export const familyOfKey = (key: number): Family => ({ afi: Math.floor(key / 256), safi: key % 256 });
export const sameFamily = (a: Family, b: Family): boolean => a.afi === b.afi && a.safi === b.safi;
export const hasFamily = (families: readonly Family[], family: Family): boolean =>
  families.some((f) => sameFamily(f, family));

export const IPV4_UNICAST_KEY: number = keyOfFamily(IPV4_UNICAST);
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
