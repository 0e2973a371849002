/** The engine as a Store, without HTTP between: for tests, and for one process that is all there is. */

import { parseJson } from '../json.ts';
import { apiVersion, objectName } from '../kinds.ts';
import { type Kind, type Resource, type Store, StoreError, type WatchEvent } from '../port.ts';
import { splitName } from '../rest-path.ts';
import type { Engine } from './engine.ts';
import { labelSelector } from './selector.ts';
import type { ServedKind } from './served-kind.ts';

export function engineStore(engine: Engine): Store {
  const served = (kind: Kind): ServedKind => {
    const found = engine.kind(kind.group, kind.version, kind.plural);
    if (found === undefined)
      throw new StoreError(
        'NotFound',
        `this store serves no ${kind.plural}.${kind.group}; give it the CRD file of ${kind.kind}`,
        404,
      );
    return found;
  };
  const settle = async (text: string): Promise<Resource> => {
    await engine.flushed();
    return parseJson(text) as unknown as Resource;
  };
  return {
    list: async (kind, options) => {
      const answer = engine.list(served(kind), { selector: labelSelector(options?.labelSelector) });
      return {
        items: answer.texts.map((t) => parseJson(t) as unknown as Resource),
        resourceVersion: String(answer.revision),
      };
    },
    get: async (kind, name) => parseJson(engine.get(served(kind), ...splitName(kind, name))) as unknown as Resource,
    create: async (kind, object) => settle(engine.create(served(kind), namespaceOf(kind, object), typed(kind, object))),
    replace: async (kind, object) =>
      settle(engine.replace(served(kind), ...splitName(kind, objectName(kind, object)), typed(kind, object))),
    mergePatch: async (kind, name, patch, subresource) =>
      settle(engine.patch(served(kind), ...splitName(kind, name), { type: 'merge', patch }, { subresource })),
    delete: async (kind, name, options) => {
      engine.delete(served(kind), ...splitName(kind, name), options);
      await engine.flushed();
    },
    watch: (kind, resourceVersion, signal) => watch(engine, served(kind), Number(resourceVersion), signal),
  };
}

async function* watch(engine: Engine, kind: ServedKind, from: number, signal: AbortSignal): AsyncGenerator<WatchEvent> {
  let cursor = from;
  while (!signal.aborted) {
    const events = engine.eventsAfter(kind, cursor);
    if (events === undefined)
      throw new StoreError('Gone', `${kind.plural}: too old resource version: ${cursor}; list anew`, 410);
    cursor = engine.revision;
    for (const { type, text } of events) {
      yield { type, object: parseJson(text) as unknown as Resource };
      if (signal.aborted) return;
    }
    if (engine.revision === cursor) await nextCommit(engine, signal);
  }
}

function nextCommit(engine: Engine, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      off();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const off = engine.onCommit(done);
    signal.addEventListener('abort', done);
    if (signal.aborted) done();
  });
}

const namespaceOf = (kind: Kind, object: Resource): string =>
  kind.namespaced ? (object.metadata.namespace ?? 'default') : '';

/** apiVersion and kind are optional in a Resource of ours; on the wire they are not. */
const typed = (kind: Kind, object: Resource): Resource => ({
  apiVersion: apiVersion(kind),
  kind: kind.kind,
  ...object,
});
