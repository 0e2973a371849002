// needs: kube-apiserver kubectl openssl curl
/** The Kubernetes store on a real API server: the contract, whole numbers in bytes, credentials, Events. */
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareAndSwap } from '../../src/store/cas.ts';
import { recordEvent } from '../../src/store/events.ts';
import { KINDS, POLICY_KINDS } from '../../src/store/kinds.ts';
import { type KubernetesStore, openKubernetesStore } from '../../src/store/kubernetes.ts';
import type { Resource, Store } from '../../src/store/port.ts';
import { systemClock, systemRandom, systemTimers } from '../../src/sys/time.ts';
import { block, pool, reasonOf, storeSuite, WINDOW } from '../contract/store-suite.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';

const cas = { timers: systemTimers, random: systemRandom };
const base = new URL('../../deploy/base/', import.meta.url).pathname;
let api: KubeApi;
let store: KubernetesStore;
const opened: KubernetesStore[] = [];
const open = (kubeconfig: string): KubernetesStore => {
  const made = openKubernetesStore({ kubeconfig }, systemClock);
  opened.push(made);
  return made;
};

beforeAll(async () => {
  // Without the watch cache a watch reaches as far back as etcd does, and that the test decides.
  api = await startKubeApi({ flags: ['--watch-cache=false'] });
  console.log(`etcd ${api.took.etcdMs} ms, kube-apiserver ${api.took.apiserverMs} ms, built in ${api.took.builtMs} ms`);
  store = open(api.kubeconfig);
});
afterAll(async () => {
  for (const one of opened) one.close();
  await api?.stop();
});

test('before its kinds are created the store says how to create them; `kubectl create -k deploy/crds` does, and a second one changes nothing', async () => {
  await expect(store.list(KINDS.ipPool)).rejects.toThrow(/kubectl create -k deploy\/crds/);
  await api.createCrds();
  expect((await store.list(KINDS.ipPool)).items).toEqual([]);
  const before = await api.kubectl('get', 'crd', '-o', 'jsonpath={.items[*].metadata.resourceVersion}');
  const again = await api.tryKubectl('create', '-k', path.join(base, '../crds'));
  expect(again.status).not.toBe(0);
  expect(again.out).toContain('already exists');
  expect(await api.kubectl('get', 'crd', '-o', 'jsonpath={.items[*].metadata.resourceVersion}')).toBe(before);
  for (const namespace of ['one', 'two']) await api.kubectl('create', 'namespace', namespace);
});

describe('the contract of a store', () => {
  storeSuite(
    (): Store => ({
      ...store,
      watch: async function* (kind, resourceVersion, signal) {
        await api.compact(WINDOW);
        yield* store.watch(kind, resourceVersion, signal);
      },
    }),
  );
});

test('sequenceNumber 1795272333123456789 plus 1 changes one digit of the bytes that the API server keeps', async () => {
  const at = '/apis/crd.projectcalico.org/v1/ipamblocks/10-244-200-0-26';
  await store.create(KINDS.ipamBlock, block('10-244-200-0-26', 1795272333123456789n));
  const before = await api.raw(at);
  await compareAndSwap(
    store,
    KINDS.ipamBlock,
    '10-244-200-0-26',
    (r) => ({ ...r, spec: { ...r.spec, sequenceNumber: (r.spec?.['sequenceNumber'] as bigint) + 1n } }),
    cas,
  );
  const after = await api.raw(at);
  const settled = (text: string): string =>
    text
      .replace(/"managedFields":\[.*?\}\],/, '')
      .replace(/"(resourceVersion|generation)":"?\d+"?,/g, '')
      .trim();
  expect(settled(before)).toContain('"sequenceNumber":1795272333123456789,');
  expect(settled(before)).not.toContain('managedFields');
  expect(settled(after)).toBe(
    settled(before).replace('"sequenceNumber":1795272333123456789,', '"sequenceNumber":1795272333123456790,'),
  );
});

