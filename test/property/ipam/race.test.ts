/** Many nodes, one store, every interleaving chance makes: no address twice, handles as the blocks say, sound blocks. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatIpv4, type Ipv4 } from '../../../src/base/ipv4.ts';
import { Ipam } from '../../../src/ipam/allocator.ts';
import { KINDS } from '../../../src/store/kinds.ts';
import { StoreError } from '../../../src/store/port.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { instantTimers } from '../../support/instant-timers.ts';
import { allocationsIn, blocksIn, ipamFaults } from '../../support/ipam-invariants.ts';

const shuffledStore = (random: () => number, cidr: string): FakeStore => {
  const store = new FakeStore();
  store.seed(KINDS.ipPool, 'p', { cidr, blockSize: 28, ipipMode: 'Always' });
  store.before = async () => {
    for (let turns = Math.floor(random() * 4); turns > 0; turns--) await new Promise((done) => setImmediate(done));
  };
  return store;
};
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};
const allocator = (store: FakeStore, nodeName: string, random: () => number): Ipam =>
  new Ipam({ store, nodeName, now: () => 1_795_272_333_123, timers: instantTimers, random });

test('ten nodes that assign and release at once never share an address, even when they must borrow', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.constantFrom('10.0.0.0/24', '10.0.0.0/25'), async (seed, cidr) => {
      const random = randomFrom(seed);
      const store = shuffledStore(random, cidr);
      const held = new Map<string, Ipv4>();
      const work = Array.from({ length: 10 }, async (_, n) => {
        const ipam = allocator(store, `n${n}`, random);
        await Promise.all(
          Array.from({ length: 10 }, async (_, p) => {
            const handleId = `net.n${n}p${p}`;
            held.set(handleId, await ipam.assign({ handleId, attributes: { pod: `${p}` }, use: 'Workload' }));
            if (random() > 0.3) return;
            expect(await ipam.release(handleId)).toBe(1);
            held.delete(handleId);
          }),
        );
      });
      await Promise.all(work);
      expect(ipamFaults(store)).toEqual([]);
      expect(new Set(held.values()).size).toBe(held.size);
      const stored = [...allocationsIn(store)].map(([handle, addresses]) => [handle, addresses.join()]).sort();
      expect(stored).toEqual([...held].map(([handle, address]) => [handle, formatIpv4(address)]).sort());
    }),
    { numRuns: 12 },
  );
});

test('a node that dies before or after any store call is repaired by its next start, and by the release of its handle', async () => {
  for (let step = 1; ; step++) {
    for (const moment of ['before', 'after'] as const) {
      const random = randomFrom(step);
      const store = shuffledStore(random, '10.0.0.0/24');
      const died = new StoreError('Unreachable', 'the process was killed');
      let left = step;
      let dead = false;
      store.before = () => {
        if (dead || (moment === 'before' && --left === 0)) {
          dead = true;
          throw died;
        }
      };
      store.after = () => {
        if (moment === 'after' && --left === 0) {
          dead = true;
          throw died;
        }
      };
      const first = allocator(store, 'n1', random);
      const request = { handleId: 'net.a', attributes: {}, use: 'Workload' as const };
      const finished = await first
        .ensureTunnelAddress('ipip')
        .then(() => first.assign(request))
        .then(() => first.release('net.a'))
        .then(() => true)
        .catch(() => false);
      if (finished) {
        expect(step).toBeGreaterThan(20); // every call was tried
        return;
      }
      store.before = () => {};
      store.after = () => {};
      const second = allocator(store, 'n1', random);
      await second.ensureBlock();
      await second.release('net.a');
      const tunnel = await second.ensureTunnelAddress('ipip');
      expect(await second.assignmentsOf('ipip-tunnel-addr-n1')).toEqual([tunnel]);
      await second.assign(request);
      await second.release('net.a');
      const faults = ipamFaults(store).filter((f) => !f.startsWith('ipip-tunnel-addr-n1')); // its count may be too high
      expect(faults, `step ${step} ${moment}`).toEqual([]);
      expect(blocksIn(store).map((b) => b.affinity)).toEqual(['host:n1']);
      expect(store.all(KINDS.blockAffinity).map((a) => a.spec?.state)).toEqual(['confirmed']);
      expect([...allocationsIn(store).keys()]).toEqual(['ipip-tunnel-addr-n1']);
    }
  }
});
