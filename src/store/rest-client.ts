/** Store over HTTP or HTTPS in the Kubernetes REST shapes: a real API server, or embedded/server.ts. I/O.
 *  Requests share a few keep-alive connections; each watch has its own, so that watches never starve a write. */
import http from 'node:http';
import https from 'node:https';
import { formatJson, parseJson } from './json.ts';
import { apiVersion, objectName, objectText } from './kinds.ts';
import type { Json, JsonObject, Kind, Resource, Store, WatchEvent } from './port.ts';
import { StoreError } from './port.ts';
import { kindPath, objectPath } from './rest-path.ts';
import { reasonOfStatus } from './status-reason.ts';

/** What TLS needs to know both sides by. PEM. */
export interface TlsIdentity {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name in the server's certificate, where the URL has another. */
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Who we are, as of now. */
export interface Access {
  readonly headers: Readonly<Record<string, string>>;
  /** The same object as long as nothing of it changed: a new one closes the connections made with the old. */
  readonly tls: TlsIdentity;
}

/** Tokens rotate and files of certificates are replaced, so each request asks anew. */
export interface AccessSource {
  current(): Promise<Access>;
  /** The server did not accept what `current` said: read it anew next time. */
  refused(): void;
}

export interface RestStoreOptions {
  /** "http://127.0.0.1:6480" or "https://10.0.0.1:6443" */
  readonly server: string;
  /** Absent: no credentials, which the embedded store does not ask for. */
  readonly access?: AccessSource;
  /** A watch that hears nothing, not even a bookmark, for this long is cut: the far side may be gone without a FIN.
   *  The API server sends a bookmark about once a minute. */
  readonly stallMs?: number;
  /** How long one request may be without an answer. */
  readonly requestMs?: number;
}

export interface RestStore extends Store {
  /** GET of a path without a kind: discovery. Throws StoreError like the rest. */
  read(path: string): Promise<Json>;
  /** Ends all connections. */
  close(): void;
}

const STALL_MS = 150_000;
const REQUEST_MS = 30_000;
const WATCH_SECONDS = 290;
const PAGE = 500;
const MOST_PAGES = 10_000;
const MOST_ANSWER_BYTES = 512 * 1024 * 1024;
const MOST_EVENT_CHARS = 16 * 1024 * 1024;
/** Idle connections are dropped by us before the server would: a write must not meet a connection that is just being closed. */
const IDLE_MS = 30_000;

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
  /** For messages. */
  readonly what: string;
  /** Asks for a whole group or kind, where a 404 in plain text is an answer: the API server has no such path. Of a single
   *  object it is not: a proxy's error page must not pass for "that block is gone". */
  readonly wholeKind?: true;
}

