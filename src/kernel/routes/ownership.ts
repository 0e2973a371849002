/** Whose is a route found in the kernel? Pure. A process with no memory must tell its own by looking.
 *  Our protocol number is not enough: 12 is every BIRD's. Foreign protocols are never touched. */
import type { IpPrefix } from '../../base/ip.ts';
import type { RouteTarget } from '../../model/kernel-route.ts';
import { RTPROT_BOOT } from '../../netlink/constants.ts';
import { GATEWAY_PREFIX } from '../devices/gateway.ts';
import { IPIP_DEVICE, VXLAN_DEVICE } from '../tunnels/tunnel-names.ts';
import type { FoundRoute } from './route-programmer.ts';

/** unclaimed: our protocol number, but nothing else says that it is ours. Reported, never touched. */
export type Ownership = 'ours' | 'unclaimed' | 'foreign';

export interface OwnershipRule {
  readonly protocol: number;
  /** Is the next hop of this route one that we would use? */
  readonly isOurs: (route: FoundRoute) => boolean;
}

export const isWorkloadDevice = (device: string): boolean => device.startsWith('cali');
const isOurDevice = (device: string): boolean =>
  device === IPIP_DEVICE || device === VXLAN_DEVICE || isWorkloadDevice(device);

/** `10.244.104.7 dev cali8eecb1f59c6 scope link`, protocol boot: what a CNI plugin writes, ours or Calico's. */
const isWorkloadRoute = (prefix: IpPrefix, t: RouteTarget): boolean =>
  t.protocol === RTPROT_BOOT &&
  t.scope === 'link' &&
  prefix.length === 32 &&
  t.nextHops.length === 1 &&
  t.nextHops.every((h) => h.gateway === undefined && isWorkloadDevice(h.device));

const isGatewayRoute = (prefix: IpPrefix, t: RouteTarget): boolean =>
  prefix.address === GATEWAY_PREFIX.address && prefix.length === 32 && t.nextHops.every((h) => h.device === 'lo');

/** `target` is undefined for a form that we never write. */
export function ownership(
  prefix: IpPrefix,
  protocol: number,
  target: RouteTarget | undefined,
  rule: OwnershipRule,
): Ownership {
  if (target !== undefined && isWorkloadRoute(prefix, target)) return 'ours';
  if (protocol !== rule.protocol) return 'foreign';
  if (target === undefined) return 'unclaimed';
  const ours =
    target.type === 'blackhole' ||
    target.nextHops.every((h) => isOurDevice(h.device)) ||
    isGatewayRoute(prefix, target) ||
    rule.isOurs({ prefix, target });
  return ours ? 'ours' : 'unclaimed';
}
