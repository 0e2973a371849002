/** Every setting of `gingham node`: one row each. Pure: a table. parse.ts reads files by it, diff.ts judges changes by it,
 *  and help texts are made from it. A new setting is a new row here, a field of NodeConfig, and a line in parse.ts. */
import type { ChangeNeeds } from './node-config.ts';
import { TYPES, type ValueType } from './value-types.ts';

export interface Setting<T> {
  readonly type: ValueType<T>;
  /** As it would be written in the file, for help; the value itself is filled in by parse.ts from here. */
  readonly default?: T;
  /** How to say the default where it is not a plain value. */
  readonly defaultText?: string;
  readonly required?: true;
  /** A list of such values; or-one: a single one may stand without brackets. */
  readonly many?: true | 'or-one';
  readonly unit?: string;
  readonly needs: ChangeNeeds;
  readonly description: string;
}
export type SettingTable = { readonly [path: string]: Setting<unknown> };

export const NODE_SETTINGS = {
  asn: { type: TYPES.asn, default: 64512, needs: 'restart', description: 'Our AS number.' },
  routerId: {
    type: TYPES.address,
    defaultText: 'the local address',
    needs: 'restart',
    description: 'BGP identifier, unique among all speakers.',
  },
  'listen.address': {
    type: TYPES.ipAddress,
    defaultText: '0.0.0.0',
    needs: 'restart',
    description: 'Address BGP connections are accepted on.',
  },
  'listen.port': {
    type: TYPES.port,
    default: 179,
    needs: 'restart',
    description: 'Port BGP connections are accepted on.',
  },
  'listen.also': {
    type: TYPES.ipAddress,
    many: true,
    defaultText: "['::'] with 0.0.0.0 where there is IPv6, else []",
    needs: 'restart',
    description: 'More addresses BGP connections are accepted on, IPv4 or IPv6.',
  },
  holdTime: {
    type: TYPES.holdTime,
    default: 90,
    unit: 's',
    needs: 'peer-reset',
    description: 'A session without a message for so long is lost; keepalives go out every third of it. 0: neither.',
  },
  connectRetry: {
    type: TYPES.seconds,
    default: 5,
    unit: 's',
    needs: 'peer-reset',
    description: 'Pause between two attempts to reach a peer.',
  },
  families: {
    type: TYPES.family,
    many: true,
    defaultText: '[ipv4-unicast]',
    needs: 'peer-reset',
    description: 'Address families offered to every neighbor, in this order.',
  },
  clusterId: {
    type: TYPES.address,
    defaultText: 'the router id',
    needs: 'restart',
    description: 'CLUSTER_ID of our reflection (RFC 4456): the same on reflectors that serve the same clients.',
  },
  'maxPaths.ebgp': {
    type: TYPES.paths,
    default: 1,
    needs: 'restart',
    description: 'Equally good eBGP paths used side by side (ECMP).',
  },
  'maxPaths.ibgp': {
    type: TYPES.paths,
    default: 1,
    needs: 'restart',
    description: 'Equally good iBGP paths used side by side (ECMP).',
  },
  preferOlder: {
    type: TYPES.boolean,
    default: false,
    needs: 'restart',
    description:
      'Between two eBGP paths the one that was there first wins (RFC 5004): fewer changes, but an order that depends on history.',
  },
  ebgpRequiresPolicy: {
    type: TYPES.boolean,
    default: false,
    needs: 'peer-reset',
    description: 'An eBGP neighbor without import and export of its own is neither heard nor told anything (RFC 8212).',
  },
  gracefulRestart: {
    type: TYPES.boolean,
    default: true,
    needs: 'peer-reset',
    description: 'Routes outlive a restart of the daemon, here and at peers (RFC 4724). false: a stop is a leave.',
  },
  'gracefulRestart.restartTime': {
    type: TYPES.restartTime,
    default: 120,
    unit: 's',
    needs: 'peer-reset',
    description: 'How long peers keep our routes while we restart.',
  },
  longLivedGracefulRestart: {
    type: TYPES.longStaleTime,
    defaultText: 'off',
    unit: 's',
    needs: 'peer-reset',
    description: 'How much longer routes are kept after the restart time, as a last resort (RFC 9494).',
  },
  logLevel: {
    type: TYPES.logLevel,
    default: 'info',
    needs: 'nothing',
    description: 'Least severity that is logged.',
  },
  'control.socket': {
    type: TYPES.socket,
    default: '/run/gingham/control.sock',
    needs: 'restart',
    description: 'Unix socket the gingham command talks to.',
  },
  'health.port': {
    type: TYPES.port,
    defaultText: '9099 with cluster.store.kubernetes, else off',
    needs: 'restart',
    description: 'Port of /livez and /readyz on 127.0.0.1.',
  },
  'bmp.address': {
    type: TYPES.ipAddress,
    needs: 'restart',
    description:
      'A monitoring station (BMP, RFC 7854): what peers announce before policy, and the Loc-RIB, are told to it.',
  },
  'bmp.port': {
    type: TYPES.port,
    default: 11019,
    needs: 'restart',
    description: 'Port of the monitoring station; BMP has none of its own.',
  },
  'bmp.statistics': {
    type: TYPES.seconds,
    default: 60,
    unit: 's',
    needs: 'restart',
    description: 'Pause between two reports of counts to the monitoring station.',
  },
  stateDir: {
    type: TYPES.folder,
    default: '/var/lib/gingham',
    needs: 'restart',
    description: 'Folder for what must survive a restart.',
  },
  'kernel.install': {
    type: TYPES.boolean,
    default: true,
    needs: 'restart',
    description: 'Put best routes into the kernel.',
  },
  'kernel.protocol': {
    type: TYPES.routeProtocol,
    defaultText: '186, in a cluster 12',
    needs: 'restart',
    description: 'Route protocol number our routes carry, by which they are known as ours.',
  },
  'kernel.table': { type: TYPES.table, default: 254, needs: 'restart', description: 'Routing table.' },
  'kernel.allow': {
    type: TYPES.ipPrefix,
    many: true,
    defaultText: '[]',
    needs: 'nothing',
    description:
      'Prefixes that may be installed although guarded: default routes, connected prefixes, prefixes that cover a next hop or a peer.',
  },
  originate: {
    type: TYPES.ipPrefix,
    many: true,
    defaultText: '[]',
    needs: 'nothing',
    description: 'Prefixes announced as our own, IPv4 or IPv6.',
  },
  'cluster.nodeName': {
    type: TYPES.name,
    defaultText: '$NODE_NAME',
    needs: 'restart',
    description: 'Name of our Node object.',
  },
  'cluster.store.server': {
    type: TYPES.server,
    needs: 'restart',
    description: 'Where the API of the cluster is, for one that asks for no credentials: the embedded store.',
  },
  'cluster.store.kubernetes': {
    type: TYPES.yes,
    needs: 'restart',
    description: 'The API of the Kubernetes cluster in whose pod we run, with its service account.',
  },
  'cluster.store.kubeconfig': {
    type: TYPES.file,
    needs: 'restart',
    description: "A Kubernetes API as the file's current context says. One of server, kubernetes, kubeconfig.",
  },
  'cluster.address': {
    type: TYPES.address,
    defaultText: 'InternalIP of the Node object',
    needs: 'restart',
    description: 'BGP address of this node.',
  },
  'cluster.namespace': {
    type: TYPES.name,
    defaultText: '$POD_NAMESPACE, else gingham-system',
    needs: 'restart',
    description: 'Our own namespace: Secrets with passwords of BGPPeers are read there and nowhere else.',
  },
  'cluster.defaultPool.cidr': {
    type: TYPES.prefix,
    defaultText: "kubeadm's podSubnet, else 192.168.0.0/16",
    needs: 'restart',
    description:
      'Of default-ipv4-ippool, which the first daemon of a cluster without any IPPool creates; with cluster.store.server only where a setting of defaultPool is written.',
  },
  'cluster.defaultPool.ipipMode': {
    type: TYPES.encapMode,
    default: 'Always',
    defaultText: 'Always, or Never where vxlanMode is not Never',
    needs: 'restart',
    description: 'IPIP of the default pool.',
  },
  'cluster.defaultPool.vxlanMode': {
    type: TYPES.encapMode,
    default: 'Never',
    needs: 'restart',
    description: 'VXLAN of the default pool.',
  },
  'cluster.defaultPool.natOutgoing': {
    type: TYPES.boolean,
    default: true,
    needs: 'restart',
    description: "Pods of the default pool leave the cluster with their node's address.",
  },
  'cluster.defaultPool.blockSize': {
    type: TYPES.blockSize,
    default: 26,
    needs: 'restart',
    description: 'Prefix length of the blocks of the default pool.',
  },
  'cluster.localPref': {
    type: TYPES.meshLocalPref,
    default: 2147482623,
    defaultText: 'mesh',
    needs: 'nothing',
    description:
      "LOCAL_PREF of our routes in the mesh: mesh (2147482623, Calico's since 3.32), legacy (100), or a number.",
  },
  'cluster.meshImport': {
    type: TYPES.routePolicy,
    many: 'or-one',
    defaultText: 'all',
    needs: 'nothing',
    description: 'What of the routes of the mesh is used: names of policies, asked before the BGPFilters of the mesh.',
  },
  'cluster.meshExport': {
    type: TYPES.routePolicy,
    many: 'or-one',
    defaultText: 'all',
    needs: 'nothing',
    description: 'What the mesh is sent: names of policies, asked before the BGPFilters of the mesh.',
  },
  'cluster.blockOrigin': {
    type: TYPES.blockOriginMode,
    default: 'warn',
    needs: 'nothing',
    description:
      'Routes whose block IPAM gives to another node. warn: views say so. prefer: used where there is no other. reject: not used.',
  },
  'cluster.tunnel.carrier': {
    type: TYPES.carrier,
    default: 'auto',
    needs: 'restart',
    description: 'What carries IPIP: the kernel where it has it, else our BPF programs, else user space.',
  },
  'cni.socket': {
    type: TYPES.socket,
    default: '/run/gingham/cni.sock',
    needs: 'restart',
    description: 'Unix socket the CNI executable talks to; only in a cluster.',
  },
} as const satisfies SettingTable;

