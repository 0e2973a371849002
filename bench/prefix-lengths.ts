/** Cumulated shares of prefix lengths, about those of the default-free zone: what made-up tables have in common. */
const LENGTHS: readonly (readonly [number, number])[] = [
  [0.6, 24],
  [0.71, 23],
  [0.82, 22],
  [0.87, 21],
  [0.92, 20],
  [0.945, 19],
  [0.96, 18],
  [0.97, 17],
  [0.985, 16],
  [0.99, 15],
  [1, 14],
];

/** `share`: a random number in [0, 1). */
export function lengthAt(share: number): number {
  for (const [upTo, length] of LENGTHS) if (share < upTo) return length;
  return 24;
}
