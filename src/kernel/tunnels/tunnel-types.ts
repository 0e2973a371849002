/** What a tunnel is asked to be, and what it is. Pure: types. The device is made and kept by tunnel.ts. */
import type { Ipv4 } from '../../base/ipv4.ts';
import type { Reason } from '../../base/reason.ts';

export interface TunnelRemote {
  /** The other node: where the outer packets go. */
  readonly address: Ipv4;
  /** vxlan: the other node's own tunnel address, a neighbour of ours. */
  readonly tunnelAddress?: Ipv4;
  /** vxlan: "66:…", six bytes as text. */
  readonly tunnelMac?: string;
}

export interface TunnelSpec {
  readonly encap: 'ipip' | 'vxlan';
  /** The tunnel's own address; the device has it as its one and only /32. */
  readonly address: Ipv4;
  /** The underlay's less 20 for ipip, less 50 for vxlan. */
  readonly mtu: number;
  /** This node's address: the source of the outer packets. */
  readonly local: Ipv4;
  /** The device that has `local`. */
  readonly underlay: string;
  /** Nodes to exchange packets with. Our own carriers drop what comes from others; the kernel's ipip and vxlan take it, and a
   *  firewall has to say no. */
  readonly remotes: readonly TunnelRemote[];
  /** vxlan only; absent: 4096. */
  readonly vni?: number;
  /** vxlan only; absent: 4789. */
  readonly port?: number;
  /** vxlan only: the device's MAC, six bytes as text; Calico's form is `vxlanMac(node name)`. */
  readonly mac?: string;
}

/** Who moves the packets. `kernel` and `tc-bpf` go on when the daemon is dead, `user-space` does not. */
export type Carrier = 'kernel' | 'tc-bpf' | 'user-space';
export type CarrierSetting = 'auto' | Carrier;

/** What a carrier of ours did since this process took it up. Packets are counted as the kernel counts them on a device: before
 *  they are cut into segments, and bytes are those of the inner packets. */
export interface CarrierCounters {
  readonly txPackets: number;
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly rxBytes: number;
  /** By cause; a cause that never happened is absent. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Why a carrier is not used. */
export interface CarrierRefusal extends Reason {
  readonly carrier: Carrier;
}

export interface TunnelStatus {
  readonly encap: 'ipip' | 'vxlan';
  /** tunl0 or vxlan.calico */
  readonly device: string;
  readonly carrier: Carrier;
  /** Why the better carriers are not used; empty for the kernel's. */
  readonly notUsed: readonly CarrierRefusal[];
  /** False: packets wait for nobody while the daemon is down. */
  readonly forwardsWithoutDaemon: boolean;
  readonly mtu: number;
  /** Dotted quad; absent before the device has it. */
  readonly address?: string;
  readonly remotes: number;
  /** Our own carriers; the kernel's counts on the device. */
  readonly counters?: CarrierCounters;
  /** What is wrong now; empty when all is well. */
  readonly problems: readonly Reason[];
}
