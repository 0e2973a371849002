/** `gingham decode -o json` in this process: exit code, what it said, and its lines, each held to the schema. */
import type { CapturedJson } from '../../src/capture/captured-json.ts';
import { runCommand } from '../../src/cli/program.ts';
import { lineErrors } from './json-schema.ts';

export interface Decoded {
  readonly code: number;
  readonly err: string;
  readonly lines: readonly CapturedJson[];
}

export async function decode(...argv: string[]): Promise<Decoded> {
  let [out, err] = ['', ''];
  const code = await runCommand(['decode', '-o', 'json', ...argv], {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    env: {},
    outIsTty: false,
    now: Date.now,
  });
  const lines = out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as CapturedJson);
  for (const line of lines) {
    const wrong = lineErrors(line);
    if (wrong.length > 0) throw new Error(`${JSON.stringify(line)}: ${wrong.join('; ')}`);
  }
  return { code, err, lines };
}

type OfType<T extends CapturedJson['type']> = Extract<CapturedJson, { readonly type: T }>;
export const linesOf = <T extends CapturedJson['type']>(decoded: Decoded, type: T): OfType<T>[] =>
  decoded.lines.filter((line): line is OfType<T> => line.type === type);

/** What a message says, without where and when it was captured. */
export function message(line: object): Record<string, unknown> {
  const { offset, line: at, column, time, from, to, context, ...rest } = line as Record<string, unknown>;
  return rest;
}
