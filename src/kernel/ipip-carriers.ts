/** The carriers of ipip, best first: one device name, one form of route, and whoever moves the packets.
 *  A new carrier is a new row. Not pure: netlink. The kernel's is ipip-kernel.ts, our own ipip-user-space.ts. */
import type { Reason } from '../base/reason.ts';
import type { NetlinkClient } from '../netlink/client.ts';
import type { Link } from '../netlink/link.ts';
import { kernelIpip } from './ipip-kernel.ts';
import { userSpaceIpip } from './ipip-user-space.ts';
import type { Carrier, CarrierCounters, TunnelSpec } from './tunnel-types.ts';

export interface CarrierContext {
  readonly netlink: NetlinkClient;
  readonly sysctlRoot: string;
  /** The carrier was asked for by name: it may take a device of another carrier of ours away. */
  readonly demanded: boolean;
}

export type CarrierOutcome =
  | { readonly kind: 'ready'; readonly device: Link; readonly problems: readonly Reason[] }
  | { readonly kind: 'refused'; readonly reason: Reason };

export interface IpipCarrier {
  readonly name: Carrier;
  readonly forwardsWithoutDaemon: boolean;
  /** Device, MTU, up, neighbours, sockets: all but the address, which is the same for every carrier. */
  ensure(context: CarrierContext, spec: TunnelSpec): Promise<CarrierOutcome>;
  /** Takes up the work of an earlier daemon before anything is known; true when it does. */
  resume?(context: CarrierContext): Promise<boolean>;
  counters(): CarrierCounters | undefined;
  fault(): Reason | undefined;
  stop(): void;
}

/** DESIGN.md's second carrier has its place here, and no code yet. */
const tcBpf: IpipCarrier = {
  name: 'tc-bpf',
  forwardsWithoutDaemon: true,
  ensure: async () => ({
    kind: 'refused',
    reason: {
      code: 'CARRIER_TC_BPF_NOT_IN_THIS_VERSION',
      text: 'IPIP by tc-bpf programs is not in this version of Gingham.',
    },
  }),
  counters: () => undefined,
  fault: () => undefined,
  stop: () => {},
};

export const createIpipCarriers = (): readonly IpipCarrier[] => [kernelIpip(), tcBpf, userSpaceIpip()];
