/** A datastore in a Map, for tests of what stands on the Store port: the same refusals as a real one, every object copied
 *  through lossless JSON, and a hook before each call that may delay or break it. It validates nothing. */
import { formatJson, parseJson } from '../../src/store/json.ts';
import {
  type DeleteOptions,
  type JsonObject,
  type Kind,
  type Resource,
  type ResourceList,
  type Store,
  StoreError,
  type WatchEvent,
} from '../../src/store/port.ts';

export type StoreCall = 'list' | 'get' | 'create' | 'replace' | 'delete';

const copy = (r: Resource): Resource => parseJson(formatJson(r)) as unknown as Resource;

export class FakeStore implements Store {
  readonly objects = new Map<string, Resource>();
  calls = 0;
  /** Runs before a call takes effect; what it throws, the caller gets. */
  before: (call: StoreCall, kind: Kind, name: string) => Promise<void> | void = () => {};
  /** Runs after a call took effect: throwing here is an answer that was lost. */
  after: (call: StoreCall, kind: Kind, name: string) => void = () => {};
  private version = 0;

  private async run<T>(call: StoreCall, kind: Kind, name: string, effect: () => T): Promise<T> {
    this.calls++;
    await this.before(call, kind, name);
    const result = effect();
    this.after(call, kind, name);
    return result;
  }
  private put(kind: Kind, object: Resource, uid: string): Resource {
    const metadata = { ...object.metadata, uid, resourceVersion: String(++this.version) };
    this.objects.set(`${kind.plural}/${metadata.name}`, copy({ ...object, metadata }));
    return this.find(kind, metadata.name);
  }
  private find(kind: Kind, name: string): Resource {
    const found = this.objects.get(`${kind.plural}/${name}`);
    if (found === undefined) throw new StoreError('NotFound', `${kind.plural} "${name}" not found`, 404);
    return copy(found);
  }

  list(kind: Kind, options?: { readonly labelSelector?: string }): Promise<ResourceList> {
    return this.run('list', kind, '', () => {
      const wanted = (options?.labelSelector ?? '')
        .split(',')
        .filter(Boolean)
        .map((pair) => pair.split('='));
      const items = [...this.objects]
        .filter(([key]) => key.startsWith(`${kind.plural}/`))
        .map(([, object]) => copy(object))
        .filter((o) => wanted.every(([key, value]) => o.metadata.labels?.[key as string] === value))
        .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
      return { items, resourceVersion: String(this.version) };
    });
  }
  get(kind: Kind, name: string): Promise<Resource> {
    return this.run('get', kind, name, () => this.find(kind, name));
  }
  create(kind: Kind, object: Resource): Promise<Resource> {
    return this.run('create', kind, object.metadata.name, () => {
      if (this.objects.has(`${kind.plural}/${object.metadata.name}`))
        throw new StoreError('AlreadyExists', `${kind.plural} "${object.metadata.name}" exists`, 409);
      return this.put(kind, object, `uid-${this.version + 1}`);
    });
  }
  replace(kind: Kind, object: Resource): Promise<Resource> {
    return this.run('replace', kind, object.metadata.name, () => {
      const stored = this.find(kind, object.metadata.name);
      if (stored.metadata.resourceVersion !== object.metadata.resourceVersion)
        throw new StoreError('Conflict', `${kind.plural} "${object.metadata.name}" was changed`, 409);
      return this.put(kind, object, stored.metadata.uid ?? '');
    });
  }
  mergePatch(kind: Kind, name: string, _patch: JsonObject): Promise<Resource> {
    return Promise.reject(new StoreError('Invalid', `no patch of ${kind.plural} "${name}" here`));
  }
  delete(kind: Kind, name: string, options: DeleteOptions = {}): Promise<void> {
    return this.run('delete', kind, name, () => {
      const stored = this.find(kind, name);
      if (options.uid !== undefined && options.uid !== stored.metadata.uid)
        throw new StoreError('Conflict', `${kind.plural} "${name}" is another object`, 409);
      this.objects.delete(`${kind.plural}/${name}`);
    });
  }
  async *watch(): AsyncIterable<WatchEvent> {}

  /** Puts an object in place, as an operator would. */
  seed(kind: Kind, name: string, spec: JsonObject, labels: Readonly<Record<string, string>> = {}): Resource {
    return this.put(kind, { metadata: { name, labels }, spec }, `uid-${name}`);
  }
  peek(kind: Kind, name: string): Resource | undefined {
    return this.objects.get(`${kind.plural}/${name}`);
  }
  all(kind: Kind): readonly Resource[] {
    return [...this.objects].filter(([key]) => key.startsWith(`${kind.plural}/`)).map(([, object]) => copy(object));
  }
}
