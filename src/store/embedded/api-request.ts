/** A request's URL, headers and body as what is meant. Pure. Every refusal names the object, the value and the remedy. */
import { parseJson } from '../json.ts';
import type { DeleteOptions, Json } from '../port.ts';
import type { Engine, Patch } from './engine.ts';
import { isObject } from './patch.ts';
import { both, fieldSelector, labelSelector, type Predicate } from './selector.ts';
import type { ServedKind } from './served-kind.ts';
import { badRequest, qualified, StatusError } from './status.ts';

export interface Target {
  readonly kind: ServedKind;
  /** Absent: cluster-wide, or all namespaces. */
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: 'status';
}

/** "/a/b%2fc" -> a, b/c. */
export function pathSegments(pathname: string): string[] {
  try {
    return pathname
      .split('/')
      .filter((s) => s !== '')
      .map(decodeURIComponent);
  } catch {
    throw badRequest(`path ${JSON.stringify(pathname.slice(0, 200))} has a broken %-escape; write it anew`);
  }
}

/** /api/V/… or /apis/G/V/…; throws 404 for what is not served. */
export function parseTarget(segments: readonly string[], engine: Engine): Target {
  const [root, ...rest] = segments;
  const group = root === 'apis' ? rest.shift() : '';
  const version = rest.shift();
  const inNamespace = rest[0] === 'namespaces' && rest.length > 2 && !(rest.length === 3 && rest[2] === 'status');
  const namespace = inNamespace ? rest[1] : undefined;
  const [plural, name, subresource, ...more] = inNamespace ? rest.slice(2) : rest;
  const kind =
    (root === 'api' || root === 'apis') && plural ? engine.kind(group ?? '', version ?? '', plural) : undefined;
  const known = subresource === undefined || (subresource === 'status' && kind?.status !== 'none');
  const scoped = kind?.namespaced ? inNamespace || name === undefined : !inNamespace;
  if (kind === undefined || !known || !scoped || more.length > 0)
    throw new StatusError(
      'NotFound',
      `the server could not find the requested resource: /${segments.join('/').slice(0, 200)} is not served; GET /api/v1 and /apis show what is`,
    );
  return {
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(subresource === undefined ? {} : { subresource: 'status' as const }),
  };
}

export interface ListQuery {
  readonly selector: Predicate | undefined;
  readonly limit: number | undefined;
  readonly continue: string | undefined;
}

export const listQuery = (query: URLSearchParams, kind: ServedKind): ListQuery => ({
  selector: both(
    labelSelector(query.get('labelSelector') ?? undefined),
    fieldSelector(query.get('fieldSelector') ?? undefined, kind.group === ''),
  ),
  limit: wholeNumber(query, 'limit'),
  continue: query.get('continue') || undefined,
});

/** undefined when absent or empty. */
export function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name) ?? '';
  if (text === '') return undefined;
  if (!/^[0-9]{1,15}$/.test(text))
    throw badRequest(`${name} is ${JSON.stringify(text.slice(0, 40))}; give a whole number`);
  return Number(text);
}

export const flag = (query: URLSearchParams, name: string): boolean => {
  const text = query.get(name);
  return text === 'true' || text === '1' || text === '';
};

export function writeOptions(
  query: URLSearchParams,
  target: Target,
): { strict: boolean; dryRun: boolean; subresource: 'status' | undefined } {
  const dryRun = query.getAll('dryRun');
  const other = dryRun.find((v) => v !== 'All');
  if (other !== undefined) throw badRequest(`dryRun is ${JSON.stringify(other)}; only All exists`);
  return {
    strict: query.get('fieldValidation') === 'Strict',
    dryRun: dryRun.length > 0,
    subresource: target.subresource,
  };
}

const mediaType = (header: string | undefined): string => (header ?? '').split(';')[0]?.trim().toLowerCase() ?? '';

export function jsonBody(text: string, contentType: string | undefined): Json {
  const type = mediaType(contentType);
  if (type !== '' && type !== 'application/json')
    throw new StatusError('UnsupportedMediaType', `the body of the request is ${type}; send application/json`);
  return parseBody(text);
}

function parseBody(text: string): Json {
  try {
    return parseJson(text);
  } catch (error) {
    throw badRequest(`the body is not JSON: ${(error as Error).message}`);
  }
}

const PATCHES: Readonly<Record<string, Patch['type']>> = {
  'application/merge-patch+json': 'merge',
  'application/json-patch+json': 'json',
};

export function patchBody(text: string, contentType: string | undefined, kind: ServedKind): Patch {
  const media = mediaType(contentType);
  const type = PATCHES[media];
  if (type !== undefined) return { type, patch: parseBody(text) };
  const why =
    media === 'application/apply-patch+yaml'
      ? 'server-side apply is not offered; run kubectl apply without --server-side'
      : media === 'application/strategic-merge-patch+json'
        ? 'strategic merge patches are not offered; run kubectl patch with --type=merge'
        : 'send application/merge-patch+json or application/json-patch+json';
  throw new StatusError(
    'UnsupportedMediaType',
    `${media || 'no content type'} cannot be applied to ${qualified(kind)}: ${why}`,
  );
}

/** A DELETE's body is optional; propagationPolicy and gracePeriodSeconds mean nothing here. */
export function deletePreconditions(
  text: string,
  contentType: string | undefined,
): DeleteOptions & { readonly dryRun: boolean } {
  const body = text === '' ? {} : jsonBody(text, contentType);
  if (!isObject(body)) throw badRequest('the body of a DELETE is DeleteOptions as a JSON object, or nothing');
  const given = isObject(body['preconditions']) ? body['preconditions'] : {};
  const { uid, resourceVersion } = given;
  return {
    ...(typeof uid === 'string' ? { uid } : {}),
    ...(typeof resourceVersion === 'string' ? { resourceVersion } : {}),
    dryRun: Array.isArray(body['dryRun']) && body['dryRun'].includes('All'),
  };
}
