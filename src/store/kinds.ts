/** The kinds Gingham reads or writes, one row each. Pure. What the embedded store serves comes from deploy/crds and
 *  embedded/core-kinds.ts, not from here: this is the client's table. */
import type { Kind, Resource } from './port.ts';

export const CALICO_GROUP = 'crd.projectcalico.org';

const calico = (kind: string, plural: string): Kind => ({
  group: CALICO_GROUP,
  version: 'v1',
  plural,
  kind,
  namespaced: false,
});
const core = (kind: string, plural: string, namespaced: boolean): Kind => ({
  group: '',
  version: 'v1',
  plural,
  kind,
  namespaced,
});

export const KINDS = {
  ipPool: calico('IPPool', 'ippools'),
  ipamBlock: calico('IPAMBlock', 'ipamblocks'),
  blockAffinity: calico('BlockAffinity', 'blockaffinities'),
  ipamHandle: calico('IPAMHandle', 'ipamhandles'),
  ipamConfig: calico('IPAMConfig', 'ipamconfigs'),
  ipReservation: calico('IPReservation', 'ipreservations'),
  clusterInformation: calico('ClusterInformation', 'clusterinformations'),
  bgpConfiguration: calico('BGPConfiguration', 'bgpconfigurations'),
  bgpPeer: calico('BGPPeer', 'bgppeers'),
  bgpFilter: calico('BGPFilter', 'bgpfilters'),
  node: core('Node', 'nodes', false),
  namespace: core('Namespace', 'namespaces', false),
  pod: core('Pod', 'pods', true),
  event: core('Event', 'events', true),
  secret: core('Secret', 'secrets', true),
  configMap: core('ConfigMap', 'configmaps', true),
} as const satisfies Readonly<Record<string, Kind>>;

/** What we count and do not enforce. Calico's own are not among the kinds we ship: a cluster that never had Calico answers
 *  NotFound. */
export const POLICY_KINDS = {
  networkPolicy: { ...core('NetworkPolicy', 'networkpolicies', true), group: 'networking.k8s.io' },
  calicoNetworkPolicy: { ...calico('NetworkPolicy', 'networkpolicies'), namespaced: true },
  globalNetworkPolicy: calico('GlobalNetworkPolicy', 'globalnetworkpolicies'),
} as const satisfies Readonly<Record<string, Kind>>;

/** What Store calls `name`, and what a reflector's map is keyed by: the name, or "namespace/name" of a namespaced kind. */
export const objectName = (kind: Kind, object: Resource): string =>
  kind.namespaced ? `${object.metadata.namespace ?? 'default'}/${object.metadata.name}` : object.metadata.name;

/** "crd.projectcalico.org/v1", or "v1" for the core group: the apiVersion field of an object. */
export const apiVersion = (kind: Kind): string => (kind.group === '' ? kind.version : `${kind.group}/${kind.version}`);

/** How messages name an object: `ippools "default-ipv4-ippool"`. */
export const objectText = (kind: Kind, name: string): string => `${kind.plural} "${name}"`;
