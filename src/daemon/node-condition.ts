/** The Node's condition NetworkUnavailable. Pure. False takes away the taint that keeps pods off a node without network. */
import type { Json, JsonObject, Resource } from '../store/port.ts';

const TYPE = 'NetworkUnavailable';

/** A merge patch of nodes/status; undefined when it says so already. Conditions are a list, which a merge patch replaces
 *  whole: the resourceVersion makes a crossing with the kubelet's heartbeat a Conflict instead of a loss. */
export function networkAvailablePatch(node: Resource, now: Date): JsonObject | undefined {
  const present: unknown = node.status?.conditions;
  const conditions = (Array.isArray(present) ? present : []) as readonly Json[];
  const own = conditions.find((c) => fieldOf(c, 'type') === TYPE);
  if (fieldOf(own, 'status') === 'False') return undefined;
  const { resourceVersion } = node.metadata;
  const time = now.toISOString().replace(/\.\d+Z$/, 'Z');
  const condition: JsonObject = {
    type: TYPE,
    status: 'False',
    reason: 'GinghamIsUp',
    message: 'Gingham is running on this node',
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  };
  return {
    ...(resourceVersion === undefined ? {} : { metadata: { resourceVersion } }),
    status: { conditions: [...conditions.filter((c) => c !== own), condition] },
  };
}

const fieldOf = (value: Json | undefined, name: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
