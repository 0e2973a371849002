/** The node-to-node mesh: every other node with an address of a family that we have too, one session for each family. Pure.
 *  Both sides connect: the session's collision detection keeps one, and no node waits for another's retry timer. RFC 4271 6.8 */
import { formatIp, type IpAddress, isIpv6 } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import type { Reason } from '../base/reason.ts';
import type { ClusterNode } from '../model/node.ts';
import type { FamilyName, PeerConfig } from '../model/peer.ts';
import type { Policy } from '../model/policy.ts';
import type { MeshConfig } from './bgp-config.ts';
import type { ReadNode } from './node.ts';
import type { FilterSet } from './peer-policies.ts';

export interface MeshSelf {
  readonly nodeName: string;
  /** Our source address; absent: our Node's. */
  readonly localAddress?: Ipv4;
  readonly holdTimeSec: number;
  readonly connectRetrySec: number;
  readonly gracefulRestart?: { readonly restartTimeSec: number };
  readonly localPref: number;
  /** In front of the filters that are named for the mesh. */
  readonly meshImport?: Policy;
  readonly meshExport?: Policy;
}

export interface MeshPeers {
  readonly peers: readonly PeerConfig[];
  readonly problems: readonly Reason[];
}

const IPV6_ALONE: readonly FamilyName[] = ['ipv6-unicast'];

export interface MeshContext {
  readonly self: MeshSelf;
  readonly filters: FilterSet;
  /** Of the filters that are named for the mesh. */
  readonly names: readonly string[];
}

export function meshPeers(nodes: readonly ReadNode[], mesh: MeshConfig, context: MeshContext): MeshPeers {
  const { self, filters, names } = context;
  const problems: Reason[] = [];
  const me = nodes.find((n) => n.node.name === self.nodeName);
  const problem = (code: string, text: string): void => void problems.push({ code, text });
  if (me === undefined) {
    problem(
      'SELF_NODE_MISSING',
      `node "${self.nodeName}": there is no Node object of that name. Check the node name, or wait until the node has registered.`,
    );
    return { peers: [], problems };
  }
  const localAddress = self.localAddress ?? me.node.address;
  if (localAddress === undefined) {
    problem(
      'SELF_ADDRESS_MISSING',
      `node "${self.nodeName}": it has neither an InternalIP nor the annotation projectcalico.org/IPv4Address. Set one.`,
    );
    return { peers: [], problems };
  }
  if (!mesh.meshEnabled || me.routeReflector || mesh.password?.ok === false) return { peers: [], problems };

  const ours: readonly IpAddress[] = [
    localAddress,
    ...(me.node.ipv6Address === undefined ? [] : [me.node.ipv6Address]),
  ];
  const byAddress = new Map<IpAddress, string>(ours.map((address) => [address, self.nodeName]));
  const peers: PeerConfig[] = [];
  const settings = meshSettings(me.node, mesh, self);
  const more = { import: self.meshImport, export: self.meshExport };
  for (const { node, routeReflector } of nodes) {
    if (node.name === self.nodeName || routeReflector) continue;
    if (node.address === undefined)
      problem(
        'NODE_WITHOUT_ADDRESS',
        `node "${node.name}": it has neither an InternalIP nor the annotation projectcalico.org/IPv4Address, so there is no session with it. Set one.`,
      );
    const ipv6 = me.node.ipv6Address === undefined ? undefined : node.ipv6Address;
    for (const address of [node.address, ipv6]) {
      if (address === undefined) continue;
      const other = byAddress.get(address);
      if (other !== undefined) {
        const annotation = `projectcalico.org/${isIpv6(address) ? 'IPv6Address' : 'IPv4Address'}`;
        problem(
          'NODE_ADDRESS_TWICE',
          `nodes "${other}" and "${node.name}" both have the address ${formatIp(address)}; only "${other}" is used. Correct the wrong one's annotation ${annotation}.`,
        );
        continue;
      }
      byAddress.set(address, node.name);
      const asn = node.asn ?? mesh.asn;
      const ofIpv6 = isIpv6(address);
      const from = ofIpv6 ? me.node.ipv6Address : localAddress;
      peers.push({
        ...settings,
        name: ofIpv6 ? `${node.name} (IPv6)` : node.name,
        address,
        asn,
        ...filters.policies(names, asn === settings.localAsn ? 'ibgp' : 'ebgp', more),
        ...(from === undefined ? {} : { localAddress: from }),
        ...(ofIpv6 ? { families: IPV6_ALONE } : {}),
      });
    }
  }
  return { peers, problems };
}

function meshSettings(me: ClusterNode, mesh: MeshConfig, self: MeshSelf): Omit<PeerConfig, 'name' | 'address' | 'asn'> {
  const password = mesh.password?.ok === true ? mesh.password.value : undefined;
  const restartTimeSec = mesh.restartTimeSec ?? self.gracefulRestart?.restartTimeSec;
  return {
    kind: 'mesh',
    configuredBy: 'node-to-node mesh',
    port: mesh.listenPort,
    localAsn: me.asn ?? mesh.asn,
    passive: false,
    ...(password === undefined ? {} : { password }),
    holdTimeSec: self.holdTimeSec,
    connectRetrySec: self.connectRetrySec,
    ...(self.gracefulRestart === undefined || restartTimeSec === undefined
      ? {}
      : { gracefulRestart: { restartTimeSec } }),
    localPref: self.localPref,
    nextHop: 'auto',
    transit: false,
  };
}
