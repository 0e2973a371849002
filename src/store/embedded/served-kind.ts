/** A kind as the embedded store serves it: a row from a CRD file, or one of the core kinds. Pure: types and the core rows. */
import { KINDS } from '../kinds.ts';
import type { Json, Kind } from '../port.ts';

/** The part of OpenAPI v3 that CRDs may use (structural schemas). */
export interface Schema {
  readonly type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  readonly format?: string;
  readonly description?: string;
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly Json[];
  readonly default?: Json;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: string;
  /** Simple JSONPath: .spec.cidr, .metadata.annotations.projectcalico\.org/IPv4Address */
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

export interface ServedKind extends Kind {
  readonly singular: string;
  readonly shortNames: readonly string[];
  /** Absent: any object passes as it is. */
  readonly schema?: Schema;
  readonly columns: readonly PrinterColumn[];
  /** 'open': a status write may also change labels and annotations, as nodes/status and pods/status do; 'closed': status only. */
  readonly status: 'none' | 'closed' | 'open';
}

const AGE: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };

const core = (
  kind: Kind,
  shortNames: string[],
  status: 'none' | 'open',
  columns: PrinterColumn[] = [],
): ServedKind => ({
  ...kind,
  singular: kind.kind.toLowerCase(),
  shortNames,
  status,
  columns: [...columns, AGE],
});

/** Core kinds have no schema here: what a kubelet or a user writes is kept as it came. */
export const CORE_KINDS: readonly ServedKind[] = [
  core(KINDS.node, ['no'], 'open', [
    { name: 'Address', type: 'string', jsonPath: '.metadata.annotations.projectcalico\\.org/IPv4Address' },
  ]),
  core(KINDS.namespace, ['ns'], 'open'),
  core(KINDS.pod, ['po'], 'open', [
    { name: 'Node', type: 'string', jsonPath: '.spec.nodeName' },
    { name: 'IP', type: 'string', jsonPath: '.status.podIP' },
  ]),
  core(KINDS.event, ['ev'], 'none', [
    { name: 'Reason', type: 'string', jsonPath: '.reason' },
    { name: 'Message', type: 'string', jsonPath: '.message' },
  ]),
  core(KINDS.secret, [], 'none'),
  core(KINDS.configMap, ['cm'], 'none'),
];

/** Every row of KINDS without a schema: what a store serves that was given no CRD files. */
export const UNCHECKED_KINDS: readonly ServedKind[] = Object.values(KINDS)
  .filter((kind: Kind) => kind.group !== '')
  .map(
    (kind) => ({ ...kind, singular: kind.kind.toLowerCase(), shortNames: [], status: 'none', columns: [AGE] }) as const,
  );
