/** What happens to an object between the wire and the store: shape, checks, server-set fields. Pure. */
import { isDeepStrictEqual } from 'node:util';
import { apiVersion } from '../kinds.ts';
import type { Json, JsonObject, Resource } from '../port.ts';
import { metadataFaults } from './metadata.ts';
import { isObject } from './patch.ts';
import type { ServedKind } from './served-kind.ts';
import { shape } from './shape.ts';
import { badRequest, type Cause, invalid } from './status.ts';
import { compileSchema } from './validate.ts';

export class Admission {
  private readonly validators = new Map<ServedKind, (object: Json) => Cause[]>();

  /** `body` as a resource of `kind`: named right, pruned, defaulted, valid. Throws 400 or 422 with every fault. */
  admit(kind: ServedKind, body: unknown, namespace: string, strict: boolean): Resource {
    const given = envelope(kind, body, namespace);
    let object = given as unknown as JsonObject;
    if (kind.schema !== undefined) {
      const shaped = shape(object, kind.schema);
      if (strict && shaped.pruned.length > 0)
        throw badRequest(
          `strict decoding error: ${shaped.pruned.map((p) => `unknown field "${p}"`).join(', ')}; take it out, or send with --validate=ignore to have it dropped`,
        );
      object = shaped.value as JsonObject;
    }
    const resource = object as unknown as Resource;
    const faults = [...metadataFaults(resource.metadata), ...this.schemaFaults(kind, object)];
    if (faults.length > 0) throw invalid(kind, String(resource.metadata.name ?? ''), faults);
    return resource;
  }

  private schemaFaults(kind: ServedKind, object: JsonObject): Cause[] {
    if (kind.schema === undefined) return [];
    let validate = this.validators.get(kind);
    if (validate === undefined) {
      validate = compileSchema(kind.schema);
      this.validators.set(kind, validate);
    }
    return validate(object);
  }
}

/** The outer form; apiVersion and kind must be the URL's. */
function envelope(kind: ServedKind, body: unknown, namespace: string): Resource {
  if (!isObject(body)) throw badRequest(`the body is not an object of kind ${kind.kind}; send one as JSON`);
  const metadata = body['metadata'] ?? {};
  if (!isObject(metadata)) throw badRequest('metadata is not an object; write metadata: {name: …}');
  if (body['kind'] !== kind.kind || body['apiVersion'] !== apiVersion(kind))
    throw badRequest(
      `the body is ${String(body['apiVersion'])} ${String(body['kind'])}, the URL is for ${apiVersion(kind)} ${kind.kind}; make them agree`,
    );
  const given = metadata['namespace'];
  if (kind.namespaced && given !== undefined && given !== null && given !== '' && given !== namespace)
    throw badRequest(
      `the namespace of the object ("${String(given)}") does not match the namespace of the request ("${namespace}")`,
    );
  const { managedFields: _m, selfLink: _s, namespace: _n, ...kept } = metadata;
  const own = kind.namespaced ? { ...kept, namespace } : kept;
  return { ...body, metadata: own } as unknown as Resource;
}

export interface Stamp {
  readonly uid: string;
  readonly wallMs: number;
  readonly revision: number;
}

/** RFC 3339 with whole seconds, as Kubernetes prints times. */
export const timestamp = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, 19)}Z`;

export function stampNew(object: Resource, stamp: Stamp): Resource {
  const {
    generateName: _g,
    deletionTimestamp: _d,
    ...metadata
  } = object.metadata as Resource['metadata'] & { generateName?: string };
  return {
    ...object,
    metadata: {
      ...metadata,
      uid: stamp.uid,
      resourceVersion: String(stamp.revision),
      generation: 1,
      creationTimestamp: timestamp(stamp.wallMs),
    },
  };
}

/** The object to store for a write of `wanted` over `old`, before its revision is known; the same as `old` when nothing changes. */
export function updated(
  kind: ServedKind,
  old: Resource,
  wanted: Resource,
  subresource: 'status' | undefined,
): Resource {
  const metadata = serverFields(old, wanted.metadata);
  const merged: Resource =
    subresource === 'status'
      ? withStatus({ ...old, metadata: kind.status === 'open' ? metadata : old.metadata }, wanted.status)
      : { ...(kind.status === 'none' ? wanted : withStatus(wanted, old.status)), metadata };
  if (isDeepStrictEqual(merged, old)) return old;
  const grown = !isDeepStrictEqual(essence(merged), essence(old));
  const generation = (old.metadata.generation ?? 1) + (grown ? 1 : 0);
  return { ...merged, metadata: { ...merged.metadata, generation } };
}

const withStatus = (object: Resource, status: JsonObject | undefined): Resource => {
  const { status: _, ...rest } = object;
  return status === undefined ? (rest as Resource) : { ...(rest as Resource), status };
};

/** What generation counts: all but metadata and status. */
const essence = ({ metadata: _m, status: _s, ...rest }: Resource): object => rest;

/** A writer cannot change what the server set. */
function serverFields(old: Resource, wanted: Resource['metadata']): Resource['metadata'] {
  const { deletionTimestamp: _d, resourceVersion: _r, generation: _g, ...rest } = wanted;
  const { uid, resourceVersion, generation, creationTimestamp, deletionTimestamp } = old.metadata;
  return Object.fromEntries(
    Object.entries({
      ...rest,
      name: old.metadata.name,
      uid,
      resourceVersion,
      generation,
      creationTimestamp,
      deletionTimestamp,
    }).filter(([, value]) => value !== undefined),
  ) as unknown as Resource['metadata'];
}
