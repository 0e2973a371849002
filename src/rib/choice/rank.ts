/** The steps of the decision that need only an attribute set and whose it is, as one number: higher is better. Pure, hot. Which steps
 *  these are, and why in this order, decision.ts says; whoever makes a rank and whoever reads one does it by these bits.
 *
 *    48     47      46         45 ........ 14  13 ...... 2      1 0
 *    local  fresh   preferred  LOCAL_PREF      4095 - length    2 - ORIGIN */

/** Of our own routes, whatever their attributes: all others are below it. */
export const LOCAL_RANK = 2 ** 48;
const FRESH = 2 ** 47;
const PREFERRED = 2 ** 46;
const LOCAL_PREF_UNIT = 2 ** 14;
const LENGTH_UNIT = 4;

/** Longer paths count as this long: twelve bits. */
export const MAX_PATH_LENGTH = 4095;

/** `pathLength` is at most MAX_PATH_LENGTH; `origin` as on the wire, 0 to 2. */
export const packRank = (
  isLocal: boolean,
  isStale: boolean,
  isPreferred: boolean,
  localPref: number,
  pathLength: number,
  origin: number,
): number =>
  (isLocal ? LOCAL_RANK : 0) +
  (isStale ? 0 : FRESH) +
  (isPreferred ? PREFERRED : 0) +
  localPref * LOCAL_PREF_UNIT +
  (MAX_PATH_LENGTH - pathLength) * LENGTH_UNIT +
  2 -
  origin;

/** Whether origin validation put it first. */
export const isPreferredRank = (rank: number): boolean => (Math.floor(rank / PREFERRED) & 1) === 1;

export const localPrefOfRank = (rank: number): number => Math.floor((rank % PREFERRED) / LOCAL_PREF_UNIT);

export const pathLengthOfRank = (rank: number): number =>
  MAX_PATH_LENGTH - (Math.floor(rank / LENGTH_UNIT) % (MAX_PATH_LENGTH + 1));
