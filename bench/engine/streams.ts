/** The streams by name. They stay as files. */
import { announcements, attributeSets, internetRoutes, peerAddress, type Routes, withdrawals } from './stream.ts';

export const FULL_ROUTES = 1_000_000;
const FULL_SETS = 150_000;
export const SOURCE_ASN = 64_513;

let full: Routes | undefined;
const fullRoutes = (): Routes => {
  full ??= internetRoutes(FULL_ROUTES, FULL_SETS);
  return full;
};

export const STREAMS: Readonly<Record<string, () => Uint8Array>> = {
  full: () => announcements(fullRoutes(), attributeSets(FULL_SETS, { asn: SOURCE_ASN, nextHop: peerAddress(0) })),
  'full-withdraw': () => withdrawals(fullRoutes()),
};
