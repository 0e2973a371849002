/** Our programs at the ingress of devices: attached, replaced, found again and taken away. Not pure: netlink.
 *  A filter lives as long as its device, whoever made it. Its name says that it is ours, and whether the qdisc that it stands in
 *  is ours too: so a process with no memory takes away what Gingham brought and nothing else. */
import type { NetlinkClient } from '../../../netlink/client.ts';
import { CLSACT_EGRESS, CLSACT_INGRESS } from '../../../netlink/constants.ts';
import { setLink } from '../../../netlink/link.ts';
import { getLink } from '../../../netlink/read.ts';
import { isErrno } from '../../../netlink/request.ts';
import {
  addClsact,
  deleteBpfFilter,
  deleteClsact,
  dumpFilters,
  dumpQdiscs,
  type Filter,
  type FilterKey,
  replaceBpfFilter,
} from '../../../netlink/traffic-control.ts';
import { tolerate } from '../../devices/device-state.ts';

export interface Place {
  readonly name: string;
  /** Which frames it is shown. */
  readonly protocol: number;
}
/** Everything: what is not a node's may not reach the stack by tunl0-x. */
export const ENCAPSULATE: Place = { name: 'gingham_encap', protocol: 0x0003 };
/** IPv4 without VLAN tag only: no other frame of the underlay is looked at. */
export const DECAPSULATE: Place = { name: 'gingham_decap', protocol: 0x0800 };

export interface AttachableProgram {
  readonly fd: number;
  /** By which the kernel names it. */
  readonly id: number;
}

/** IP in IP is protocol 4. Always the same pair, so that a new program takes the old one's place. */
const PRIORITY = 4;
const HANDLE = 4;
/** Appended to the name where somebody else made the qdisc. */
const GUEST = '_guest';

const keyOf = (index: number, protocol: number): FilterKey => ({
  index,
  parent: CLSACT_INGRESS,
  priority: PRIORITY,
  protocol,
  handle: HANDLE,
});
const isOurs = (f: Filter): boolean =>
  f.kind === 'bpf' && [ENCAPSULATE, DECAPSULATE].some(({ name }) => f.name === name || f.name === name + GUEST);

const ourFilters = async (netlink: NetlinkClient, index: number): Promise<Filter[]> =>
  (await dumpFilters(netlink, index, CLSACT_INGRESS)).filter(isOurs);

export const isAttached = async (netlink: NetlinkClient, place: Place, index: number): Promise<boolean> =>
  (await ourFilters(netlink, index)).some((f) => f.name.startsWith(place.name));

/** Attaches it, or puts it in the place of an earlier one: there is no packet in between that meets neither. Does nothing when
 *  it is there. Throws NetlinkError: ENOENT when the kernel has no clsact or no cls_bpf, EINVAL when our priority is taken by a
 *  filter of another kind. */
export async function attachProgram(
  netlink: NetlinkClient,
  place: Place,
  index: number,
  program: AttachableProgram,
): Promise<void> {
  const present = (await ourFilters(netlink, index)).find((f) => f.name.startsWith(place.name));
  if (present?.program === program.id) return;
  let name = present?.name;
  if (name === undefined) name = (await makeQdisc(netlink, index)) ? place.name : place.name + GUEST;
  await netlink.request(replaceBpfFilter({ ...keyOf(index, place.protocol), name, fd: program.fd }));
}

/** True when it was not there. The kernel takes a queue length of 0 for a mistake as soon as any qdisc is made, and changes
 *  it: a device without a queue, as Docker's are, is given its 0 back. */
async function makeQdisc(netlink: NetlinkClient, index: number): Promise<boolean> {
  const before = await getLink(netlink, index);
  try {
    await netlink.request(addClsact(index));
  } catch (error) {
    if (isErrno(error, 'EEXIST')) return false;
    throw error;
  }
  if (before?.txQueueLen === 0) await netlink.request(setLink({ index, txQueueLen: 0 }));
  return true;
}

/** From every device but those: an underlay that is no longer ours, or all when another carrier takes over. */
export async function removePrograms(netlink: NetlinkClient, keep: ReadonlySet<number> = new Set()): Promise<void> {
  for (const { index, kind } of await dumpQdiscs(netlink)) {
    if (keep.has(index) || (kind !== 'clsact' && kind !== 'ingress')) continue;
    const ours = await ourFilters(netlink, index);
    for (const filter of ours) await tolerate(netlink, deleteBpfFilter(filter), 'ENOENT', 'ENODEV', 'EINVAL');
    const made = ours.some((f) => !f.name.endsWith(GUEST));
    if (made && (await isEmpty(netlink, index)))
      await tolerate(netlink, deleteClsact(index), 'ENOENT', 'ENODEV', 'EINVAL');
  }
}

/** Somebody may have moved into a qdisc of ours meanwhile. */
const isEmpty = async (netlink: NetlinkClient, index: number): Promise<boolean> =>
  (await dumpFilters(netlink, index, CLSACT_INGRESS)).length === 0 &&
  (await dumpFilters(netlink, index, CLSACT_EGRESS)).length === 0;
