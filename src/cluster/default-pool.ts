/** The IPPool of a cluster that has none, and the ClusterInformation of one without. Pure. Names and fields are Calico's. */
import { formatPrefix, type Prefix, parsePrefix } from '../base/prefix.ts';
import type { EncapMode } from '../model/pool.ts';
import type { Resource } from '../store/port.ts';

export const DEFAULT_POOL_NAME = 'default-ipv4-ippool';
export const CLUSTER_INFORMATION_NAME = 'default';

export interface DefaultPool {
  readonly cidr?: Prefix;
  readonly ipipMode: EncapMode;
  readonly vxlanMode: EncapMode;
  readonly natOutgoing: boolean;
  readonly blockSize: number;
}

export interface ChosenCidr {
  readonly cidr: Prefix;
  /** For the log. */
  readonly from: 'setting' | 'podSubnet' | 'fallback';
}

const FALLBACK = parsePrefix('192.168.0.0/16') as Prefix;

/** The setting, else the first IPv4 podSubnet of kubeadm that has room for one block, else Calico's own default. */
export function chooseCidr(setting: Prefix | undefined, podSubnets: readonly Prefix[], blockSize: number): ChosenCidr {
  if (setting !== undefined) return { cidr: setting, from: 'setting' };
  const subnet = podSubnets.find((s) => s.length <= blockSize);
  return subnet === undefined ? { cidr: FALLBACK, from: 'fallback' } : { cidr: subnet, from: 'podSubnet' };
}

export const defaultPoolObject = (pool: DefaultPool, cidr: Prefix): Resource => ({
  metadata: { name: DEFAULT_POOL_NAME },
  spec: {
    cidr: formatPrefix(cidr),
    blockSize: pool.blockSize,
    ipipMode: pool.ipipMode,
    vxlanMode: pool.vxlanMode,
    natOutgoing: pool.natOutgoing,
    nodeSelector: 'all()',
    allowedUses: ['Workload', 'Tunnel'],
  },
});

/** The GUID is what Calico's tools identify a cluster by. */
export const clusterInformationObject = (clusterGuid: string): Resource => ({
  metadata: { name: CLUSTER_INFORMATION_NAME },
  spec: { clusterGUID: clusterGuid, clusterType: 'k8s,bgp,kdd', datastoreReady: true },
});

/** Only an explicit false stops: an object without the field is an unfinished one of an old version. */
export const datastoreReady = (information: Resource | undefined): boolean =>
  information?.spec?.datastoreReady !== false;
