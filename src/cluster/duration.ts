/** Durations as Kubernetes objects write them. Pure. */

const UNITS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1, ms: 0.001, us: 1e-6, µs: 1e-6, ns: 1e-9 };

/** "120s", "2m0s" as Go prints them, to seconds; undefined for what is none, and what is negative. */
export function parseDurationSec(text: string): number | undefined {
  if (text.length > 64 || !/^(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|µs|ns))+$/.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)/g))
    seconds += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return Math.round(seconds);
}
