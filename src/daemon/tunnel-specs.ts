/** From what the cluster wants to the tunnels of this node, and to the MTU of its pods. Pure. */
import { createHash } from 'node:crypto';
import { formatIpv4, type Ipv4 } from '../base/ipv4.ts';
import type { Desired } from '../cluster/desired.ts';
import { formatMac } from '../kernel/tunnels/tunnel-names.ts';
import type { TunnelRemote, TunnelSpec } from '../kernel/tunnels/tunnel-types.ts';

export type TunnelKind = TunnelSpec['encap'];

/** What each encapsulation takes from the underlay's MTU: an IPv4 header; Ethernet, IPv4, UDP and VXLAN headers. */
export const OVERHEAD_BYTES: Readonly<Record<TunnelKind, number>> = { ipip: 20, vxlan: 50 };

/** The device that has this node's address. */
export interface Underlay {
  readonly device: string;
  readonly mtu: number;
}

export const wantedTunnels = (desired: Desired): TunnelKind[] =>
  (['ipip', 'vxlan'] as const).filter((kind) => desired.tunnels[kind]);

/** Pods may send to any pool, so the most expensive encapsulation in use decides. */
export const podMtu = (underlay: Underlay, kinds: readonly TunnelKind[]): number =>
  underlay.mtu - Math.max(0, ...kinds.map((kind) => OVERHEAD_BYTES[kind]));

/** Calico's: 0x66 and the first five bytes of SHA-1 of the node's name. */
export const vxlanMac = (nodeName: string): string =>
  formatMac(Uint8Array.of(0x66, ...createHash('sha1').update(nodeName).digest().subarray(0, 5)));

export function tunnelSpec(
  kind: TunnelKind,
  own: { readonly nodeName: string; readonly address: Ipv4; readonly tunnelAddress: Ipv4; readonly underlay: Underlay },
  desired: Desired,
): TunnelSpec {
  return {
    encap: kind,
    address: own.tunnelAddress,
    mtu: own.underlay.mtu - OVERHEAD_BYTES[kind],
    local: own.address,
    underlay: own.underlay.device,
    remotes: remotes(desired, own.nodeName),
    ...(kind === 'vxlan' ? { mac: vxlanMac(own.nodeName) } : {}),
  };
}

function remotes(desired: Desired, self: string): TunnelRemote[] {
  const found: TunnelRemote[] = [];
  for (const node of desired.nodes) {
    if (node.name === self || node.address === undefined) continue;
    found.push({
      address: node.address,
      ...(node.vxlanTunnelAddress === undefined ? {} : { tunnelAddress: node.vxlanTunnelAddress }),
      ...(node.vxlanTunnelMac === undefined ? {} : { tunnelMac: node.vxlanTunnelMac }),
    });
  }
  return found;
}

/** What we write on our Node so that the others can reach the tunnel. */
export const tunnelFacts = (kind: TunnelKind, address: Ipv4, nodeName: string) =>
  kind === 'ipip'
    ? { ipipTunnelAddress: formatIpv4(address) }
    : { vxlanTunnelAddress: formatIpv4(address), vxlanTunnelMac: vxlanMac(nodeName) };
