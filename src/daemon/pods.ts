/** Pods of this node: the CNI server with its effects wired to IPAM, to the pods' cables and to the one writer of routes. */
import type { Ipv4 } from '../base/ipv4.ts';
import { type Prefix, prefix } from '../base/prefix.ts';
import type { AddressSource, CniPorts, HostRoutes, PodWiring, Readiness } from '../cni/ports.ts';
import { CniServer } from '../cni/server.ts';
import type { RouteProgrammer } from '../kernel/routes/route-programmer.ts';
import type { RouteTarget } from '../model/kernel-route.ts';
import type { Workload } from '../model/workload.ts';
import { systemClock, systemTimers } from '../sys/time.ts';
import type { Log } from './log.ts';

/** What `ip route` does not show, as for any route an administrator adds: Calico's workload routes have it too. */
const RTPROT_BOOT = 3;

const podRoute = (address: Ipv4): Prefix => prefix(address, 32);
const podTarget = (device: string): RouteTarget => ({
  type: 'unicast',
  scope: 'link',
  nextHops: [{ device, onlink: false }],
  protocol: RTPROT_BOOT,
});

export const hostRoutes = (routes: RouteProgrammer): HostRoutes => ({
  want: (address, hostInterface) => {
    routes.want('workload', podRoute(address), podTarget(hostInterface));
    return routes.settled(podRoute(address));
  },
  unwant: async (address) => {
    routes.unwant('workload', podRoute(address));
    await routes.settled(podRoute(address));
  },
});

export function createPods(options: {
  readonly socketPath: string;
  readonly stateDirectory: string;
  readonly nodeName: string;
  readonly ipam: AddressSource;
  readonly wiring: PodWiring;
  readonly routes: RouteProgrammer;
  readonly mtu: () => number;
  readonly readiness: () => Readiness;
  /** A pod's address came or went; `workload` is there while the pod is. */
  readonly onPod?: (
    pod: { readonly namespace: string; readonly pod: string; readonly containerId: string },
    workload?: Workload,
  ) => void;
  readonly log: Log;
}): CniServer {
  const { log, ipam, wiring, mtu, readiness, onPod } = options;
  const ports: CniPorts = { ipam, wiring, routes: hostRoutes(options.routes), mtu, readiness };
  const server: CniServer = new CniServer({
    socketPath: options.socketPath,
    stateDirectory: options.stateDirectory,
    nodeName: options.nodeName,
    ports,
    clock: systemClock,
    timers: systemTimers,
    log: ({ level, message, fields }) => log[level](fields, message),
    onDone: (verb, { containerId, ifName, pod }) => {
      if (pod === undefined) return;
      const workload = server.workloads().find((w) => w.containerId === containerId && w.ifName === ifName);
      if (verb === 'DEL' || workload !== undefined)
        onPod?.({ namespace: pod.namespace, pod: pod.name, containerId }, workload);
    },
  });
  return server;
}

/** While ClusterInformation says datastoreReady: false nothing is written to IPAM: an ADD is refused by readiness, a release
 *  waits in the queue on disk. */
export const guardedIpam = (ipam: AddressSource, locked: () => boolean): AddressSource => {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('clusterinformations "default" says datastoreReady: false'));
  return {
    assign: (request) => (locked() ? refuse() : ipam.assign(request)),
    assignmentsOf: (handleId) => ipam.assignmentsOf(handleId),
    release: (handleId) => (locked() ? refuse() : ipam.release(handleId)),
  };
};
