/** What a row of the table of commands is. Pure: types and readers. */
import type { Terminal } from './terminal.ts';

export interface OptionRow {
  /** commander's form: "-o, --output <form>" */
  readonly flags: string;
  readonly description: string;
  readonly choices?: readonly string[];
  /** Shown in help; the command fills it in itself where it is not text. */
  readonly default?: string | number;
  /** Text to value; throws CommandError with a remedy. */
  readonly parse?: (text: string) => unknown;
}

export interface CommandRow {
  /** ["peers"], ["lab", "up"] */
  readonly path: readonly string[];
  readonly summary: string;
  /** commander's form and a description: ["[peer]", "name or address"] */
  readonly args?: readonly (readonly [string, string])[];
  readonly options?: readonly OptionRow[];
  readonly examples: readonly string[];
  /** Everything after the first argument belongs to the command that is run. */
  readonly passThrough?: true;
  /** Handles signals itself, and may leave handles behind. */
  readonly longLived?: true;
  /** Loads what it needs by `await import`: `gingham --help` loads nothing of it. Answers the exit code. */
  readonly run: (call: Call) => Promise<number>;
}

export class Call {
  /** As typed; a list argument is flattened. */
  readonly args: readonly string[];
  readonly terminal: Terminal;
  private readonly options: Readonly<Record<string, unknown>>;

  constructor(args: readonly string[], options: Readonly<Record<string, unknown>>, terminal: Terminal) {
    this.args = args;
    this.options = options;
    this.terminal = terminal;
  }
  text(name: string): string | undefined {
    const value = this.options[name];
    return typeof value === 'string' ? value : undefined;
  }
  number(name: string): number | undefined {
    const value = this.options[name];
    return typeof value === 'number' ? value : undefined;
  }
  /** `--no-x` makes `x` false; it is true otherwise. */
  flag(name: string): boolean {
    return this.options[name] === true;
  }
}
