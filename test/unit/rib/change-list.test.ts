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
  while (list.take(cursor) !== -1) taken++;
  expect(taken).toBe(MANY);
});