export function openRestStore(options: RestStoreOptions): RestStore {
  const base = new URL(options.server);
  const library = base.protocol === 'https:' ? https : http;
  const connections = new Connections(library);

  const send = async (call: Call, onWatch?: { signal: AbortSignal }): Promise<http.IncomingMessage> => {
    const { headers, tls } = (await options.access?.current()) ?? NOBODY;
    const { agent, watchAgent } = connections.of(tls);
    const url = new URL(base.pathname.replace(/\/$/, '') + call.path, base);
    for (const [name, value] of Object.entries(call.query ?? {})) url.searchParams.set(name, value);
    const payload = call.body === undefined ? undefined : Buffer.from(formatJson(call.body));
    return new Promise((resolve, reject) => {
      let answer: http.IncomingMessage | undefined;
      const request = library.request(url, {
        method: call.method,
        agent: onWatch === undefined ? agent : watchAgent,
        headers: {
          accept: 'application/json',
          'user-agent': 'gingham',
          ...headers,
          ...(payload === undefined
            ? {}
            : { 'content-type': call.contentType ?? 'application/json', 'content-length': payload.length }),
        },
        ...(onWatch === undefined ? {} : { signal: onWatch.signal }),
      });
      const patience = onWatch === undefined ? (options.requestMs ?? REQUEST_MS) : (options.stallMs ?? STALL_MS);
      request.setTimeout(patience, () => {
        const silence = `${options.server} was silent for ${patience / 1000} s (${call.what})`;
        (answer ?? request).destroy(new StoreError('Unreachable', silence)); // the one that is being waited for
      });
      request.on('error', (error) => reject(unreachable(options.server, call, error)));
      request.on('response', (response) => {
        answer = response;
        resolve(response);
      });
      request.end(payload);
    });
  };

  const sendAuthorized = async (call: Call): Promise<http.IncomingMessage> => {
    const response = await send(call);
    if (response.statusCode !== UNAUTHORIZED || options.access === undefined) return response;
    // A token that has just been replaced is not a fault; one that is refused twice is.
    response.resume();
    options.access.refused();
    return send(call);
  };

  const exchange = async (call: Call): Promise<Json> => {
    let response = await sendAuthorized(call);
    for (let asked = 0; asked < MOST_WAITS; asked++) {
      const waitMs = askedToWaitMs(response);
      if (waitMs === undefined) break;
      response.resume();
      await new Promise((later) => setTimeout(later, waitMs));
      response = await sendAuthorized(call);
    }
    const text = await readAll(response, options.server, call);
    const body = parseAnswer(text, options.server, call, response.statusCode ?? 0);
    if (response.statusCode !== undefined && response.statusCode < 300) return body;
    throw statusError(body, response.statusCode ?? 0, call);
  };
  const one = async (call: Call): Promise<Resource> => (await exchange(call)) as unknown as Resource;

  return {
    list: async (kind, listOptions) => {
      const items: Resource[] = [];
      let more: string | undefined;
      for (let page = 0; page < MOST_PAGES; page++) {
        const query = {
          limit: String(PAGE),
          ...(listOptions?.labelSelector === undefined ? {} : { labelSelector: listOptions.labelSelector }),
          ...(more === undefined ? {} : { continue: more }),
        };
        const what = `list ${kind.plural}`;
        const answer = await exchange({ method: 'GET', path: kindPath(kind), query, what, wholeKind: true });
        const { metadata, items: got } = answer as {
          metadata?: { resourceVersion?: string; continue?: string };
          items?: Resource[];
        };
        items.push(...(got ?? []));
        more = metadata?.continue;
        if (more === undefined || more === '') return { items, resourceVersion: metadata?.resourceVersion ?? '' };
      }
      throw new StoreError(
        'Server',
        `${options.server}: the list of ${kind.plural} did not end after ${MOST_PAGES} pages`,
      );
    },
    get: (kind, name) => one({ method: 'GET', path: objectPath(kind, name), what: `get ${objectText(kind, name)}` }),
    create: (kind, object) => {
      const name = objectName(kind, object);
      const path = kindPath(kind, kind.namespaced ? (object.metadata.namespace ?? 'default') : undefined);
      return one({ method: 'POST', path, body: typed(kind, object), what: `create ${objectText(kind, name)}` });
    },
    replace: (kind, object) => {
      const name = objectName(kind, object);
      return one({
        method: 'PUT',
        path: objectPath(kind, name),
        body: typed(kind, object),
        what: `replace ${objectText(kind, name)}`,
      });
    },
    mergePatch: (kind, name, patch, subresource) =>
      one({
        method: 'PATCH',
        path: objectPath(kind, name, subresource),
        body: patch,
        contentType: 'application/merge-patch+json',
        what: `patch ${objectText(kind, name)}`,
      }),
    delete: async (kind, name, preconditions) => {
      const body = {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        ...(preconditions === undefined ? {} : { preconditions }),
      };
      await exchange({
        method: 'DELETE',
        path: objectPath(kind, name),
        body,
        what: `delete ${objectText(kind, name)}`,
      });
    },
    watch: (kind, resourceVersion, signal) => watch(kind, resourceVersion, signal),
    read: (path) => exchange({ method: 'GET', path, what: `get ${path}`, wholeKind: true }),
    close: () => connections.close(),
  };

  async function* watch(kind: Kind, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    if (signal.aborted) return;
    // Spread over a fifth, so that a cluster's watches do not all end in the same second.
    const seconds = Math.round(WATCH_SECONDS * (0.9 + Math.random() / 5));
    const query = { watch: '1', allowWatchBookmarks: 'true', resourceVersion, timeoutSeconds: String(seconds) };
    const call: Call = { method: 'GET', path: kindPath(kind), query, what: `watch ${kind.plural}` };
    let response: http.IncomingMessage | undefined;
    try {
      response = await send(call, { signal });
      if (response.statusCode !== 200) {
        const text = await readAll(response, options.server, call);
        const status = response.statusCode ?? 0;
        if (status === UNAUTHORIZED) options.access?.refused();
        throw statusError(parseAnswer(text, options.server, call, status), status, call);
      }
      response.setEncoding('utf8');
      response.socket.setKeepAlive(true, 15_000);
      let rest = '';
      for await (const chunk of response) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > MOST_EVENT_CHARS)
          throw new StoreError(
            'Server',
            `${options.server}: one event of ${call.what} is longer than ${MOST_EVENT_CHARS} characters`,
          );
        for (const line of lines) {
          if (line === '') continue;
          yield toEvent(parseAnswer(line, options.server, call, 200), call);
          if (signal.aborted) return;
        }
      }
    } catch (error) {
      if (signal.aborted) return;
      throw error instanceof StoreError ? error : unreachable(options.server, call, error as Error);
    } finally {
      response?.destroy();
    }
  }
}

