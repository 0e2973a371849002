/** Asks one daemon or all nodes of a lab the same question. What came back is shown also when some did not answer. */
import fs from 'node:fs';
import type { ControlClient } from '../control/client.ts';
import { toListJson } from '../control/json.ts';
import type { TextOptions, Told } from '../control/text.ts';
import type { Call, OptionRow } from './command.ts';
import { parseDuration } from './durations.ts';
import { EXIT } from './exit-codes.ts';
import { type Chosen, chooseTargets, type Target } from './targets.ts';
import { paintFor, print } from './terminal.ts';

const DEFAULT_TIMEOUT_MS = 5000;

export const TARGET_OPTIONS: readonly OptionRow[] = [
  { flags: '--socket <path>', description: 'control socket of the daemon' },
  { flags: '-n, --node <node>', description: 'a node of the lab, or "all"' },
  { flags: '--lab <name>', description: 'the lab, where several run' },
  { flags: '--timeout <duration>', description: 'how long to wait for an answer (default: 5s)', parse: parseDuration },
];

export const OUTPUT_OPTION: OptionRow = {
  flags: '-o, --output <form>',
  description: 'form of the answer',
  choices: ['table', 'json'],
  default: 'table',
};

export const INSPECT_OPTIONS: readonly OptionRow[] = [
  OUTPUT_OPTION,
  ...TARGET_OPTIONS,
  { flags: '--no-headers', description: 'leave the line of headers out' },
];

/** Loads gRPC, and the lab's registry only where a lab can be meant. */
export async function targetsOf(call: Call): Promise<Chosen> {
  const asked = {
    socket: call.text('socket'),
    lab: call.text('lab'),
    node: call.text('node'),
    environment: call.terminal.env['GINGHAM_SOCKET'],
  };
  const fixed = asked.socket ?? (asked.lab === undefined && asked.node === undefined ? asked.environment : undefined);
  const labs = fixed === undefined ? (await import('../lab/machine/registry.ts')).listLabs() : [];
  const chosen = chooseTargets(asked, { socketExists: fs.existsSync, labs: () => labs });
  if (chosen.hint !== undefined) call.terminal.err(`${chosen.hint}\n`);
  return chosen;
}

export async function withClient<T>(
  call: Call,
  target: Target,
  use: (client: ControlClient) => Promise<T>,
): Promise<T> {
  const { openControlClient } = await import('../control/client.ts');
  const client = openControlClient(target.socket, call.number('timeout') ?? DEFAULT_TIMEOUT_MS);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}

export interface Answers<T> {
  readonly many: boolean;
  readonly answers: readonly Told<T>[];
  /** 0, or 3 when some nodes did not answer. */
  readonly exitCode: number;
}

/** Throws the first error when nobody answered. */
export async function ask<T>(call: Call, question: (client: ControlClient) => Promise<T>): Promise<Answers<T>> {
  const { many, targets } = await targetsOf(call);
  const outcomes = await Promise.allSettled(targets.map((t) => withClient(call, t, question)));
  const answers: Told<T>[] = [];
  const silent: { readonly node: string; readonly error: unknown }[] = [];
  for (const [i, outcome] of outcomes.entries()) {
    const node = targets[i]?.node;
    if (outcome.status === 'fulfilled') answers.push({ ...(node !== undefined && { node }), view: outcome.value });
    else silent.push({ node: node ?? '', error: outcome.reason });
  }
  const [firstSilent] = silent;
  if (firstSilent !== undefined && answers.length === 0) throw firstSilent.error;
  for (const { node, error } of silent)
    call.terminal.err(
      `gingham: node ${node} did not answer: ${error instanceof Error ? error.message : String(error)}\n`,
    );
  return { many, answers, exitCode: silent.length === 0 ? EXIT.ok : EXIT.problem };
}

/** One row per thing; rows carry the node's name only where several nodes were asked. */
export const rowsOf = <T>({ many, answers }: Answers<readonly T[]>): Told<T>[] =>
  answers.flatMap(({ node, view }) => view.map((row) => ({ ...(many && node !== undefined && { node }), view: row })));

export const wantsJson = (call: Call): boolean => call.text('output') === 'json';

export const textOptions = (call: Call): TextOptions => ({
  paint: paintFor(call.terminal),
  headers: call.flag('headers'),
  now: call.terminal.now(),
});

/** The plain case: a list of views, as a table or as JSON. */
export async function showList<T extends object>(
  call: Call,
  kind: string,
  question: (client: ControlClient) => Promise<readonly T[]>,
  format: (rows: readonly Told<T>[], options: TextOptions) => string[],
): Promise<number> {
  const answers = await ask(call, async (client) => ({
    list: await question(client),
    node: await nodeName(call, client),
  }));
  const rows = rowsOf({ ...answers, answers: answers.answers.map((a) => ({ ...a, view: a.view.list })) });
  if (wantsJson(call))
    print(call.terminal, [
      toListJson(kind, rows, call.terminal.now(), answers.many ? undefined : answers.answers[0]?.view.node),
    ]);
  else print(call.terminal, format(rows, textOptions(call)));
  return answers.exitCode;
}

/** For metadata.node; nothing that a table shows. */
export const nodeName = async (call: Call, client: ControlClient): Promise<string | undefined> =>
  wantsJson(call) ? (await client.status()).node : undefined;
