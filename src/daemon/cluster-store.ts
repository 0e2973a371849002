/** The store a node's configuration names. The Kubernetes client is loaded only when it is the one: the lab's daemons, and
 *  a speaker's first SYN, never pay for it. */
import type { StoreConfig } from '../config/node-config.ts';
import type { Store } from '../store/port.ts';
import { openRestStore } from '../store/rest-client.ts';
import { systemClock } from '../sys/time.ts';

export interface ClusterStore extends Store {
  /** For messages. */
  readonly server: string;
  close(): void;
}

/** Connects to nothing yet. Throws StoreError 'Invalid' for a configuration that cannot be used. */
export async function openClusterStore(config: StoreConfig): Promise<ClusterStore> {
  if ('server' in config) return { ...openRestStore({ server: config.server }), server: config.server };
  const { openKubernetesStore } = await import('../store/kubernetes.ts');
  return openKubernetesStore(config, systemClock);
}
