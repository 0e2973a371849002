/** A pod's cable: veth from the node into the pod's namespace, with Calico's addresses and settings. Not pure: netlink.
 *  The route to the pod on the node is not made here: it is a route like any other (route-programmer.ts). */
import type { Ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';

export interface PodWire {
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** Name inside the pod: eth0. */
  readonly ifName: string;
  /** Name on the node: cali + 11 hex. */
  readonly hostInterface: string;
  /** The pod has it as /32. */
  readonly address: Ipv4;
  /** MAC of the pod's end, six bytes as text. */
  readonly mac: string;
  readonly mtu: number;
}

export interface PodWiring {
  /** Idempotent: a half-made interface of ours is replaced. On failure what was made is taken away again. */
  wire(wire: PodWire): Promise<void>;
  /** Takes both ends away; an absent one is success. Needs no namespace: the pod's may be gone. */
  unwire(hostInterface: string): Promise<void>;
  /** What is not as `wire` made it; empty when all is well. CNI CHECK. */
  check(wire: PodWire): Promise<Reason[]>;
}

export declare function createPodWiring(options: { readonly netlink: unknown }): PodWiring;
