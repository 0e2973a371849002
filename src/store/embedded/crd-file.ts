/** CustomResourceDefinition texts to served kinds. Pure. What cannot be served is an error that names file and field. */
import { parseAllDocuments } from 'yaml';
import { isObject } from './patch.ts';
import type { PrinterColumn, Schema, ServedKind } from './served-kind.ts';

export class CrdError extends Error {
  override readonly name = 'CrdError';
}

/** Every CustomResourceDefinition of a YAML or JSON text; other documents (a kustomization) are passed over. */
export function parseCrds(text: string): ServedKind[] {
  const kinds: ServedKind[] = [];
  for (const document of parseAllDocuments(text)) {
    if (document.errors.length > 0)
      throw new CrdError(`CRD text is not YAML: ${document.errors[0]?.message}; correct the file`);
    const object: unknown = document.toJS();
    if (isObject(object) && object['kind'] === 'CustomResourceDefinition')
      kinds.push(...servedVersions(object as unknown as Crd));
  }
  return kinds;
}

/** As much of apiextensions.k8s.io/v1 as is read; `field` proves each part before it is used. */
interface Crd {
  readonly metadata?: { readonly name?: string };
  readonly spec?: {
    readonly group?: string;
    readonly scope?: string;
    readonly names?: {
      readonly plural?: string;
      readonly kind?: string;
      readonly singular?: string;
      readonly shortNames?: string[];
    };
    readonly versions?: readonly CrdVersion[];
  };
}

interface CrdVersion {
  readonly name?: string;
  readonly served?: boolean;
  readonly schema?: { readonly openAPIV3Schema?: Schema };
  readonly subresources?: { readonly status?: object };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
}

const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

function servedVersions(crd: Crd): ServedKind[] {
  const name = crd.metadata?.name ?? '(no metadata.name)';
  const need = <T>(value: T | undefined, path: string): T => {
    if (value === undefined || value === '')
      throw new CrdError(`CustomResourceDefinition "${name}": ${path} is missing; add it`);
    return value;
  };
  const spec = need(crd.spec, 'spec');
  const names = need(spec.names, 'spec.names');
  const kind = need(names.kind, 'spec.names.kind');
  const versions = need(spec.versions, 'spec.versions');
  return versions
    .filter((v) => v.served !== false)
    .map((v) => ({
      group: need(spec.group, 'spec.group'),
      version: need(v.name, 'spec.versions[].name'),
      plural: need(names.plural, 'spec.names.plural'),
      kind,
      singular: names.singular ?? kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      namespaced: need(spec.scope, 'spec.scope') === 'Namespaced',
      schema: need(v.schema?.openAPIV3Schema, 'spec.versions[].schema.openAPIV3Schema'),
      columns: v.additionalPrinterColumns ?? [AGE],
      status: v.subresources?.status === undefined ? ('none' as const) : ('closed' as const),
    }));
}
