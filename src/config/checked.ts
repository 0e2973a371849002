/** What checks among several settings are given. Pure: types, and the prefixes that no host is in. */
import { type IpPrefix, ipPrefix } from '../base/ip.ts';
import { ipv6 } from '../base/ipv6.ts';
import { prefix } from '../base/prefix.ts';
import type { Values } from './document.ts';
import type { DYNAMIC_SETTINGS, NEIGHBOR_SETTINGS, NODE_SETTINGS } from './settings.ts';

export type NodeValues = Values<typeof NODE_SETTINGS>;
export type NeighborValues = Values<typeof NEIGHBOR_SETTINGS>;
export type DynamicValues = Values<typeof DYNAMIC_SETTINGS>;

export interface Checked {
  readonly node: NodeValues;
  readonly neighbors: readonly NeighborValues[];
  readonly dynamic: readonly DynamicValues[];
  /** Of the file, and those that are always there. */
  readonly policyNames: ReadonlySet<string>;
  /** A fault at a setting of the node, or of one neighbor. */
  readonly fault: (
    values: NodeValues | NeighborValues | DynamicValues,
    path: string,
    value: string | undefined,
    text: string,
    remedy: string,
  ) => void;
}

/** IPv4 multicast with what is reserved above it; IPv6 multicast. */
export const MULTICAST: readonly IpPrefix[] = [prefix(0xe0000000, 3), ipPrefix(ipv6(0xffn << 120n), 8)];
/** Multicast and reserved, "this network", ::/96 without ::1, IPv4 in IPv6's clothes, IPv6 multicast. RFC 6890, RFC 4291 2 */
export const NOT_UNICAST: readonly IpPrefix[] = [
  ...MULTICAST,
  prefix(0, 8),
  ipPrefix(ipv6(0n), 128),
  ipPrefix(ipv6(0xffff_0000_0000n), 96),
];
