/** The Kubernetes object semantics over a key-value store: revisions, preconditions, patches, pages, changes to watch.
 *  Pure but for what it is given (files, clock, uid). Every operation is synchronous, hence atomic: no two interleave.
 *  HTTP is http-server.ts; the same engine serves in-process callers through engine-store.ts. */
import { formatJson, parseJson } from '../json.ts';
import type { DeleteOptions, Json, Resource } from '../port.ts';
import { Admission, stampNew, timestamp, updated } from './admit.ts';
import { ChangeLog } from './change-log.ts';
import type { KeyValue } from './key-value.ts';
import { isObject, jsonPatch, mergePatch, PatchFault } from './patch.ts';
import type { Predicate } from './selector.ts';
import type { ServedKind } from './served-kind.ts';
import { alreadyExists, badRequest, conflict, invalid, notFound, qualified, StatusError } from './status.ts';

export interface EngineParts {
  readonly keyValue: KeyValue;
  readonly kinds: readonly ServedKind[];
  /** Wall clock, ms since 1970: creationTimestamp. */
  readonly wall: () => number;
  readonly uid: () => string;
  /** Changes kept for watches to resume from. */
  readonly window?: number;
  readonly windowBytes?: number;
}

export interface WriteOptions {
  /** fieldValidation=Strict: an unknown field is a 400 instead of being dropped. */
  readonly strict?: boolean;
  readonly dryRun?: boolean;
  readonly subresource?: 'status' | undefined;
}

export interface ListRequest {
  readonly namespace?: string | undefined;
  readonly selector?: Predicate | undefined;
  readonly limit?: number | undefined;
  readonly continue?: string | undefined;
}

/** Texts, because most lists go to the wire as they stand on disk. */
export interface ListAnswer {
  readonly texts: readonly string[];
  readonly revision: number;
  readonly continue?: string;
  readonly remaining?: number;
}

export interface EngineEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly text: string;
  readonly revision: number;
}

export type Patch = { readonly type: 'merge' | 'json'; readonly patch: Json };

const REVISION_KEY = '!revision';
/** Each start skips this many revisions: had a power cut swallowed the last writes, their numbers are never given again. */
const START_SKIP = 1000;
const WINDOW = 2048;
const WINDOW_BYTES = 16 * 1024 * 1024;

export class Engine {
  readonly kinds: readonly ServedKind[];
  private readonly keyValue: KeyValue;
  private readonly parts: EngineParts;
  private readonly admission = new Admission();
  private readonly log: ChangeLog;
  private readonly listeners = new Set<() => void>();
  private current: number;

  constructor(parts: EngineParts) {
    this.parts = parts;
    this.kinds = parts.kinds;
    this.keyValue = parts.keyValue;
    const stored = this.keyValue.get(REVISION_KEY);
    this.current = stored === undefined ? 1 : Number(stored) + START_SKIP;
    this.keyValue.commit([{ key: REVISION_KEY, value: String(this.current) }]);
    this.log = new ChangeLog(this.current, parts.window ?? WINDOW, parts.windowBytes ?? WINDOW_BYTES);
  }

  get revision(): number {
    return this.current;
  }

  /** Watches may start from here or later. */
  get oldestRevision(): number {
    return this.log.oldest();
  }

  kind(group: string, version: string, plural: string): ServedKind | undefined {
    return this.kinds.find((k) => k.group === group && k.version === version && k.plural === plural);
  }

