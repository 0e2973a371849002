/** What a carrier of ipip is: whoever moves the packets of tunl0. Pure: types; the table of them is ipip-carriers.ts. */
import type { Reason } from '../../base/reason.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import type { Link } from '../../netlink/link.ts';
import type { Carrier, CarrierCounters, TunnelSpec } from './tunnel-types.ts';

export interface CarrierContext {
  readonly netlink: NetlinkClient;
  readonly sysctlRoot: string;
  /** The carrier was asked for by name: it may take a device of another carrier of ours away. */
  readonly demanded: boolean;
  /** What `ensure` made is gone or changed: asks for another `ensure` with the same words, soon and once. */
  readonly again: () => void;
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
  /** Another carrier has taken over: takes away what would go on by itself, of an earlier process too. The pair stays. */
  withdraw?(context: CarrierContext): Promise<void>;
  counters(): CarrierCounters | undefined;
  fault(): Reason | undefined;
  stop(): void;
}
