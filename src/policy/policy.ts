/** Filters as data. Pure. A policy is a list of rules, the first that matches decides; what no rule matches, `otherwise` decides.
 *  A new condition is a new row of CONDITIONS, a new change a new field of Changes. */
import type { Reason } from '../base/reason.ts';
import type { PathAttributes } from '../bgp-js/attribute-types.ts';

/** A prefix and how much longer a match may be: `ge`/`le` as every router's prefix-list. */
export interface PrefixMatch {
  readonly address: number;
  readonly length: number;
  readonly ge?: number;
  readonly le?: number;
}

/** All that are present must hold. */
export interface Match {
  readonly prefixes?: readonly PrefixMatch[];
  readonly sources?: readonly ('local' | 'ibgp' | 'ebgp')[];
  readonly community?: number;
}

export interface Changes {
  readonly localPref?: number;
  readonly med?: number;
}

export interface Rule {
  readonly name: string;
  readonly match: Match;
  readonly action: 'accept' | 'reject';
  readonly changes?: Changes;
}

export interface Policy {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly otherwise: 'accept' | 'reject';
}

export type Verdict =
  | { readonly kind: 'accept'; readonly attributes: PathAttributes }
  | { readonly kind: 'reject'; readonly reason: Reason };

export const ACCEPT_ALL: Policy = { name: 'accept-all', rules: [], otherwise: 'accept' };
