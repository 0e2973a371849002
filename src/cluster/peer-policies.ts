/** What a peer of the cluster is heard of and told: the filters that are named for it, in order, then Calico's defaults. Pure.
 *  Filters of the mesh are Gingham's own: Calico gives them to BGPPeers only. They are named by the annotation
 *  gingham/mesh-filters of BGPConfiguration/default, "only-pools, no-default", or written in the node's file (cluster.meshImport
 *  and cluster.meshExport), whose policies come first. */
import { GSHUT_POLICY } from '../model/built-in-policies.ts';
import type { Policy } from '../model/policy.ts';
import { chain } from '../model/policy-chain.ts';
import { KINDS } from '../store/kinds.ts';
import type { Resource } from '../store/port.ts';
import { type BgpFilter, type Direction, filterPolicy, type PeerType, readBgpFilter } from './bgp-filter.ts';
import type { ClusterReason } from './cluster-reason.ts';

export const MESH_FILTERS = 'gingham/mesh-filters';
/** Where Calico's tools keep annotations of its objects. */
const CALICO_METADATA = 'projectcalico.org/metadata';

export interface PeerPolicies {
  readonly importPolicy?: Policy;
  readonly exportPolicy?: Policy;
}

/** In front of a peer's filters, on import: what block origin validation asks for, and of another AS that graceful shutdown is
 *  honoured (RFC 8326 4.2). Behind them, on export: Calico's own rules. */
export interface PolicyDefaults {
  readonly importFirst: readonly Policy[];
  readonly exportLast: readonly Policy[];
}

/** One object per combination, however many peers have it: what is worked out for a policy is shared by all. */
export class FilterSet {
  readonly problems: readonly ClusterReason[];
  private readonly filters: ReadonlyMap<string, BgpFilter>;
  private readonly defaults: PolicyDefaults;
  private readonly made = new Map<string, Policy | undefined>();

  /** `whole`: of each object the last version without a fault, where there was one. */
  constructor(
    objects: readonly Resource[],
    defaults: PolicyDefaults,
    whole: ReadonlyMap<string, Resource> = new Map(),
  ) {
    const read = objects.map((object) => readBgpFilter(object, whole.get(object.metadata.name)));
    this.filters = new Map(read.map((filter) => [filter.name, filter]));
    this.problems = read.flatMap((filter) => filter.problems);
    this.defaults = defaults;
  }

  /** `more` stands before the filters. */
  policies(
    names: readonly string[],
    peerType: PeerType,
    more: { readonly import?: Policy | undefined; readonly export?: Policy | undefined } = {},
  ): PeerPolicies {
    const importPolicy = this.one('import', names, peerType, more.import);
    const exportPolicy = this.one('export', names, peerType, more.export);
    return { ...(importPolicy && { importPolicy }), ...(exportPolicy && { exportPolicy }) };
  }

  missing(names: readonly string[]): readonly string[] {
    return names.filter((name) => !this.filters.has(name));
  }

  private one(
    direction: Direction,
    names: readonly string[],
    peerType: PeerType,
    more: Policy | undefined,
  ): Policy | undefined {
    const key = JSON.stringify([direction, peerType, more?.name, names]);
    if (!this.made.has(key)) {
      const filters = names.flatMap((name) => {
        const filter = this.filters.get(name);
        return filter === undefined ? [] : [filterPolicy(filter, direction, peerType)];
      });
      const { importFirst, exportLast } = this.defaults;
      const all = [
        ...(direction === 'import' ? importFirst : []),
        ...(direction === 'import' && peerType === 'ebgp' ? [GSHUT_POLICY] : []),
        ...(more === undefined ? [] : [more]),
        ...filters.filter((policy) => policy.rules.length > 0),
        ...(direction === 'export' ? exportLast : []),
      ];
      this.made.set(key, chain(all));
    }
    return this.made.get(key);
  }
}

/** Names and what is wrong with them. */
export function meshFilterNames(configuration: Resource | undefined): readonly string[] {
  const { annotations = {} } = configuration?.metadata ?? {};
  const text = annotations[MESH_FILTERS] ?? calicoAnnotation(annotations[CALICO_METADATA]) ?? '';
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function calicoAnnotation(metadata: string | undefined): string | undefined {
  if (metadata === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(metadata);
    const annotations = isObject(parsed) ? parsed['annotations'] : undefined;
    const value = isObject(annotations) ? annotations[MESH_FILTERS] : undefined;
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // not ours to mend, and it says nothing about us
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** As BGPPeer has them. */
export const filterNames = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((name): name is string => typeof name === 'string' && name !== '') : [];

export const missingFilter = (object: string, name: string, about: ClusterReason['about']): ClusterReason => ({
  code: 'BGP_FILTER_MISSING',
  text: `${object} names the filter "${name}", which does not exist; it is left out, as Calico does. Create bgpfilters "${name}", or remove the name.`,
  ...(about !== undefined && { about }),
});
export const ABOUT_CONFIGURATION = { kind: KINDS.bgpConfiguration, name: 'default' };
