/** The log of changes against a model that keeps every reader's unread routes as a set. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Int32Column } from '../../../src/base/columns.ts';
import { ChangeList, type Cursor } from '../../../src/rib/tables/change-list.ts';

const NONE = -1;
interface Reader {
  readonly cursor: Cursor;
  /** Changed since it last took them, or since it came. */
  readonly unread: Set<number>;
}

/** The next change for this reader, or -1. */
function takeOne(list: ChangeList, cursor: Cursor): number {
  const one = new Int32Array(1);
  return list.takeSome(cursor, one, 1) === 0 ? NONE : (one[0] as number);
}

const steps = fc.array(
  fc.oneof(
    { weight: 10, arbitrary: fc.record({ do: fc.constant('touch' as const), n: fc.nat(40) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('burst' as const), n: fc.nat(3000) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('burstAtOnce' as const), n: fc.nat(200) }) },
    { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), n: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('takeAll' as const), n: fc.nat(9) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('drop' as const), n: fc.nat(50) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('open' as const), n: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), n: fc.nat(9) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('follow' as const), n: fc.nat(9) }) },
  ),
  { maxLength: 120 },
);

/** Places near the end of their numbers: they wrap on the way. */
test.each([1, -40, 0x7fff_ffff - 30, -2_000])(
  'each reader takes what changed since it took it, once; places from %i',
  (from) => {
    fc.assert(
      fc.property(steps, (all) => {
        const list = new ChangeList(new Int32Column(0), 2, 1, from);
        const readers: Reader[] = [];
        const listed = new Set<number>();
        const touch = (route: number): void => {
          list.touch(route);
          if (readers.length === 0) return;
          listed.add(route);
          for (const { unread } of readers) unread.add(route);
        };
        const take = (reader: Reader): number => {
          const route = takeOne(list, reader.cursor);
          if (route === NONE) expect(reader.unread.size).toBe(0);
          else expect(reader.unread.delete(route)).toBe(true);
          return route;
        };
        for (const { do: what, n } of all) {
          const reader = readers[n % Math.max(1, readers.length)];
          if (what === 'touch') touch(n);
          else if (what === 'burst') for (let route = 0; route < n; route++) touch(route);
          else if (what === 'burstAtOnce') {
            list.touchAll(
              Int32Array.from({ length: n }, (_, route) => route),
              n,
            );
            if (readers.length > 0)
              for (let route = 0; route < n; route++) {
                listed.add(route);
                for (const { unread } of readers) unread.add(route);
              }
          } else if (what === 'open') readers.push({ cursor: list.open(), unread: new Set() });
          else if (what === 'take' && reader) take(reader);
          else if (what === 'takeAll' && reader) {
            const some = new Int32Array(n + 1);
            for (let count = some.length; count === some.length; ) {
              count = list.takeSome(reader.cursor, some, some.length);
              for (const route of some.subarray(0, count)) expect(reader.unread.delete(route)).toBe(true);
            }
            expect(reader.unread.size).toBe(0);
          } else if (what === 'close' && reader) {
            list.close(reader.cursor);
            readers.splice(readers.indexOf(reader), 1);
          } else if (what === 'follow' && reader) {
            // As out-group.ts does: of two that stood together, one goes on and the other follows.
            const other = { cursor: list.open(), unread: new Set(reader.unread) };
            list.follow(other.cursor, reader.cursor);
            take(reader);
            list.follow(other.cursor, reader.cursor);
            other.unread.clear();
            for (const route of reader.unread) other.unread.add(route);
            readers.push(other);
          } else if (what === 'drop') {
            const some = new Int32Array(n);
            for (const route of some.subarray(0, list.dropSome(some, n))) {
              expect(listed.delete(route)).toBe(true);
              for (const { unread } of readers) expect(unread.has(route)).toBe(false);
            }
          }
          for (const { cursor, unread } of readers) expect(list.isDone(cursor)).toBe(unread.size === 0);
        }
        for (const route of listed) expect(list.holds(route)).toBe(true);
        for (const reader of readers) while (take(reader) !== NONE);
        let dropped = 0;
        const some = new Int32Array(64);
        for (let count = 64; count === 64; dropped += count) count = list.dropSome(some, 64);
        expect(dropped).toBe(listed.size);
      }),
      { numRuns: 150 },
    );
  },
);

test('while a reader stands still and others go on, the log takes no more than twice the routes', () => {
  const cells = new Int32Column(0);
  const list = new ChangeList(cells);
  const [slow, fast] = [list.open(), list.open()];
  for (let round = 0; round < 200; round++) {
    for (let route = 0; route < 1000; route++) list.touch(route);
    while (takeOne(list, fast) !== NONE);
  }
  expect(list.room).toBeLessThanOrEqual(4096);
  let taken = 0;
  while (takeOne(list, slow) !== NONE) taken++;
  expect(taken).toBe(1000);
});
