/** Takes everything of ours out of the kernel of this node: what `gingham uninstall` does between the conflist and the files.
 *  Only what a process with no memory knows as ours, and what the footprint of the state folder says. Every step is
 *  idempotent and runs although another failed: the report names what is left, and a second run finds less to do. */
import { formatIp, formatIpPrefix, ipPrefix, isIpv6 } from '../base/ip.ts';
import type { Reason } from '../base/reason.ts';
import { readSysctl, sysctlRoot, writeSysctl } from '../kernel/devices/sysctl.ts';
import { createForwardAccept, type ForwardAccept } from '../kernel/packets/forward-accept.ts';
import { createMasquerade, type Masquerade } from '../kernel/packets/masquerade.ts';
import { isWorkloadDevice, type OwnershipRule, ownership } from '../kernel/routes/ownership.ts';
import { fromKernel } from '../kernel/routes/route-targets.ts';
import { createTunnels } from '../kernel/tunnels/tunnel.ts';
import { IPIP_DEVICE, VXLAN_DEVICE } from '../kernel/tunnels/tunnel-names.ts';
import { type NetlinkClient, openNetlink } from '../netlink/client.ts';
import { AF_INET6 } from '../netlink/constants.ts';
import { deleteLink } from '../netlink/link.ts';
import { dumpLinks, dumpRoutes, getLink } from '../netlink/read.ts';
import { isErrno } from '../netlink/request.ts';
import { deleteRoute, type Route } from '../netlink/route.ts';
import { type Footprint, readFootprint } from './footprint.ts';

export interface UninstallOptions {
  /** The daemon's stateDir. */
  readonly stateDir: string;
  /** What stands for /proc/sys; absent: the one of this container or host. */
  readonly sysctlRoot?: string;
  /** For tests. */
  readonly masquerade?: Masquerade;
  readonly forward?: ForwardAccept;
}

export interface UninstallReport {
  /** "10.244.1.0/26 blackhole" and the like. */
  readonly routes: readonly string[];
  readonly devices: readonly string[];
  readonly forwardRules: number;
  readonly settings: readonly string[];
  /** What is still there that may be ours, each with the reason and the remedy. */
  readonly left: readonly Reason[];
}

const RTPROT_BIRD = 12;
const MAIN_TABLE = 254;

export async function uninstallNode(options: UninstallOptions): Promise<UninstallReport> {
  const footprint = readFootprint(options.stateDir);
  const left: Reason[] = [];
  const netlink = await openNetlink();
  try {
    // Routes first: without them no packet is on its way to a device that goes.
    const routes = await removeRoutes(netlink, footprint, left);
    const devices = await removeDevices(netlink, left);
    const forwardRules = await (options.forward ?? createForwardAccept()).remove();
    const masquerade = options.masquerade ?? createMasquerade();
    await masquerade.remove();
    left.push(...masquerade.problems());
    const settings = restoreSettings(footprint, options.sysctlRoot ?? sysctlRoot(), left);
    return { routes, devices, forwardRules, settings, left };
  } finally {
    netlink.close();
  }
}

async function removeRoutes(
  netlink: NetlinkClient,
  footprint: Footprint | undefined,
  left: Reason[],
): Promise<readonly string[]> {
  const names = new Map((await dumpLinks(netlink)).map((l) => [l.index, l.name]));
  const known = new Set<number | bigint>(footprint?.nextHops ?? []);
  const rule: OwnershipRule = {
    protocol: footprint?.protocol ?? RTPROT_BIRD,
    isOurs: ({ target }) =>
      target.nextHops.length > 0 && target.nextHops.every((h) => h.gateway !== undefined && known.has(h.gateway)),
  };
  const removed: string[] = [];
  const table = footprint?.table ?? MAIN_TABLE;
  const routes = [...(await dumpRoutes(netlink, { table })), ...(await dumpIpv6Routes(netlink, table))];
  for (const route of routes) {
    const destination = ipPrefix(route.dst, route.len);
    const target = fromKernel(route, (index) => names.get(index) ?? '');
    const whose = ownership(destination, route.protocol, target, rule);
    const text = `${formatIpPrefix(destination)}${target?.type === 'blackhole' ? ' blackhole' : via(route, names)}`;
    if (whose === 'unclaimed')
      left.push({
        code: 'ROUTE_NOT_CLAIMED',
        text: `route ${text} carries our protocol number ${rule.protocol}, but nothing says that Gingham made it. If it did: ip route del ${text}.`,
      });
    if (whose !== 'ours') continue;
    try {
      await netlink.request(exactly(route));
      removed.push(text);
    } catch (error) {
      if (!isErrno(error, 'ESRCH')) left.push(notRemoved(`route ${text}`, error));
    }
  }
  return removed;
}

