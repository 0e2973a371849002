/** tunl0 as one end of a veth pair, for the carriers that are not the kernel's ipip. Not pure: netlink. They share pair,
 *  neighbours and routes, so that one carrier can follow another while all of them stay.
 *
 *      pods ─> tunl0 ═veth═ tunl0-x ─> whoever encapsulates
 *
 *  Every remote node is a permanent neighbour with the MAC 02:00:<its IPv4>, so the frame's MAC names the next hop that the
 *  routing table chose. tunl0 keeps ARP on: what has no such neighbour is unreachable, instead of sent to ourselves. */
import type { Reason } from '../../base/reason.ts';
import type { NetlinkClient } from '../../netlink/client.ts';
import { type Link, newVeth, setLink } from '../../netlink/link.ts';
import { getLink } from '../../netlink/read.ts';
import { isErrno } from '../../netlink/request.ts';
import { notOurs, settleForwarder, settleLink } from '../devices/device-state.ts';
import { writeSysctl } from '../devices/sysctl.ts';
import type { CarrierContext } from './ipip-carrier.ts';
import { IPIP_COMPANION, IPIP_DEVICE, nextHopMac } from './tunnel-names.ts';
import type { TunnelSpec } from './tunnel-types.ts';

export interface Pair {
  readonly tunl0: Link;
  readonly companion: Link;
}

/** tunl0 is one end of a veth pair of an earlier start: its companion stands beside it. */
export async function isOurPair(netlink: NetlinkClient, tunl0: Link): Promise<boolean> {
  if (tunl0.kind !== 'veth') return false;
  const companion = await getLink(netlink, IPIP_COMPANION);
  return companion?.kind === 'veth' && companion.index === tunl0.link;
}

/** The pair of an earlier start, or a new one, with MTU, MAC and up; a reason when the name belongs to something else. */
export async function settlePair(context: CarrierContext, spec: TunnelSpec): Promise<Pair | Reason> {
  const { netlink, sysctlRoot } = context;
  const pair = await ensurePair(context, spec);
  if ('code' in pair) return pair;
  await settleLink(netlink, pair.companion, { mtu: spec.mtu });
  await settleLink(netlink, pair.tunl0, { mtu: spec.mtu, mac: nextHopMac(spec.local) });
  await settleForwarder(netlink, pair.tunl0, sysctlRoot);
  return pair;
}

/** Address -> MAC, for settleNeighbours. */
export const pairNeighbours = (spec: TunnelSpec): Map<number, string> =>
  new Map(spec.remotes.map((remote) => [remote.address as number, nextHopMac(remote.address)]));

async function ensurePair(context: CarrierContext, spec: TunnelSpec): Promise<Pair | Reason> {
  const { netlink } = context;
  const present = await getLink(netlink, IPIP_DEVICE);
  if (present !== undefined && !(await isOurPair(netlink, present)))
    return notOurs(IPIP_DEVICE, present.kind, spec.address);
  if (present === undefined) {
    const peer = { name: IPIP_COMPANION, mtu: spec.mtu };
    try {
      await netlink.request(newVeth({ name: IPIP_DEVICE, mtu: spec.mtu, mac: nextHopMac(spec.local), peer }));
    } catch (error) {
      if (isErrno(error, 'EOPNOTSUPP', 'ENOTSUP', 'EEXIST')) return noPair(error.message);
      throw error;
    }
    // Nothing of IPv6 belongs on either end; where it cannot be turned off its chatter is dropped as not IPv4.
    for (const name of [IPIP_DEVICE, IPIP_COMPANION])
      writeSysctl(`net/ipv6/conf/${name}/disable_ipv6`, '1', context.sysctlRoot);
    await netlink.request(setLink({ name: IPIP_COMPANION, arp: false }));
  }
  const tunl0 = await getLink(netlink, IPIP_DEVICE);
  const companion = await getLink(netlink, IPIP_COMPANION);
  return tunl0 === undefined || companion === undefined ? noPair('it went away at once') : { tunl0, companion };
}

const noPair = (why: string): Reason => ({
  code: 'CARRIER_NO_VETH',
  text: `The veth pair tunl0/tunl0-x cannot be made: ${why}. It needs CONFIG_VETH and CAP_NET_ADMIN.`,
});
