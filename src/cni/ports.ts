/** What the daemon's side of CNI asks of the rest of the daemon. Pure: types. daemon/ wires them to ipam/ and kernel/;
 *  tests give fakes. Every effect is idempotent, because a repeated ADD or DEL after a crash runs it again. */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';

/** The part of ipam's `Ipam` that pods need. */
export interface AddressSource {
  /** Throws an error with a `reason: Reason` field when there is no address to give. */
  assign(request: {
    readonly handleId: string;
    readonly attributes: Readonly<Record<string, string>>;
    readonly use: 'Workload';
  }): Promise<Ipv4>;
  assignmentsOf(handleId: string): Promise<readonly Ipv4[]>;
  /** Idempotent: an unknown handle releases 0. Rejects when the store is away. */
  release(handleId: string): Promise<number>;
}

export interface PodInterface {
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** Name inside the pod: eth0. */
  readonly ifName: string;
  /** Name on the node: cali + 11 hex. */
  readonly hostInterface: string;
  readonly address: Ipv4;
  /** MAC of the pod's side, as text. */
  readonly mac: string;
  readonly mtu: number;
}

export interface PodWiring {
  /** Makes the veth pair, the pod's address and routes, and the host side's sysctls and MAC ee:ee:ee:ee:ee:ee. A left-over
   *  host interface of that name is replaced; an interface `ifName` in the pod that is not ours is an error. */
  wire(pod: PodInterface): Promise<void>;
  /** Deletes the pair; an absent one is success. */
  unwire(hostInterface: string): Promise<void>;
  /** Everything of `pod` that is missing or wrong; empty when all is well. */
  check(pod: PodInterface): Promise<readonly Reason[]>;
}

export interface HostRoutes {
  /** Resolves when the kernel acknowledged `address/32 dev hostInterface scope link`; a Reason says why it would not. */
  want(address: Ipv4, hostInterface: string): Promise<Reason | undefined>;
  /** Resolves when the route is gone. */
  unwant(address: Ipv4): Promise<void>;
}

/** Whether an ADD can be served now. `limited`: it could, but the pods there have trouble (CNI STATUS code 51). */
export type Readiness =
  | { readonly kind: 'ready' }
  | { readonly kind: 'notReady'; readonly reason: Reason }
  | { readonly kind: 'limited'; readonly reason: Reason };

export interface CniPorts {
  readonly ipam: AddressSource;
  readonly wiring: PodWiring;
  readonly routes: HostRoutes;
  /** MTU of pods, now. */
  readonly mtu: () => number;
  readonly readiness: () => Readiness;
}
