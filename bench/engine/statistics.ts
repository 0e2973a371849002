/** Figures of several runs become one. Pure. */

/** The middle one; of an even number the mean of the two in the middle. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const upper = sorted[half] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] ?? Number.NaN) + upper) / 2;
}

/** How far apart the runs are: (largest - smallest) / median. */
export function spread(values: readonly number[]): number {
  return values.length === 0 ? Number.NaN : (Math.max(...values) - Math.min(...values)) / median(values);
}

/** Who goes first changes from round to round, and after as many rounds as there are turns, who follows whom. */
export function turnOrder<T>(all: readonly T[], round: number): T[] {
  const at = all.length === 0 ? 0 : round % all.length;
  const turned = [...all.slice(at), ...all.slice(0, at)];
  return Math.floor(round / Math.max(1, all.length)) % 2 === 1 ? turned.reverse() : turned;
}

/** Above this share of a figure the harness measures itself. */
export const HARNESS_SHARE = 0.3;

/** The harness's part of a figure; undefined where none is known. */
export function harnessShare(figure: number, floor: number | undefined): number | undefined {
  return floor === undefined || !(figure > 0) ? undefined : floor / figure;
}
