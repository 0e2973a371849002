/** A pod's cable: veth from the node into the pod's namespace, with Calico's addresses and settings. Not pure: netlink.
 *  The route to the pod on the node is not made here: it is a route like any other (route-programmer.ts).
 *
 *      node  cali8eecb1f59c6  ee:ee:ee:ee:ee:ee  proxy_arp ═veth═ eth0  10.244.104.7/32  default via 169.254.1.1   pod
 */
import { formatIpv4 } from '../../base/ipv4.ts';
import type { Reason } from '../../base/reason.ts';
import { addAddress } from '../../netlink/address.ts';
import { type NetlinkClient, openNetlink } from '../../netlink/client.ts';
import { RT_SCOPE_LINK, RTPROT_BOOT } from '../../netlink/constants.ts';
import { deleteLink, newVeth, setLink } from '../../netlink/link.ts';
import { setProxyDelay } from '../../netlink/neighbour.ts';
import { getLink } from '../../netlink/read.ts';
import { isErrno } from '../../netlink/request.ts';
import { addRoute } from '../../netlink/route.ts';
import { O_CLOEXEC, O_RDONLY } from '../../sys/constants.ts';
import * as ffi from '../../sys/ffi.ts';
import { tolerate } from '../devices/device-state.ts';
import { POD_GATEWAY } from '../devices/gateway.ts';
import { SYSCTL_ROOT } from '../devices/sysctl.ts';
import { checkPod } from './pod-check.ts';
import { HOST_SIDE_MAC, type PodWire } from './pod-wire.ts';

export interface PodWiring {
  /** Idempotent: a whole interface is kept, a half-made one of ours replaced. On failure what was made is taken away again.
   *  Throws PodWiringError, or NetlinkError with the kernel's words. */
  wire(wire: PodWire): Promise<void>;
  /** Takes both ends away; an absent one is success. Needs no namespace: the pod's may be gone. */
  unwire(hostInterface: string): Promise<void>;
  /** What is not as `wire` made it; empty when all is well. CNI CHECK. */
  check(wire: PodWire): Promise<Reason[]>;
}

/** The request cannot be fulfilled as it is: the namespace is gone, or the name is taken. */
export class PodWiringError extends Error {
  override readonly name = 'PodWiringError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export interface PodWiringOptions {
  readonly netlink: NetlinkClient;
  /** Where settings are read for `check`; absent: /proc/sys. They are written by netlink, which needs no file. */
  readonly sysctlRoot?: string;
}

export function createPodWiring({ netlink, sysctlRoot = SYSCTL_ROOT }: PodWiringOptions): PodWiring {
  return {
    wire: async (wire) => {
      if (await clearWay(netlink, wire, sysctlRoot)) return;
      await createPair(netlink, wire);
      try {
        await settleHostSide(netlink, wire.hostInterface);
        await settlePodSide(wire);
      } catch (error) {
        await tolerate(netlink, deleteLink({ name: wire.hostInterface }), 'ENODEV');
        throw error;
      }
    },
    unwire: (hostInterface) => tolerate(netlink, deleteLink({ name: hostInterface }), 'ENODEV'),
    check: (wire) => checkPod(netlink, wire, sysctlRoot),
  };
}

/** True when the interface is there and whole; a half-made one is taken away. */
async function clearWay(netlink: NetlinkClient, wire: PodWire, sysctlRoot: string): Promise<boolean> {
  const present = await getLink(netlink, wire.hostInterface);
  if (present === undefined) return false;
  if (present.kind !== 'veth')
    throw new PodWiringError(
      'HOST_INTERFACE_TAKEN',
      `${wire.hostInterface} is a device of kind "${present.kind || 'plain'}" that Gingham did not make. Remove it with "ip link del ${wire.hostInterface}".`,
    );
  if ((await checkPod(netlink, wire, sysctlRoot)).length === 0) return true;
  await tolerate(netlink, deleteLink({ name: wire.hostInterface }), 'ENODEV');
  return false;
}

/** One message makes both ends, the far one inside the pod. */
async function createPair(netlink: NetlinkClient, wire: PodWire): Promise<void> {
  const { hostInterface: name, ifName, mac, mtu } = wire;
  const netnsFd = openNamespace(wire.netns);
  try {
    await netlink.request(
      newVeth({ name, mtu, mac: HOST_SIDE_MAC, up: true, peer: { name: ifName, mtu, mac, netnsFd } }),
    );
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
    throw new PodWiringError(
      'POD_INTERFACE_TAKEN',
      `${wire.netns} has a device ${ifName} already, and it is not the other end of ${name}. The namespace belongs to another network, or to an ADD with another container ID.`,
    );
  } finally {
    ffi.close(netnsFd);
  }
}

function openNamespace(path: string): number {
  try {
    return ffi.open(path, O_RDONLY | O_CLOEXEC);
  } catch (error) {
    if (!(error instanceof ffi.SysError)) throw error;
    throw new PodWiringError('NETNS_MISSING', `The pod's network namespace ${path} cannot be opened: ${error.code}.`);
  }
}

async function settleHostSide(netlink: NetlinkClient, name: string): Promise<void> {
  const link = await getLink(netlink, name);
  if (link === undefined) throw new PodWiringError('HOST_INTERFACE_GONE', `${name} was removed while it was set up.`);
  // Strict: a pod sends from its own address only, and its /32 route says which that is.
  const inet = { forwarding: true, proxyArp: true, rpFilter: 1, routeLocalnet: true } as const;
  await netlink.request(setLink({ index: link.index, inet }));
  await netlink.request(setProxyDelay({ index: link.index, ms: 0 }));
}

async function settlePodSide({ netns, ifName, address }: PodWire): Promise<void> {
  const pod = await openNetlink({ netns });
  try {
    await pod.request(setLink({ name: 'lo', up: true }));
    const link = await getLink(pod, ifName);
    if (link === undefined)
      throw new PodWiringError(
        'POD_INTERFACE_GONE',
        `${ifName} in ${netns} was removed while ${formatIpv4(address)} was set up.`,
      );
    const { index } = link;
    await pod.request(setLink({ index, up: true }));
    await pod.request(addAddress({ index, address, length: 32 }));
    const protocol = RTPROT_BOOT;
    await pod.request(addRoute({ dst: POD_GATEWAY, len: 32, oif: index, scope: RT_SCOPE_LINK, protocol }));
    await pod.request(addRoute({ dst: 0, len: 0, gateway: POD_GATEWAY, oif: index, protocol }));
  } finally {
    pod.close();
  }
}
