/** 169.254.1.1: the gateway of every pod, which no machine has. The node answers ARP for it by proxy_arp. Pure: constants.
 *  proxy_arp answers only for what the node has a route to, out of another device. With a default route it has; a node
 *  without one (a lab, an isolated rack) needs this route, which leads to lo and so is on no wire. The daemon asks the
 *  route programmer for it with owner 'gateway'. */
import { ipv4 } from '../../base/ipv4.ts';
import { type Prefix, prefix } from '../../base/prefix.ts';
import type { KernelRoute, RouteTarget } from '../../model/kernel-route.ts';

/** 169.254.1.1 */
export const POD_GATEWAY = ipv4(0xa9fe0101);
export const GATEWAY_PREFIX: Prefix = prefix(POD_GATEWAY, 32);

export const gatewayTarget = (protocol: number): RouteTarget => ({
  type: 'unicast',
  scope: 'link',
  nextHops: [{ device: 'lo', onlink: false }],
  protocol,
});

export const gatewayRoute = (protocol: number): KernelRoute => ({
  prefix: GATEWAY_PREFIX,
  target: gatewayTarget(protocol),
});
