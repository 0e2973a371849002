/** The two API groups that Calico's kinds can have. Pure but for the store it is given. `crd.projectcalico.org/v1` is ours by
 *  default; `projectcalico.org/v3` is used only where the older one is absent and the newer serves ipamblocks itself, as
 *  Calico decides. What differs between them is hidden here: code on this side knows v1 alone. */
import { apiVersion, CALICO_GROUP, KINDS } from './kinds.ts';
import {
  type Json,
  type JsonObject,
  type Kind,
  type Resource,
  type Store,
  StoreError,
  type WatchEvent,
} from './port.ts';

export interface Discovering extends Store {
  read(path: string): Promise<Json>;
}

type Dialect = 'v1' | 'v3';

/** The same store, whichever group the cluster has. It is asked once, before the first Calico kind is; until the kinds are
 *  there each call fails with what is missing. */
export function calicoGroups(store: Discovering): Store {
  let known: Dialect | undefined;
  let asking: Promise<Dialect> | undefined;
  const dialect = async (kind: Kind): Promise<Dialect> => {
    if (kind.group !== CALICO_GROUP) return 'v1';
    if (known !== undefined) return known;
    asking ??= discover(store).finally(() => {
      asking = undefined;
    });
    known = await asking;
    return known;
  };
  /** Runs `call` in the cluster's dialect, and translates what it answers. */
  const speak = async <T>(kind: Kind, call: (d: Translator) => Promise<T>): Promise<T> =>
    call((await dialect(kind)) === 'v3' ? toV3(kind) : asIs(kind));

  return {
    list: (kind, options) =>
      speak(kind, async (d) => {
        const { items, resourceVersion } = await store.list(d.kind, options);
        return { items: items.map(d.read), resourceVersion };
      }),
    get: (kind, name) => speak(kind, async (d) => d.read(await store.get(d.kind, name))),
    create: (kind, object) => speak(kind, async (d) => d.read(await store.create(d.kind, d.write(object)))),
    replace: (kind, object) => speak(kind, async (d) => d.read(await store.replace(d.kind, d.write(object)))),
    mergePatch: (kind, name, patch, subresource) =>
      speak(kind, async (d) => d.read(await store.mergePatch(d.kind, name, d.writePatch(patch), subresource))),
    delete: (kind, name, options) => speak(kind, (d) => store.delete(d.kind, name, options)),
    watch: (kind, resourceVersion, signal) => watch(kind, resourceVersion, signal),
  };

  async function* watch(kind: Kind, resourceVersion: string, signal: AbortSignal): AsyncGenerator<WatchEvent> {
    const d = (await dialect(kind)) === 'v3' ? toV3(kind) : asIs(kind);
    for await (const event of store.watch(d.kind, resourceVersion, signal))
      yield event.type === 'BOOKMARK' ? event : { type: event.type, object: d.read(event.object) };
  }
}

async function discover(store: Discovering): Promise<Dialect> {
  const blocks = KINDS.ipamBlock.plural;
  if ((await served(store, `/apis/${CALICO_GROUP}/v1`)).has(blocks)) return 'v1';
  if ((await served(store, '/apis/projectcalico.org/v3')).has(blocks)) return 'v3';
  throw new StoreError(
    'NotFound',
    `the cluster has no ${blocks} of ${CALICO_GROUP}/v1: create the kinds with kubectl create -k deploy/crds`,
    404,
  );
}

/** Plurals of one group and version; none when it is not there. */
async function served(store: Discovering, path: string): Promise<ReadonlySet<string>> {
  try {
    const { resources } = (await store.read(path)) as { readonly resources?: readonly { readonly name?: string }[] };
    return new Set((resources ?? []).map((r) => r.name ?? ''));
  } catch (error) {
    if (error instanceof StoreError && error.reason === 'NotFound') return new Set();
    throw error;
  }
}

interface Translator {
  readonly kind: Kind;
  readonly read: (object: Resource) => Resource;
  readonly write: (object: Resource) => Resource;
  readonly writePatch: (patch: JsonObject) => JsonObject;
}

const asIs = (kind: Kind): Translator => ({ kind, read: (o) => o, write: (o) => o, writePatch: (p) => p });

function toV3(kind: Kind): Translator {
  const other: Kind = { ...kind, ...(V3_NAMES[kind.kind] ?? {}), group: 'projectcalico.org', version: 'v3' };
  const header = (of: Kind): { apiVersion: string; kind: string } => ({ apiVersion: apiVersion(of), kind: of.kind });
  const isAffinity = kind.kind === KINDS.blockAffinity.kind;
  return {
    kind: other,
    read: (object) => ({ ...(isAffinity ? deletedAs(object, String) : object), ...header(kind) }),
    write: (object) => ({ ...(isAffinity ? deletedAs(object, toBoolean) : object), ...header(other) }),
    writePatch: (patch) => (isAffinity ? deletedAs(patch, toBoolean) : patch),
  };
}

/** Kinds whose names differ. */
const V3_NAMES: Readonly<Record<string, Pick<Kind, 'kind' | 'plural'>>> = {
  IPAMConfig: { kind: 'IPAMConfiguration', plural: 'ipamconfigurations' },
};

const toBoolean = (value: unknown): boolean => value === true || value === 'true';

/** BlockAffinity's spec.deleted is a string in v1 and a boolean in v3. Absent stays absent. */
function deletedAs<T extends { readonly spec?: Json | JsonObject }>(object: T, convert: (value: unknown) => Json): T {
  const { spec } = object;
  if (typeof spec !== 'object' || spec === null || !('deleted' in spec)) return object;
  return { ...object, spec: { ...(spec as JsonObject), deleted: convert((spec as JsonObject)['deleted']) } };
}
