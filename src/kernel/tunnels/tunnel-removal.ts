/** Takes a tunnel's device away, or what is ours of it, and the programs that worked for it. Not pure: netlink. */
import { deleteAddress } from '../../netlink/address.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import { deleteLink, setLink } from '../../netlink/link.ts';
import { dumpAddresses, getLink } from '../../netlink/read.ts';
import { tolerate } from '../devices/device-state.ts';
import { removePrograms } from './bpf/attachment.ts';
import { isOurPair } from './ipip-pair.ts';
import { IPIP_DEVICE, VXLAN_DEVICE } from './tunnel-names.ts';

/** A foreign device that only has the name is left alone. */
export async function removeTunnelDevice(netlink: NetlinkClient, encap: 'ipip' | 'vxlan'): Promise<void> {
  if (encap === 'ipip') await removePrograms(netlink);
  const device = await getLink(netlink, encap === 'ipip' ? IPIP_DEVICE : VXLAN_DEVICE);
  if (device === undefined) return;
  if (device.kind === 'ipip') {
    // The namespace's own tunl0 came with the module and cannot be deleted (the kernel says yes and does nothing):
    // so first it is made as harmless as it was.
    for (const { address, length } of await dumpAddresses(netlink, device.index))
      await tolerate(netlink, deleteAddress({ index: device.index, address, length }), 'EADDRNOTAVAIL');
    await netlink.request(setLink({ index: device.index, up: false }));
  } else if (device.kind !== 'vxlan' && !(await isOurPair(netlink, device))) return;
  await tolerate(netlink, deleteLink({ index: device.index }), 'ENODEV', 'EINVAL', 'EOPNOTSUPP');
}
