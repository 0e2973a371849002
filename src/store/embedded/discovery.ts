/** What a client reads before anything else: groups, kinds, version. Pure, from the table of kinds. */
import type { JsonObject } from '../port.ts';
import type { ServedKind } from './served-kind.ts';

/** The API level we imitate; kubectl compares its own with it. */
const VERSION: JsonObject = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+gingham',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: 'v8',
  platform: 'linux',
};

/** The document at a path, or undefined when the path is no discovery path. */
export function discovery(segments: readonly string[], kinds: readonly ServedKind[]): JsonObject | undefined {
  const [root, group, version] = segments;
  const depth = segments.length;
  if (root === 'version' && depth === 1) return VERSION;
  if (depth === 0)
    return {
      paths: ['/api', '/api/v1', '/apis', '/healthz', '/livez', '/openapi/v2', '/openapi/v3', '/readyz', '/version'],
    };
  if (root === 'api' && depth === 1) return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (root === 'api' && depth === 2 && group === 'v1') return resourceList('', 'v1', kinds);
  if (root !== 'apis') return undefined;
  const groups = [...new Set(kinds.map((k) => k.group))].filter((g) => g !== '');
  if (depth === 1) return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map((g) => apiGroup(g, kinds)) };
  if (group === undefined || !groups.includes(group)) return undefined;
  if (depth === 2) return { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(group, kinds) };
  if (depth === 3 && kinds.some((k) => k.group === group && k.version === version))
    return resourceList(group, version as string, kinds);
  return undefined;
}

function apiGroup(group: string, kinds: readonly ServedKind[]): JsonObject {
  const versions = [...new Set(kinds.filter((k) => k.group === group).map((k) => k.version))].map((version) => ({
    groupVersion: `${group}/${version}`,
    version,
  }));
  return { name: group, versions, preferredVersion: versions[0] ?? null };
}

const resourceList = (group: string, version: string, kinds: readonly ServedKind[]): JsonObject => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion: group === '' ? version : `${group}/${version}`,
  resources: kinds
    .filter((k) => k.group === group && k.version === version)
    .flatMap((k) => {
      const { namespaced, kind, singular, shortNames } = k;
      const own = {
        name: k.plural,
        singularName: singular,
        namespaced,
        kind,
        verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
        ...(shortNames.length === 0 ? {} : { shortNames: [...shortNames] }),
      };
      const status = {
        name: `${k.plural}/status`,
        singularName: '',
        namespaced,
        kind,
        verbs: ['get', 'patch', 'update'],
      };
      return k.status === 'none' ? [own] : [own, status];
    }),
});
