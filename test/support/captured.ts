/** Captures read as `gingham decode` does it, whole or in pieces of a size. */
import type { ToldContext } from '../../src/capture/captured.ts';
import { type CapturedJson, capturedJson } from '../../src/capture/captured-json.ts';
import { capturedText } from '../../src/capture/captured-text.ts';
import { captureReader } from '../../src/capture/reader.ts';

export function readCapture(
  input: Uint8Array | string,
  told: ToldContext = {},
  { port = 179, pieces = Number.POSITIVE_INFINITY }: { port?: number; pieces?: number } = {},
): CapturedJson[] {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  const reader = captureReader({ port, told });
  const items: CapturedJson[] = [];
  for (let at = 0; at < bytes.length; at += pieces)
    // A piece of its own, which is gone afterwards: nothing may be kept of it.
    for (const item of reader.push(bytes.slice(at, at + pieces))) items.push(capturedJson(item));
  for (const item of reader.end()) items.push(capturedJson(item));
  return items;
}

export const textOf = (items: readonly CapturedJson[]): string =>
  items
    .flatMap((item) => capturedText(item))
    .join('\n')
    .concat('\n');

/** Only what says what was found, in short. */
export const kinds = (items: readonly CapturedJson[]): string[] => items.map((i) => i.type);
