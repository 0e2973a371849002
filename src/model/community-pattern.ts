/** Which communities are meant: one, or many by wildcard. Pure. RFC 1997, 4360, 8092. */

export type CommunityKind = CommunityPattern['kind'];

/** A bit of `mask` that is set must be as in `value`. */
export type CommunityPattern =
  | { readonly kind: 'standard'; readonly text: string; readonly value: number; readonly mask: number }
  | {
      readonly kind: 'large';
      readonly text: string;
      /** Of global, local1, local2; undefined: any. */
      readonly parts: readonly [number | undefined, number | undefined, number | undefined];
    }
  | {
      readonly kind: 'extended';
      readonly text: string;
      /** Several: the administrator's forms that a wildcard stands for. */
      readonly anyOf: readonly { readonly value: bigint; readonly mask: bigint }[];
    };
