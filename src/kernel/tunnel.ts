/** Tunnels of a node: tunl0 and vxlan.calico, desired state in, devices out. Not pure: netlink, and sockets for user space.
 *  `ensure` is level-triggered: call it with the whole truth as often as you like; it changes what differs.
 *  The carriers of ipip are the table of ipip-carriers.ts; vxlan is vxlan.ts. */
import type { CarrierSetting, TunnelSpec, TunnelStatus } from './tunnel-types.ts';

export type {
  Carrier,
  CarrierCounters,
  CarrierSetting,
  TunnelRemote,
  TunnelSpec,
  TunnelStatus,
} from './tunnel-types.ts';

export interface Tunnels {
  /** Makes it so. Calls for one encapsulation run one after the other. Throws TunnelError when no device can be had;
   *  lesser faults (one neighbour refused) are `problems` of the status. */
  ensure(spec: TunnelSpec): Promise<TunnelStatus>;
  /** Of every tunnel ensured so far. */
  status(): TunnelStatus[];
  /** Ends user-space forwarding; devices, addresses and routes stay for the next daemon. */
  stop(): void;
  /** Takes the device away, if it is ours. */
  remove(encap: 'ipip' | 'vxlan'): Promise<void>;
}

export interface TunnelsOptions {
  readonly netlink: unknown;
  /** `auto`: the best that works. A named one is used or its refusal thrown. */
  readonly carrierSetting: CarrierSetting;
  /** One line when a carrier is chosen or lost; never per packet. */
  readonly log: (text: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Where settings are written; absent: /proc/sys. */
  readonly sysctlRoot?: string;
}

export declare function createTunnels(options: TunnelsOptions): Tunnels;
