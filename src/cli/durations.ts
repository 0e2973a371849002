/** Durations and whole numbers as options take them. Pure. */
import { CommandError, EXIT } from './exit-codes.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, '': 1000 };
const LONGEST_MS = 3_600_000;

/** "5s", "500ms", "1m", "5" (seconds) to milliseconds. */
export function parseDuration(text: string): number {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|)$/.exec(text);
  const ms = match === null ? 0 : Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0);
  if (ms < 1 || ms > LONGEST_MS)
    throw new CommandError(EXIT.usage, `"${text}" is not a duration of 1ms to 60m. Write it as 5s, 500ms or 1m.`);
  return ms;
}

export function parseWhole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new CommandError(EXIT.usage, `"${text}" is not a whole number.`);
}
