/** The engine behind HTTP in the Kubernetes REST shapes. I/O. What a request means is api-request.ts; what happens is engine.ts. */
import type http from 'node:http';
import { formatJson } from '../json.ts';
import { apiVersion } from '../kinds.ts';
import type { JsonObject } from '../port.ts';
import {
  deletePreconditions,
  flag,
  jsonBody,
  listQuery,
  parseTarget,
  patchBody,
  pathSegments,
  type Target,
  wholeNumber,
  writeOptions,
} from './api-request.ts';
import { discovery } from './discovery.ts';
import type { Engine } from './engine.ts';
import { OPENAPI_V2, OPENAPI_V2_PROTOBUF, openApiDocument, openApiIndex } from './openapi.ts';
import { badRequest, StatusError, statusBody } from './status.ts';
import { table, wantsTable } from './table.ts';
import { serveWatch } from './watch-response.ts';

export interface HttpOptions {
  readonly wall: () => number;
  /** Between bookmarks of a watch. */
  readonly bookmarkMs?: number;
  /** A fault of ours, not of a request: the answer was 500. */
  readonly onError?: (error: Error) => void;
}

const MOST_BODY_BYTES = 3 * 1024 * 1024; // as the API server
const MOST_CONNECTIONS = 4096;
const BOOKMARK_MS = 60_000;
const LONGEST_WATCH_SEC = 1800;

/** From now on `server` answers for `engine`. It may listen already: no request is read before this turn of the loop ends. */
export function attachStore(server: http.Server, engine: Engine, options: HttpOptions): void {
  server.on('request', (request: http.IncomingMessage, response: http.ServerResponse) => {
    answer(engine, options, request, response).catch((error: unknown) => {
      const fault = error instanceof StatusError ? error : internal(error, options);
      if (response.headersSent) response.destroy();
      else sendText(response, fault.status, formatJson(statusBody(fault)));
    });
  });
  server.maxConnections = MOST_CONNECTIONS;
  server.keepAliveTimeout = 75_000; // longer than any client of ours keeps an idle connection
}

function internal(error: unknown, options: HttpOptions): StatusError {
  // The stack ran out while a body was walked: the sender's fault, and nothing was written.
  if (error instanceof RangeError) return badRequest('the body is nested too deeply to be kept; flatten it');
  const known = error instanceof Error ? error : new Error(String(error));
  options.onError?.(known);
  return new StatusError('InternalError', `the store failed: ${known.message}; see its log`);
}

function sendText(response: http.ServerResponse, code: number, text: string | Buffer, type = 'application/json'): void {
  const body = typeof text === 'string' ? Buffer.from(text) : text;
  response.writeHead(code, {
    'content-type': type,
    'content-length': body.length,
    'cache-control': 'no-cache, private',
  });
  response.end(body);
}

async function answer(
  engine: Engine,
  options: HttpOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): Promise<void> {
  const { pathname, searchParams: query } = parseUrl(request.url);
  const segments = pathSegments(pathname);
  if (request.method === 'GET' && serveDocument(engine, request, response, segments)) return;
  const target = parseTarget(segments, engine);
  if (request.method !== 'GET') {
    await serveWrite(engine, options, request, response, target, query);
    return;
  }
  const { kind, namespace, name } = target;
  if (name !== undefined)
    sendObject(options, request, response, target, query, 200, engine.get(kind, namespace ?? '', name));
  else if (flag(query, 'watch') && query.has('watch')) watch(engine, options, request, response, target, query);
  else sendText(response, 200, listBody(engine, options, request, target, query));
}

function parseUrl(url: string | undefined): URL {
  try {
    return new URL(url ?? '/', 'http://store');
  } catch {
    throw badRequest(`URL ${JSON.stringify((url ?? '').slice(0, 200))} cannot be read`);
  }
}