  /** Called after every commit, synchronously; for watches. Answers the unsubscription. */
  onCommit(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  flushed(): Promise<void> {
    return this.keyValue.flushed();
  }

  /** JSON text of the object. */
  get(kind: ServedKind, namespace: string, name: string): string {
    const text = this.keyValue.get(keyOf(kind, namespace, name));
    if (text === undefined) throw notFound(kind, name);
    return text;
  }

  list(kind: ServedKind, request: ListRequest = {}): ListAnswer {
    const prefix = keyOf(kind, request.namespace, '');
    const token = request.continue === undefined ? undefined : readToken(request.continue, prefix);
    const revision = token?.revision ?? this.current;
    const pairs = token === undefined ? this.keyValue.range(prefix) : this.rangeAt(prefix, token.after, revision);
    const limit = request.limit !== undefined && request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
    const texts: string[] = [];
    let last = '';
    for (const { key, value } of pairs) {
      if (request.selector !== undefined && !request.selector(parseResource(value))) continue;
      if (texts.length >= limit) return { texts, revision, continue: writeToken({ revision, after: last }) };
      texts.push(value);
      last = key;
    }
    return { texts, revision };
  }

  create(kind: ServedKind, namespace: string, body: unknown, options: WriteOptions = {}): string {
    const uid = this.parts.uid();
    const named = withGeneratedName(body, uid);
    const object = this.admission.admit(kind, named, namespace, options.strict === true);
    const { name } = object.metadata;
    const key = keyOf(kind, namespace, name);
    if (this.keyValue.get(key) !== undefined) throw alreadyExists(kind, name);
    if (object.metadata.resourceVersion !== undefined && object.metadata.resourceVersion !== '')
      throw badRequest(
        `resourceVersion should not be set on objects to be created; "${name}" has "${object.metadata.resourceVersion}"`,
      );
    const revision = this.current + 1;
    const text = formatJson(stampNew(object, { uid, wallMs: this.parts.wall(), revision }));
    if (options.dryRun !== true) this.commit({ revision, key, to: text });
    return text;
  }

  replace(kind: ServedKind, namespace: string, name: string, body: unknown, options: WriteOptions = {}): string {
    const wanted = this.admission.admit(kind, body, namespace, options.strict === true);
    if (wanted.metadata.name !== name)
      throw badRequest(`the name of the object (${wanted.metadata.name}) does not match the name on the URL (${name})`);
    const text = this.get(kind, namespace, name);
    if (wanted.metadata.resourceVersion === undefined || wanted.metadata.resourceVersion === '')
      throw invalid(kind, name, [
        {
          reason: 'FieldValueInvalid',
          field: 'metadata.resourceVersion',
          message: 'Invalid value: 0x0: must be specified for an update; send back the one that was read',
        },
      ]);
    return this.write(kind, namespace, text, wanted, options);
  }

  patch(kind: ServedKind, namespace: string, name: string, { type, patch }: Patch, options: WriteOptions = {}): string {
    const text = this.get(kind, namespace, name);
    let body: Json;
    try {
      const object = parseJson(text);
      body = type === 'merge' ? mergePatch(object, patch) : jsonPatch(object, patch);
    } catch (error) {
      if (!(error instanceof PatchFault)) throw error;
      throw new StatusError(
        'Invalid',
        `the patch for ${qualified(kind)} "${name}" cannot be applied: ${error.message}; read the object and correct the patch`,
      );
    }
    const wanted = this.admission.admit(kind, body, namespace, options.strict === true);
    if (wanted.metadata.name !== name)
      throw badRequest(`the patch renames "${name}" to "${wanted.metadata.name}"; a name cannot change`);
    return this.write(kind, namespace, text, wanted, options);
  }

  /** Answers the object as it was; with finalizers it is only marked, and goes when the last of them is taken out. */
  delete(kind: ServedKind, namespace: string, name: string, preconditions: DeleteOptions = {}, dryRun = false): string {
    const text = this.get(kind, namespace, name);
    const old = parseResource(text);
    const { uid, resourceVersion } = preconditions;
    if (uid !== undefined && uid !== old.metadata.uid)
      throw conflict(
        kind,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
      );
    if (resourceVersion !== undefined && resourceVersion !== old.metadata.resourceVersion)
      throw conflict(
        kind,
        name,
        `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${old.metadata.resourceVersion}; read it again and decide anew`,
      );
    if (dryRun) return text;
    if (!hasFinalizers(old)) {
      this.remove(kind, namespace, old, text);
      return text;
    }
    if (old.metadata.deletionTimestamp !== undefined) return text;
    const marked = { ...old, metadata: { ...old.metadata, deletionTimestamp: timestamp(this.parts.wall()) } };
    return this.store(kind, namespace, text, marked);
  }

  /** Events of a kind after `revision`, oldest first, with a selector's entries and exits made ADDED and DELETED;
   *  undefined when the window no longer reaches back, or `revision` is of a future that a power cut undid. */
  eventsAfter(
    kind: ServedKind,
    revision: number,
    namespace?: string,
    selector?: Predicate,
  ): readonly EngineEvent[] | undefined {
    if (revision > this.current) return undefined;
    const changes = this.log.after(revision);
    if (changes === undefined) return undefined;
    const prefix = keyOf(kind, namespace, '');
    const events: EngineEvent[] = [];
    for (const change of changes) {
      if (!change.key.startsWith(prefix)) continue;
      const matches = (text: string | undefined): boolean =>
        text !== undefined && (selector === undefined || selector(parseResource(text)));
      const [was, is] = [matches(change.from), matches(change.to)];
      if (is) events.push({ type: was ? 'MODIFIED' : 'ADDED', text: change.to as string, revision: change.revision });
      else if (was)
        events.push({
          type: 'DELETED',
          text: change.last ?? withRevision(change.from as string, change.revision),
          revision: change.revision,
        });
    }
    return events;
  }

  private write(kind: ServedKind, namespace: string, text: string, wanted: Resource, options: WriteOptions): string {
    const old = parseResource(text);
    const { name, uid } = old.metadata;
    const given = wanted.metadata;
    if (given.uid !== undefined && given.uid !== '' && given.uid !== uid)
      throw conflict(
        kind,
        name,
        `Precondition failed: UID in precondition: ${given.uid}, UID in object meta: ${uid}; it was deleted and made anew`,
      );
    if (
      given.resourceVersion !== undefined &&
      given.resourceVersion !== '' &&
      given.resourceVersion !== old.metadata.resourceVersion
    )
      throw conflict(
        kind,
        name,
        `the object has been modified (it is at resourceVersion ${old.metadata.resourceVersion}, the request was made from ${given.resourceVersion}); please apply your changes to the latest version and try again`,
      );
    const next = updated(kind, old, wanted, options.subresource);
    if (next === old) return text;
    if (options.dryRun === true) return formatJson(next);
    if (next.metadata.deletionTimestamp !== undefined && !hasFinalizers(next)) {
      this.remove(kind, namespace, next, text);
      return formatJson(next);
    }
    return this.store(kind, namespace, text, next);
  }

  private store(kind: ServedKind, namespace: string, from: string, object: Resource): string {
    const revision = this.current + 1;
    const to = formatJson({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
    this.commit({ revision, key: keyOf(kind, namespace, object.metadata.name), from, to });
    return to;
  }

  private remove(kind: ServedKind, namespace: string, object: Resource, from: string): void {
    const revision = this.current + 1;
    const last = formatJson({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
    this.commit({ revision, key: keyOf(kind, namespace, object.metadata.name), from, last });
  }

  private commit(change: Parameters<ChangeLog['append']>[0]): void {
    const { key, to, revision } = change;
    const done = this.keyValue.commit(
      [to === undefined ? { key } : { key, value: to }, { key: REVISION_KEY, value: String(revision) }],
      { key: REVISION_KEY, value: String(this.current) },
    );
    if (!done)
      throw new StatusError(
        'InternalError',
        `another process has written to this store's files; "${key}" was not written. Stop one of the two`,
      );
    this.current = revision;
    this.log.append(change);
    for (const listener of this.listeners) listener();
  }

  /** Pairs as they stood at `revision`: the present, with later changes undone, so that pages of one list fit together. */
  private rangeAt(prefix: string, after: string, revision: number): { key: string; value: string }[] {
    const later = this.log.after(revision);
    if (later === undefined)
      throw new StatusError(
        'Expired',
        'The provided continue parameter is too old to display a consistent list result; start the list anew without it',
      );
    const undone = new Map<string, string | undefined>();
    for (const { key, from } of later)
      if (key.startsWith(prefix) && key > after && !undone.has(key)) undone.set(key, from);
    const pairs = [...this.keyValue.range(prefix, after)].filter(({ key }) => !undone.has(key));
    for (const [key, value] of undone) if (value !== undefined) pairs.push({ key, value });
    return pairs.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

const parseResource = (text: string): Resource => parseJson(text) as unknown as Resource;

const hasFinalizers = (object: Resource): boolean => {
  const { finalizers } = object.metadata as { finalizers?: unknown };
  return Array.isArray(finalizers) && finalizers.length > 0;
};

/** The object left a selector's view: it is shown as it last was in it, with the revision of its leaving. */
const withRevision = (text: string, revision: number): string => {
  const object = parseResource(text);
  return formatJson({ ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } });
};

/** "group/plural/namespace/name"; namespace undefined gives the prefix of the whole kind. No part can hold a slash. */
const keyOf = (kind: ServedKind, namespace: string | undefined, name: string): string =>
  namespace === undefined
    ? `${kind.group}/${kind.plural}/`
    : `${kind.group}/${kind.plural}/${kind.namespaced ? namespace : ''}/${name}`;

function withGeneratedName(body: unknown, uid: string): unknown {
  if (!isObject(body) || !isObject(body['metadata'])) return body;
  const { name, generateName } = body['metadata'];
  if ((name !== undefined && name !== '') || typeof generateName !== 'string' || generateName === '') return body;
  return { ...body, metadata: { ...body['metadata'], name: `${generateName}${uid.replaceAll('-', '').slice(0, 5)}` } };
}

interface Token {
  readonly revision: number;
  readonly after: string;
}

const writeToken = (token: Token): string => Buffer.from(JSON.stringify(token)).toString('base64url');

function readToken(text: string, prefix: string): Token {
  try {
    const token: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    if (
      isObject(token) &&
      typeof token['revision'] === 'number' &&
      typeof token['after'] === 'string' &&
      token['after'].startsWith(prefix)
    )
      return { revision: token['revision'], after: token['after'] };
  } catch {
    // not ours: said below
  }
  throw badRequest('continue key is not valid; send the metadata.continue of the page before, with the same query');
}
