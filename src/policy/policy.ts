/** Filters as data. Pure: types. A policy is a list of rules; the first that matches decides, and what no rule matches,
 *  `otherwise` decides. A new condition is a new row of CONDITIONS in evaluate.ts. */

import type { Reason } from '../base/reason.ts';

/** A prefix, and how long a match may be: `ge` and `le` as in every router's prefix list. Neither: exactly this prefix. */
export interface PrefixMatch {
  readonly address: number;
  readonly length: number;
  readonly ge?: number;
  readonly le?: number;
}

/** All that are present must hold; none present matches everything. */
export interface Match {
  readonly prefixes?: readonly PrefixMatch[];
  readonly sources?: readonly ('local' | 'ibgp' | 'ebgp')[];
  /** RFC 1997, host order */
  readonly community?: number;
}

/** What an accepting rule sets. */
export interface Changes {
  readonly localPref?: number;
  readonly med?: number;
}

export interface Rule {
  /** Named in the reason of what it rejects. */
  readonly name: string;
  readonly match: Match;
  readonly action: 'accept' | 'reject';
  readonly changes?: Changes;
}

export interface Policy {
  readonly name: string;
  readonly rules: readonly Rule[];
  readonly otherwise: 'accept' | 'reject';
  /** Said of what no rule accepts; default: that no rule does. */
  readonly because?: Reason;
}

/** The default of mesh and configured neighbours, both directions. */
export const ACCEPT_ALL: Policy = { name: 'accept-all', rules: [], otherwise: 'accept' };
export const REJECT_ALL: Policy = { name: 'reject-all', rules: [], otherwise: 'reject' };
/** What RFC 8212 puts in the place of a policy that nobody wrote. */
export const EBGP_WITHOUT_POLICY: Policy = {
  name: 'none',
  rules: [],
  otherwise: 'reject',
  because: {
    code: 'NO_EBGP_POLICY',
    text: 'this eBGP neighbor has no policy, and ebgpRequiresPolicy is set (RFC 8212). Give it import and export.',
  },
};
