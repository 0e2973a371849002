/** How a learned prefix is reached: tunnel or plain, by pool, next hop and subnet. Pure.
 *  Only prefixes inside a pool go through a tunnel; the pool's mode decides, as Calico's filters do. */
import { formatIpv4, type Ipv4 } from '../../base/ipv4.ts';
import { containsAddress, containsPrefix, formatPrefix, type Prefix } from '../../base/prefix.ts';
import type { Reason } from '../../base/reason.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import type { Pool } from '../../model/pool.ts';

export type Encapsulation = 'ipip' | 'vxlan' | 'none';

export interface EncapsulationContext {
  readonly pools: readonly Pool[];
  /** The node's own subnet, by which CrossSubnet is judged. Absent or /32: every next hop is in another subnet. */
  readonly ownSubnet?: Prefix;
  /** Node address to the node's own address on vxlan.calico. */
  readonly vxlanTunnelAddresses: ReadonlyMap<number, Ipv4>;
  readonly ipipDevice: string;
  readonly vxlanDevice: string;
  /** rtm_protocol */
  readonly protocol: number;
  isLocal(address: number): boolean;
  /** The device of the connected subnet that contains the address. */
  deviceOf(address: number): { readonly device: string } | undefined;
}

/** The mode of the most specific pool that contains the prefix; none outside of pools. */
export function encapsulationOf(prefix: Prefix, nextHop: number, c: EncapsulationContext): Encapsulation {
  let best: Pool | undefined;
  for (const pool of c.pools)
    if (containsPrefix(pool.cidr, prefix) && (best === undefined || pool.cidr.length > best.cidr.length)) best = pool;
  if (best === undefined) return 'none';
  const crossing = c.ownSubnet === undefined || !containsAddress(c.ownSubnet, nextHop);
  const on = (mode: Pool['ipipMode']): boolean => mode === 'Always' || (mode === 'CrossSubnet' && crossing);
  if (on(best.ipipMode)) return 'ipip';
  return on(best.vxlanMode) ? 'vxlan' : 'none';
}

const reason = (code: string, text: string): Result<RouteTarget, Reason> => err({ code, text });

/** The route for a next hop, the same for all prefixes of one encapsulation, or why there is none. */
export function targetVia(
  nextHop: Ipv4,
  encapsulation: Encapsulation,
  c: EncapsulationContext,
): Result<RouteTarget, Reason> {
  const hop = formatIpv4(nextHop);
  if (nextHop === 0 || nextHop >>> 24 === 127 || nextHop >>> 28 >= 14)
    return reason('NEXT_HOP_INVALID', `next hop ${hop} is no address of a host`);
  if (c.isLocal(nextHop))
    return reason('NEXT_HOP_IS_SELF', `next hop ${hop} is an address of this node: the route would lead back to us`);
  const unicast = (gateway: Ipv4, device: string, onlink: boolean): Result<RouteTarget, Reason> =>
    ok({ type: 'unicast', scope: 'universe', nextHops: [{ gateway, device, onlink }], protocol: c.protocol });
  switch (encapsulation) {
    case 'ipip':
      return unicast(nextHop, c.ipipDevice, true);
    case 'vxlan': {
      const tunnel = c.vxlanTunnelAddresses.get(nextHop);
      return tunnel === undefined
        ? reason(
            'NO_TUNNEL_ADDRESS',
            `node ${hop} has no projectcalico.org/IPv4VXLANTunnelAddr yet, so ${c.vxlanDevice} cannot reach it`,
          )
        : unicast(tunnel, c.vxlanDevice, true);
    }
    case 'none': {
      const way = c.deviceOf(nextHop);
      return way === undefined
        ? reason(
            'NEXT_HOP_UNREACHABLE',
            `next hop ${hop} is in no connected subnet. Use a pool with ipipMode or vxlanMode, or make the peer send a next hop of a shared subnet`,
          )
        : unicast(nextHop, way.device, false);
    }
  }
}

/** Both steps for one prefix. */
export const routeFor = (prefix: Prefix, nextHop: Ipv4, c: EncapsulationContext): Result<RouteTarget, Reason> =>
  targetVia(nextHop, encapsulationOf(prefix, nextHop, c), c);

/** "10.244.0.0/16 via 192.168.34.102 dev tunl0 onlink", for logs and tests. */
export function formatTarget(prefix: Prefix, t: RouteTarget): string {
  const hops = t.nextHops.map(
    (h) =>
      `${h.gateway === undefined ? '' : ` via ${formatIpv4(h.gateway)}`} dev ${h.device}${h.onlink ? ' onlink' : ''}`,
  );
  return `${t.type === 'blackhole' ? 'blackhole ' : ''}${formatPrefix(prefix)}${hops.join(' nexthop')}`;
}
