/** What this node should be doing, from the cluster's present objects. Pure: the output depends on the present inputs only,
 *  not on the order or history in which they came. daemon/ diffs two outputs and applies the difference. */
import { formatIpv4, type Ipv4 } from '../base/ipv4.ts';
import type { Prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import { err, type Result } from '../base/result.ts';
import type { Block, BlockAffinity } from '../model/block.ts';
import type { ClusterNode } from '../model/node.ts';
import type { PeerConfig } from '../model/peer.ts';
import type { Pool } from '../model/pool.ts';
import type { Resource } from '../store/port.ts';
import { type MeshConfig, readBgpConfiguration } from './bgp-config.ts';
import { type BgpPeers, bgpPeers, type MatchesSelector } from './bgp-peers.ts';
import type { ClusterReason } from './cluster-reason.ts';
import { type ReadNode, readNode } from './node.ts';
import { blocksOfGoneNodes, configurationsOfOneNode, poolsOutside } from './notices.ts';
import { ownBlocks } from './originate.ts';
import { readPools } from './pools.ts';
import type { Passwords } from './secret-ref.ts';

/** Pools, blocks and affinities come parsed (ipam's parsePool, parseBlock, parseAffinity), faults included; nodes and the
 *  BGPConfiguration as stored. */
export interface ClusterSnapshot {
  readonly nodes: readonly Resource[];
  readonly pools: readonly Result<Pool, ClusterReason>[];
  readonly blocks: readonly Result<Block, ClusterReason>[];
  readonly affinities: readonly Result<BlockAffinity, ClusterReason>[];
  /** The object named "default"; absent: Calico's defaults. */
  readonly bgpConfiguration: Resource | undefined;
  /** BGPConfigurations of other names, which Calico knows as those of one node. */
  readonly otherBgpConfigurations?: readonly Resource[];
  readonly bgpPeers?: readonly Resource[];
  /** Of the Secrets that they name. */
  readonly passwords?: Passwords;
  /** kube-proxy's, where it is known. */
  readonly clusterCidrs?: readonly Prefix[];
}

export interface DesiredSelf {
  readonly nodeName: string;
  /** Our source address; absent: our Node's. */
  readonly localAddress?: Ipv4;
  readonly holdTimeSec: number;
  readonly connectRetrySec: number;
  readonly gracefulRestart?: { readonly restartTimeSec: number };
  readonly localPref: number;
  /** Needed where BGPPeers have a nodeSelector. */
  readonly matches?: MatchesSelector;
}

export interface Desired {
  /** Sorted by name. */
  readonly peers: readonly PeerConfig[];
  /** Own blocks, sorted. */
  readonly blocks: readonly Prefix[];
  /** Those of them that peers are told of. */
  readonly originate: readonly Prefix[];
  /** Sorted by name; disabled ones too, because their routes still go through their tunnel. */
  readonly pools: readonly Pool[];
  /** Sorted by name, ourselves included. */
  readonly nodes: readonly ClusterNode[];
  /** Ourselves; absent until our Node object is there. */
  readonly self: ClusterNode | undefined;
  /** Our AS number (our Node's, else the mesh's) and the mesh's BGP port. */
  readonly asn: number;
  readonly listenPort: number;
  /** What the BGPConfiguration asks of this daemon; absent: the configuration file's. */
  readonly ownListenPort?: number;
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
  readonly tunnels: { readonly ipip: boolean; readonly vxlan: boolean };
  /** Sorted, each once. */
  readonly problems: readonly ClusterReason[];
  /** Worth saying once, and no fault: what has no effect yet, what is left of nodes that went. Sorted, each once. */
  readonly notices: readonly ClusterReason[];
}

export function desired(snapshot: ClusterSnapshot, self: DesiredSelf): Desired {
  const nodes = snapshot.nodes.map(readNode).sort((a, b) => compare(a.node.name, b.node.name));
  const mesh = readBgpConfiguration(snapshot.bgpConfiguration, snapshot.passwords);
  const { pools, problems: poolProblems } = readPools(snapshot.pools);
  const own = ownBlocks(snapshot, pools, self.nodeName);
  const { peers, problems: peerProblems } = meshPeers(nodes, mesh, self);
  const me = nodes.find((n) => n.node.name === self.nodeName)?.node;
  const explicit = explicitPeers(snapshot, { self, me, mesh, pools, meshPeers: peers });
  return {
    peers: [...peers, ...explicit.peers].sort((a, b) => compare(a.name, b.name)),
    blocks: own.all,
    originate: own.announced,
    pools,
    nodes: nodes.map((n) => n.node),
    self: me,
    asn: me?.asn ?? mesh.asn,
    listenPort: mesh.listenPort,
    ...(mesh.ownListenPort === undefined ? {} : { ownListenPort: mesh.ownListenPort }),
    ...(mesh.logLevel === undefined ? {} : { logLevel: mesh.logLevel }),
    tunnels: {
      ipip: pools.some((p) => p.ipipMode !== 'Never'),
      vxlan: pools.some((p) => p.vxlanMode !== 'Never'),
    },
    problems: sorted([
      ...nodes.flatMap((n) => n.problems),
      ...mesh.problems,
      ...poolProblems,
      ...own.problems,
      ...peerProblems,
      ...explicit.problems,
    ]),
    notices: sorted([
      ...mesh.notices,
      ...explicit.notices,
      ...configurationsOfOneNode(snapshot.otherBgpConfigurations ?? []),
      ...poolsOutside(pools, snapshot.clusterCidrs ?? []),
      ...blocksOfGoneNodes(snapshot, nodes),
    ]),
  };
}

function explicitPeers(
  snapshot: ClusterSnapshot,
  known: {
    readonly self: DesiredSelf;
    readonly me: ClusterNode | undefined;
    readonly mesh: MeshConfig;
    readonly pools: readonly Pool[];
    readonly meshPeers: readonly PeerConfig[];
  },
): BgpPeers {
  const { self, me, mesh, pools, meshPeers: others } = known;
  const localAddress = self.localAddress ?? me?.address;
  if (me === undefined || localAddress === undefined) return { peers: [], problems: [], notices: [] };
  return bgpPeers(snapshot.bgpPeers ?? [], {
    me,
    localAddress,
    localAsn: me.asn ?? mesh.asn,
    matches: self.matches ?? (() => err('selectors are not known here')),
    passwords: snapshot.passwords ?? new Map(),
    pools: pools.filter((p) => !p.disableBGPExport).map((p) => p.cidr),
    holdTimeSec: self.holdTimeSec,
    connectRetrySec: self.connectRetrySec,
    ...(self.gracefulRestart === undefined ? {} : { gracefulRestart: self.gracefulRestart }),
    localPref: self.localPref,
    takenNames: new Set(others.map((p) => p.name)),
    takenAddresses: new Map(others.map((p) => [p.address, `node "${p.name}"`])),
  });
}

/** Every other node with an address. Both sides connect: the session's collision detection keeps one, and no node waits for
 *  another's retry timer. RFC 4271 §6.8. */
function meshPeers(
  nodes: readonly ReadNode[],
  mesh: MeshConfig,
  self: DesiredSelf,
): { readonly peers: readonly PeerConfig[]; readonly problems: readonly Reason[] } {
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
  const password = mesh.password?.value;

  const localAsn = me.node.asn ?? mesh.asn;
  const byAddress = new Map<Ipv4, string>([[localAddress, self.nodeName]]);
  const peers: PeerConfig[] = [];
  for (const { node, routeReflector } of nodes) {
    if (node.name === self.nodeName || routeReflector) continue;
    if (node.address === undefined) {
      problem(
        'NODE_WITHOUT_ADDRESS',
        `node "${node.name}": it has neither an InternalIP nor the annotation projectcalico.org/IPv4Address, so there is no session with it. Set one.`,
      );
      continue;
    }
    const other = byAddress.get(node.address);
    if (other !== undefined) {
      problem(
        'NODE_ADDRESS_TWICE',
        `nodes "${other}" and "${node.name}" both have the address ${formatIpv4(node.address)}; only "${other}" is used. Correct the wrong one's annotation projectcalico.org/IPv4Address.`,
      );
      continue;
    }
    byAddress.set(node.address, node.name);
    peers.push({
      name: node.name,
      kind: 'mesh',
      configuredBy: 'node-to-node mesh',
      address: node.address,
      port: mesh.listenPort,
      asn: node.asn ?? mesh.asn,
      localAsn,
      localAddress,
      passive: false,
      ...(password === undefined ? {} : { password }),
      holdTimeSec: self.holdTimeSec,
      connectRetrySec: self.connectRetrySec,
      ...(self.gracefulRestart === undefined ? {} : { gracefulRestart: self.gracefulRestart }),
      localPref: self.localPref,
      nextHop: 'auto',
      transit: false,
    });
  }
  return { peers, problems };
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function sorted(problems: readonly ClusterReason[]): readonly ClusterReason[] {
  const once = new Map(problems.map((p) => [`${p.code} ${p.text}`, p]));
  return [...once].sort(([a], [b]) => compare(a, b)).map(([, p]) => p);
}
