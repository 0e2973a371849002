import { expect, test } from 'vitest';
import { calicoGroups, type Discovering } from '../../../src/store/calico-groups.ts';
import { KINDS } from '../../../src/store/kinds.ts';
import { type JsonObject, type Kind, type Resource, StoreError } from '../../../src/store/port.ts';

/** A store that keeps what it is asked, and has the groups it is told to have. */
function spy(groups: Readonly<Record<string, readonly string[]>>) {
  const asked: string[] = [];
  const objects = new Map<string, Resource>();
  const key = (kind: Kind, name: string): string => `${kind.group}/${kind.version}/${kind.plural}/${name}`;
  const note = (verb: string, kind: Kind): void =>
    void asked.push(`${verb} ${kind.group}/${kind.version} ${kind.plural}`);
  const store: Discovering = {
    read: async (path) => {
      asked.push(`read ${path}`);
      const plurals = groups[path];
      if (plurals === undefined) throw new StoreError('NotFound', `${path}: 404`, 404);
      return { resources: plurals.map((name) => ({ name })) };
    },
    list: async (kind) => {
      note('list', kind);
      return { items: [...objects.values()], resourceVersion: '1' };
    },
    get: async (kind, name) => {
      note('get', kind);
      return objects.get(key(kind, name)) as Resource;
    },
    create: async (kind, object) => {
      note('create', kind);
      objects.set(key(kind, object.metadata.name), object);
      return object;
    },
    replace: async (_, object) => object,
    mergePatch: async (kind, name, patch: JsonObject) => ({ metadata: { name }, kind: kind.kind, ...patch }),
    delete: async () => {},
    watch: async function* (kind) {
      note('watch', kind);
      for (const object of objects.values()) yield { type: 'ADDED', object };
    },
  };
  return { store: calicoGroups(store), asked, objects };
}
const V1 = '/apis/crd.projectcalico.org/v1';
const V3 = '/apis/projectcalico.org/v3';
const affinity: Resource = {
  apiVersion: 'crd.projectcalico.org/v1',
  kind: 'BlockAffinity',
  metadata: { name: 'n1-10-0-0-0-26' },
  spec: { cidr: '10.0.0.0/26', node: 'n1', state: 'confirmed', deleted: 'false' },
};

test('crd.projectcalico.org/v1 is used where it is, also beside a projectcalico.org/v3, and discovery is asked once', async () => {
  const { store, asked, objects } = spy({ [V1]: ['ipamblocks'], [V3]: ['ipamblocks'] });
  await store.create(KINDS.blockAffinity, affinity);
  await store.list(KINDS.ipPool);
  await store.list(KINDS.node);
  expect(asked).toEqual([
    `read ${V1}`,
    'create crd.projectcalico.org/v1 blockaffinities',
    'list crd.projectcalico.org/v1 ippools',
    'list /v1 nodes',
  ]);
  expect([...objects.values()]).toEqual([affinity]);
});

test('projectcalico.org/v3 alone is spoken in its own words, and read in those of v1', async () => {
  const { store, asked, objects } = spy({ [V3]: ['ipamblocks'] });
  const stored = { ...affinity, apiVersion: 'projectcalico.org/v3', spec: { ...affinity.spec, deleted: false } };
  expect(await store.create(KINDS.blockAffinity, affinity)).toEqual(affinity);
  expect([...objects.values()]).toEqual([stored]);
  expect(await store.get(KINDS.blockAffinity, affinity.metadata.name)).toEqual(affinity);
  expect((await store.list(KINDS.blockAffinity)).items).toEqual([affinity]);
  for await (const event of store.watch(KINDS.blockAffinity, '1', new AbortController().signal))
    expect(event).toEqual({ type: 'ADDED', object: affinity });
  const patched = await store.mergePatch(KINDS.blockAffinity, 'x', { spec: { deleted: 'true' } });
  expect(patched.spec?.['deleted']).toBe('true');
  await store.list(KINDS.ipamConfig);
  expect(asked.at(-1)).toBe('list projectcalico.org/v3 ipamconfigurations');
});

test('without the kinds every call says how to create them, and once they are there all is well', async () => {
  const groups: Record<string, readonly string[]> = { [V3]: ['ippools'] }; // an aggregated API without IPAM is not enough
  const { store } = spy(groups);
  await expect(store.list(KINDS.ipPool)).rejects.toThrow(/kubectl create -k deploy\/crds/);
  await store.list(KINDS.node);
  groups[V1] = ['ipamblocks'];
  expect(await store.list(KINDS.ipPool)).toMatchObject({ items: [] });
});
