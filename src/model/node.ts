/** A node of the cluster as its Node object and annotations tell it. Pure. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Ipv6 } from '../base/ipv6.ts';
import type { Prefix } from '../base/prefix.ts';

export interface ClusterNode {
  readonly name: string;
  /** BGP address: projectcalico.org/IPv4Address, else the InternalIP. Absent: the node takes no part in the mesh. */
  readonly address?: Ipv4;
  /** The node's own subnet, from the annotation's mask: what CrossSubnet is judged by. */
  readonly subnet?: Prefix;
  /** projectcalico.org/IPv6Address; absent: no sessions over IPv6. */
  readonly ipv6Address?: Ipv6;
  /** projectcalico.org/RouteReflectorClusterID: it reflects routes and has left the mesh. */
  readonly clusterId?: Ipv4;
  /** projectcalico.org/ASNumber; absent: the mesh's. */
  readonly asn?: number;
  /** projectcalico.org/IPv4IPIPTunnelAddr */
  readonly ipipTunnelAddress?: Ipv4;
  /** projectcalico.org/IPv4VXLANTunnelAddr */
  readonly vxlanTunnelAddress?: Ipv4;
  /** projectcalico.org/VXLANTunnelMACAddr, six bytes as text */
  readonly vxlanTunnelMac?: string;
  readonly labels: Readonly<Record<string, string>>;
}
