/** Where a command writes: data to `out`, talk to `err`. Pure: the real one is made in main.ts, tests make their own. */
import { styleText } from 'node:util';
import { noPaint, type Paint } from '../control/table.ts';

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly outIsTty: boolean;
  /** ms since 1970 */
  now(): number;
}

/** no-color.org: any non-empty NO_COLOR means no; then CLICOLOR_FORCE; then only a terminal that is not dumb. */
export function wantsColour(terminal: Pick<Terminal, 'env' | 'outIsTty'>): boolean {
  const { NO_COLOR, CLICOLOR_FORCE, TERM } = terminal.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  if (CLICOLOR_FORCE !== undefined && CLICOLOR_FORCE !== '' && CLICOLOR_FORCE !== '0') return true;
  return terminal.outIsTty && TERM !== 'dumb';
}

const COLOURS = { good: 'green', bad: 'red', warn: 'yellow', faint: 'dim', strong: 'bold' } as const;
const colours: Paint = (kind, text) => styleText(COLOURS[kind], text, { validateStream: false });

export const paintFor = (terminal: Terminal): Paint => (wantsColour(terminal) ? colours : noPaint);

export const print = (terminal: Terminal, lines: readonly string[]): void => {
  if (lines.length > 0) terminal.out(`${lines.join('\n')}\n`);
};
