/** Pruning and defaults by a structural schema. Pure. apiVersion, kind and metadata are the server's business and stay. */
import type { Json } from '../port.ts';
import { isObject } from './patch.ts';
import type { Schema } from './served-kind.ts';

export interface Shaped {
  readonly value: Json;
  /** Paths of fields the schema does not know, now gone. */
  readonly pruned: readonly string[];
}

const SERVER_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);
const MOST_PRUNED_NAMED = 50;

export function shape(object: Json, schema: Schema): Shaped {
  const pruned: string[] = [];
  return { value: walk(object, schema, '', pruned), pruned };
}

function walk(value: Json, schema: Schema, path: string, pruned: string[]): Json {
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? value : value.map((v: Json, i) => walk(v, items, `${path}[${i}]`, pruned));
  }
  if (!isObject(value)) return value;
  const properties = schema.properties ?? {};
  const out = new Map<string, Json>();
  for (const [key, field] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const where = path === '' ? key : `${path}.${key}`;
    if (path === '' && SERVER_FIELDS.has(key)) out.set(key, field);
    else if (known !== undefined) {
      // null for a field with a default is "not set": the API server drops it, then the default comes in.
      if (field !== null || known.nullable === true || known.default === undefined)
        out.set(key, walk(field, known, where, pruned));
    } else if (isObject(schema.additionalProperties))
      out.set(key, walk(field, schema.additionalProperties as Schema, where, pruned));
    else if (schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true)
      out.set(key, field);
    else if (pruned.length < MOST_PRUNED_NAMED) pruned.push(where);
  }
  for (const [key, known] of Object.entries(properties))
    if (known.default !== undefined && !out.has(key)) out.set(key, known.default);
  return Object.fromEntries(out);
}
