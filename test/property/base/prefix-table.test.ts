import fc from 'fast-check';
import { expect, test } from 'vitest';
import { netmask } from '../../../src/base/ipv4.ts';
import { netmask6, writeIpv6 } from '../../../src/base/ipv6.ts';
import { Ipv6PrefixTable } from '../../../src/base/ipv6-prefix-table.ts';
import type { PrefixIndex } from '../../../src/base/prefix-index.ts';
import { PrefixTable } from '../../../src/base/prefix-table.ts';

type Address = number | bigint;
interface At {
  readonly address: Address;
  readonly length: number;
}

/** Few addresses, all lengths: collisions, re-insertions and wrap-around runs are frequent. */
const anIpv4Prefix = fc
  .record({ bits: fc.nat(40), length: fc.nat(32) })
  .map(({ bits, length }): At => ({ address: (Math.imul(bits, 0x07000193) & netmask(length)) >>> 0, length }));
const anIpv6Prefix = fc.record({ bits: fc.nat(40), length: fc.nat(128) }).map(
  ({ bits, length }): At => ({
    address: (BigInt(bits) * 0x07000193_00a0000b_0300000f_00d00011n) & netmask6(length),
    length,
  }),
);

const masked = (address: Address, length: number): Address =>
  typeof address === 'bigint' ? address & netmask6(length) : (address & netmask(length)) >>> 0;
const textOf = ({ address, length }: At): string => `${address}/${length}`;

function behavesAsMap(make: () => unknown, aPrefix: fc.Arbitrary<At>): void {
  const anOperation = fc.record({ what: fc.constantFrom('insert', 'insert', 'delete', 'deleteId'), at: aPrefix });
  fc.assert(
    fc.property(
      fc.array(anOperation, { maxLength: 400 }),
      fc.array(aPrefix, { maxLength: 20 }),
      (operations, probes) => {
        const table = make() as PrefixIndex<Address>;
        const model = new Map<string, { id: number; at: At }>();
        for (const { what, at } of operations) {
          const key = textOf(at);
          const known = model.get(key);
          if (what === 'insert') {
            const id = table.insert(at.address, at.length);
            if (known) expect(id).toBe(known.id);
            else expect([...model.values()].map((m) => m.id)).not.toContain(id);
            model.set(key, { id, at });
          } else {
            if (what === 'delete') expect(table.delete(at.address, at.length)).toBe(known?.id ?? -1);
            else if (known) table.deleteId(known.id);
            model.delete(key);
          }
        }
        expect(table.size).toBe(model.size);
        for (const { id, at } of model.values()) {
          expect(table.has(id)).toBe(true);
          expect(table.find(at.address, at.length)).toBe(id);
          expect({ address: table.addressOf(id), length: table.lengthOf(id) }).toEqual(at);
        }
        const sorted = [...model.values()].sort((x, y) =>
          x.at.address < y.at.address ? -1 : x.at.address > y.at.address ? 1 : x.at.length - y.at.length,
        );
        expect([...table.sortedIds()]).toEqual(sorted.map((m) => m.id));
        const seen: string[] = [];
        table.forEach((_, address, length) => {
          seen.push(textOf({ address, length }));
        });
        expect(seen.sort()).toEqual([...model.keys()].sort());
        for (const probe of probes) {
          let best = -1;
          for (let length = probe.length; length >= 0 && best < 0; length--)
            best = model.get(textOf({ address: masked(probe.address, length), length }))?.id ?? -1;
          expect(table.longestMatch(probe.address, probe.length)).toBe(best);
        }
      },
    ),
    { verbose: 1 },
  );
}

test('PrefixTable behaves as a Map from prefix to id, and the longest match as a scan', () => {
  behavesAsMap(() => new PrefixTable(), anIpv4Prefix);
});

test('Ipv6PrefixTable behaves as a Map from prefix to id, and the longest match as a scan', () => {
  behavesAsMap(() => new Ipv6PrefixTable(), anIpv6Prefix);
});

test('an IPv6 prefix is the same by its octets, whatever lies behind them, and at the end of the slab', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anIpv6Prefix, fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })), { maxLength: 60 }),
      (all) => {
        const table = new Ipv6PrefixTable();
        for (const [{ address, length }, noise] of all) {
          const octets = new Uint8Array(17);
          // Bits beyond the length are the sender's carelessness or the next prefix.
          writeIpv6(octets, 1, (address as bigint) | (noise & ~netmask6(length)));
          const slab = octets.slice(0, 1 + ((length + 7) >>> 3));
          const before = table.find(address as bigint, length);
          expect(table.findOctets(slab, 1, length)).toBe(before);
          const id = table.insertOctets(octets, 1, length);
          if (before >= 0) expect(id).toBe(before);
          expect(table.find(address as bigint, length)).toBe(id);
          expect(table.insertOctets(slab, 1, length)).toBe(id);
          expect(table.addressOf(id)).toBe(address);
        }
      },
    ),
  );
});

test('while a table grows, prefixes come, go and are found in both of its halves', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 0x7fffffff }), fc.boolean(), (seed, isIpv6) => {
      const table = (isIpv6 ? new Ipv6PrefixTable() : new PrefixTable()) as unknown as PrefixIndex<Address>;
      const addressOf = (n: number): Address => {
        const word = Math.imul(n, 0x9e3779b1) >>> 0;
        return isIpv6 ? (BigInt(word) << 80n) | BigInt(n) : word;
      };
      const bits = isIpv6 ? 128 : 32;
      const alive = new Map<number, number>();
      let chance = seed;
      for (let n = 0; n < 3000; n++) {
        alive.set(n, table.insert(addressOf(n), bits));
        chance = (Math.imul(chance, 1103515245) + 12345) >>> 0;
        const victim = chance % (n + 1);
        if (chance % 3 === 0) expect(table.delete(addressOf(victim), bits)).toBe(alive.get(victim) ?? -1);
        if (chance % 3 === 0) alive.delete(victim);
        else expect(table.find(addressOf(victim), bits)).toBe(alive.get(victim) ?? -1);
      }
      expect(table.size).toBe(alive.size);
      for (const [n, id] of alive) expect(table.find(addressOf(n), bits)).toBe(id);
    }),
    { numRuns: 20 },
  );
});
