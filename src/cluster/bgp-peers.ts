/** BGPPeer objects -> peers of this node. Pure. One that cannot be followed is a reason, and the others are followed. Whom an
 *  object means is peering.ts, what else it says bgp-peer-spec.ts. A field that is honoured from now on moves into HONOURED. */
import { formatIp, type IpAddress, isIpv6 } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import type { FamilyName, PeerConfig } from '../model/peer.ts';
import { KINDS } from '../store/kinds.ts';
import type { Resource } from '../store/port.ts';
import { type Fault, isText, nextHopOfMode, type PeerSpec, readPeerSpec } from './bgp-peer-spec.ts';
import type { ClusterReason } from './cluster-reason.ts';
import { type FilterSet, missingFilter } from './peer-policies.ts';
import { type PeeringContext, type Target, targetsOf } from './peering.ts';
import type { Passwords } from './secret-ref.ts';

export type { MatchesSelector } from './peering.ts';

const HONOURED: readonly string[] = [
  'node',
  'nodeSelector',
  'peerIP',
  'peerSelector',
  'reversePeering',
  'asNumber',
  'localASNumber',
  'numAllowedLocalASNumbers',
  'password',
  'keepOriginalNextHop',
  'nextHopMode',
  'sourceAddress',
  'ttlSecurity',
  'maxRestartTime',
  'keepaliveTime',
  'reachableBy',
  'filters',
];

export interface PeerContext extends PeeringContext {
  readonly localAddress: Ipv4;
  /** Of this node. */
  readonly localAsn: number;
  readonly passwords: Passwords;
  /** The BGPFilters, and what stands around them. */
  readonly filters: FilterSet;
  readonly holdTimeSec: number;
  readonly connectRetrySec: number;
  readonly gracefulRestart?: { readonly restartTimeSec: number };
  readonly localPref: number;
  /** Names and addresses that mesh peers have already. */
  readonly takenNames: ReadonlySet<string>;
  readonly takenAddresses: ReadonlyMap<IpAddress, string>;
}

export interface BgpPeers {
  readonly peers: readonly PeerConfig[];
  /** Where they are behind a gateway that the object names. */
  readonly ways: readonly PeerWay[];
  readonly problems: readonly ClusterReason[];
  /** Said once, and no fault: fields that have no effect here yet. */
  readonly notices: readonly ClusterReason[];
}

/** The kernel is to have a route to the peer, and the peer's next hops lead there too. */
export interface PeerWay {
  readonly peer: IpAddress;
  readonly gateway: IpAddress;
}

