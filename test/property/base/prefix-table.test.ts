import fc from 'fast-check';
import { expect, test } from 'vitest';
import { netmask } from '../../../src/base/ipv4.ts';
import { prefixKey } from '../../../src/base/prefix.ts';
import { PrefixTable } from '../../../src/base/prefix-table.ts';

/** Few addresses, all lengths: collisions, re-insertions and wrap-around runs are frequent. */
const aPrefix = fc
  .record({ bits: fc.nat(40), length: fc.nat(32) })
  .map(({ bits, length }) => ({ address: (Math.imul(bits, 0x07000193) & netmask(length)) >>> 0, length }));
const anOperation = fc.record({ what: fc.constantFrom('insert', 'insert', 'delete'), at: aPrefix });

test('PrefixTable behaves as a Map from prefix to id, and the longest match as a scan', () => {
  fc.assert(
    fc.property(
      fc.array(anOperation, { maxLength: 400 }),
      fc.array(aPrefix, { maxLength: 20 }),
      (operations, probes) => {
        const table = new PrefixTable();
        const model = new Map<number, number>();
        for (const { what, at } of operations) {
          const key = prefixKey(at.address, at.length);
          if (what === 'insert') {
            const id = table.insert(at.address, at.length);
            if (model.has(key)) expect(id).toBe(model.get(key));
            else expect([...model.values()]).not.toContain(id);
            model.set(key, id);
          } else {
            expect(table.delete(at.address, at.length)).toBe(model.get(key) ?? -1);
            model.delete(key);
          }
        }
        expect(table.size).toBe(model.size);
        expect([...table.sortedKeys()]).toEqual([...model.keys()].sort((a, b) => a - b));
        for (const [key, id] of model) {
          expect(table.find(Math.floor(key / 64), key % 64)).toBe(id);
          expect(prefixKey(table.addressOf(id), table.lengthOf(id))).toBe(key);
        }
        for (const probe of probes) {
          let best = -1;
          for (let length = probe.length; length >= 0 && best < 0; length--) {
            best = model.get(prefixKey((probe.address & netmask(length)) >>> 0, length)) ?? -1;
          }
          expect(table.longestMatch(probe.address, probe.length)).toBe(best);
        }
      },
    ),
  );
});