function serveDocument(
  engine: Engine,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  segments: readonly string[],
): boolean {
  const [root, version, ...rest] = segments;
  if (root === 'healthz' || root === 'readyz' || root === 'livez') {
    sendText(response, 200, 'ok', 'text/plain; charset=utf-8');
    return true;
  }
  if (root === 'openapi' && version === 'v2' && request.headers.accept?.includes('protobuf')) {
    // Asked for as "v2@v1.0", answered as "v2.v1.0", as the API server does: Go's mime parser takes no @.
    sendText(response, 200, OPENAPI_V2_PROTOBUF, 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
    return true;
  }
  let document: JsonObject | undefined;
  if (root === 'openapi' && version === 'v2') document = OPENAPI_V2;
  else if (root === 'openapi' && version === 'v3')
    document = rest.length === 0 ? openApiIndex(engine.kinds) : openApiDocument(rest.join('/'), engine.kinds);
  else document = discovery(segments, engine.kinds);
  if (document === undefined) return false;
  sendText(response, 200, formatJson(document));
  return true;
}

function listBody(
  engine: Engine,
  options: HttpOptions,
  request: http.IncomingMessage,
  target: Target,
  query: URLSearchParams,
): string {
  const { kind, namespace } = target;
  const answer = engine.list(kind, { namespace, ...listQuery(query, kind) });
  const metadata = {
    resourceVersion: String(answer.revision),
    ...(answer.continue === undefined ? {} : { continue: answer.continue }),
  };
  if (wantsTable(request.headers.accept))
    return formatJson(
      table(kind, answer.texts, { include: query.get('includeObject') ?? undefined, wallMs: options.wall(), metadata }),
    );
  // The objects are JSON already: they are joined as they stand.
  return `{"kind":"${kind.kind}List","apiVersion":"${apiVersion(kind)}","metadata":${formatJson(metadata)},"items":[${answer.texts.join(',')}]}`;
}

function watch(
  engine: Engine,
  options: HttpOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  target: Target,
  query: URLSearchParams,
): void {
  const { kind, namespace } = target;
  const { selector } = listQuery(query, kind);
  const since = wholeNumber(query, 'resourceVersion');
  const initial = flag(query, 'sendInitialEvents') && query.has('sendInitialEvents');
  const asTable = wantsTable(request.headers.accept);
  serveWatch(engine, response, {
    kind,
    namespace,
    selector,
    from: initial || since === undefined || since === 0 ? undefined : since,
    bookmarks: flag(query, 'allowWatchBookmarks') && query.has('allowWatchBookmarks'),
    markInitial: initial,
    timeoutMs: 1000 * Math.min(wholeNumber(query, 'timeoutSeconds') || LONGEST_WATCH_SEC, LONGEST_WATCH_SEC),
    bookmarkMs: options.bookmarkMs ?? BOOKMARK_MS,
    render: asTable
      ? (text) =>
          formatJson(
            table(kind, [text], {
              include: query.get('includeObject') ?? undefined,
              wallMs: options.wall(),
              metadata: {},
            }),
          )
      : (text) => text,
  });
}

function sendObject(
  options: HttpOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  { kind }: Target,
  query: URLSearchParams,
  code: number,
  text: string,
): void {
  if (!wantsTable(request.headers.accept)) {
    sendText(response, code, text);
    return;
  }
  const wallMs = options.wall();
  sendText(
    response,
    code,
    formatJson(table(kind, [text], { include: query.get('includeObject') ?? undefined, wallMs, metadata: {} })),
  );
}

async function serveWrite(
  engine: Engine,
  options: HttpOptions,
  request: http.IncomingMessage,
  response: http.ServerResponse,
  target: Target,
  query: URLSearchParams,
): Promise<void> {
  const { kind, name, subresource } = target;
  const method = `${request.method ?? ''}${name === undefined ? ' collection' : ''}`;
  const namespace = target.namespace ?? '';
  const type = request.headers['content-type'];
  const write = writeOptions(query, target);
  const done = async (code: number, text: string): Promise<void> => {
    await engine.flushed();
    sendObject(options, request, response, target, query, code, text);
  };
  if (method === 'POST collection' && !(kind.namespaced && target.namespace === undefined)) {
    const body = jsonBody(await readBody(request), type);
    await done(201, engine.create(kind, namespace, body, write));
  } else if (method === 'PUT' && name !== undefined) {
    const body = jsonBody(await readBody(request), type);
    await done(200, engine.replace(kind, namespace, name, body, write));
  } else if (method === 'PATCH' && name !== undefined) {
    const patch = patchBody(await readBody(request), type, kind);
    await done(200, engine.patch(kind, namespace, name, patch, write));
  } else if (method === 'DELETE' && name !== undefined && subresource === undefined) {
    const conditions = deletePreconditions(await readBody(request), type);
    await done(200, engine.delete(kind, namespace, name, conditions, write.dryRun || conditions.dryRun));
  } else
    throw new StatusError(
      'MethodNotAllowed',
      `${request.method ?? ''} is not offered on ${request.url?.slice(0, 200) ?? ''}; collections take GET and POST, objects GET, PUT, PATCH and DELETE`,
    );
}

async function readBody(request: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES)
      throw new StatusError(
        'RequestEntityTooLarge',
        `the body is longer than ${MOST_BODY_BYTES} bytes; store less in one object`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
