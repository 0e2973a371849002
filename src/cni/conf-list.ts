/** The network configuration that the runtime reads: ours, then portmap for hostPort. Pure. */

/** containerd 1.6 knows CNI up to 1.0.0; a runtime that knows 1.1.0 takes this as well. */
const CNI_VERSION = '1.0.0';
/** Calico's name: handles are NETWORK.CONTAINER, and a Calico node must find them. */
const NETWORK = 'k8s-pod-network';
const TYPE = 'gingham';

export function confListText({ socket, portmap }: { readonly socket: string; readonly portmap: boolean }): string {
  const ours = { type: TYPE, socket };
  // snat: a pod reached by its node's port may be one that sent the packet itself, or one on the same node.
  const chained = { type: 'portmap', snat: true, capabilities: { portMappings: true } };
  const list = { cniVersion: CNI_VERSION, name: NETWORK, plugins: portmap ? [ours, chained] : [ours] };
  return `${JSON.stringify(list, null, 2)}\n`;
}

/** Whether a file under our name was written by us: its first plugin is ours. */
export function isOurConfList(text: string): boolean {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return false;
  }
  const plugins = field(raw, 'plugins');
  return Array.isArray(plugins) && field(plugins[0], 'type') === TYPE;
}

const field = (object: unknown, name: string): unknown =>
  typeof object === 'object' && object !== null ? (object as Record<string, unknown>)[name] : undefined;
