/** Routes of the kernel to peers that are behind a gateway: what `reachableBy` of a BGPPeer asks for. The peer's next hops lead
 *  the same way. A gateway that is on no link is a route held, with the reason, until it is. */
import { addressBits, formatIp, formatIpPrefix, type IpAddress, type IpPrefix, ipPrefix } from '../base/ip.ts';
import type { PeerWay } from '../cluster/bgp-peers.ts';
import type { Interfaces } from '../kernel/devices/interfaces.ts';
import type { KernelNextHops } from '../kernel/routes/next-hop-resolver.ts';
import type { RouteProgrammer } from '../kernel/routes/route-programmer.ts';

export interface PeerWaysOptions {
  readonly routes: Pick<RouteProgrammer, 'want' | 'unwant' | 'hold'>;
  readonly interfaces: Pick<Interfaces, 'deviceOf'>;
  readonly nextHops: Pick<KernelNextHops, 'setGateways'>;
  readonly protocol: number;
}

export class PeerWays {
  private readonly o: PeerWaysOptions;
  private present: ReadonlyMap<string, IpPrefix> = new Map();
  private gateways = '';

  constructor(options: PeerWaysOptions) {
    this.o = options;
  }

  /** Idempotent: to be called again when interfaces change. */
  follow(ways: readonly PeerWay[]): void {
    const { routes } = this.o;
    const wanted = new Map<string, IpPrefix>();
    for (const { peer, gateway } of ways) {
      const prefix = ipPrefix(peer, addressBits(peer));
      wanted.set(formatIpPrefix(prefix), prefix);
      this.want(prefix, gateway);
    }
    for (const [key, prefix] of this.present) if (!wanted.has(key)) routes.unwant('local', prefix);
    this.present = wanted;
    const text = ways.map(({ peer, gateway }) => `${formatIp(peer)} ${formatIp(gateway)}`).join();
    if (text === this.gateways) return;
    this.gateways = text;
    this.o.nextHops.setGateways(new Map(ways.map(({ peer, gateway }) => [peer, gateway])));
  }

  private want(prefix: IpPrefix, gateway: IpAddress): void {
    const { routes, interfaces, protocol } = this.o;
    const device = interfaces.deviceOf(gateway)?.device;
    if (device === undefined)
      routes.hold('local', prefix, {
        code: 'GATEWAY_UNREACHABLE',
        text: `the gateway ${formatIp(gateway)} that reachableBy names is in no subnet of this node. Correct it, or give the node an address there.`,
      });
    else
      routes.want('local', prefix, {
        type: 'unicast',
        scope: 'universe',
        nextHops: [{ gateway, device, onlink: false }],
        protocol,
      });
  }
}
