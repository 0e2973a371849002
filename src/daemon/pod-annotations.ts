/** Writes what a pod was given onto its Pod object, in Calico's annotations, for tools that read them. Nothing waits for it:
 *  a pod works without. What cannot be written now is tried again, and once more by the next daemon. */
import type { Timers } from '../base/ports.ts';
import type { Workload } from '../model/workload.ts';
import { KINDS } from '../store/kinds.ts';
import { type JsonObject, type Resource, type Store, StoreError } from '../store/port.ts';
import { levelTriggered } from './level.ts';
import type { Log } from './log.ts';

export const POD_ANNOTATIONS = {
  podIp: 'cni.projectcalico.org/podIP',
  podIps: 'cni.projectcalico.org/podIPs',
  containerId: 'cni.projectcalico.org/containerID',
} as const;

type PodOf = Pick<Workload, 'namespace' | 'pod' | 'containerId'>;

export interface PodAnnotations {
  connected(workload: Workload): void;
  /** The addresses become empty, unless a later container of the pod is there already. */
  disconnected(pod: PodOf): void;
  /** Of a daemon that has just started: what an earlier one may not have got to. */
  check(workloads: readonly Workload[]): void;
  stop(): void;
}

interface Wish {
  readonly containerId: string;
  /** "": the pod has none any more. */
  readonly address: string;
  /** Look first: it is probably so already, or no longer ours to say. */
  readonly look: boolean;
  tries: number;
}

/** A mirror pod may appear after its sandbox; a pod that was deleted never does. */
const MOST_TRIES_ABSENT = 8;
const MOST_WISHES = 4096;

export function podAnnotations(options: {
  readonly store: Store;
  readonly timers: Timers;
  readonly log: Log;
}): PodAnnotations {
  const { store, log } = options;
  const wishes = new Map<string, Wish>();

  const run = async (): Promise<void> => {
    let failure: unknown;
    for (const [name, wish] of [...wishes]) {
      try {
        await fulfil(store, name, wish);
        if (wishes.get(name) === wish) wishes.delete(name);
      } catch (error) {
        if (isReason(error, 'Invalid', 'Forbidden')) {
          log.warn({ pod: name, error: String(error) }, 'the annotations of a pod are refused; the pod works without');
          wishes.delete(name);
        } else if (isReason(error, 'NotFound') && ++wish.tries >= MOST_TRIES_ABSENT) wishes.delete(name);
        else failure = error;
        if (isReason(error, 'Unreachable')) break; // the others would fail alike
      }
    }
    if (failure !== undefined) throw failure;
  };
  const level = levelTriggered(run, options.timers, (error, retryInMs) =>
    log.debug({ error: String(error), waiting: wishes.size, retryInMs }, 'annotations of pods wait'),
  );
  const want = (pod: PodOf, wish: Omit<Wish, 'tries' | 'containerId'>): void => {
    if (pod.pod === '' || (wishes.size >= MOST_WISHES && !wishes.has(nameOf(pod)))) return;
    wishes.set(nameOf(pod), { ...wish, containerId: pod.containerId, tries: 0 });
    level.poke();
  };

  return {
    connected: (workload) => want(workload, { address: `${workload.address}/32`, look: false }),
    disconnected(pod) {
      const waiting = wishes.get(nameOf(pod));
      if (waiting !== undefined && waiting.containerId !== pod.containerId) return; // the next sandbox's, not yet written
      want(pod, { address: '', look: true });
    },
    check(workloads) {
      for (const workload of workloads) want(workload, { address: `${workload.address}/32`, look: true });
    },
    stop: () => level.stop(),
  };
}

async function fulfil(store: Store, name: string, { containerId, address, look }: Wish): Promise<void> {
  let resourceVersion: string | undefined;
  if (look) {
    const pod = await getOrGone(store, name, address === '');
    if (pod === undefined) return;
    const { annotations = {} } = pod.metadata;
    const same = annotations[POD_ANNOTATIONS.containerId] === containerId;
    if (address === '' ? !same : same && annotations[POD_ANNOTATIONS.podIp] === address) return;
    ({ resourceVersion } = pod.metadata);
  }
  await store.mergePatch(KINDS.pod, name, podPatch(containerId, address, resourceVersion), 'status');
}

/** With a resourceVersion it is refused when the pod changed since: then it is looked at again. */
export function podPatch(containerId: string, address: string, resourceVersion?: string): JsonObject {
  const annotations = {
    [POD_ANNOTATIONS.podIp]: address,
    [POD_ANNOTATIONS.podIps]: address,
    ...(address === '' ? {} : { [POD_ANNOTATIONS.containerId]: containerId }),
  };
  return { metadata: { annotations, ...(resourceVersion === undefined ? {} : { resourceVersion }) } };
}

async function getOrGone(store: Store, name: string, goneIsFine: boolean): Promise<Resource | undefined> {
  try {
    return await store.get(KINDS.pod, name);
  } catch (error) {
    if (goneIsFine && isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

const nameOf = ({ namespace, pod }: PodOf): string => `${namespace}/${pod}`;
const isReason = (error: unknown, ...reasons: readonly StoreError['reason'][]): boolean =>
  error instanceof StoreError && reasons.includes(error.reason);
