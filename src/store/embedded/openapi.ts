/** OpenAPI: what makes plain `kubectl apply`, its validation and `kubectl explain` work. Pure, from the table of kinds. */
import type { Json, JsonObject } from '../port.ts';
import { kindPath } from '../rest-path.ts';
import type { ServedKind } from './served-kind.ts';

const pathOf = (k: ServedKind): string => (k.group === '' ? `api/${k.version}` : `apis/${k.group}/${k.version}`);

/** /openapi/v3: one document per group and version. */
export const openApiIndex = (kinds: readonly ServedKind[]): JsonObject => ({
  paths: Object.fromEntries(kinds.map((k) => [pathOf(k), { serverRelativeURL: `/openapi/v3/${pathOf(k)}` }])),
});

/** /openapi/v3/PATH, for instance apis/crd.projectcalico.org/v1; undefined when nothing is served there. */
export function openApiDocument(path: string, kinds: readonly ServedKind[]): JsonObject | undefined {
  const own = kinds.filter((k) => pathOf(k) === path);
  if (own.length === 0) return undefined;
  return {
    openapi: '3.0.0',
    info: { title: 'Gingham', version: 'v1.32.0' },
    paths: Object.assign({}, ...own.map(pathsOf)) as JsonObject,
    components: {
      schemas: { [META]: META_SCHEMA, ...Object.fromEntries(own.map((k) => [schemaName(k), schemaOf(k)])) },
    },
  };
}

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const STRINGS = { type: 'object', additionalProperties: { type: 'string' } };
const META_SCHEMA: JsonObject = {
  type: 'object',
  description: 'What every object has: its name and what the server keeps about it.',
  properties: {
    name: { type: 'string', description: 'Unique in its kind; cannot change.' },
    generateName: { type: 'string', description: 'Beginning of a name that the server completes.' },
    namespace: { type: 'string', description: 'Of a namespaced kind, the namespace it is in.' },
    labels: { ...STRINGS, description: 'Words to select by.' },
    annotations: { ...STRINGS, description: 'Words for programs to keep.' },
    uid: { type: 'string', description: 'Tells this object from an earlier one of the same name. Set by the server.' },
    resourceVersion: {
      type: 'string',
      description: 'Changes with every write; send it back to write only over what was read.',
    },
    generation: { type: 'integer', format: 'int64', description: 'Counts changes of what is wanted.' },
    creationTimestamp: { type: 'string', format: 'date-time', description: 'Set by the server.' },
    deletionTimestamp: {
      type: 'string',
      format: 'date-time',
      description: 'Set by the server when deletion waits for finalizers.',
    },
    finalizers: {
      type: 'array',
      items: { type: 'string' },
      description: 'Who has to clean up before the object goes.',
    },
  },
  'x-kubernetes-preserve-unknown-fields': true,
};

const schemaName = (k: ServedKind): string =>
  k.group === ''
    ? `io.k8s.api.core.${k.version}.${k.kind}`
    : `${k.group.split('.').reverse().join('.')}.${k.version}.${k.kind}`;

const gvk = (k: ServedKind): JsonObject => ({ group: k.group, version: k.version, kind: k.kind });

function schemaOf(k: ServedKind): JsonObject {
  const own = (k.schema ?? { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }) as unknown as JsonObject;
  const properties = {
    apiVersion: { type: 'string' },
    kind: { type: 'string' },
    ...((own['properties'] ?? {}) as JsonObject),
    metadata: { allOf: [{ $ref: `#/components/schemas/${META}` }], default: {} },
  };
  return { ...own, properties, 'x-kubernetes-group-version-kind': [gvk(k)] };
}

const query = (name: string, type: string): Json => ({ name, in: 'query', schema: { type, uniqueItems: true } });
const WRITE_QUERY = [query('dryRun', 'string'), query('fieldManager', 'string'), query('fieldValidation', 'string')];
const LIST_QUERY = [
  ...['continue', 'fieldSelector', 'labelSelector', 'resourceVersion'].map((name) => query(name, 'string')),
  ...['limit', 'timeoutSeconds'].map((name) => query(name, 'integer')),
  ...['watch', 'allowWatchBookmarks'].map((name) => query(name, 'boolean')),
];

function pathsOf(k: ServedKind): JsonObject {
  const collection = kindPath(k, k.namespaced ? '\u0000' : undefined).replace('%00', '{namespace}');
  const json = { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName(k)}` } } };
  const operation = (action: string, parameters: readonly Json[], body?: readonly string[]): JsonObject => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk(k),
    parameters,
    ...(body === undefined
      ? {}
      : { requestBody: { content: Object.fromEntries(body.map((type) => [type, json['application/json']])) } }),
    responses: { '200': { description: 'OK', content: json } },
  });
  return {
    [collection]: {
      get: operation('list', LIST_QUERY),
      post: operation('post', WRITE_QUERY, ['application/json']),
    },
    [`${collection}/{name}`]: {
      get: operation('get', []),
      put: operation('put', WRITE_QUERY, ['application/json']),
      patch: operation('patch', WRITE_QUERY, ['application/json-patch+json', 'application/merge-patch+json']),
      delete: operation(
        'delete',
        [query('dryRun', 'string'), query('propagationPolicy', 'string')],
        ['application/json'],
      ),
    },
  };
}

/** /openapi/v2, for kubectl before 1.27: a document without definitions, in which no object is wrong. */
export const OPENAPI_V2: JsonObject = { swagger: '2.0', info: { title: 'Gingham', version: 'v1.32.0' }, paths: {} };

//  0a 03 "2.0"            swagger (field 1)
//  12 12 0a 07 "Gingham"  info (field 2): title
//        12 07 "v1.32.0"  version
//  42 00                  paths (field 8), empty
/** The same as protobuf, which is all that kubectl 1.20 (Debian 12) asks for. */
export const OPENAPI_V2_PROTOBUF = Buffer.from('\x0a\x032.0\x12\x12\x0a\x07Gingham\x12\x07v1.32.0\x42\x00', 'latin1');
