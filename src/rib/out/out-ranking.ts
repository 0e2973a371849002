/** The best so many paths of a route, for ADD-PATH. Pure. RFC 7911 leaves the choice to us: the best path first, then as the decision
 *  process compares, with MED compared whatever the neighbouring AS, so that there is one order and not one of groups. */
import { compareIp } from '../../base/ip.ts';
import type { RouteTable } from '../tables/route-table.ts';

const NONE = -1;

/** Sorts the first `count` of `paths`, all usable ones of `route`. */
export function rankPaths(table: RouteTable, route: number, paths: number[]): void {
  const best = table.routes.bestOf(route);
  paths.sort((a, b) => (a === best ? -1 : b === best ? 1 : compare(table, a, b)));
}

function compare(table: RouteTable, a: number, b: number): number {
  const { sets, paths } = table;
  const [setA, setB] = [paths.usedOf(a), paths.usedOf(b)];
  const [from, other] = [table.sourceOf(a), table.sourceOf(b)];
  return (
    sets.rankOf(setB) - sets.rankOf(setA) ||
    sets.medOf(setA) - sets.medOf(setB) ||
    Number(other.kind === 'ebgp') - Number(from.kind === 'ebgp') ||
    costOf(table, setA) - costOf(table, setB) ||
    identifierOf(table, setA, from.bgpIdentifier) - identifierOf(table, setB, other.bgpIdentifier) ||
    sets.clusterLengthOf(setA) - sets.clusterLengthOf(setB) ||
    compareIp(from.address, other.address) ||
    paths.pathIdOf(a) - paths.pathIdOf(b) ||
    from.id - other.id
  );
}

const costOf = ({ sets, nextHops }: RouteTable, set: number): number => nextHops.cost.at[sets.nextHopOf(set)] as number;

function identifierOf({ sets }: RouteTable, set: number, ofSource: number): number {
  const originator = sets.originatorIdOf(set);
  return originator === NONE ? ofSource : originator;
}
