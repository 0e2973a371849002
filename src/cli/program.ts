/** The table of commands as a command line: arguments to a call, errors to exit codes. Pure but for what a command does. */
import { Command, CommanderError, Option } from 'commander';
import { VERSION } from '../base/version.ts';
import { suggest } from '../config/suggest.ts';
import { resolveAlias } from './aliases.ts';
import { Call, type CommandRow, type OptionRow } from './command.ts';
import { COMMANDS, GROUPS } from './commands.ts';
import { CommandError, EXIT, EXIT_TEXT } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

const EXAMPLES = ['gingham lab up', 'gingham status', 'gingham routes 10.244.1.7'];
const examples = (lines: readonly string[]): string => `Examples:\n${lines.map((l) => `  $ ${l}`).join('\n')}\n`;

/** `argv` without the interpreter and the script. Answers the exit code; never throws for a user's mistake. */
export async function runCommand(
  argv: readonly string[],
  terminal: Terminal,
  began?: (row: CommandRow) => void,
): Promise<number> {
  const alias = resolveAlias(argv);
  if (alias.hint !== undefined) terminal.err(`${alias.hint}\n`);
  let exitCode: number = EXIT.ok;
  const program = build(terminal, async (row, call) => {
    began?.(row);
    exitCode = await row.run(call);
  });
  try {
    await program.parseAsync([...alias.argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    return report(error, terminal);
  }
}

function report(error: unknown, terminal: Terminal): number {
  // commander has printed its own text already; help that was asked for is no error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const message = error instanceof Error ? error.message : String(error);
  terminal.err(`gingham: ${message}\n`);
  if (error instanceof CommandError) return error.exitCode;
  return (isControlError(error) && BY_KIND[error.kind]) || EXIT.failed;
}

const BY_KIND: Readonly<Record<string, number>> = { unreachable: EXIT.unreachable, 'not-there': EXIT.notFound };

/** control/client.ts is loaded with gRPC, so its class is not at hand here. */
const isControlError = (error: unknown): error is Error & { readonly kind: string } =>
  error instanceof Error && error.name === 'ControlError' && 'kind' in error && typeof error.kind === 'string';

function build(terminal: Terminal, run: (row: CommandRow, call: Call) => Promise<void>): Command {
  const program = new Command('gingham')
    .description('BGP routing for pod networks that explains itself.')
    .usage('COMMAND [OPTIONS]')
    .version(VERSION, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .helpCommand('help [command]', 'how to use a command')
    .helpOption('-h, --help', 'this text')
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text), writeErr: (text) => terminal.err(text) })
    .addHelpText('beforeAll', ({ command }) => (command.parent === null ? examples(EXAMPLES) : ''))
    .addHelpText(
      'after',
      `\nExit codes:\n${EXIT_TEXT.map(([code, text]) => `  ${String(code).padEnd(4)} ${text}`).join('\n')}`,
    );
  for (const row of COMMANDS) {
    const parent = groupOf(program, row.path.slice(0, -1));
    const name = row.path.at(-1) ?? '';
    const command = parent.commands.find((c) => c.name() === name) ?? parent.command(name);
    command.description(row.summary).addHelpText('before', examples(row.examples));
    for (const [form, description] of row.args ?? []) command.argument(form, description);
    for (const option of row.options ?? []) command.addOption(toOption(option));
    if (row.passThrough) command.passThroughOptions();
    command.action(async (...received: unknown[]) => {
      const args = received
        .slice(0, -2)
        .flat()
        .filter((a) => typeof a === 'string');
      await run(row, new Call(args, command.opts(), terminal));
    });
  }
  program.on('command:*', ([word]: string[]) => unknownCommand(program, word ?? '', terminal));
  return program;
}

function groupOf(program: Command, path: readonly string[]): Command {
  let at = program;
  for (const name of path) {
    const found = at.commands.find((c) => c.name() === name);
    at = found ?? at.command(name).description(GROUPS[name] ?? '');
  }
  return at;
}

function toOption(row: OptionRow): Option {
  const option = new Option(row.flags, row.description);
  if (row.choices !== undefined) option.choices(row.choices);
  if (row.default !== undefined) option.default(row.default);
  const { parse } = row;
  if (parse !== undefined)
    option.argParser((text: string) => {
      try {
        return parse(text);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new CommandError(EXIT.usage, `${row.flags.split(' ').find((f) => f.startsWith('--'))}: ${message}`);
      }
    });
  return option;
}

function unknownCommand(program: Command, word: string, terminal: Terminal): never {
  const names = program.commands.map((c) => c.name());
  const meant = suggest(word, names);
  terminal.err(
    `gingham: there is no command "${word}". ${meant === undefined ? `Commands: ${names.join(', ')}.` : `Did you mean ${meant}?`}\n`,
  );
  throw new CommanderError(EXIT.usage, 'commander.unknownCommand', '');
}
