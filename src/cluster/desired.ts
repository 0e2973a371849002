/** What this node should be doing, from the cluster's present objects. Pure: the output depends on the present inputs only,
 *  not on the order or history in which they came. daemon/ diffs two outputs and applies the difference. */
import type { IpPrefix } from '../base/ip.ts';
import type { Prefix } from '../base/prefix.ts';
import { err, type Result } from '../base/result.ts';
import type { Block, BlockAffinity } from '../model/block.ts';
import { type BlockOriginMode, blockOriginPolicy } from '../model/built-in-policies.ts';
import type { ClusterNode } from '../model/node.ts';
import type { PeerConfig } from '../model/peer.ts';
import type { Policy } from '../model/policy.ts';
import type { Pool } from '../model/pool.ts';
import type { Resource } from '../store/port.ts';
import { type MeshConfig, readBgpConfiguration } from './bgp-config.ts';
import { type BgpPeers, bgpPeers, type MatchesSelector, type PeerWay } from './bgp-peers.ts';
import { calicoExport } from './calico-defaults.ts';
import type { ClusterReason } from './cluster-reason.ts';
import { type Ipv6Objects, ownIpv6Blocks } from './ipv6-blocks.ts';
import { type MeshSelf, meshPeers } from './mesh-peers.ts';
import { readNode } from './node.ts';
import { blocksOfGoneNodes, configurationsOfOneNode, poolsOutside } from './notices.ts';
import { ownBlocks } from './originate.ts';
import { ABOUT_CONFIGURATION, FilterSet, meshFilterNames, missingFilter } from './peer-policies.ts';
import { readPools } from './pools.ts';
import { prefixAdvertisements } from './prefix-advertisements.ts';
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
  readonly bgpFilters?: readonly Resource[];
  /** Of each of them the last version that was whole: what stays in force while there is a fault in it. */
  readonly wholeFilters?: ReadonlyMap<string, Resource>;
  /** Of the Secrets that they name. */
  readonly passwords?: Passwords;
  /** kube-proxy's, where it is known. */
  readonly clusterCidrs?: readonly Prefix[];
  /** What there is of IPv6, which IPAM here gives nothing out of. */
  readonly ipv6?: Ipv6Objects;
}

export interface DesiredSelf extends MeshSelf {
  /** Absent: off. */
  readonly blockOrigin?: BlockOriginMode;
  /** Needed where BGPPeers have a nodeSelector. */
  readonly matches?: MatchesSelector;
}

export interface Desired {
  /** Sorted by name. */
  readonly peers: readonly PeerConfig[];
  /** To peers behind a gateway. */
  readonly peerWays: readonly PeerWay[];
  /** Own blocks, sorted. */
  readonly blocks: readonly Prefix[];
  /** Those of them that peers are told of. */
  readonly originate: readonly Prefix[];
  /** The same of IPv6. */
  readonly ipv6: { readonly blocks: readonly IpPrefix[]; readonly originate: readonly IpPrefix[] };
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
  const ofNode = snapshot.otherBgpConfigurations?.find((o) => o.metadata.name === `node.${self.nodeName}`);
  const advertisements = prefixAdvertisements(snapshot.bgpConfiguration, ofNode);
  const filters = filtersOf(snapshot, self, { pools, blocks: own.all, communities: advertisements.policy });
  const names = meshFilterNames(snapshot.bgpConfiguration);
  const { peers, problems: peerProblems } = meshPeers(nodes, mesh, { self, filters, names });
  const me = nodes.find((n) => n.node.name === self.nodeName)?.node;
  const explicit = explicitPeers(snapshot, {
    self,
    me,
    mesh,
    filters,
    nodes: nodes.map((n) => n.node),
    meshPeers: peers,
  });
  return {
    peers: [...peers, ...explicit.peers].sort((a, b) => compare(a.name, b.name)),
    peerWays: explicit.ways,
    blocks: own.all,
    originate: own.announced,
    ipv6: ownIpv6Blocks(snapshot.ipv6, self.nodeName),
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
      ...advertisements.problems,
      ...poolProblems,
      ...own.problems,
      ...peerProblems,
      ...filters.problems,
      ...filters.missing(names).map((name) => missingFilter('bgpconfigurations "default"', name, ABOUT_CONFIGURATION)),
      ...explicit.problems,
    ]),
    notices: sorted([
      ...mesh.notices,
      ...explicit.notices,
      ...configurationsOfOneNode(snapshot.otherBgpConfigurations ?? [], self.nodeName),
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
    readonly filters: FilterSet;
    readonly nodes: readonly ClusterNode[];
    readonly meshPeers: readonly PeerConfig[];
  },
): BgpPeers {
  const { self, me, mesh, filters, meshPeers: others } = known;
  const localAddress = self.localAddress ?? me?.address;
  if (me === undefined || localAddress === undefined) return { peers: [], ways: [], problems: [], notices: [] };
  return bgpPeers(snapshot.bgpPeers ?? [], {
    me,
    localAddress,
    localAsn: me.asn ?? mesh.asn,
    matches: self.matches ?? (() => err('selectors are not known here')),
    passwords: snapshot.passwords ?? new Map(),
    filters,
    nodes: known.nodes,
    meshAsn: mesh.asn,
    nodePort: mesh.listenPort,
    holdTimeSec: self.holdTimeSec,
    connectRetrySec: self.connectRetrySec,
    ...(self.gracefulRestart === undefined ? {} : { gracefulRestart: self.gracefulRestart }),
    localPref: self.localPref,
    takenNames: new Set(others.map((p) => p.name)),
    takenAddresses: new Map(others.map((p) => [p.address, `node "${p.name}"`])),
  });
}

/** Filters with what stands around them: validation in front, Calico's own rules behind. */
function filtersOf(
  { bgpFilters = [], wholeFilters, ipv6 }: ClusterSnapshot,
  { blockOrigin = 'off', nodeName }: DesiredSelf,
  own: {
    readonly pools: readonly Pool[];
    readonly blocks: readonly Prefix[];
    readonly communities: Policy | undefined;
  },
): FilterSet {
  const { pools, blocks, communities } = own;
  const validation = blockOriginPolicy(blockOrigin);
  const exported = calicoExport({
    silent: pools.filter((p) => p.disableBGPExport),
    pools: [...pools.filter((p) => !p.disableBGPExport).map((p) => p.cidr), ...(ipv6?.exported ?? [])],
    blocks: [...blocks, ...ownIpv6Blocks(ipv6, nodeName).blocks],
  });
  const defaults = {
    importFirst: validation === undefined ? [] : [validation],
    exportLast: communities === undefined ? [exported] : [communities, exported],
  };
  return new FilterSet(bgpFilters, defaults, wholeFilters);
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function sorted(problems: readonly ClusterReason[]): readonly ClusterReason[] {
  const once = new Map(problems.map((p) => [`${p.code} ${p.text}`, p]));
  return [...once].sort(([a], [b]) => compare(a, b)).map(([, p]) => p);
}
