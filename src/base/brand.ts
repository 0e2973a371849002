/** Nominal types for plain values: a number that is an address is not a number that is an AS number.
 *  Pure. Each brand has one constructor, and that constructor holds the only cast. */
declare const tag: unique symbol;
export type Brand<T, B extends string> = T & { readonly [tag]: B };
