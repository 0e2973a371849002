import { expect, test } from 'vitest';
import { ChangeList } from '../../../src/rib/tables/change-list.ts';

/** Past the sizes at which columns of one octet and of four have had different room. */
const MANY = 1_300_000;

test('a route that is touched is in the list, whatever its id: also where one column has room and another has not', () => {
  const list = new ChangeList();
  const cursor = list.open();
  let lost = 0;
  for (let route = 0; route < MANY; route++) {
    list.touch(route);
    if (!list.holds(route)) lost++;
  }
  expect(lost).toBe(0);
  let taken = 0;
  const some = new Int32Array(1000);
  for (let n = some.length; n === some.length; taken += n) n = list.takeSome(cursor, some, some.length);
  expect(taken).toBe(MANY);
});
