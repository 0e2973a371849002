/** BlockAffinity resources: a node's claim to a block, in three states. Pure.
 *  pending -> (block created or taken over) -> confirmed -> pendingDeletion -> gone. A crash between two steps leaves a
 *  state that says which step comes next: claims.ts takes it from there. */
import { formatPrefix, type Prefix, parsePrefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { AffinityState, BlockAffinity } from '../model/block.ts';
import { apiVersion, KINDS } from '../store/kinds.ts';
import type { Resource } from '../store/port.ts';
import { textOf, truthOf } from './fields.ts';
import { affinityName, hostnameHash } from './names.ts';

const HOSTNAME_HASH = 'projectcalico.org/hostname-hash';
const AFFINITY_TYPE = 'projectcalico.org/affinity-type';
const IP_VERSION = 'projectcalico.org/ip-version';

/** Without these labels Calico does not find the affinity: it lists by them. */
const labelsOf = (node: string): Readonly<Record<string, string>> => ({
  [HOSTNAME_HASH]: hostnameHash(node),
  [AFFINITY_TYPE]: 'host',
  [IP_VERSION]: '4',
});

export const ownAffinitiesSelector = (node: string): string =>
  Object.entries(labelsOf(node))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');

const STATES: readonly string[] = ['pending', 'confirmed', 'pendingDeletion'] satisfies AffinityState[];
const isState = (s: string): s is AffinityState => STATES.includes(s);

/** A fault is a Reason: IPAM_BAD_AFFINITY, NOT_IPV4 for another family, or NOT_HOST for an affinity of no node. */
export function parseAffinity(resource: Resource): Result<BlockAffinity, Reason> {
  const { spec = {}, metadata } = resource;
  const name = `blockaffinities "${metadata.name}"`;
  const cidrText = textOf(spec.cidr) ?? '';
  if (cidrText.includes(':')) return err({ code: 'NOT_IPV4', text: `${name} is not of an IPv4 block` });
  if (spec.type === 'virtual') return err({ code: 'NOT_HOST', text: `${name} belongs to no node` });
  const cidr = parsePrefix(cidrText);
  const node = textOf(spec.node);
  const state = textOf(spec.state) || 'confirmed'; // written before states existed
  if (cidr === undefined || node === undefined || node === '' || !isState(state))
    return err({
      code: 'IPAM_BAD_AFFINITY',
      text: `${name}: node "${node ?? ''}", cidr "${cidrText}", state "${state}": a node name, an IPv4 CIDR and one of ${STATES.join(', ')} are expected. Repair or delete the object.`,
    });
  return ok({ node, cidr, state, deleted: truthOf(spec.deleted) });
}

export const newAffinity = (node: string, cidr: Prefix): Resource => ({
  apiVersion: apiVersion(KINDS.blockAffinity),
  kind: KINDS.blockAffinity.kind,
  metadata: { name: affinityName(node, cidr), labels: labelsOf(node) },
  spec: { cidr: formatPrefix(cidr), deleted: 'false', node, state: 'pending' satisfies AffinityState, type: 'host' },
});

/** `resource` in another state. Labels are set again: an affinity written before they existed gets them now. */
export function withState(resource: Resource, state: AffinityState): Resource {
  const node = textOf(resource.spec?.node);
  const labels = node === undefined ? resource.metadata.labels : { ...resource.metadata.labels, ...labelsOf(node) };
  return {
    ...resource,
    metadata: { ...resource.metadata, ...(labels === undefined ? {} : { labels }) },
    spec: { ...resource.spec, state },
  };
}