/** Of one element of `neighbors`, and but for three of one of `dynamicNeighbors`. What is inherited says so in defaultText. */
const IDENTITY = {
  name: {
    type: TYPES.name,
    defaultText: 'the address',
    needs: 'peer-reset',
    description: 'What views and logs call it.',
  },
  address: {
    type: TYPES.ipAddress,
    required: true,
    needs: 'peer-reset',
    description: "The neighbor's address, IPv4 or IPv6. Over either go the routes of all its families.",
  },
  asn: {
    type: TYPES.asn,
    required: true,
    needs: 'peer-reset',
    description: "The neighbor's AS number; ours makes it iBGP.",
  },
  passive: {
    type: TYPES.boolean,
    default: false,
    needs: 'peer-reset',
    description:
      'Never dial; wait for the neighbor. After our graceful restart some (FRR) wait too, until their restart time is over.',
  },
} as const satisfies SettingTable;

/** What neighbors and ranges of them share. */
export const SESSION_SETTINGS = {
  port: { type: TYPES.port, default: 179, needs: 'peer-reset', description: 'Port we dial.' },
  localAddress: {
    type: TYPES.ipAddress,
    defaultText: "the kernel's choice",
    needs: 'peer-reset',
    description: 'Address we dial from.',
  },
  interface: {
    type: TYPES.interface,
    needs: 'peer-reset',
    description: 'Device the neighbor is on: a must for a link-local address (fe80::/10); others are bound to it.',
  },
  ttlSecurity: {
    type: TYPES.hops,
    unit: 'hops',
    needs: 'peer-reset',
    description:
      'The neighbor is at most so many hops away, 1 on our link; packets from farther are dropped (RFC 5082).',
  },
  ttl: {
    type: TYPES.hops,
    defaultText: "the system's, 255 with ttlSecurity",
    needs: 'peer-reset',
    description: 'TTL of what we send: 1 keeps a session on the link.',
  },
  multihop: {
    type: TYPES.hops,
    unit: 'hops',
    needs: 'peer-reset',
    description: 'The neighbor is not on our link: what we send may go so many hops. In the place of ttl.',
  },
  password: {
    type: TYPES.password,
    needs: 'nothing',
    description:
      'TCP MD5 (RFC 2385), the same on both sides. A change leaves the session up, if the neighbor follows within the hold time.',
  },
  holdTime: {
    type: TYPES.holdTime,
    defaultText: "the node's",
    unit: 's',
    needs: 'peer-reset',
    description: 'As holdTime of the node.',
  },
  connectRetry: {
    type: TYPES.seconds,
    defaultText: "the node's",
    unit: 's',
    needs: 'peer-reset',
    description: 'As connectRetry of the node.',
  },
  gracefulRestart: {
    type: TYPES.boolean,
    defaultText: "the node's",
    needs: 'peer-reset',
    description: 'As gracefulRestart of the node.',
  },
  'gracefulRestart.restartTime': {
    type: TYPES.restartTime,
    defaultText: "the node's",
    unit: 's',
    needs: 'peer-reset',
    description: 'As gracefulRestart.restartTime of the node.',
  },
  longLivedGracefulRestart: {
    type: TYPES.longStaleTime,
    defaultText: "the node's",
    unit: 's',
    needs: 'peer-reset',
    description: 'As longLivedGracefulRestart of the node.',
  },
  families: {
    type: TYPES.family,
    many: true,
    defaultText: "the node's",
    needs: 'peer-reset',
    description: 'Address families offered, in this order.',
  },
  'addPath.receive': {
    type: TYPES.boolean,
    default: false,
    needs: 'peer-reset',
    description: 'Take several paths per prefix (RFC 7911).',
  },
  'addPath.send': {
    type: TYPES.boolean,
    default: false,
    needs: 'peer-reset',
    description: 'Send several paths per prefix (RFC 7911).',
  },
  'addPath.max': {
    type: TYPES.paths,
    default: 8,
    needs: 'nothing',
    description: 'With addPath.send: at most so many paths per prefix.',
  },
  extendedMessages: {
    type: TYPES.boolean,
    default: false,
    needs: 'peer-reset',
    description: 'Messages of up to 65535 octets (RFC 8654).',
  },
  localAs: {
    type: TYPES.asn,
    defaultText: "the node's asn",
    needs: 'peer-reset',
    description: 'AS number shown to this neighbor in the place of ours.',
  },
  'localAs.asn': {
    type: TYPES.asn,
    needs: 'peer-reset',
    description: 'As localAs, where its other settings are written too.',
  },
  'localAs.noPrepend': {
    type: TYPES.boolean,
    default: false,
    needs: 'nothing',
    description: 'Do not put localAs in front of the AS_PATHs that come from this neighbor.',
  },
  'localAs.replaceAs': {
    type: TYPES.boolean,
    default: false,
    needs: 'nothing',
    description: 'The neighbor sees localAs only, not our own behind it.',
  },
  allowOwnAs: {
    type: TYPES.ownAsTimes,
    default: 0,
    needs: 'nothing',
    description: 'Our own AS may stand so many times in AS_PATHs of this neighbor.',
  },
  removePrivateAs: {
    type: TYPES.removePrivateAs,
    defaultText: 'off',
    needs: 'nothing',
    description:
      'Private AS numbers (RFC 6996) in what an eBGP neighbor is sent. all: they go. replace: ours stands there.',
  },
  routeReflectorClient: {
    type: TYPES.boolean,
    default: false,
    needs: 'nothing',
    description: 'iBGP: reflect routes to and from this neighbor (RFC 4456).',
  },
  maxPrefixes: {
    type: TYPES.prefixCount,
    default: 2000000,
    needs: 'nothing',
    description: 'More prefixes than this, per family, are too many.',
  },
  'maxPrefixes.limit': {
    type: TYPES.prefixCount,
    default: 2000000,
    needs: 'nothing',
    description: 'As maxPrefixes, where its other settings are written too.',
  },
  'maxPrefixes.warnPercent': {
    type: TYPES.percent,
    default: 75,
    unit: '%',
    needs: 'nothing',
    description: 'A warning comes at this share of the limit.',
  },
  'maxPrefixes.action': {
    type: TYPES.maxPrefixAction,
    default: 'idle',
    needs: 'nothing',
    description:
      'Above the limit. warn: only say so. drop: do not take what is above. idle: end the session (Cease/1) and leave it down.',
  },
  'maxPrefixes.restart': {
    type: TYPES.secondsOrNever,
    default: 300,
    unit: 's',
    needs: 'nothing',
    description: 'With idle: how long the session stays down; 0 is until its configuration changes.',
  },
  role: {
    type: TYPES.role,
    defaultText: 'none',
    needs: 'peer-reset',
    description: 'What we are to an eBGP neighbor (RFC 9234): routes that must not pass between roles do not.',
  },
  strictRole: {
    type: TYPES.boolean,
    default: false,
    needs: 'peer-reset',
    description: 'With role: refuse a neighbor that has none.',
  },
  bfd: {
    type: TYPES.boolean,
    default: false,
    needs: 'nothing',
    description: 'Watch the way to the neighbor with BFD (RFC 5880, 5881): it is down after three lost packets.',
  },
  'bfd.interval': {
    type: TYPES.bfdInterval,
    default: 300,
    unit: 'ms',
    needs: 'nothing',
    description: 'Time between two BFD packets, both ways.',
  },
  'bfd.multiplier': {
    type: TYPES.bfdMultiplier,
    default: 3,
    needs: 'nothing',
    description: 'So many BFD packets lost in a row are a dead neighbor.',
  },
  localPref: {
    type: TYPES.localPref,
    default: 100,
    needs: 'nothing',
    description: 'LOCAL_PREF sent to an iBGP neighbor for our own routes; a change sends them again.',
  },
  nextHop: {
    type: TYPES.nextHopMode,
    default: 'auto',
    needs: 'nothing',
    description: 'Next hop of learned routes. self: our address. keep: as it came. auto: self for eBGP, keep for iBGP.',
  },
  thirdPartyNextHop: {
    type: TYPES.boolean,
    default: false,
    needs: 'nothing',
    description:
      'With nextHop auto, eBGP: next hops on the link that we share with the neighbor stay (RFC 4271 5.1.3).',
  },
  extendedNextHop: {
    type: TYPES.boolean,
    default: false,
    needs: 'peer-reset',
    description: 'IPv4 routes with IPv6 next hops (RFC 8950): an IPv6 session needs no IPv4 address beside it.',
  },
  med: {
    type: TYPES.medMode,
    default: 'auto',
    needs: 'nothing',
    description: 'MED of learned routes. auto: to iBGP only. keep: to other ASes too. drop: to nobody.',
  },
  withhold: {
    type: TYPES.communityKind,
    many: 'or-one',
    defaultText: '[]',
    needs: 'nothing',
    description: 'Kinds of communities that it is not sent.',
  },
  gracefulShutdown: {
    type: TYPES.boolean,
    default: false,
    needs: 'nothing',
    description:
      'Maintenance is near: everything it is sent carries GRACEFUL_SHUTDOWN (RFC 8326), and on iBGP LOCAL_PREF 0.',
  },
  sendBlackhole: {
    type: TYPES.boolean,
    default: false,
    needs: 'nothing',
    description: 'eBGP: learned routes with BLACKHOLE (RFC 7999) are passed on; otherwise they stay within our AS.',
  },
  import: {
    type: TYPES.routePolicy,
    many: 'or-one',
    defaultText: 'all',
    needs: 'nothing',
    description:
      'What of its routes is used: all, none, or names of policies, asked in order. With ebgpRequiresPolicy the default for eBGP is none.',
  },
  export: {
    type: TYPES.routePolicy,
    many: 'or-one',
    defaultText: 'all',
    needs: 'nothing',
    description:
      'What it is sent: all, none, or names of policies, asked in order. With ebgpRequiresPolicy the default for eBGP is none.',
  },
  transit: {
    type: TYPES.boolean,
    default: false,
    needs: 'nothing',
    description: 'Pass on what other neighbors announced; between iBGP neighbors that is what reflection is for.',
  },
} as const satisfies SettingTable;

export const NEIGHBOR_SETTINGS = { ...IDENTITY, ...SESSION_SETTINGS } as const satisfies SettingTable;

/** Of one element of `dynamicNeighbors`: whoever comes from the prefix has these settings. */
export const DYNAMIC_SETTINGS = {
  prefix: {
    type: TYPES.ipPrefix,
    required: true,
    needs: 'nothing',
    description: 'Neighbors that connect from these addresses are taken, IPv4 or IPv6.',
  },
  asn: { type: TYPES.asn, needs: 'nothing', description: 'Their AS number.' },
  asns: {
    type: TYPES.asnRange,
    many: true,
    needs: 'nothing',
    description: 'In the place of asn: AS numbers and ranges of them they may have, as 64512-64999.',
  },
  limit: {
    type: TYPES.dynamicLimit,
    default: 100,
    needs: 'nothing',
    description: 'Neighbors of this prefix at the same time; more are not taken.',
  },
  ...SESSION_SETTINGS,
} as const satisfies SettingTable;

export type NodePath = keyof typeof NODE_SETTINGS;
export type NeighborPath = keyof typeof NEIGHBOR_SETTINGS;
export type DynamicPath = keyof typeof DYNAMIC_SETTINGS;
