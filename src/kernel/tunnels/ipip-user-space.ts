/** ipip by ourselves: the far end of the pair of ipip-pair.ts is read by user-space-carrier.ts. Not pure: netlink.
 *
 *      pods ─> tunl0 ═veth═ tunl0-x ─AF_PACKET─> this process ─raw protocol 4─> the other node
 *                                         <─AF_PACKET─              <─AF_PACKET─ */
import type { Reason } from '../../base/reason.ts';
import { macBytes } from '../../netlink/mac.ts';
import { dumpNeighbours, getLink } from '../../netlink/read.ts';
import { SysError } from '../../sys/ffi.ts';
import { settleNeighbours } from '../devices/device-state.ts';
import { disableOffloads, enableOffloads } from '../devices/offload.ts';
import type { CarrierContext, CarrierOutcome, IpipCarrier } from './ipip-carrier.ts';
import { isOurPair, pairNeighbours, settlePair } from './ipip-pair.ts';
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
  const pair = await settlePair(context, spec);
  if ('code' in pair) return { kind: 'refused', reason: pair };
  const { tunl0, companion } = pair;
  const neighbours = pairNeighbours(spec);
  try {
    disableOffloads(IPIP_DEVICE); // what we read has to be finished packets
    enableOffloads(IPIP_COMPANION); // what we write may be pieces for the stack to finish
    const remotes = new Set(neighbours.keys());
    carrier.configure({ ifindex: companion.index, mac: macBytes(nextHopMac(spec.local)), local: spec.local, remotes });
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

const noSockets = (error: SysError): Reason => ({
  code: 'CARRIER_USER_SPACE_NO_SOCKETS',
  text: `The user-space carrier cannot open its sockets: ${error.message}. It needs CAP_NET_RAW and CAP_NET_ADMIN, and the node's address on a device.`,
});

const socketsLost = (why: string): Reason => ({
  code: 'CARRIER_USER_SPACE_SOCKETS_LOST',
  text: `The user-space carrier lost its sockets (${why}) and opens them again; no packet crosses tunl0 until then.`,
});