/** The agents of one identity at a time. Agents of an older one end when their requests do. */
class Connections {
  private readonly library: typeof http | typeof https;
  private tls: TlsIdentity | undefined;
  private agents: { readonly agent: http.Agent; readonly watchAgent: http.Agent } | undefined;

  constructor(library: typeof http | typeof https) {
    this.library = library;
  }
  of(tls: TlsIdentity): { readonly agent: http.Agent; readonly watchAgent: http.Agent } {
    if (this.agents !== undefined && this.tls === tls) return this.agents;
    const { Agent } = this.library;
    const agent = new Agent({ keepAlive: true, maxSockets: 16, maxFreeSockets: 4, timeout: IDLE_MS, ...tls });
    this.tls = tls;
    this.agents = { agent, watchAgent: new Agent({ keepAlive: false, ...tls }) };
    return this.agents;
  }
  close(): void {
    this.agents?.agent.destroy();
    this.agents?.watchAgent.destroy();
  }
}
/** A server that is busy, or still reading a new kind ("storage is (re)initializing"), did nothing and says when to ask
 *  again. 503 without a word is another matter: a proxy whose server is gone. */
function askedToWaitMs({ statusCode, headers }: http.IncomingMessage): number | undefined {
  if (statusCode !== 429 && statusCode !== 503) return undefined;
  const seconds = Number(headers['retry-after'] ?? 'none');
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds * 1000, SHORTEST_WAIT_MS), LONGEST_WAIT_MS) : undefined;
}
const MOST_WAITS = 5;
const SHORTEST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 2000;

const NOBODY: Access = { headers: {}, tls: {} };
const UNAUTHORIZED = 401;

/** apiVersion and kind are optional in a Resource of ours; on the wire they are not. */
const typed = (kind: Kind, object: Resource): Resource => ({
  apiVersion: apiVersion(kind),
  kind: kind.kind,
  ...object,
});

function toEvent(line: Json, call: Call): WatchEvent {
  const { type, object } = line as { type?: string; object?: Resource & { code?: number } };
  if (type === 'ERROR' || object === undefined) throw statusError(object as unknown as Json, object?.code ?? 0, call);
  if (type === 'BOOKMARK') return { type, resourceVersion: object.metadata.resourceVersion ?? '' };
  if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') return { type, object };
  throw new StoreError('Server', `${call.what}: unknown event type "${String(type)}"`);
}

async function readAll(response: http.IncomingMessage, server: string, call: Call): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MOST_ANSWER_BYTES)
        throw new StoreError(
          'Server',
          `${server}: the answer to ${call.what} is longer than ${MOST_ANSWER_BYTES} bytes`,
        );
      chunks.push(chunk);
    }
  } catch (error) {
    throw error instanceof StoreError ? error : unreachable(server, call, error as Error);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseAnswer(text: string, server: string, call: Call, status: number): Json {
  try {
    return parseJson(text);
  } catch {
    if (call.wholeKind && status === 404 && text.startsWith('404 page not found'))
      throw new StoreError('NotFound', `${call.what}: ${server} has no ${call.path}`, status);
    const start = JSON.stringify(text.slice(0, 80));
    throw new StoreError(
      'Server',
      `${server} answered ${status} with what is not JSON to ${call.what}: ${start}; is it a Kubernetes API?`,
      status,
    );
  }
}

function statusError(body: Json, code: number, call: Call): StoreError {
  const status = (typeof body === 'object' && body !== null ? body : {}) as JsonObject;
  const message = typeof status['message'] === 'string' ? status['message'] : `HTTP status ${code}`;
  const reason = typeof status['reason'] === 'string' ? status['reason'] : undefined;
  return new StoreError(reasonOfStatus(code, reason), `${call.what}: ${message}`, code);
}

function unreachable(server: string, call: Call, error: Error): StoreError {
  if (error instanceof StoreError) return error;
  const { code } = error as NodeJS.ErrnoException;
  return new StoreError(
    'Unreachable',
    `${server} cannot be reached for ${call.what}: ${code ?? error.message}; is the store running there?`,
  );
}
