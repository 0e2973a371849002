/** A pod's interface on this node: what an ADD made and a DEL takes away. Pure; recorded on disk, so plain JSON. */
export interface Workload {
  readonly containerId: string;
  readonly ifName: string;
  readonly netns: string;
  readonly namespace: string;
  readonly pod: string;
  /** Dotted quad; the pod has it as /32. */
  readonly address: string;
  /** cali + 11 hex */
  readonly hostInterface: string;
  /** MAC of eth0 in the pod */
  readonly mac: string;
  readonly handleId: string;
  readonly mtu: number;
  /** RFC 3339 */
  readonly addedAt: string;
}
