/** The kernel half of the daemon: netlink, interfaces, the one writer of routes, and the best paths' way to it, wired. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import { prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import type { Desired } from '../cluster/desired.ts';
import type { KernelConfig } from '../config/node-config.ts';
import { GATEWAY_PREFIX, gatewayTarget } from '../kernel/devices/gateway.ts';
import { type Interfaces, watchInterfaces } from '../kernel/devices/interfaces.ts';
import { BgpRoutes, type BgpRoutesContext } from '../kernel/routes/bgp-routes.ts';
import { createRouteProgrammer } from '../kernel/routes/both-families.ts';
import { type KernelNextHops, watchNextHops } from '../kernel/routes/next-hop-resolver.ts';
import type { FoundByFamily, FoundRoute, RouteOwner, RouteProgrammer } from '../kernel/routes/route-programmer.ts';
import type { RouteTarget } from '../model/kernel-route.ts';
import { type NetlinkClient, openNetlink } from '../netlink/client.ts';
import type { PathSource, RouteFeed } from '../rib/terms/feed.ts';
import { systemClock, systemTimers } from '../sys/time.ts';
import type { Log } from './log.ts';

export interface Dataplane {
  readonly netlink: NetlinkClient;
  readonly interfaces: Interfaces;
  readonly routes: RouteProgrammer;
  /** Where next hops lead without BGP: for the Loc-RIBs. */
  readonly nextHops: KernelNextHops;
  /** Subscribe them to the Loc-RIB of their family when routes are to be installed. */
  readonly bestPaths: { readonly ipv4: RouteFeed; readonly ipv6: RouteFeed };
  /** The target of our own blocks. */
  readonly blackhole: RouteTarget;
  /** Reads what is there; nothing is written yet. `found`: routes of ours that outlived us. */
  start(): Promise<{ readonly found: number; readonly byFamily: FoundByFamily }>;
  /** All best paths of this start are known, of one family or of both: what nobody confirmed may go. */
  bestPathsInSync(family?: 'ipv4' | 'ipv6'): void;
  /** What a route may not cover, and what the user allowed all the same. */
  setGuard(guard: { readonly peers?: readonly IpAddress[]; readonly allow?: readonly IpPrefix[] }): void;
  /** Tells on which interface a peer is: its link-local next hop is there. */
  setLinks(linkOf: (source: PathSource) => string | undefined): void;
  setCluster(cluster: { readonly desired: Desired; readonly nodeName: string }): void;
  problems(): readonly Reason[];
  stop(): void;
}

export interface DataplaneOptions {
  readonly kernel: KernelConfig;
  readonly cluster: boolean;
  /** Next hops we would use: by them a process with no memory knows its plain routes. */
  readonly isKnownNextHop: (address: IpAddress) => boolean;
  readonly log: Log;
}

const RTPROT_BIRD = 12;
const ALONE: readonly RouteOwner[] = ['bgp'];

export async function openDataplane(options: DataplaneOptions): Promise<Dataplane> {
  const { kernel, log } = options;
  const netlink = await openNetlink();
  const interfaces = await watchInterfaces({ client: netlink });
  const routes = createRouteProgrammer({
    client: netlink,
    interfaces,
    clock: systemClock,
    timers: systemTimers,
    protocol: kernel.protocol,
    table: kernel.table,
    ...(options.cluster ? {} : { owners: ALONE }),
    isOurs: (route) => viaKnownNextHop(route, options.isKnownNextHop),
    onDrift: ({ prefix: p, what, culpritProtocol, culpritPort }) =>
      log.warn({ prefix: p, what, culpritProtocol, culpritPort }, 'somebody changed a route of ours; put back'),
  });
  let context: BgpRoutesContext = {
    pools: [],
    vxlanTunnelAddresses: new Map(),
    peers: [],
    allowed: kernel.allow,
    protocol: kernel.protocol,
  };
  const nextHops = await watchNextHops({
    client: netlink,
    interfaces,
    timers: systemTimers,
    protocol: kernel.protocol,
  });
  let linkOf: (source: PathSource) => string | undefined = () => undefined;
  const bestPaths = (family: 'ipv4' | 'ipv6'): BgpRoutes =>
    new BgpRoutes({
      family,
      // The first dump of the Loc-RIB is empty: that feed's end says nothing about the peers, `bestPathsInSync` does.
      programmer: { wishesOf: routes.wishesOf, flush: routes.flush, inSync: () => {} },
      interfaces,
      others: nextHops,
      linkOf: (source) => linkOf(source),
      timers: systemTimers,
      context,
    });
  const both = { ipv4: bestPaths('ipv4'), ipv6: bestPaths('ipv6') };
  const update = (change: Partial<BgpRoutesContext>): void => {
    context = { ...context, ...change };
    both.ipv4.update(context);
    both.ipv6.update(context);
  };

  return {
    netlink,
    interfaces,
    routes,
    nextHops,
    bestPaths: both,
    blackhole: { type: 'blackhole', scope: 'universe', nextHops: [], protocol: kernel.protocol },
    async start() {
      const found = await routes.start();
      if (options.cluster) {
        routes.want('gateway', GATEWAY_PREFIX, gatewayTarget(kernel.protocol));
        routes.inSync('gateway');
      }
      return found;
    },
    bestPathsInSync: (family) => routes.inSync('bgp', family),
    setGuard: ({ peers, allow }) =>
      update({ ...(peers === undefined ? {} : { peers }), ...(allow === undefined ? {} : { allowed: allow }) }),
    setLinks: (of) => {
      linkOf = of;
    },
    setCluster: ({ desired, nodeName }) => update(clusterContext(desired, nodeName)),
    problems: () => {
      const { unclaimedTotal } = routes.status().foreign;
      return unclaimedTotal === 0 ? [] : [unclaimedRoutes(unclaimedTotal, kernel.protocol)];
    },
    stop() {
      both.ipv4.stop();
      both.ipv6.stop();
      nextHops.stop();
      routes.stop();
      interfaces.close();
      netlink.close();
    },
  };
}

const viaKnownNextHop = ({ target }: FoundRoute, known: (address: IpAddress) => boolean): boolean =>
  target.nextHops.length > 0 && target.nextHops.every((hop) => hop.gateway !== undefined && known(hop.gateway));

function clusterContext(desired: Desired, nodeName: string): Partial<BgpRoutesContext> {
  const vxlanTunnelAddresses = new Map<number, Ipv4>();
  for (const node of desired.nodes)
    if (node.name !== nodeName && node.address !== undefined && node.vxlanTunnelAddress !== undefined)
      vxlanTunnelAddresses.set(node.address, node.vxlanTunnelAddress);
  const subnet = desired.self?.subnet;
  return {
    pools: desired.pools,
    vxlanTunnelAddresses,
    ...(subnet === undefined ? {} : { ownSubnet: prefix(subnet.address, subnet.length) }),
  };
}

const unclaimedRoutes = (count: number, protocol: number): Reason => ({
  code: 'ROUTES_WITH_OUR_PROTOCOL',
  text: `${count} route(s) carry our protocol number ${protocol} but are not ours${
    protocol === RTPROT_BIRD ? ': a BIRD with a kernel protocol may run in this network namespace; stop it, or' : ';'
  } set kernel.protocol to a number of our own`,
});
