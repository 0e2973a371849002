/** The streams by name. They stay as files. */
import {
  announcements,
  attributeSets,
  bySet,
  internetRoutes,
  Messages,
  peerAddress,
  type Routes,
  withdrawals,
  xorshift,
} from './stream.ts';

export const FULL_ROUTES = 1_000_000;
const FULL_SETS = 150_000;
export const SOURCE_ASN = 64_513;
export const MANY_PEERS = 30;
export const MANY_PEERS_ASN = 65_001;
export const MANY_PEERS_ROUTES = 100_000;
export const CHURN_RATE = 10_000;
export const CHURN_SECONDS = 30;
/** Each changes every five seconds: when it is seen, there is no doubt which change it was. */
const CHURNING = 50_000;

/** A table with as many routes for a set as the full one has. */
const setsFor = (routes: number): number => Math.ceil((routes * FULL_SETS) / FULL_ROUTES);
const made = new Map<number, Routes>();
function table(routes: number): Routes {
  const found = made.get(routes) ?? internetRoutes(routes, setsFor(routes));
  made.set(routes, found);
  return found;
}
const sourceSets = (count: number, seed?: number): Uint8Array[] =>
  attributeSets(count, { asn: SOURCE_ASN, nextHop: peerAddress(0), ...(seed === undefined ? {} : { seed }) });
const tableFrom = (routes: number): Uint8Array => announcements(table(routes), sourceSets(setsFor(routes)));

/** Of the full table's routes some take turns: other attributes, the old ones, withdrawn, announced. A turn changes those of a
 *  few sets together, as where a link far away goes. */
function churning(): Uint8Array {
  const full = table(FULL_ROUTES);
  const [before, after] = [sourceSets(FULL_SETS), sourceSets(FULL_SETS, 0x2545f491)];
  const random = xorshift(0x1234567);
  const messages = new Messages();
  // Sets in a random order until there are enough routes.
  const groups = bySet(full, FULL_SETS).map((indexes, set) => ({ indexes: indexes.slice(0, 20), set, at: random() }));
  groups.sort((a, b) => a.at - b.at);
  let total = 0;
  const chosen = groups.filter(({ indexes }) => {
    total += indexes.length;
    return total <= CHURNING;
  });
  const routes = chosen.reduce((sum, { indexes }) => sum + indexes.length, 0);
  const steps = Math.ceil((CHURN_RATE * CHURN_SECONDS) / routes);
  for (let step = 0; step < steps; step++)
    for (const [i, { indexes, set }] of chosen.entries()) {
      // Two of four turns bring other attributes, one withdraws, one announces; neighbours are not in step, and whoever is at
      // the third or fourth turn at first begins with being withdrawn: every turn is a change.
      const turn = (step + i) % 4;
      if (turn === 2 || (step === 0 && turn === 3)) messages.withdraw(full, indexes);
      else messages.announce(full, indexes, (turn === 0 || step === 0 ? after : before)[set] as Uint8Array);
    }
  return messages.octets();
}

/** One route in each message, each with attributes of its own. */
function singleRoutes(): Uint8Array {
  const routes = table(1000);
  const sets = sourceSets(1000);
  const messages = new Messages();
  for (const [i, set] of sets.entries()) messages.announce(routes, [i], set);
  return messages.octets();
}

const peers = Array.from({ length: MANY_PEERS }, (_, i): [string, () => Uint8Array] => [
  `peer-${i}`,
  () =>
    announcements(
      table(MANY_PEERS_ROUTES),
      attributeSets(setsFor(MANY_PEERS_ROUTES), { asn: MANY_PEERS_ASN + i, nextHop: peerAddress(i), detour: i }),
    ),
]);

export const STREAMS: Readonly<Record<string, () => Uint8Array>> = {
  full: () => tableFrom(FULL_ROUTES),
  'full-withdraw': () => withdrawals(table(FULL_ROUTES)),
  'kernel-100k': () => tableFrom(100_000),
  'kernel-100k-withdraw': () => withdrawals(table(100_000)),
  'kernel-500k': () => tableFrom(500_000),
  'kernel-500k-withdraw': () => withdrawals(table(500_000)),
  'single-routes': singleRoutes,
  churn: churning,
  ...Object.fromEntries(peers),
};
