/** Whether a pod's cable is as it was made: the answer of CNI CHECK, and what makes a repeated ADD keep it. Reads only. */
import { formatIpv4 } from '../../base/ipv4.ts';
import type { Reason } from '../../base/reason.ts';
import { type NetlinkClient, openNetlink } from '../../netlink/client.ts';
import type { Link } from '../../netlink/link.ts';
import { dumpAddresses, dumpRoutes, getLink } from '../../netlink/read.ts';
import { SysError } from '../../sys/ffi.ts';
import { POD_GATEWAY } from '../devices/gateway.ts';
import { readSysctl } from '../devices/sysctl.ts';
import type { PodWire } from './pod-wire.ts';

export async function checkPod(netlink: NetlinkClient, wire: PodWire, sysctlRoot: string): Promise<Reason[]> {
  const host = await getLink(netlink, wire.hostInterface);
  if (host === undefined) return [wrong(`${wire.hostInterface} is not there`)];
  const reasons: Reason[] = [];
  if (!host.up) reasons.push(wrong(`${wire.hostInterface} is down`));
  if (host.mtu !== wire.mtu) reasons.push(wrong(`${wire.hostInterface} has MTU ${host.mtu}, not ${wire.mtu}`));
  const proxyArp = readSysctl(`net/ipv4/conf/${wire.hostInterface}/proxy_arp`, sysctlRoot);
  if (proxyArp === '0')
    reasons.push(wrong(`proxy_arp of ${wire.hostInterface} is 0, so nobody answers for the gateway`));
  return [...reasons, ...(await checkInside(wire, host))];
}

async function checkInside(wire: PodWire, host: Link): Promise<Reason[]> {
  let pod: NetlinkClient;
  try {
    pod = await openNetlink({ netns: wire.netns });
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    return [wrong(`${wire.netns} cannot be entered (${error.code})`)];
  }
  try {
    const link = await getLink(pod, wire.ifName);
    if (link === undefined || link.link !== host.index || host.link !== link.index)
      return [wrong(`${wire.ifName} in ${wire.netns} is not the other end of ${wire.hostInterface}`)];
    const reasons: Reason[] = [];
    if (!link.up) reasons.push(wrong(`${wire.ifName} in the pod is down`));
    if (link.mtu !== wire.mtu) reasons.push(wrong(`${wire.ifName} in the pod has MTU ${link.mtu}, not ${wire.mtu}`));
    if (link.mac !== wire.mac.toLowerCase())
      reasons.push(wrong(`${wire.ifName} in the pod has MAC ${link.mac}, not ${wire.mac}`));
    const addresses = await dumpAddresses(pod, link.index);
    if (!addresses.some((a) => a.address === wire.address && a.length === 32))
      reasons.push(wrong(`${wire.ifName} in the pod has not got ${formatIpv4(wire.address)}/32`));
    const routes = (await dumpRoutes(pod)).filter((r) => r.oif === link.index);
    if (!routes.some((r) => r.dst === POD_GATEWAY && r.len === 32))
      reasons.push(wrong(`the pod has no route to ${formatIpv4(POD_GATEWAY)}`));
    if (!routes.some((r) => r.len === 0 && r.gateway === POD_GATEWAY))
      reasons.push(wrong(`the pod has no default route via ${formatIpv4(POD_GATEWAY)}`));
    return reasons;
  } finally {
    pod.close();
  }
}

const wrong = (text: string): Reason => ({ code: 'POD_INTERFACE_WRONG', text: `${text}.` });
