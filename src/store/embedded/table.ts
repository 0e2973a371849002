/** Tables as `kubectl get` asks for them: meta.k8s.io/v1 Table with a kind's printer columns. Pure. */
import { parseJson } from '../json.ts';
import type { Json, JsonObject, Resource } from '../port.ts';
import { isObject } from './patch.ts';
import type { PrinterColumn, ServedKind } from './served-kind.ts';

export const wantsTable = (accept: string | undefined): boolean =>
  accept !== undefined &&
  /;\s*as=Table/.test(accept) &&
  /g=meta\.k8s\.io/.test(accept) &&
  /v=v1(?![a-z0-9])/.test(accept);

export interface TableOptions {
  /** includeObject of the query; Metadata when absent. */
  readonly include: string | undefined;
  readonly wallMs: number;
  readonly metadata: JsonObject;
}

export function table(kind: ServedKind, texts: readonly string[], options: TableOptions): JsonObject {
  const columns: PrinterColumn[] = [
    {
      name: 'Name',
      type: 'string',
      jsonPath: '.metadata.name',
      description: 'Name of the object, unique in its kind.',
    },
    ...kind.columns,
  ];
  const paths = columns.map((c) => steps(c.jsonPath));
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: options.metadata,
    columnDefinitions: columns.map((c, i) => ({
      name: c.name,
      type: c.type,
      format: i === 0 ? 'name' : '',
      description: c.description ?? '',
      priority: c.priority ?? 0,
    })),
    rows: texts.map((text) => {
      const object = parseJson(text);
      return {
        cells: columns.map((c, i) => cell(object, paths[i] ?? [], c.type, options.wallMs)),
        object: rowObject(object as unknown as Resource, options.include),
      };
    }),
  };
}

function rowObject(object: Resource, include: string | undefined): Json {
  if (include === 'None') return null;
  if (include === 'Object') return object as unknown as Json;
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata as unknown as Json };
}

/** ".a.b\.c.d" -> a, b.c, d: the only form of JSONPath that columns here need. */
const steps = (path: string): string[] =>
  [...path.matchAll(/\.((?:\\.|[^.\\])+)/g)].map((m) => (m[1] as string).replaceAll('\\', ''));

function cell(object: Json, path: readonly string[], type: string, wallMs: number): Json {
  let at: Json | undefined = object;
  for (const step of path) at = isObject(at) && Object.hasOwn(at, step) ? at[step] : undefined;
  if (at === undefined || at === null) return null;
  if (type === 'date') return typeof at === 'string' ? age(wallMs - Date.parse(at)) : null;
  return typeof at === 'object' ? JSON.stringify(at) : at;
}

/** A duration as kubectl prints ages: two units at most, and the second only while it matters. */
export function age(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86_400)];
  const pair = (a: number, unit: string, b: number, small: string): string =>
    b === 0 ? `${a}${unit}` : `${a}${unit}${b}${small}`;
  if (s < 120) return `${s}s`;
  if (m < 10) return pair(m, 'm', s % 60, 's');
  if (h < 3) return `${m}m`;
  if (h < 8) return pair(h, 'h', m % 60, 'm');
  if (h < 48) return `${h}h`;
  if (d < 8) return pair(d, 'd', h % 24, 'h');
  if (d < 730) return `${d}d`;
  return pair(Math.floor(d / 365), 'y', d % 365, 'd');
}
