/** How a learned prefix is reached: tunnel or plain, by pool, next hop and subnet. Pure.
 *  Only prefixes inside a pool go through a tunnel; the pool's mode decides, as Calico's filters do. Each of several next hops
 *  has its own way: with CrossSubnet one may be in our subnet and another not. */
import { formatIp, formatIpPrefix, type IpAddress, type IpPrefix, isIpv6 } from '../../base/ip.ts';
import { type Ipv4, netmask } from '../../base/ipv4.ts';
import { isLinkLocal6 } from '../../base/ipv6.ts';
import { containsAddress, type Prefix } from '../../base/prefix.ts';
import type { Reason } from '../../base/reason.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { NextHop, RouteTarget } from '../../model/kernel-route.ts';
import type { Pool } from '../../model/pool.ts';
import type { FeedNextHop } from '../../rib/terms/feed.ts';

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
  isLocal(address: IpAddress, link?: string): boolean;
  /** The device of the connected subnet that contains the address. */
  deviceOf(address: IpAddress): { readonly device: string } | undefined;
  /** Ways to an address that is in no connected subnet, by routes of others. Empty: none. */
  waysTo?(address: IpAddress): readonly NextHop[];
}

const NO_POOL = -1;

/** The most specific pool that contains the prefix: its place in the list; -1 outside of pools. */
export function poolOf(address: IpAddress, length: number, pools: readonly Pool[]): number {
  if (isIpv6(address)) return NO_POOL;
  let best = NO_POOL;
  let bestLength = -1;
  for (let i = 0; i < pools.length; i++) {
    const { cidr } = pools[i] as Pool;
    if (length < cidr.length || cidr.length <= bestLength) continue;
    if ((address & netmask(cidr.length)) >>> 0 !== cidr.address) continue;
    best = i;
    bestLength = cidr.length;
  }
  return best;
}

/** The mode of that pool towards a next hop; none outside of pools. */
export function encapsulationOf(pool: Pool | undefined, nextHop: IpAddress, c: EncapsulationContext): Encapsulation {
  if (pool === undefined || isIpv6(nextHop)) return 'none';
  const crossing = c.ownSubnet === undefined || !containsAddress(c.ownSubnet, nextHop);
  const on = (mode: Pool['ipipMode']): boolean => mode === 'Always' || (mode === 'CrossSubnet' && crossing);
  if (on(pool.ipipMode)) return 'ipip';
  return on(pool.vxlanMode) ? 'vxlan' : 'none';
}

const reason = (code: string, text: string): Result<never, Reason> => err({ code, text });

const isNoHost = (a: IpAddress): boolean =>
  isIpv6(a) ? a <= 1n || a >> 120n === 0xffn : a === 0 || a >>> 24 === 127 || a >>> 28 >= 14;

/** The ways for one next hop, or why there is none. Several where somebody else's route to it has several. A tunnel leads to the
 *  next hop that BGP said, a plain way to what it was resolved to. `link`: of a link-local next hop that does not tell its own. */
function waysVia(
  hop: FeedNextHop,
  encapsulation: Encapsulation,
  c: EncapsulationContext,
  link: string | undefined,
): Result<readonly NextHop[], Reason> {
  const text = formatIp(hop.address);
  if (isNoHost(hop.address)) return reason('NEXT_HOP_INVALID', `next hop ${text} is no address of a host`);
  const on = hop.link ?? link;
  if (c.isLocal(hop.address, on) || c.isLocal(hop.gateway, on))
    return reason('NEXT_HOP_IS_SELF', `next hop ${text} is an address of this node: the route would lead back to us`);
  const via = (gateway: IpAddress, device: string, onlink: boolean): Result<readonly NextHop[], Reason> =>
    ok([{ gateway, device, onlink }]);
  switch (encapsulation) {
    case 'ipip':
      return via(hop.address, c.ipipDevice, true);
    case 'vxlan': {
      const tunnel = isIpv6(hop.address) ? undefined : c.vxlanTunnelAddresses.get(hop.address);
      return tunnel === undefined
        ? reason(
            'NO_TUNNEL_ADDRESS',
            `node ${text} has no projectcalico.org/IPv4VXLANTunnelAddr yet, so ${c.vxlanDevice} cannot reach it`,
          )
        : via(tunnel, c.vxlanDevice, true);
    }
    case 'none': {
      const { gateway } = hop;
      if (isIpv6(gateway) && isLinkLocal6(gateway))
        return on === undefined
          ? reason(
              'LINK_UNKNOWN',
              `next hop ${text} is on every link; the neighbor's interface tells on which, and it has none`,
            )
          : via(gateway, on, false);
      const way = c.deviceOf(gateway);
      if (way !== undefined) return via(gateway, way.device, false);
      const others = c.waysTo?.(gateway) ?? [];
      if (others.length > 0)
        return ok(others.map((w) => (w.gateway === undefined ? { ...w, gateway, onlink: true } : w)));
      return reason(
        'NEXT_HOP_UNREACHABLE',
        `next hop ${text} is in no connected subnet. Use a pool with ipipMode or vxlanMode, or make the peer send a next hop of a shared subnet`,
      );
    }
  }
}

const wayKey = (w: NextHop): string => `${w.gateway} ${w.device}`;

/** The route for next hops and a pool, the same for all prefixes of both, or why there is none: next hops without a way are left
 *  out while another has one. */
export function targetVia(
  hops: readonly FeedNextHop[],
  pool: Pool | undefined,
  c: EncapsulationContext,
  link?: string,
): Result<RouteTarget, Reason> {
  const ways = new Map<string, NextHop>();
  let refused: Reason | undefined;
  for (const hop of hops) {
    const found = waysVia(hop, encapsulationOf(pool, hop.address, c), c, link);
    if (!found.ok) refused ??= found.error;
    else for (const way of found.value) ways.set(wayKey(way), way);
  }
  if (ways.size === 0) return err(refused ?? { code: 'NEXT_HOP_INVALID', text: 'there is no next hop' });
  return ok({ type: 'unicast', scope: 'universe', nextHops: [...ways.values()], protocol: c.protocol });
}

/** All steps for one prefix and next hop. */
export const routeFor = (prefix: IpPrefix, nextHop: IpAddress, c: EncapsulationContext): Result<RouteTarget, Reason> =>
  targetVia([{ address: nextHop, gateway: nextHop }], c.pools[poolOf(prefix.address, prefix.length, c.pools)], c);

/** "10.244.0.0/16 via 192.168.34.102 dev tunl0 onlink", for logs and tests. */
export function formatTarget(prefix: IpPrefix, t: RouteTarget): string {
  const hops = t.nextHops.map(
    (h) =>
      `${h.gateway === undefined ? '' : ` via ${formatIp(h.gateway)}`} dev ${h.device}${h.onlink ? ' onlink' : ''}`,
  );
  return `${t.type === 'blackhole' ? 'blackhole ' : ''}${formatIpPrefix(prefix)}${hops.join(' nexthop')}`;
}
