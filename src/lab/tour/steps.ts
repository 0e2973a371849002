/** Lines of text for people, in colour only when told so. Pure. */
import { stripVTControlCharacters, styleText } from 'node:util';

export type Paint = (style: 'dim' | 'bold' | 'green' | 'red' | 'yellow', text: string) => string;

/** Colour on a terminal only, and not where NO_COLOR is set to anything. https://no-color.org */
export const wantsColour = (isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean =>
  isTerminal && !env['NO_COLOR'] && env['TERM'] !== 'dumb';

export const painter =
  (colour: boolean): Paint =>
  (style, text) =>
    colour ? styleText(style, text) : text;

/** "  0.12s  store ready". */
export const stepLine = (paint: Paint, elapsedMs: number, text: string): string =>
  `${paint('dim', `${(elapsedMs / 1000).toFixed(2).padStart(6)}s`)}  ${text}`;

/** Columns as wide as their widest cell, two blanks between; the last is not filled up. */
export function table(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, visibleLength(cell));
  }
  return rows.map((row) =>
    (indent + row.map((cell, i) => (i === row.length - 1 ? cell : fill(cell, widths[i] ?? 0))).join('  ')).trimEnd(),
  );
}

const visibleLength = (text: string): number => stripVTControlCharacters(text).length;
const fill = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - visibleLength(text)));
