/** The objects a new lab's store begins with: what an installer would have made. Pure. */
import { apiVersion, KINDS } from '../../store/kinds.ts';
import type { JsonObject, Kind, Resource } from '../../store/port.ts';
import type { LabOptions } from './options.ts';
import { BIRD_POOL, FABRIC_LENGTH, type LabNode, type LabPlan, POOL } from './plan.ts';

export const BIRD_LABEL = 'gingham.dev/bird';

export interface NewObject {
  readonly kind: Kind;
  readonly object: Resource;
}

const object = (kind: Kind, metadata: Resource['metadata'], rest: { spec?: JsonObject; status?: JsonObject }) => ({
  kind,
  object: { apiVersion: apiVersion(kind), kind: kind.kind, metadata, ...rest },
});

/** The order is the order of creation: a daemon that sees its Node sees its pool too. */
export function clusterObjects(plan: LabPlan): NewObject[] {
  const withBird = plan.options.bird > 0;
  return [
    object(KINDS.clusterInformation, { name: 'default' }, { spec: { clusterType: 'k8s,bgp', datastoreReady: true } }),
    pool('default-ipv4-ippool', POOL, plan.options, withBird ? `!has(${BIRD_LABEL})` : 'all()'),
    ...(withBird
      ? [pool('bird-ipv4-ippool', BIRD_POOL, { ...plan.options, encap: 'none' }, `has(${BIRD_LABEL})`)]
      : []),
    ...plan.nodes.map(node),
  ];
}

function pool(name: string, cidr: string, { encap }: LabOptions, nodeSelector: string): NewObject {
  const spec = {
    cidr,
    blockSize: 26,
    ipipMode: encap === 'ipip' ? 'Always' : 'Never',
    vxlanMode: encap === 'vxlan' ? 'Always' : 'Never',
    natOutgoing: true,
    nodeSelector,
    allowedUses: ['Workload', 'Tunnel'],
  };
  return object(KINDS.ipPool, { name }, { spec });
}

function node(on: LabNode): NewObject {
  const metadata = {
    name: on.name,
    labels: {
      'kubernetes.io/hostname': on.name,
      'kubernetes.io/os': 'linux',
      ...(on.kind === 'bird' ? { [BIRD_LABEL]: '' } : {}),
    },
    annotations: { 'projectcalico.org/IPv4Address': `${on.address}/${FABRIC_LENGTH}` },
  };
  const addresses = [
    { type: 'InternalIP', address: on.address },
    { type: 'Hostname', address: on.name },
  ];
  return object(KINDS.node, metadata, { spec: {}, status: { addresses } });
}
