// needs: kube-apiserver kubectl openssl curl
/** A cluster that has Calico's newer group alone: the same code, the other words on the wire. The kinds are made from ours,
 *  because we ship none of projectcalico.org. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { Ipam } from '../../src/ipam/allocator.ts';
import { parseJson } from '../../src/store/json.ts';
import { KINDS } from '../../src/store/kinds.ts';
import { type KubernetesStore, openKubernetesStore } from '../../src/store/kubernetes.ts';
import type { Resource } from '../../src/store/port.ts';
import { systemClock, systemRandom, systemTimers } from '../../src/sys/time.ts';
import { CRDS } from '../contract/store-crds.ts';
import { type KubeApi, startKubeApi } from '../support/kube-api.ts';

let api: KubeApi;
let store: KubernetesStore;

/** Ours, as the newer group has it: another version, IPAMConfiguration, a boolean where the string was. */
const toV3 = (crd: string): string =>
  stringify(
    parse(
      crd
        .replaceAll('crd.projectcalico.org', 'projectcalico.org')
        .replace('- name: v1\n', '- name: v3\n')
        .replaceAll('IPAMConfig', 'IPAMConfiguration')
        .replaceAll('ipamconfig', 'ipamconfiguration')
        .replace(
          /( +)deleted:\n( +)description: '"true"(.*)\n +type: string/,
          '$1deleted:\n$2description: \'"true"$3\n$2type: boolean',
        ),
    ),
  );

beforeAll(async () => {
  api = await startKubeApi();
  store = openKubernetesStore({ kubeconfig: api.kubeconfig }, systemClock);
  await api.feed(CRDS.map(toV3).join('---\n'), 'create');
  await api.kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s');
});
afterAll(async () => {
  store?.close();
  await api?.stop();
});

const raw = async (plural: string, name: string): Promise<Resource> =>
  parseJson(await api.raw(`/apis/projectcalico.org/v3/${plural}/${name}`)) as unknown as Resource;

test('a node claims its block and assigns from it, and what it writes is of projectcalico.org/v3', async () => {
  await store.create(KINDS.node, { metadata: { name: 'n1' } });
  await store.create(KINDS.ipPool, { metadata: { name: 'p' }, spec: { cidr: '10.244.0.0/26', ipipMode: 'Always' } });
  await store.create(KINDS.ipamConfig, {
    metadata: { name: 'default' },
    spec: { strictAffinity: true, autoAllocateBlocks: true, maxBlocksPerHost: 1 },
  });
  const ipam = new Ipam({
    store,
    nodeName: 'n1',
    now: () => Date.now(),
    timers: systemTimers,
    random: systemRandom,
  });
  await ipam.ensureTunnelAddress('ipip');
  await ipam.assign({ handleId: 'net.a', attributes: { pod: 'a' }, use: 'Workload' });

  const affinity = await raw('blockaffinities', 'n1-10-244-0-0-26');
  expect(affinity).toMatchObject({
    apiVersion: 'projectcalico.org/v3',
    kind: 'BlockAffinity',
    spec: { node: 'n1', state: 'confirmed', deleted: false },
  });
  expect((await raw('ipamconfigurations', 'default')).kind).toBe('IPAMConfiguration');
  expect((await raw('ipamblocks', '10-244-0-0-26')).spec).toMatchObject({ affinity: 'host:n1' });
  expect(typeof (await raw('ipamblocks', '10-244-0-0-26')).spec?.['sequenceNumber']).toBe('bigint');

  const [read] = (await store.list(KINDS.blockAffinity)).items;
  expect(read).toMatchObject({ apiVersion: 'crd.projectcalico.org/v1', spec: { deleted: 'false' } });
  expect(await ipam.release('net.a')).toBe(1);
  // The limit is IPAMConfiguration's: read through the other name, and obeyed.
  await expect(
    Promise.all(
      Array.from({ length: 64 }, (_, i) =>
        ipam.assign({ handleId: `net.${i}`, attributes: { pod: `${i}` }, use: 'Workload' }),
      ),
    ),
  ).rejects.toMatchObject({ reason: { code: expect.stringMatching(/^IPAM_/) } });
});
