/** ipip by ourselves: tunl0 is one end of a veth pair, the other end is read by user-space-carrier.ts. Not pure: netlink.
 *
 *      pods ─> tunl0 ═veth═ tunl0-x ─AF_PACKET─> this process ─raw protocol 4─> the other node
 *
 *  Every remote node is a permanent neighbour with the MAC 02:00:<its IPv4>, so the frame's MAC names the next hop that the
 *  routing table chose. tunl0 keeps ARP on: what has no such neighbour is unreachable, instead of sent to ourselves. */
import type { Reason } from '../base/reason.ts';
import { type Link, newVeth, setLink } from '../netlink/link.ts';
import { macBytes } from '../netlink/mac.ts';
import { dumpNeighbours, getLink } from '../netlink/read.ts';
import { isErrno } from '../netlink/request.ts';
import { SysError } from '../sys/ffi.ts';
import { notOurs, settleForwarder, settleLink, settleNeighbours } from './device-state.ts';
import type { CarrierContext, CarrierOutcome, IpipCarrier } from './ipip-carriers.ts';
import { isOurPair } from './ipip-kernel.ts';
import { disableOffloads } from './offload.ts';
import { writeSysctl } from './sysctl.ts';
import { addressOfMac, IPIP_COMPANION, IPIP_DEVICE, nextHopMac } from './tunnel-names.ts';
import type { TunnelSpec } from './tunnel-types.ts';
import { createUserSpaceCarrier, type UserSpaceCarrier } from './user-space-carrier.ts';

export function userSpaceIpip(): IpipCarrier {
  const carrier = createUserSpaceCarrier();
  return {
    name: 'user-space',
    forwardsWithoutDaemon: false,
    ensure: (context, spec) => ensureUserSpaceIpip(carrier, context, spec),
    resume: (context) => resumeUserSpaceIpip(carrier, context),
    counters: carrier.counters,
    fault: () => {
      const fault = carrier.fault();
      return fault === undefined ? undefined : socketsLost(fault);
    },
    stop: carrier.close,
  };
}

async function ensureUserSpaceIpip(
  carrier: UserSpaceCarrier,
  context: CarrierContext,
  spec: TunnelSpec,
): Promise<CarrierOutcome> {
  const { netlink } = context;
  const pair = await ensurePair(context, spec);
  if ('code' in pair) return { kind: 'refused', reason: pair };
  const { tunl0, companion } = pair;
  const mac = nextHopMac(spec.local);
  await settleLink(netlink, companion, { mtu: spec.mtu });
  await settleLink(netlink, tunl0, { mtu: spec.mtu, mac });
  await settleForwarder(netlink, tunl0, context.sysctlRoot);
  const neighbours = new Map(spec.remotes.map((remote) => [remote.address as number, nextHopMac(remote.address)]));
  try {
    disableOffloads(IPIP_DEVICE);
    disableOffloads(IPIP_COMPANION);
    const remotes = new Set(neighbours.keys());
    carrier.configure({ ifindex: companion.index, mac: macBytes(mac), local: spec.local, remotes });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return { kind: 'refused', reason: noSockets(error) };
  }
  const problems = await settleNeighbours(netlink, tunl0.index, neighbours);
  return { kind: 'ready', device: tunl0, problems };
}

/** What the kernel remembers of the last daemon is enough to forward: tunl0's MAC holds our address, its neighbours are the
 *  remotes. */
async function resumeUserSpaceIpip(carrier: UserSpaceCarrier, { netlink }: CarrierContext): Promise<boolean> {
  const tunl0 = await getLink(netlink, IPIP_DEVICE);
  if (tunl0 === undefined || !(await isOurPair(netlink, tunl0))) return false;
  const local = addressOfMac(tunl0.mac);
  if (local === undefined) return false;
  const neighbours = await dumpNeighbours(netlink, { index: tunl0.index });
  const remotes = new Set(neighbours.filter((n) => n.mac === nextHopMac(n.address)).map((n) => n.address as number));
  try {
    carrier.configure({ ifindex: tunl0.link, mac: macBytes(tunl0.mac), local, remotes });
    return true;
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return false; // ensure will say why
  }
}

interface Pair {
  readonly tunl0: Link;
  readonly companion: Link;
}

/** The pair of an earlier start, or a new one; a reason when the name belongs to something else. */
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
  code: 'CARRIER_USER_SPACE_NO_VETH',
  text: `The veth pair tunl0/tunl0-x for the user-space carrier cannot be made: ${why}. It needs CONFIG_VETH and CAP_NET_ADMIN.`,
});

const noSockets = (error: SysError): Reason => ({
  code: 'CARRIER_USER_SPACE_NO_SOCKETS',
  text: `The user-space carrier cannot open its sockets: ${error.message}. It needs CAP_NET_RAW and CAP_NET_ADMIN, and the node's address on a device.`,
});

const socketsLost = (why: string): Reason => ({
  code: 'CARRIER_USER_SPACE_SOCKETS_LOST',
  text: `The user-space carrier lost its sockets (${why}) and opens them again; no packet crosses tunl0 until then.`,
});
