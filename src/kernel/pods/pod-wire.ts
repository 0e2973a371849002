/** A pod's cable as asked for. Pure: types and a constant; made by pod-wiring.ts, looked over by pod-check.ts. */
import type { Ipv4 } from '../../base/ipv4.ts';

/** What a pod sees of its gateway, the same on every node, so that a pod's ARP cache is right wherever it looks. */
export const HOST_SIDE_MAC = 'ee:ee:ee:ee:ee:ee';

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
