/** What `gingham node` is configured with, after parsing: addresses are numbers, defaults are filled in, units are in the
 *  names. Pure. The table of settings, with defaults and descriptions, is settings.ts. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';
import type { Ipv4 } from '../base/ipv4.ts';
import type { Prefix } from '../base/prefix.ts';
import type { BlockOriginMode } from '../model/built-in-policies.ts';
import type { DynamicRange, FamilyName, PeerConfig } from '../model/peer.ts';
import type { Policy } from '../model/policy.ts';
import type { EncapMode } from '../model/pool.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where the cluster's objects are: a plain URL without credentials (the embedded store), the API of the cluster whose pod
 *  we are, or what a kubeconfig's current context says. */
export type StoreConfig = { readonly server: string } | { readonly kubernetes: true } | { readonly kubeconfig: string };

/** How messages and `status` call it. */
export function storeText(store: StoreConfig): string {
  if ('server' in store) return store.server;
  return 'kubeconfig' in store ? `kubeconfig ${store.kubeconfig}` : 'the Kubernetes API';
}

/** The IPPool that the first daemon of a cluster without any creates. */
export interface DefaultPoolConfig {
  /** Absent: kubeadm's podSubnet, else 192.168.0.0/16. */
  readonly cidr?: Prefix;
  readonly ipipMode: EncapMode;
  readonly vxlanMode: EncapMode;
  readonly natOutgoing: boolean;
  readonly blockSize: number;
}

export interface ClusterConfig {
  readonly nodeName: string;
  readonly store: StoreConfig;
  /** Where Secrets with passwords are. */
  readonly namespace: string;
  /** Absent: a cluster without pools is left as it is. */
  readonly defaultPool?: DefaultPoolConfig;
  /** BGP address of this node; absent: InternalIP of its Node object. */
  readonly address?: Ipv4;
  /** LOCAL_PREF of our own routes in the mesh: 2147482623 as Calico >= 3.32, 100 as before it, or another. */
  readonly localPref: number;
  /** In front of the BGPFilters that are named for the mesh; absent: those alone. */
  readonly meshImport?: Policy;
  readonly meshExport?: Policy;
  /** What becomes of a route whose block IPAM gives to another node. */
  readonly blockOrigin: BlockOriginMode;
  readonly tunnel: { readonly carrier: 'auto' | 'kernel' | 'tc-bpf' | 'user-space' };
}

export interface KernelConfig {
  readonly install: boolean;
  /** rtm_protocol: 186 (bgp) alone, 12 (bird) in a cluster. */
  readonly protocol: number;
  readonly table: number;
  /** Prefixes that may be installed although guarded (defaults, connected, covering a peer). */
  readonly allow: readonly IpPrefix[];
}

export interface NodeConfig {
  /** The file it came from, for messages. */
  readonly path: string;
  readonly asn: number;
  /** Absent: the daemon takes the local address. */
  readonly routerId?: Ipv4;
  readonly listen: {
    /** 0.0.0.0: every IPv4 address. */
    readonly address: IpAddress;
    readonly port: number;
    /** More addresses. Absent: every IPv6 address too, where `address` is every IPv4 address and the machine has IPv6. */
    readonly also?: readonly IpAddress[];
  };
  /** Seconds; 0 turns hold and keepalive timers off. */
  readonly holdTimeSec: number;
  readonly connectRetrySec: number;
  /** Offered to neighbors that do not say otherwise; never empty. */
  readonly families: readonly FamilyName[];
  /** Absent: the BGP identifier. RFC 4456 7 */
  readonly clusterId?: Ipv4;
  /** Equally good paths used side by side; 1: no ECMP. */
  readonly maxPaths: { readonly ebgp: number; readonly ibgp: number };
  readonly preferOlder: boolean;
  /** RFC 8212 */
  readonly ebgpRequiresPolicy: boolean;
  /** Absent: not offered; a stop is then a leave. */
  readonly gracefulRestart?: { readonly restartTimeSec: number };
  /** Absent: not offered. */
  readonly longLivedGracefulRestart?: { readonly staleTimeSec: number };
  readonly logLevel: LogLevel;
  readonly control: { readonly socket: string };
  /** /livez and /readyz on 127.0.0.1; absent: not served. */
  readonly health?: { readonly port: number };
  /** Absent: nobody monitors. */
  readonly bmp?: { readonly address: IpAddress; readonly port: number; readonly statisticsSec: number };
  readonly stateDir: string;
  readonly kernel: KernelConfig;
  readonly originate: readonly IpPrefix[];
  /** With everything inherited from the node filled in: a peer is compared and replaced by its own row alone. */
  readonly neighbors: readonly PeerConfig[];
  readonly dynamicNeighbors: readonly DynamicRange[];
  /** Present: node of a cluster; the mesh's peers come from the store, and `neighbors` may add some. */
  readonly cluster?: ClusterConfig;
  /** Only with cluster. */
  readonly cni?: { readonly socket: string };
}

/** One thing wrong with a configuration file. */
export interface ConfigFault {
  /** "neighbors[0].holdTime"; "" is the file itself. */
  readonly path: string;
  /** 1-based; absent when the setting is missing or the file cannot be read. */
  readonly line?: number;
  /** The offending value as it stands in the file, shortened; passwords are never shown. */
  readonly value?: string;
  /** What is wrong. */
  readonly text: string;
  /** What to write instead. */
  readonly remedy: string;
}

/** What a changed setting costs: nothing, a reset of the sessions named, or a restart of the daemon. */
export type ChangeNeeds = 'nothing' | 'peer-reset' | 'restart';

export interface ConfigChange {
  /** "holdTime", "neighbors.rack1.password", "originate" */
  readonly path: string;
  /** For people, with both values: "holdTime 90 -> 30". Passwords are never shown. */
  readonly text: string;
  readonly needs: ChangeNeeds;
  /** Names of the peers concerned: added, removed or reset. */
  readonly peers: readonly string[];
}
