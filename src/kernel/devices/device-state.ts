/** What every device of ours is brought to: MTU, up, one address, neighbours, forwarding entries. Not pure: netlink.
 *  Each reads what is there and changes only what differs, so a second call does nothing. */
import { delta } from '../../base/delta.ts';
import { formatIpv4, type Ipv4 } from '../../base/ipv4.ts';
import type { Reason } from '../../base/reason.ts';
import { addAddress, deleteAddress } from '../../netlink/address.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import { AF_BRIDGE, AF_INET, NUD_PERMANENT } from '../../netlink/constants.ts';
import { type Link, type LinkChange, setLink } from '../../netlink/link.ts';
import { addForwarding, addNeighbour, deleteForwarding, deleteNeighbour } from '../../netlink/neighbour.ts';
import { dumpAddresses, dumpNeighbours } from '../../netlink/read.ts';
import { isErrno, NetlinkError, type NetlinkRequest } from '../../netlink/request.ts';
import { readSysctl } from './sysctl.ts';

export interface LinkState {
  readonly mtu: number;
  readonly mac?: string;
}

/** MTU, MAC, and up. One message, or none. Before the neighbours: the kernel forgets all of them, permanent ones too, when
 *  the MAC changes or the device goes down. */
export async function settleLink(netlink: NetlinkClient, link: Link, wanted: LinkState): Promise<void> {
  const change: { -readonly [K in keyof LinkChange]: LinkChange[K] } = { index: link.index };
  if (link.mtu !== wanted.mtu) change.mtu = wanted.mtu;
  if (wanted.mac !== undefined && link.mac !== wanted.mac) change.mac = wanted.mac;
  if (!link.up) change.up = true;
  if (Object.keys(change).length > 1) await netlink.request(setLink(change));
}

/** Forwards, and filters loosely whatever "all" says (the larger of the two counts): a reply may leave by another way than the
 *  packet came. Read before it is written, because writing makes an event of the device even when nothing changes, and
 *  whoever reconciles on events would go round for ever. Where /proc/sys cannot be read it is written once per device. */
export async function settleForwarder(netlink: NetlinkClient, link: Link, sysctlRoot: string): Promise<void> {
  const forwarding = readSysctl(`net/ipv4/conf/${link.name}/forwarding`, sysctlRoot);
  const rpFilter = readSysctl(`net/ipv4/conf/${link.name}/rp_filter`, sysctlRoot);
  if (forwarding === '1' && rpFilter === '2') return;
  const blind = forwarding === undefined || rpFilter === undefined;
  const written = writtenBlindly.get(netlink) ?? new Set();
  if (blind && written.has(link.index)) return;
  await netlink.request(setLink({ index: link.index, inet: { forwarding: true, rpFilter: 2 } }));
  if (blind) writtenBlindly.set(netlink, written.add(link.index));
}
const writtenBlindly = new WeakMap<NetlinkClient, Set<number>>();

/** The address as /32, and no other on the device. The new one comes before the old ones go: never without. */
export async function settleAddress(netlink: NetlinkClient, index: number, address: Ipv4): Promise<void> {
  const present = await dumpAddresses(netlink, index);
  const wanted = (a: { address: Ipv4; length: number }): boolean => a.address === address && a.length === 32;
  if (!present.some(wanted)) await tolerate(netlink, addAddress({ index, address, length: 32 }), 'EEXIST');
  for (const other of present.filter((a) => !wanted(a)))
    await tolerate(netlink, deleteAddress({ index, address: other.address, length: other.length }), 'EADDRNOTAVAIL');
}

/** Permanent neighbours of the device, address -> MAC; those not wanted go. One that the kernel refuses is a reason, and the
 *  others are set all the same. */
export async function settleNeighbours(
  netlink: NetlinkClient,
  index: number,
  wanted: ReadonlyMap<number, string>,
): Promise<Reason[]> {
  const present = new Map<number, string>();
  for (const n of await dumpNeighbours(netlink, { family: AF_INET, index }))
    if ((n.state & NUD_PERMANENT) !== 0 && n.index === index) present.set(n.address, n.mac);
  const { add, change, remove } = delta(wanted, present, (a, b) => a === b);
  const requests: NetlinkRequest[] = [];
  for (const [address, mac] of add) requests.push(addNeighbour({ index, address, mac }));
  for (const [address, { to }] of change) requests.push(addNeighbour({ index, address, mac: to }));
  for (const [address, mac] of remove) requests.push(deleteNeighbour({ index, address, mac }));
  return applyAll(netlink, requests);
}

/** Forwarding entries of a vxlan device, MAC -> node address. */
export async function settleForwarding(
  netlink: NetlinkClient,
  index: number,
  wanted: ReadonlyMap<string, number>,
): Promise<Reason[]> {
  const present = new Map<string, number>();
  for (const n of await dumpNeighbours(netlink, { family: AF_BRIDGE, index }))
    if (n.index === index && n.address !== 0) present.set(n.mac, n.address);
  const { add, change, remove } = delta(wanted, present, (a, b) => a === b);
  const requests: NetlinkRequest[] = [];
  for (const [mac, destination] of add) requests.push(addForwarding({ index, mac, destination }));
  for (const [mac, { to }] of change) requests.push(addForwarding({ index, mac, destination: to }));
  for (const [mac, destination] of remove) requests.push(deleteForwarding({ index, mac, destination }));
  return applyAll(netlink, requests);
}

async function applyAll(netlink: NetlinkClient, requests: readonly NetlinkRequest[]): Promise<Reason[]> {
  const outcomes = await Promise.allSettled(requests.map((r) => tolerate(netlink, r, 'ENOENT')));
  const reasons: Reason[] = [];
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    if (!(outcome.reason instanceof NetlinkError)) throw outcome.reason;
    reasons.push({ code: 'TUNNEL_REMOTE_REFUSED', text: `${outcome.reason.message}. It is tried again.` });
  }
  return reasons;
}

/** Someone was faster: that is what we wanted. */
export async function tolerate(netlink: NetlinkClient, request: NetlinkRequest, ...codes: string[]): Promise<void> {
  try {
    await netlink.request(request);
  } catch (error) {
    if (!isErrno(error, ...codes)) throw error;
  }
}

export const notOurs = (device: string, kind: string, address: Ipv4): Reason => ({
  code: 'TUNNEL_NAME_TAKEN',
  text: `A device ${device} of kind "${kind || 'plain'}" is there that Gingham did not make, so ${formatIpv4(address)} cannot be put on a tunnel of that name. Remove it with "ip link del ${device}", or choose another encapsulation.`,
});
