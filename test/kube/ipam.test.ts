// needs: kube-apiserver kubectl openssl curl
/** Objects in Calico's form come through API server and our read-modify-write unchanged but for what we meant; blocks
 *  claimed in a race lose no update. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { formatIpv4, parseIpv4 } from '../../src/base/ipv4.ts';
import { Ipam } from '../../src/ipam/allocator.ts';
import { compareAndSwap } from '../../src/store/cas.ts';
import { parseJson } from '../../src/store/json.ts';
import { KINDS, objectName } from '../../src/store/kinds.ts';
import { type KubernetesStore, openKubernetesStore } from '../../src/store/kubernetes.ts';
import type { Kind, Resource } from '../../src/store/port.ts';
import { objectPath } from '../../src/store/rest-path.ts';
import { systemClock, systemRandom, systemTimers } from '../../src/sys/time.ts';
import { allocationsIn, blocksIn, ipamFaults } from '../support/ipam-invariants.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';

const cas = { timers: systemTimers, random: systemRandom };
const here = path.dirname(new URL(import.meta.url).pathname);
const fixtures = path.join(here, 'fixtures/calico-objects.yaml');
let api: KubeApi;
const stores: KubernetesStore[] = [];
const open = (kubeconfig = api.kubeconfig): KubernetesStore => {
  const store = openKubernetesStore({ kubeconfig }, systemClock);
  stores.push(store);
  return store;
};

beforeAll(async () => {
  api = await startKubeApi();
  await api.createCrds();
  await api.kubectl('create', '-f', fixtures);
});
afterAll(async () => {
  for (const store of stores) store.close();
  await api?.stop();
});

const documents = parseAllDocuments(fs.readFileSync(fixtures, 'utf8')).map((d) => d.toJS() as Resource);
const kindOf = (object: Resource): Kind => {
  const kind = Object.values(KINDS).find((k) => k.kind === object.kind);
  if (kind === undefined) throw new Error(`no kind ${object.kind}`);
  return kind;
};
/** As the API server has it, past our store; without what the server itself counts at every write. */
async function stored(kind: Kind, name: string): Promise<Resource> {
  const { metadata, ...rest } = parseJson(await api.raw(objectPath(kind, name))) as unknown as Resource;
  const {
    resourceVersion: _,
    generation: __,
    managedFields: ___,
    ...kept
  } = metadata as Resource['metadata'] & {
    managedFields?: unknown;
  };
  return { ...rest, metadata: kept };
}
const versionOf = async (kind: Kind, name: string): Promise<string | undefined> =>
  (parseJson(await api.raw(objectPath(kind, name))) as unknown as Resource).metadata.resourceVersion;

test.each(documents.map((d) => [`${d.kind} "${d.metadata.name}"`, d] as const))(
  '%s keeps every field, known or not, through a read-modify-write that adds a label',
  async (_, document) => {
    const kind = kindOf(document);
    const name = objectName(kind, document);
    const before = await stored(kind, name);
    expect(JSON.stringify(before, bigints), 'what is not known survived its creation').toMatch(
      document.kind === 'IPAMHandle' && document.metadata.name.startsWith('k8s') ? /./ : /fromTheFuture/,
    );
    const labels = { ...before.metadata.labels, 'gingham.test/touched': 'yes' };
    await compareAndSwap(
      open(),
      kind,
      name,
      (current) => ({ ...current, metadata: { ...current.metadata, labels } }),
      cas,
    );
    expect(await stored(kind, name)).toEqual({ ...before, metadata: { ...before.metadata, labels } });
  },
);
const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value);

const BLOCK = '10-244-104-0-26';
const allocator = (store: KubernetesStore, nodeName: string): Ipam =>
  new Ipam({ store, nodeName, now: () => Date.now(), ...cas });

test("a tunnel address that Calico gave is taken over, and nothing of Calico's is written", async () => {
  const objects = [
    [KINDS.ipamBlock, BLOCK],
    [KINDS.blockAffinity, `calico-a-${BLOCK}`],
    [KINDS.ipamHandle, 'ipip-tunnel-addr-calico-a'],
  ] as const;
  const versions = () => Promise.all(objects.map(([kind, name]) => versionOf(kind, name)));
  const before = await versions();
  const ipam = allocator(open(), 'calico-a');
  await ipam.ensureBlock();
  expect(formatIpv4(await ipam.ensureTunnelAddress('ipip'))).toBe('10.244.104.0');
  expect(await versions()).toEqual(before);
  expect((await open().list(KINDS.ipamBlock)).items).toHaveLength(1);
});

