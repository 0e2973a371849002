/** The steps of the decision that need only an attribute set and whose it is, as one number: higher is better. Pure, hot. Which steps
 *  these are, and why in this order, decision.ts says; whoever makes a rank and whoever reads one does it by these bits.
 *
 *    49     48     47 46     45 ........ 14  13 ...... 2    1 0
 *    local  fresh  standing  LOCAL_PREF      4095 - length  2 - ORIGIN */

/** Of our own routes, whatever their attributes: all others are below it. */
export const LOCAL_RANK = 2 ** 49;
const FRESH = 2 ** 48;
const STANDING_UNIT = 2 ** 46;
const LOCAL_PREF_UNIT = 2 ** 14;
const LENGTH_UNIT = 4;

/** Longer paths count as this long: twelve bits. */
export const MAX_PATH_LENGTH = 4095;

/** What origin validation found, where import makes a difference of it. Where it makes none, every path is unknown. */
export const INVALID = 0;
export const UNKNOWN = 1;
export const VALID = 2;
export type Standing = typeof INVALID | typeof UNKNOWN | typeof VALID;

/** `pathLength` is at most MAX_PATH_LENGTH; `origin` as on the wire, 0 to 2. */
export const packRank = (
  isLocal: boolean,
  isStale: boolean,
  standing: Standing,
  localPref: number,
  pathLength: number,
  origin: number,
): number =>
  (isLocal ? LOCAL_RANK : 0) +
  (isStale ? 0 : FRESH) +
  standing * STANDING_UNIT +
  localPref * LOCAL_PREF_UNIT +
  (MAX_PATH_LENGTH - pathLength) * LENGTH_UNIT +
  2 -
  origin;

export function standingOfRank(rank: number): Standing {
  const standing = Math.floor(rank / STANDING_UNIT) % 4;
  return standing === VALID ? VALID : standing === INVALID ? INVALID : UNKNOWN;
}

export const localPrefOfRank = (rank: number): number => Math.floor((rank % STANDING_UNIT) / LOCAL_PREF_UNIT);

export const pathLengthOfRank = (rank: number): number =>
  MAX_PATH_LENGTH - (Math.floor(rank / LENGTH_UNIT) % (MAX_PATH_LENGTH + 1));
