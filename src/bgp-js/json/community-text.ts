/** Communities as text. Pure. */
import { formatIpv6 } from '../../base/ipv6.ts';
import type { Ipv6ExtendedCommunity, LargeCommunity } from '../attributes/attribute-types.ts';
export const formatCommunity = (n: number): string => `${n >>> 16}:${n & 0xffff}`;
export const formatExtendedCommunity = (n: bigint): string => `0x${n.toString(16).padStart(16, '0')}`;
export const formatLargeCommunity = (c: LargeCommunity): string => `${c.global}:${c.local1}:${c.local2}`;
export const formatIpv6ExtendedCommunity = (c: Ipv6ExtendedCommunity): string =>
  `${c.type.toString(16)}:${formatIpv6(c.address)}:${c.local}`;
