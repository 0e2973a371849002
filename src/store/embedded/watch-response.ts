/** One watch as a stream of lines. It keeps a cursor into the engine's log and reads on when the connection has room, so a
 *  client that does not read costs its socket's buffer and nothing else, and in the end is told 410. */
import type { ServerResponse } from 'node:http';
import { formatJson } from '../json.ts';
import { apiVersion } from '../kinds.ts';
import type { Engine } from './engine.ts';
import type { Predicate } from './selector.ts';
import type { ServedKind } from './served-kind.ts';
import { StatusError, statusBody } from './status.ts';

export interface WatchRequest {
  readonly kind: ServedKind;
  readonly namespace: string | undefined;
  readonly selector: Predicate | undefined;
  /** undefined: begin with what there is, as ADDED. */
  readonly from: number | undefined;
  readonly bookmarks: boolean;
  /** sendInitialEvents: after the present objects comes a bookmark that says so. */
  readonly markInitial: boolean;
  readonly timeoutMs: number;
  readonly bookmarkMs: number;
  /** The object as it goes out: itself, or a Table of one row. */
  readonly render: (text: string) => string;
}

export function serveWatch(engine: Engine, response: ServerResponse, request: WatchRequest): void {
  const { kind, namespace, selector } = request;
  let cursor = request.from ?? engine.revision;
  let blocked = false;

  const write = (lines: string): void => {
    if (lines === '' || response.writableEnded || response.write(lines)) return;
    blocked = true;
    response.once('drain', () => {
      blocked = false;
      pump();
    });
  };
  const event = (type: string, object: string): string => `{"type":"${type}","object":${object}}\n`;
  const bookmark = (annotations?: Record<string, string>): string =>
    event(
      'BOOKMARK',
      formatJson({
        kind: kind.kind,
        apiVersion: apiVersion(kind),
        metadata: {
          resourceVersion: String(cursor),
          creationTimestamp: null,
          ...(annotations === undefined ? {} : { annotations }),
        },
      }),
    );
  const pump = (): void => {
    if (blocked || response.writableEnded || cursor === engine.revision) return;
    const events = engine.eventsAfter(kind, cursor, namespace, selector);
    if (events === undefined) {
      const gone = new StatusError(
        'Expired',
        `too old resource version: ${cursor}; the last changes begin after ${engine.oldestRevision}. List anew and watch from there`,
      );
      response.end(event('ERROR', formatJson(statusBody(gone))));
      return;
    }
    cursor = engine.revision;
    write(events.map((e) => event(e.type, request.render(e.text))).join(''));
  };

  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-cache, private' });
  response.flushHeaders();
  if (request.from === undefined) {
    const present = engine.list(kind, { namespace, selector });
    write(present.texts.map((text) => event('ADDED', request.render(text))).join(''));
    if (request.markInitial) write(bookmark({ 'k8s.io/initial-events-end': 'true' }));
  }
  const unsubscribe = engine.onCommit(pump);
  const beat = setInterval(() => {
    if (request.bookmarks && !blocked) write(bookmark());
  }, request.bookmarkMs);
  const end = setTimeout(() => {
    pump();
    response.end(request.bookmarks ? bookmark() : undefined);
  }, request.timeoutMs);
  response.on('close', () => {
    unsubscribe();
    clearInterval(beat);
    clearTimeout(end);
  });
  pump();
}