/** A kernel without IPv6 has none. */
const dumpIpv6Routes = (netlink: NetlinkClient, table: number): Promise<Route[]> =>
  dumpRoutes(netlink, { table, family: AF_INET6 }).catch((error: unknown) => {
    if (isErrno(error, 'EAFNOSUPPORT', 'EOPNOTSUPP')) return [];
    throw error;
  });

/** By its protocol, type, scope, metric and table, and IPv6 by its next hops: a delete that says less may hit another's route. */
const exactly = ({ dst, len, table, protocol, type, scope, metric, gateway, oif, nexthops }: Route) =>
  deleteRoute({
    ...{ dst, len, table, protocol, type, scope, metric },
    ...(isIpv6(dst) ? { gateway, oif, nexthops } : {}),
  });

const via = ({ gateway, oif }: Route, names: ReadonlyMap<number, string>): string =>
  `${gateway === 0 ? '' : ` via ${formatIp(gateway)}`}${oif === 0 ? '' : ` dev ${names.get(oif) ?? oif}`}`;

/** The tunnels', with their addresses, neighbours and programs, and cables of pods that are gone. */
async function removeDevices(netlink: NetlinkClient, left: Reason[]): Promise<readonly string[]> {
  const removed: string[] = [];
  const tunnels = createTunnels({ netlink, carrierSetting: 'auto', log: () => {} });
  for (const [encap, name] of [
    ['ipip', IPIP_DEVICE],
    ['vxlan', VXLAN_DEVICE],
  ] as const) {
    try {
      const before = await getLink(netlink, name);
      await tunnels.remove(encap);
      if (before !== undefined && (await getLink(netlink, name)) === undefined) removed.push(name);
    } catch (error) {
      left.push(notRemoved(`device ${name}`, error));
    }
  }
  tunnels.stop();
  for (const { name, kind, index } of await dumpLinks(netlink)) {
    if (!isWorkloadDevice(name) || kind !== 'veth') continue;
    try {
      await netlink.request(deleteLink({ index }));
      removed.push(name);
    } catch (error) {
      if (!isErrno(error, 'ENODEV')) left.push(notRemoved(`device ${name}`, error));
    }
  }
  return removed;
}

/** Only where the value is still the one we wrote: who changed it since knows better. Last written, first restored. */
function restoreSettings(footprint: Footprint | undefined, root: string, left: Reason[]): readonly string[] {
  const restored: string[] = [];
  for (const { key, from, to } of [...(footprint?.settings ?? [])].reverse()) {
    if (readSysctl(key, root) !== to) continue;
    const name = key.replaceAll('/', '.');
    const failure = writeSysctl(key, from, root);
    if (failure === undefined) restored.push(`${name} = ${from}`);
    else
      left.push({
        code: 'SETTING_LEFT',
        text: `${name} could not be set to ${from} again (${failure}): sysctl -w ${name}=${from}`,
      });
  }
  return restored;
}

const notRemoved = (what: string, error: unknown): Reason => ({
  code: 'NOT_REMOVED',
  text: `${what} could not be removed: ${error instanceof Error ? error.message : String(error)}. Run it again.`,
});
