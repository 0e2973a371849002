/** What people and programs see of a daemon: plain JSON, units in names, times RFC 3339 UTC, states as words, absent is
 *  omitted. Pure: types. proto/gingham/v1/gingham.proto has the same fields (a test compares them); text.ts and json.ts
 *  are the two forms. Additive only inside v1. */
import type { Reason } from '../base/reason.ts';

export interface PeerDownView {
  readonly name: string;
  readonly address: string;
  readonly state: string;
  readonly forSeconds: number;
  readonly reason: Reason;
}

export interface BgpStatusView {
  readonly sessionsTotal: number;
  readonly sessionsEstablished: number;
  /** At most 20, longest down first. */
  readonly down: readonly PeerDownView[];
  /** Who knocked since the start; absent before anybody can. */
  readonly listener?: ListenerView;
}

export interface ListenerView {
  readonly port: number;
  readonly accepted: number;
  /** Accepted, and not yet past the OPEN. */
  readonly halfOpen: number;
  /** Causes that happened. */
  readonly refused: readonly ConnectionsRefusedView[];
}

export interface ConnectionsRefusedView {
  /** unknownSource, tooFar, optionRefused, halfOpenOfSource, halfOpenInTotal */
  readonly cause: string;
  readonly connections: number;
}

export interface RoutesStatusView {
  readonly prefixes: number;
  readonly paths: number;
  readonly rejected: number;
  /** Kept for peers that restart gracefully. */
  readonly stale: number;
  readonly lastChangeSecondsAgo?: number;
}

export interface KernelStatusView {
  /** False: kernel.install is off. */
  readonly install: boolean;
  readonly wanted: number;
  readonly installed: number;
  /** Guarded routes and unresolved next hops: wanted by BGP, not given to the kernel, each with its reason in `routes`. */
  readonly held: number;
  /** Refused by the kernel, tried again; each with its reason in `routes`. */
  readonly failed: number;
  /** Routes of other owners where ours would go. */
  readonly foreign: number;
  readonly lastCheckSecondsAgo?: number;
  /** At most 20. */
  readonly problems: readonly Reason[];
}

export interface IpamStatusView {
  readonly blocks: number;
  readonly addressesUsed: number;
  readonly addressesTotal: number;
  /** Why there is no block, a conflict. At most 20. */
  readonly problems: readonly Reason[];
}

export interface CarrierNotUsedView {
  readonly carrier: string;
  readonly reason: Reason;
}

export interface TunnelCountersView {
  readonly txPackets: number;
  /** Of the inner packets. */
  readonly txBytes: number;
  readonly rxPackets: number;
  readonly rxBytes: number;
  /** Causes that happened. */
  readonly dropped: readonly TunnelDropsView[];
}

export interface TunnelDropsView {
  /** unknown-remote, malformed… */
  readonly cause: string;
  readonly packets: number;
}

export interface TunnelStatusView {
  /** ipip, vxlan, none */
  readonly encapsulation: string;
  /** kernel, tc-bpf, user-space; absent with encapsulation none */
  readonly carrier?: string;
  /** tunl0, vxlan.calico */
  readonly device?: string;
  readonly up: boolean;
  readonly mtuBytes: number;
  readonly endpoints: number;
  /** Better carriers, and why each is not used. */
  readonly notUsed: readonly CarrierNotUsedView[];
  /** Of our own carriers, since this process took the tunnel up; the kernel's counts on the device. */
  readonly counters?: TunnelCountersView;
}

export interface CniStatusView {
  readonly ready: boolean;
  readonly pods: number;
  readonly adds: number;
  readonly errors: number;
  /** Why an ADD would be refused now. */
  readonly reason?: Reason;
}

export interface StoreStatusView {
  readonly server: string;
  readonly inSync: boolean;
  readonly reason?: Reason;
}

export interface PolicyStatusView {
  readonly enforced: boolean;
  /** NetworkPolicy objects, Kubernetes' and Calico's, that have no effect. */
  readonly ignored: number;
}

export interface ProcessStatusView {
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly uptimeSeconds: number;
  readonly residentBytes: number;
  readonly cpuSeconds: number;
}

/** The facts as the daemon knows them; `toStatusView` (health.ts) judges them. */
export interface StatusFacts {
  readonly node: string;
  readonly asn: number;
  readonly routerId: string;
  readonly address?: string;
  /** cluster or alone */
  readonly mode: string;
  /** running, starting (waiting for inputs or End-of-RIB), draining */
  readonly phase: string;
  readonly process: ProcessStatusView;
  readonly configPath: string;
  /** The last reload, when it was refused. */
  readonly configProblem?: Reason;
  readonly bgp: BgpStatusView;
  readonly routes: RoutesStatusView;
  readonly kernel: KernelStatusView;
  /** The rest only in a cluster. */
  readonly store?: StoreStatusView;
  readonly ipam?: IpamStatusView;
  readonly tunnel?: TunnelStatusView;
  readonly cni?: CniStatusView;
  readonly policy?: PolicyStatusView;
}

export interface StatusView extends StatusFacts {
  /** OK or DEGRADED */
  readonly health: string;
  /** Empty when OK. */
  readonly problems: readonly Reason[];
}

