/** vxlan.calico: the kernel's vxlan, in Calico's form. Not pure: netlink.
 *  No learning: a remote node is one forwarding entry (its MAC -> its address) and one permanent neighbour (its tunnel
 *  address -> its MAC), so nothing is flooded and no node that we do not know is sent to. */
import type { Reason } from '../../base/reason.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import { deleteLink, type Link, newVxlan } from '../../netlink/link.ts';
import { getLink } from '../../netlink/read.ts';
import { isErrno } from '../../netlink/request.ts';
import { notOurs, settleForwarder, settleForwarding, settleLink, settleNeighbours } from '../devices/device-state.ts';
import { TunnelError } from './tunnel-error.ts';
import { VXLAN_DEVICE, VXLAN_PORT, VXLAN_VNI } from './tunnel-names.ts';
import type { TunnelSpec } from './tunnel-types.ts';

/** All but the address. Throws TunnelError. */
export async function ensureVxlan(
  netlink: NetlinkClient,
  spec: TunnelSpec,
  sysctlRoot: string,
): Promise<{ readonly device: Link; readonly problems: readonly Reason[] }> {
  const device = await ensureDevice(netlink, spec);
  const { mtu, mac } = spec;
  await settleLink(netlink, device, mac === undefined ? { mtu } : { mtu, mac: mac.toLowerCase() });
  await settleForwarder(netlink, device, sysctlRoot);
  const forwarding = new Map<string, number>();
  const neighbours = new Map<number, string>();
  for (const { address, tunnelAddress, tunnelMac } of spec.remotes) {
    if (tunnelAddress === undefined || tunnelMac === undefined) continue; // its daemon has not said yet
    forwarding.set(tunnelMac.toLowerCase(), address);
    neighbours.set(tunnelAddress, tunnelMac.toLowerCase());
  }
  // Where a MAC is comes before whose it is: a neighbour without forwarding entry would send into nothing.
  const problems = await settleForwarding(netlink, device.index, forwarding);
  problems.push(...(await settleNeighbours(netlink, device.index, neighbours)));
  return { device, problems };
}

async function ensureDevice(netlink: NetlinkClient, spec: TunnelSpec): Promise<Link> {
  const underlay = await getLink(netlink, spec.underlay);
  if (underlay === undefined) throw new TunnelError(VXLAN_DEVICE, [noUnderlay(spec.underlay)]);
  const vni = spec.vni ?? VXLAN_VNI;
  const port = spec.port ?? VXLAN_PORT;
  let present = await getLink(netlink, VXLAN_DEVICE);
  if (present !== undefined && present.kind !== 'vxlan')
    throw new TunnelError(VXLAN_DEVICE, [notOurs(VXLAN_DEVICE, present.kind, spec.address)]);
  const is = present?.vxlan;
  // None of these can be changed on a living device. Routes through it go with it and come back with the next reconcile.
  if (
    present !== undefined &&
    (is?.vni !== vni || is.port !== port || is.local !== spec.local || is.device !== underlay.index)
  ) {
    await netlink.request(deleteLink({ index: present.index }));
    present = undefined;
  }
  if (present === undefined) {
    const { local, mac, mtu } = spec;
    const wanted = { name: VXLAN_DEVICE, vni, port, local, device: underlay.index, mtu, learning: false };
    try {
      await netlink.request(newVxlan(mac === undefined ? wanted : { ...wanted, mac }));
    } catch (error) {
      if (isErrno(error, 'EOPNOTSUPP', 'ENOTSUP')) throw new TunnelError(VXLAN_DEVICE, [noVxlan]);
      if (isErrno(error, 'EEXIST')) throw new TunnelError(VXLAN_DEVICE, [vniTaken(vni, port)]);
      throw error;
    }
    present = await getLink(netlink, VXLAN_DEVICE);
  }
  if (present === undefined) throw new TunnelError(VXLAN_DEVICE, [wentAway]);
  return present;
}

const noUnderlay = (name: string): Reason => ({
  code: 'TUNNEL_UNDERLAY_MISSING',
  text: `The underlay device "${name}" is not there. It has to be the device with the node's address.`,
});
const noVxlan: Reason = {
  code: 'KERNEL_HAS_NO_VXLAN',
  text: 'The kernel cannot make a device of kind vxlan (CONFIG_VXLAN, module vxlan). Use ipip or no encapsulation.',
};
const vniTaken = (vni: number, port: number): Reason => ({
  code: 'VXLAN_VNI_TAKEN',
  text: `Another device has VNI ${vni} on UDP port ${port}. Find it with "ip -d link show type vxlan" and remove it.`,
});
const wentAway: Reason = { code: 'TUNNEL_WENT_AWAY', text: 'It was removed by someone while it was set up.' };
