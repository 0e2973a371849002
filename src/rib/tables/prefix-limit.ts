/** How many prefixes a peer may announce, and what happens there. Pure. RFC 4271 6.7, RFC 4486 4. */
import type { Reason } from '../../base/reason.ts';
import { type BgpError, bgpError } from '../../bgp-js/wire/error.ts';
import type { Source } from '../terms/source.ts';

/** Told once on the way up, at the share that is warned of and at the limit; again when it has been below in between. */
export interface LimitNotice {
  readonly limit: number;
  readonly received: number;
  readonly reason: Reason;
}

const CEASE = 6;
const MAX_PREFIXES_REACHED = 1;
const DEFAULT_WARN_PERCENT = 75;

/** What Source.limitTold counts. */
const BELOW = 0;
const NEAR = 1;
const ABOVE = 2;

/** Asked when a source is about to have a prefix more: undefined as long as there is nothing new to tell. `above`: it was one too
 *  many. */
export function limitReached(source: Source, above: boolean): LimitNotice | undefined {
  const { limit, action, warnPercent = DEFAULT_WARN_PERCENT } = source.maxPrefixes;
  const { name } = source;
  const received = source.received + (above ? 0 : 1);
  const near = received * 100 >= limit * warnPercent;
  const state = above ? ABOVE : near ? NEAR : BELOW;
  if (state === BELOW) source.limitTold = BELOW;
  if (state <= source.limitTold) return undefined;
  source.limitTold = state;
  const what =
    state === NEAR
      ? `has sent ${received} of ${limit} prefixes`
      : `sent more than ${limit} prefixes${action === 'drop' ? '; those above are left out' : ''}`;
  const code = state === NEAR ? 'MAX_PREFIXES_NEAR' : 'MAX_PREFIXES_REACHED';
  return { limit, received, reason: { code, text: `peer "${name}" ${what}; raise its limit if that is right` } };
}

/** Why what is above the limit is not there, for whoever asks about a prefix. */
export const leftOut = (source: Source): Reason => ({
  code: 'MAX_PREFIXES_DROPPED',
  text: `${source.leftOut} announcements of peer "${source.name}" above its limit of ${source.maxPrefixes.limit} prefixes were left out`,
});

export function tooManyPrefixes(source: Source, afi: number): BgpError {
  const { limit } = source.maxPrefixes;
  const data = Uint8Array.of(0, afi, 1, limit >>> 24, limit >>> 16, limit >>> 8, limit); // AFI, SAFI 1, limit: RFC 4486 4
  return bgpError(
    CEASE,
    MAX_PREFIXES_REACHED,
    `peer "${source.name}" sent more than ${limit} prefixes; raise its limit if that is right`,
    data,
  );
}