export interface RouteKernelView {
  /** installed, held, failed, pending, off */
  readonly state: string;
  /** "via 192.168.34.102 dev tunl0 onlink", "blackhole"; absent when nothing is wanted */
  readonly target?: string;
  /** For held and failed. */
  readonly reason?: Reason;
}

export interface RouteView {
  readonly prefix: string;
  /** Absent for a route of this node itself. */
  readonly nextHop?: string;
  /** The node the block belongs to, where known. */
  readonly node?: string;
  /** Peer name, or "local". */
  readonly from: string;
  /** local, ibgp, ebgp */
  readonly source: string;
  readonly origin: string;
  /** "65001 65002 {65003,65004}", "" when empty */
  readonly asPath: string;
  readonly localPref?: number;
  readonly med?: number;
  readonly communities: readonly string[];
  readonly best: boolean;
  readonly stale: boolean;
  readonly since?: string;
  readonly ageSeconds?: number;
  /** Only of best routes. */
  readonly kernel?: RouteKernelView;
  /** Why the path is not eligible, where it is not. */
  readonly reason?: Reason;
  readonly pathId?: number;
  /** Used beside the best one. */
  readonly multipath: boolean;
  /** Where packets are handed to, where that is not nextHop. */
  readonly gateway?: string;
  readonly largeCommunities: readonly string[];
  readonly extendedCommunities: readonly string[];
  /** Of what a peer is sent: sent, kept back */
  readonly action?: string;
  /** What IPAM says of it: only inside a cluster's pools, and not where cluster.blockOrigin is off. */
  readonly blockOrigin?: BlockOriginView;
}

export interface BlockOriginView {
  /** valid, invalid, unknown */
  readonly origin: string;
  /** Why it is not valid. */
  readonly reason?: Reason;
}

/** Why a prefix goes where it goes. */
export interface ExplanationView {
  /** As asked. */
  readonly target: string;
  /** What the rest is about: the prefix asked for, or the longest match of the address. */
  readonly prefix: string;
  /** The best one first, the rejected last. */
  readonly paths: readonly ExplainedPathView[];
  /** In the order they are asked. */
  readonly steps: readonly ExplainedStepView[];
  readonly exports: readonly ExplainedExportView[];
  readonly kernel?: RouteKernelView;
  /** Of an address: less specific prefixes that also cover it. */
  readonly lessSpecific: readonly string[];
}

export interface ExplainedPathView {
  readonly route: RouteView;
  /** wins, shares, loses, rejected */
  readonly outcome: string;
  readonly lostAt?: LostAtView;
  readonly nextHop?: ExplainedNextHopView;
  /** What import changed: "LOCAL_PREF 100 -> 200" */
  readonly changes: readonly string[];
}

export interface LostAtView {
  readonly step: string;
  /** The best path's value, and this one's. */
  readonly best: string;
  readonly value: string;
}

export interface ExplainedNextHopView {
  readonly address: string;
  readonly reachable: boolean;
  readonly gateway?: string;
  readonly metric?: number;
  /** BGP routes it resolves through, outermost first. */
  readonly through: readonly string[];
  readonly reason?: Reason;
}

export interface ExplainedStepView {
  readonly name: string;
  /** took, tie, not asked */
  readonly outcome: string;
  /** The best path's. */
  readonly value: string;
  readonly lost: number;
  readonly left: number;
}

export interface ExplainedExportView {
  readonly peer: string;
  readonly sent: boolean;
  /** Why not. */
  readonly reason?: Reason;
}

export interface BlockView {
  readonly block: string;
  /** Absent: no affinity. */
  readonly node?: string;
  /** confirmed, pending, pendingDeletion, none */
  readonly affinity: string;
  readonly addressesUsed: number;
  readonly addressesTotal: number;
  /** Used by pods of other nodes. */
  readonly addressesBorrowed: number;
  /** "blackhole", "via 192.168.34.102 dev tunl0", "none" */
  readonly route: string;
  readonly reason?: Reason;
}

export interface PodView {
  readonly namespace: string;
  readonly pod: string;
  readonly address: string;
  readonly containerId: string;
  /** In the pod: eth0 */
  readonly interface: string;
  readonly hostInterface: string;
  readonly mac: string;
  readonly mtuBytes: number;
  readonly addedAt: string;
  readonly ageSeconds: number;
}

export interface ConfigFaultView {
  readonly path: string;
  readonly line?: number;
  readonly value?: string;
  readonly text: string;
  readonly remedy: string;
}

export interface ConfigChangeView {
  readonly path: string;
  readonly text: string;
  /** nothing, peer-reset, restart */
  readonly needs: string;
  readonly peers: readonly string[];
}

/** Either faults (nothing was changed) or changes (possibly none). */
export interface ReloadReport {
  readonly configPath: string;
  /** False after a dry run, and when there are faults. */
  readonly applied: boolean;
  readonly faults: readonly ConfigFaultView[];
  readonly changes: readonly ConfigChangeView[];
}

export interface DrainReport {
  /** Sessions that are closed when it leaves, and the routes that are withdrawn with them. */
  readonly sessionsClosed: number;
  readonly routesWithdrawn: number;
  /** Until it leaves. Absent: it stays. */
  readonly leavesInMs?: number;
}

export interface UndrainReport {
  /** False: there was nothing to take back. */
  readonly wasDraining: boolean;
  readonly sessionsTold: number;
}
