/** What a node tells the others about itself: annotations of its Node object, in Calico's names. Pure.
 *  Written as a merge patch of nodes/status, and only what differs. */
import { NODE_ANNOTATIONS } from '../cluster/node.ts';
import type { JsonObject, Resource } from '../store/port.ts';

export interface NodeFacts {
  /** "192.168.34.101/24" */
  readonly ipv4Address?: string;
  readonly ipipTunnelAddress?: string;
  readonly vxlanTunnelAddress?: string;
  readonly vxlanTunnelMac?: string;
}

const WRITTEN: readonly (readonly [keyof NodeFacts, string])[] = [
  ['ipv4Address', NODE_ANNOTATIONS.address],
  ['ipipTunnelAddress', NODE_ANNOTATIONS.ipipTunnelAddress],
  ['vxlanTunnelAddress', NODE_ANNOTATIONS.vxlanTunnelAddress],
  ['vxlanTunnelMac', NODE_ANNOTATIONS.vxlanTunnelMac],
];

/** The patch that makes the object say `facts`; undefined when it does already. A fact that is absent is left alone. */
export function annotationPatch(node: Resource, facts: NodeFacts): JsonObject | undefined {
  const wanted: Record<string, string> = {};
  for (const [fact, annotation] of WRITTEN) {
    const value = facts[fact];
    if (value !== undefined && node.metadata.annotations?.[annotation] !== value) wanted[annotation] = value;
  }
  return Object.keys(wanted).length === 0 ? undefined : { metadata: { annotations: wanted } };
}
