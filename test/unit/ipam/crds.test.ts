/** IPAM on the embedded store with the shipped CRDs: what we write is valid, and nothing of it is pruned. */
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { Ipam } from '../../../src/ipam/allocator.ts';
import { memoryStore } from '../../../src/store/embedded/memory.ts';
import { KINDS } from '../../../src/store/kinds.ts';
import { instantTimers } from '../../support/instant-timers.ts';

const folder = new URL('../../../deploy/crds/', import.meta.url);
const crds = fs
  .readdirSync(folder)
  .filter((f) => f.endsWith('.yaml') && f !== 'kustomization.yaml')
  .map((f) => fs.readFileSync(new URL(f, folder), 'utf8'));

test('claim, assign, release and repair work under the CRDs, and every field we write is kept', async () => {
  const store = memoryStore(crds);
  await store.create(KINDS.ipPool, { metadata: { name: 'p' }, spec: { cidr: '10.244.0.0/16', ipipMode: 'Always' } });
  const ipam = (): Ipam =>
    new Ipam({ store, nodeName: 'n1', now: () => 1_795_272_333_123, timers: instantTimers, random: () => 0 });
  const address = await ipam().ensureTunnelAddress('ipip');
  const pod = await ipam().assign({ handleId: 'net.A', attributes: { pod: 'a' }, use: 'Workload' });
  expect(pod).toBe(address + 1);
  const [block] = (await store.list(KINDS.ipamBlock)).items;
  expect(block?.spec).toMatchObject({
    affinity: 'host:n1',
    affinityClaimTime: '2026-11-21T14:45:33Z',
    deleted: false,
    strictAffinity: false,
    // created with UnixNano, then written twice
    sequenceNumber: 1_795_272_333_123_000_002n,
    sequenceNumberForAllocation: { '0': 1_795_272_333_123_000_000n, '1': 1_795_272_333_123_000_001n },
  });
  const [affinity] = (await store.list(KINDS.blockAffinity)).items;
  expect(affinity?.spec).toMatchObject({ node: 'n1', state: 'confirmed', deleted: 'false', type: 'host' });
  const handle = await store.get(KINDS.ipamHandle, 'net.a');
  expect(handle.spec).toMatchObject({ handleID: 'net.A', deleted: false });
  expect(await ipam().release('net.A')).toBe(1);
  await expect(store.get(KINDS.ipamHandle, 'net.a')).rejects.toMatchObject({ reason: 'NotFound' });
});
