/** Lossless JSON: an integer beyond 2^53 arrives as bigint and leaves with all its digits. Pure.
 *  JSON.parse makes 1795272333123456789 into …6800, and then n + 1 === n: every IPAM guard would fail. */
import { parse as parseLossless, stringify as stringifyLossless } from 'lossless-json';
import type { Json } from './port.ts';

/** A number that JSON.parse could round has 16 digits or more (2^53 has 16): without such a run the fast parser is exact. */
const LONG_DIGITS = /[0-9]{16}/;
const INTEGER = /^-?[0-9]+$/;

const parseNumber = (text: string): number | bigint => {
  const value = Number(text);
  return INTEGER.test(text) && !Number.isSafeInteger(value) ? BigInt(text) : value;
};

/** Throws SyntaxError on anything that is not JSON, also on what is nested too deeply to walk. */
export function parseJson(text: string): Json {
  try {
    return (LONG_DIGITS.test(text) ? parseLossless(text, undefined, parseNumber) : JSON.parse(text)) as Json;
  } catch (error) {
    throw error instanceof SyntaxError ? error : new SyntaxError(`JSON cannot be read: ${String(error)}`);
  }
}

/** Compact JSON; a bigint is written as a plain integer. Fields that are undefined are left out, as JSON.stringify does. */
export function formatJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return stringifyLossless(value) ?? 'null'; // JSON.stringify refuses bigint, and only that: the values come from JSON
  }
}
