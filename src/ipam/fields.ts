/** Reading stored JSON without trusting it. Pure. Each reader answers undefined when the field is not of its type, and
 *  the parser above says what that means. */
import type { Json, JsonObject } from '../store/port.ts';

export const isObject = (v: unknown): v is JsonObject => typeof v === 'object' && v !== null && !Array.isArray(v);

export const textOf = (v: Json | undefined): string | undefined => (typeof v === 'string' ? v : undefined);

/** A whole number that a double holds exactly. */
export const wholeOf = (v: Json | undefined): number | undefined =>
  typeof v === 'number' && Number.isSafeInteger(v) ? v : undefined;

/** Any whole number: small ones arrive as number, those past 2^53 as bigint. */
export const bigOf = (v: Json | undefined): bigint | undefined =>
  typeof v === 'bigint' ? v : typeof v === 'number' && Number.isSafeInteger(v) ? BigInt(v) : undefined;

export const listOf = (v: Json | undefined): readonly Json[] | undefined =>
  Array.isArray(v) ? (v as readonly Json[]) : undefined;

/** A map of strings; undefined when any value is not one. */
export function textMapOf(v: Json | undefined): Record<string, string> | undefined {
  if (!isObject(v)) return undefined;
  const out: Record<string, string> = {};
  for (const [key, value] of Object.entries(v)) {
    if (typeof value !== 'string') return undefined;
    out[key] = value;
  }
  return out;
}

/** BlockAffinity keeps `deleted` as a string, the others as a boolean. */
export const truthOf = (v: Json | undefined): boolean => v === true || v === 'true';

/** Seconds precision, as metav1.Time has it. */
export const rfc3339 = (wallMs: number): string => new Date(wallMs).toISOString().replace(/\.\d+Z$/, 'Z');
