/** Pods of this node: the CNI server with its effects wired to IPAM, to the pods' cables and to the one writer of routes. */
import type { Ipv4 } from '../base/ipv4.ts';
import { type Prefix, prefix } from '../base/prefix.ts';
import type { AddressSource, CniPorts, HostRoutes, PodWiring, Readiness } from '../cni/ports.ts';
import { CniServer } from '../cni/server.ts';
import type { RouteProgrammer } from '../kernel/route-programmer.ts';
import type { RouteTarget } from '../model/kernel-route.ts';
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
  readonly log: Log;
}): CniServer {
  const { log, ipam, wiring, mtu, readiness } = options;
  const ports: CniPorts = { ipam, wiring, routes: hostRoutes(options.routes), mtu, readiness };
  return new CniServer({
    socketPath: options.socketPath,
    stateDirectory: options.stateDirectory,
    nodeName: options.nodeName,
    ports,
    clock: systemClock,
    timers: systemTimers,
    log: ({ level, message, fields }) => log[level](fields, message),
  });
}
