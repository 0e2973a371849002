import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HashSlots } from '../../../src/base/hash-slots.ts';

test('HashSlots holds pairs of hash and number, however many share a hash, come, go, and while it grows', () => {
  const anOperation = fc.record({ add: fc.constantFrom(true, true, false), hash: fc.nat(40), many: fc.nat(40) });
  fc.assert(
    fc.property(fc.array(anOperation, { maxLength: 200 }), (operations) => {
      const slots = new HashSlots();
      const model = new Map<number, Set<number>>();
      let next = 0;
      for (const { add, hash, many } of operations) {
        // Spread, signed and not: a hash has 32 bits of either kind.
        const h = Math.imul(hash, 0x9e3779b1);
        const of = model.get(h) ?? new Set<number>();
        model.set(h, of);
        if (add) {
          for (let i = 0; i < many; i++) {
            of.add(next);
            slots.add(h, next++);
          }
        } else
          for (const number of [...of].slice(0, many)) {
            of.delete(number);
            slots.remove(h, number);
          }
      }
      for (const [h, of] of model) {
        const found = new Set<number>();
        for (let at = slots.first(h); at >= 0; at = slots.after(at, h)) {
          expect(found.has(slots.numberAt(at))).toBe(false);
          found.add(slots.numberAt(at));
        }
        expect(found).toEqual(of);
      }
    }),
  );
});
