/** Kinds and names as paths of the Kubernetes API. Pure. */
import type { Kind } from './port.ts';

/** Of all objects of a kind, or of one namespace's. */
export function kindPath(kind: Kind, namespace?: string): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${kind.plural}`;
}

/** `name` is "name", or "namespace/name" of a namespaced kind. */
export function objectPath(kind: Kind, name: string, subresource?: string): string {
  const [namespace, bare] = splitName(kind, name);
  const own = `${kindPath(kind, kind.namespaced ? namespace : undefined)}/${encodeURIComponent(bare)}`;
  return subresource === undefined ? own : `${own}/${subresource}`;
}

/** "namespace/name" in two; without a slash the namespace is "default". Of a cluster-wide kind it is "". */
export function splitName(kind: Kind, name: string): [namespace: string, name: string] {
  if (!kind.namespaced) return ['', name];
  const slash = name.indexOf('/');
  return slash < 0 ? ['default', name] : [name.slice(0, slash), name.slice(slash + 1)];
}