test("an address out of Calico's block changes five fields of it, by Calico's rules, and its release changes them back", async () => {
  const ipam = allocator(open(), 'calico-a');
  const before = await stored(KINDS.ipamBlock, BLOCK);
  const spec = before.spec as Record<string, unknown>;
  // .2 is reserved by the IPReservation, .0 and .1 are taken.
  const address = await ipam.assign({ handleId: 'net.ours', attributes: { pod: 'ours' }, use: 'Workload' });
  expect(formatIpv4(address)).toBe('10.244.104.3');
  const allocations = [...(spec['allocations'] as (number | null)[])];
  allocations[3] = 2;
  expect(await stored(KINDS.ipamBlock, BLOCK)).toEqual({
    ...before,
    spec: {
      ...spec,
      allocations,
      unallocated: (spec['unallocated'] as number[]).filter((o) => o !== 3),
      attributes: [...(spec['attributes'] as object[]), { handle_id: 'net.ours', secondary: { pod: 'ours' } }],
      sequenceNumber: 1795272333123456790n,
      sequenceNumberForAllocation: {
        ...(spec['sequenceNumberForAllocation'] as object),
        '3': 1795272333123456789n,
      },
    },
  });
  expect(await ipam.release('net.ours')).toBe(1);
  const after = await stored(KINDS.ipamBlock, BLOCK);
  expect(after).toEqual({
    ...before,
    spec: {
      ...spec,
      // A queue: what was freed last is given out last.
      unallocated: [...(spec['unallocated'] as number[]).filter((o) => o !== 3), 3],
      sequenceNumber: 1795272333123456791n,
    },
  });
});

test('five allocators that claim blocks, assign and release at once share no address and lose no update', async () => {
  const manifests = ['namespace.yaml', 'rbac.yaml'].map((f) => path.join(here, '../../deploy/base', f));
  for (const manifest of manifests) await api.kubectl('apply', '-f', manifest);
  const token = (await api.kubectl('create', 'token', 'gingham', '-n', 'gingham-system')).trim();
  const { kubeconfig } = api.kubeconfigFor('racers', token);
  await api.kubectl(
    'patch',
    'ippools.crd.projectcalico.org',
    'default-ipv4-ippool',
    '--type=merge',
    '-p',
    '{"spec":{"disabled":true}}',
  );
  const admin = open();
  // Eight blocks for five nodes that want two each: the last ones borrow.
  await admin.create(KINDS.ipPool, {
    metadata: { name: 'race' },
    spec: { cidr: '10.99.0.0/25', blockSize: 28, ipipMode: 'Always', nodeSelector: 'all()' },
  });
  const held = new Map<string, string>();
  await Promise.all(
    Array.from({ length: 5 }, async (_, n) => {
      const store = open(kubeconfig);
      await admin.create(KINDS.node, { metadata: { name: `racer-${n}` } });
      const ipam = allocator(store, `racer-${n}`);
      await ipam.ensureTunnelAddress('ipip').then((a) => held.set(`ipip-tunnel-addr-racer-${n}`, formatIpv4(a)));
      await Promise.all(
        Array.from({ length: 18 }, async (__, p) => {
          const handleId = `net.n${n}p${p}`;
          const address = await ipam.assign({ handleId, attributes: { pod: `${p}` }, use: 'Workload' });
          if (p % 3 === 0) expect(await ipam.release(handleId)).toBe(1);
          else held.set(handleId, formatIpv4(address));
        }),
      );
    }),
  );
  const all = new Map<Kind, readonly Resource[]>();
  const ofRace = (r: Resource): boolean => !JSON.stringify(r, bigints).includes('10.244.104.0/26');
  for (const kind of [KINDS.ipamBlock, KINDS.ipamHandle, KINDS.blockAffinity])
    all.set(kind, (await admin.list(kind)).items.filter(ofRace));
  const objects = { all: (kind: Kind) => all.get(kind) ?? [] };
  expect(ipamFaults(objects)).toEqual([]);
  expect(new Set(held.values()).size).toBe(held.size);
  expect([...allocationsIn(objects)].map(([handle, addresses]) => [handle, addresses.join()]).sort()).toEqual(
    [...held].sort(),
  );
  for (const address of held.values())
    expect((parseIpv4(address) ?? 0) >>> 7).toBe((parseIpv4('10.99.0.0') ?? 0) >>> 7);
  const owners = blocksIn(objects).map((b) => b.affinity);
  expect(new Set(owners).size).toBe(5);
  const affinities = objects.all(KINDS.blockAffinity).map((a) => `host:${a.spec?.['node']} ${a.spec?.['state']}`);
  expect(affinities.sort()).toEqual(owners.map((o) => `${o} confirmed`).sort());
});
