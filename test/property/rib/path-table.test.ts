/** The Adj-RIBs-In as a Map from (route, source, path identifier) to path. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PathTable } from '../../../src/rib/tables/path-table.ts';

const NONE = -1;
const anOperation = fc.record({
  what: fc.constantFrom('add' as const, 'add' as const, 'remove' as const, 'leave' as const),
  route: fc.nat(5),
  source: fc.nat(4),
  pathId: fc.constantFrom(0, 0, 7, 0xffffffff),
});

/** `withIds`: else there are no path identifiers, as without ADD-PATH. `crowd`: sources that all have these routes, so that walks
 *  past them soon cost too much. */
function check(withIds: boolean, crowd: number): void {
  fc.assert(
    fc.property(fc.array(anOperation, { maxLength: 150 }), (operations) => {
      const table = new PathTable();
      const first = new Map<number, number>();
      const model = new Map<string, number>();
      const add = (route: number, source: number, pathId: number): void => {
        const head = first.get(route) ?? NONE;
        const path = table.add(route, source, head, pathId);
        first.set(route, table.headOf(path, head));
        expect([...model.values()]).not.toContain(path);
        model.set(`${route} ${source} ${pathId}`, path);
      };
      const remove = (key: string, path: number): void => {
        const route = Number(key.split(' ')[0]);
        first.set(route, table.remove(path, first.get(route) ?? NONE));
        model.delete(key);
      };
      for (let i = 0; i < crowd; i++) for (let route = 0; route < 6; route++) add(route, 10 + i, 0);
      // Each look-up walks past the crowd: in the end it is not walked.
      if (crowd > 0) for (let i = 0; i < 30_000 / crowd; i++) table.find(i % 6, first.get(i % 6) ?? NONE, 10, 0);
      for (const { what, route, source, pathId: any } of operations) {
        const pathId = withIds ? any : 0;
        const key = `${route} ${source} ${pathId}`;
        const path = table.find(route, first.get(route) ?? NONE, source, pathId);
        expect(path).toBe(model.get(key) ?? NONE);
        if (what === 'leave') {
          for (let p = table.nextOfSource(source, 0); p !== NONE; p = table.nextOfSource(source, p + 1))
            remove(`${table.routeOf(p)} ${source} ${table.pathIdOf(p)}`, p);
          for (const k of model.keys()) expect(k.split(' ')[1]).not.toBe(`${source}`);
        } else if (what === 'remove' && path !== NONE) remove(key, path);
        else if (what === 'add' && path === NONE) add(route, source, pathId);
      }
      expect(table.size).toBe(model.size);
      for (const [key, path] of model) {
        const [route = 0, source = 0, pathId = 0] = key.split(' ').map(Number);
        expect(table.find(route, first.get(route) ?? NONE, source, pathId)).toBe(path);
        expect([table.routeOf(path), table.sourceOf(path), table.pathIdOf(path)]).toEqual([route, source, pathId]);
      }
      for (const [route, head] of first) {
        const listed: number[] = [];
        for (let p = head; p !== NONE; p = table.nextOf(p)) listed.push(p);
        const wanted = [...model].filter(([key]) => key.startsWith(`${route} `)).map(([, path]) => path);
        expect(listed.sort()).toEqual(wanted.sort());
      }
    }),
    { numRuns: crowd > 0 ? 30 : 100 },
  );
}

test('PathTable behaves as a Map, without path identifiers', () => check(false, 0));
test('PathTable behaves as a Map, with path identifiers (RFC 7911)', () => check(true, 0));
test('a source that walked too far has a column of its own, and nothing else changes', () => check(true, 20));
