/** A regular language over AS numbers, as data and as text. Pure.
 *
 *    ^65000 .* 64512$     begins with 65000, ends with 64512
 *    _65001_              65001 anywhere ('_' and space only separate: a number is always a whole AS number)
 *    ^(65001|65002)+$     only these two, any number of times
 *    ^[64512-65534]$      one private AS number; [^65001 65002] is any but these
 *    ^$                   the empty path
 */

/** One position of a path: an AS number within one of the ranges, or, with `not`, within none. */
export interface AsnSet {
  readonly ranges: readonly (readonly [from: number, to: number])[];
  readonly not?: true;
}

export type AsPathNode =
  | { readonly kind: 'asn'; readonly set: AsnSet }
  | { readonly kind: 'sequence'; readonly of: readonly AsPathNode[] }
  | { readonly kind: 'either'; readonly of: readonly AsPathNode[] }
  /** `most` absent: no limit */
  | { readonly kind: 'repeat'; readonly of: AsPathNode; readonly least: number; readonly most?: number };

export interface AsPathPattern {
  /** As written, for people. */
  readonly text: string;
  /** Of the whole path: what is not anchored has "any AS numbers" around it already. */
  readonly whole: AsPathNode;
}
