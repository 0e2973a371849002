/** Routes in order of prefix, without a pause: the tables have no order, and to sort a million takes as long as nobody may wait.
 *  Pure. First all ids are dealt into drawers by the upper bits of the address, some per turn; then drawer after drawer is
 *  sorted when it is opened. */
import type { RouteTable } from './route-table.ts';

const NONE = -1;
const IDS_PER_TURN = 8192;

/** Route ids by address, then shorter first; -1 between them: some work is done and nothing is to be given yet. Live: what is gone
 *  when its turn comes is left out, and so is what comes during the walk. */
export function* inOrder(table: RouteTable): Generator<number, undefined> {
  const { index } = table;
  const drawers = new Map<number, number[]>();
  const end = index.idBound;
  for (let at = 0; at < end; ) {
    const stop = Math.min(at + IDS_PER_TURN, end);
    for (; at < stop; at++) {
      if (!index.has(at)) continue;
      const drawer = drawerOf(index.addressOf(at));
      const ids = drawers.get(drawer);
      if (ids) ids.push(at);
      else drawers.set(drawer, [at]);
    }
    if (at < end) yield NONE;
  }
  for (const drawer of [...drawers.keys()].sort((a, b) => a - b)) {
    const ids = (drawers.get(drawer) ?? []).filter((id) => index.has(id) && drawerOf(index.addressOf(id)) === drawer);
    drawers.delete(drawer);
    const rows = ids.map((id) => ({ id, address: index.addressOf(id), length: index.lengthOf(id) }));
    rows.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : a.length - b.length));
    for (const { id, address, length } of rows) {
      if (index.has(id) && index.addressOf(id) === address && index.lengthOf(id) === length) yield id;
    }
  }
}

/** The upper 16 bits of an IPv4 address, 32 of an IPv6 one. */
const drawerOf = (address: number | bigint): number =>
  typeof address === 'bigint' ? Number(address >> 96n) : address >>> 16;