describe('the service account of deploy/base', () => {
  let daemon: KubernetesStore;
  let tokenFile: string;
  beforeAll(async () => {
    for (const file of ['namespace.yaml', 'rbac.yaml']) await api.kubectl('apply', '-f', path.join(base, file));
    const token = await api.kubectl('create', 'token', 'gingham', '-n', 'gingham-system');
    const made = api.kubeconfigFor('daemon', `${token.trim()}\n`);
    tokenFile = made.tokenFile;
    daemon = open(made.kubeconfig);
  });

  test('may do what the daemon does with each kind', async () => {
    for (const kind of [
      KINDS.node,
      KINDS.pod,
      KINDS.namespace,
      KINDS.ipPool,
      KINDS.ipamBlock,
      KINDS.blockAffinity,
      KINDS.ipamHandle,
      KINDS.ipamConfig,
      KINDS.ipReservation,
      KINDS.clusterInformation,
      KINDS.bgpConfiguration,
      KINDS.bgpPeer,
      POLICY_KINDS.networkPolicy,
    ])
      expect(await reasonOf(daemon.list(kind)), kind.plural).toBe('no fault');
    // Kinds that this cluster never had are none, and not forbidden.
    expect(await reasonOf(daemon.list(POLICY_KINDS.globalNetworkPolicy))).toBe('NotFound');
    for (const kind of [KINDS.ipamBlock, KINDS.blockAffinity, KINDS.ipamHandle]) {
      const made = await daemon.create(kind, OWN[kind.kind] as Resource);
      const changed = await daemon.replace(kind, { ...made, metadata: { ...made.metadata, labels: { a: 'b' } } });
      const { uid, resourceVersion } = changed.metadata;
      await daemon.delete(kind, made.metadata.name, { uid: uid ?? '', resourceVersion: resourceVersion ?? '' });
    }
    await daemon.create(KINDS.ipPool, pool('of-a-daemon'));
    await store.create(KINDS.node, { metadata: { name: 'rbac-node' } });
    const annotations = { 'projectcalico.org/IPv4Address': '192.168.40.7/24' };
    await daemon.mergePatch(KINDS.node, 'rbac-node', { metadata: { annotations } }, 'status');
    expect((await store.get(KINDS.node, 'rbac-node')).metadata.annotations).toEqual(annotations);
  });

  test('reads Secrets of its own namespace and of no other, and removes no pool', async () => {
    for (const namespace of ['gingham-system', 'one'])
      await api.kubectl('create', 'secret', 'generic', 'bgp', '-n', namespace, '--from-literal=rack-1=s3cret');
    const secret = await daemon.get(KINDS.secret, 'gingham-system/bgp');
    expect(secret['data']).toEqual({ 'rack-1': Buffer.from('s3cret').toString('base64') });
    expect(await reasonOf(daemon.get(KINDS.secret, 'one/bgp'))).toBe('Forbidden');
    expect(await reasonOf(daemon.delete(KINDS.ipPool, 'of-a-daemon'))).toBe('Forbidden');
  });

  test('a token that is refused is read anew from its file, so a rotated one works without a restart', async () => {
    const good = fs.readFileSync(tokenFile, 'utf8');
    fs.writeFileSync(tokenFile, 'not-a-token');
    const late = open(path.join(api.folder, 'daemon.kubeconfig'));
    expect(await reasonOf(late.list(KINDS.node))).toBe('Forbidden');
    fs.writeFileSync(tokenFile, good);
    expect(await reasonOf(late.list(KINDS.node))).toBe('no fault');
  });

  test('an Event is on its object, once, for a kind of ours and for a Node', async () => {
    const peer = await store.create(KINDS.bgpPeer, { metadata: { name: 'rack-9' }, spec: { peerIP: '192.0.2.9' } });
    const fault = { object: peer, reason: 'BGPPeerInvalid', message: 'asNumber is missing', type: 'Warning' as const };
    for (let i = 0; i < 3; i++) await recordEvent(daemon, fault, { host: 'rbac-node' });
    const node = (await store.list(KINDS.node)).items.find((n) => n.metadata.name === 'rbac-node') as Resource;
    await recordEvent(daemon, { ...fault, object: node, kind: KINDS.node, reason: 'Told' }, { host: 'rbac-node' });
    const shown = await api.kubectl('get', 'events', '-n', 'default', '--no-headers');
    expect(shown.match(/BGPPeerInvalid/g)).toHaveLength(1);
    expect(shown).toMatch(/Warning\s+BGPPeerInvalid\s+bgppeer\/rack-9\s+asNumber is missing/);
    expect(shown).toMatch(/Warning\s+Told\s+node\/rbac-node/);
    expect(await api.kubectl('describe', 'bgppeers.crd.projectcalico.org', 'rack-9')).toContain('asNumber is missing');
  });
});

test('a kubeconfig that cannot be used is refused with file, value and remedy, before anything is connected', () => {
  const faulty = (name: string, text: string): string => {
    const at = path.join(api.folder, name);
    fs.writeFileSync(at, text);
    return at;
  };
  const opening = (at: string) => () => openKubernetesStore({ kubeconfig: at }, systemClock);
  expect(opening('/nowhere.conf')).toThrow(/kubeconfig \/nowhere\.conf cannot be read: ENOENT/);
  expect(opening(faulty('empty', 'apiVersion: v1\nkind: Config\n'))).toThrow(/Set current-context/);
  const plain = fs.readFileSync(api.kubeconfig, 'utf8').replace('https:', 'http:');
  expect(opening(faulty('plain', plain))).toThrow(/Write cluster\.store\.server: http:/);
  expect(() => openKubernetesStore({ kubernetes: true }, systemClock)).toThrow(/cluster\.store\.kubeconfig/);
});

test('an API server that is gone is Unreachable, and the message says which', async () => {
  const nowhere = fs.readFileSync(api.kubeconfig, 'utf8').replace(api.server, 'https://127.0.0.1:1');
  const at = path.join(api.folder, 'nowhere');
  fs.writeFileSync(at, nowhere);
  const away = open(at);
  await expect(away.list(KINDS.node)).rejects.toMatchObject({ reason: 'Unreachable', message: /127\.0\.0\.1:1/ });
});

const OWN: Readonly<Record<string, Resource>> = {
  IPAMBlock: block('10-244-201-0-26'),
  BlockAffinity: {
    metadata: { name: 'n-10-244-201-0-26' },
    spec: { cidr: '10.244.201.0/26', node: 'n', state: 'pending', deleted: 'false' },
  },
  IPAMHandle: { metadata: { name: 'h' }, spec: { handleID: 'h', block: {}, deleted: false } },
};