export function bgpPeers(objects: readonly Resource[], context: PeerContext): BgpPeers {
  const peers: PeerConfig[] = [];
  const ways: PeerWay[] = [];
  const problems: ClusterReason[] = [];
  const notices: ClusterReason[] = [];
  const byAddress = new Map<IpAddress, string>(context.takenAddresses);
  const names = new Set(context.takenNames);
  for (const object of [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    const { name } = object.metadata;
    const about = { kind: KINDS.bgpPeer, name };
    const tell = (list: ClusterReason[], code: string, text: string): void =>
      void list.push({ code, text: `bgppeers "${name}": ${text}`, about });
    const { spec = {} } = object;
    const targets = targetsOf(spec, context);
    const read = readPeerSpec(spec, context.passwords);
    const faults: Fault[] = targets.ok ? [] : [['BGP_PEER_INVALID', targets.error]];
    const isOurs = !targets.ok || targets.value.length > 0;
    if (!isOurs) continue;
    if (!read.ok) faults.push(...read.error);
    for (const [code, text] of faults) tell(problems, code, text);

    const ignored = Object.keys(spec)
      .filter((field) => !HONOURED.includes(field))
      .sort();
    if (ignored.length > 0)
      tell(
        notices,
        'FIELD_NOT_HONOURED',
        `${ignored.join(', ')} ${ignored.length === 1 ? 'has' : 'have'} no effect in this version of Gingham`,
      );
    if (!targets.ok || !read.ok) continue;
    for (const missing of context.filters.missing(read.value.filters))
      problems.push(missingFilter(`bgppeers "${name}"`, missing, about));

    for (const target of targets.value) {
      const { address } = target;
      if (address === context.localAddress || address === context.me.ipv6Address) continue; // it is this very node
      const other = byAddress.get(address);
      if (other !== undefined) {
        // Two objects that select the same node want the same session.
        if (target.node === undefined || !isText(spec.peerSelector))
          tell(
            problems,
            'PEER_ADDRESS_TWICE',
            `${formatIp(address)} is ${other}'s address too, and that session is kept. Delete one of the two.`,
          );
        continue;
      }
      if (isIpv6(address) && read.value.usesNodeAddress && context.me.ipv6Address === undefined) {
        tell(
          problems,
          'SELF_IPV6_ADDRESS_MISSING',
          `${formatIp(address)} is an IPv6 address, and this node has none: set projectcalico.org/IPv6Address of the Node, or sourceAddress: None.`,
        );
        continue;
      }
      byAddress.set(address, `bgppeers "${name}"`);
      const { reachableBy } = read.value;
      if (reachableBy !== undefined) {
        if (isIpv6(reachableBy) === isIpv6(address) && reachableBy !== address)
          ways.push({ peer: address, gateway: reachableBy });
        else
          tell(
            problems,
            'BGP_PEER_INVALID',
            `reachableBy is ${formatIp(reachableBy)}, and the peer ${formatIp(address)}. Write another address of the same family.`,
          );
      }
      const peer = toPeer(object, target, read.value, context, names);
      names.add(peer.name);
      peers.push(peer);
    }
  }
  return { peers, ways, problems, notices };
}

function toPeer(
  { metadata, spec = {} }: Resource,
  target: Target,
  read: PeerSpec,
  context: PeerContext,
  names: ReadonlySet<string>,
): PeerConfig {
  const { address, port, asn, node } = target;
  const { me } = context;
  const ofIpv6 = isIpv6(address);
  const localAsn = read.localAsn ?? context.localAsn;
  const external = asn !== localAsn;
  const localAddress = ofIpv6 ? me.ipv6Address : context.localAddress;
  const restartTimeSec = read.restartTimeSec ?? context.gracefulRestart?.restartTimeSec;
  // Between two reflectors of one cluster nothing is reflected; everybody else within our AS is a client. RFC 4456 7
  const client = me.clusterId !== undefined && !external && node?.clusterId !== me.clusterId;
  const families: readonly FamilyName[] = ['ipv6-unicast'];
  return {
    name: nameOf(metadata.name, isText(spec.peerSelector) ? node?.name : undefined, ofIpv6, names),
    kind: isText(spec.node) || isText(spec.nodeSelector) || isText(spec.peerSelector) ? 'node' : 'global',
    configuredBy: `bgppeers "${metadata.name}"`,
    address,
    port,
    asn,
    localAsn,
    ...(read.usesNodeAddress && localAddress !== undefined ? { localAddress } : {}),
    ...(read.ttlSecurity === undefined ? {} : { ttlSecurity: read.ttlSecurity }),
    passive: false,
    ...(read.password === undefined ? {} : { password: read.password }),
    holdTimeSec: context.holdTimeSec,
    ...(read.keepaliveSec === undefined ? {} : { keepaliveSec: read.keepaliveSec }),
    connectRetrySec: context.connectRetrySec,
    ...(ofIpv6 ? { families } : {}),
    ...(context.gracefulRestart === undefined || restartTimeSec === undefined
      ? {}
      : { gracefulRestart: { restartTimeSec } }),
    localPref: context.localPref,
    nextHop: nextHopOfMode(read.mode, external),
    ...(read.allowOwnAs === undefined ? {} : { allowOwnAs: read.allowOwnAs }),
    ...(client ? { client } : {}),
    ...(me.clusterId === undefined ? {} : { clusterId: me.clusterId }),
    // The fabric hears of every pod from every node; of what else the mesh knows, the policies say.
    transit: true,
    ...context.filters.policies(read.filters, external ? 'ebgp' : 'ibgp'),
  };
}

/** A selected node's own, which the mesh's peer of it has too; else the object's. */
function nameOf(object: string, node: string | undefined, ofIpv6: boolean, names: ReadonlySet<string>): string {
  const plain = node === undefined ? object : ofIpv6 ? `${node} (IPv6)` : node;
  return names.has(plain) ? `${plain} (BGPPeer)` : plain;
}
