import fs from 'node:fs';
import { TARGET_OPTIONS, targetsOf, withClient } from '../ask.ts';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const exportMrt: CommandRow = {
  path: ['export', 'mrt'],
  summary: 'the live tables as an MRT file (TABLE_DUMP_V2), for bgpdump and its kind, and for gingham decode',
  args: [['<file>', 'where it goes; "-" is standard output']],
  options: TARGET_OPTIONS,
  examples: ['gingham export mrt tables.mrt', 'gingham export mrt - | gingham decode'],
  run,
};

async function run(call: Call): Promise<number> {
  const [file = '-'] = call.args;
  const { many, targets } = await targetsOf(call);
  const [target] = targets;
  if (target === undefined || many)
    throw new CommandError(EXIT.usage, 'one file holds the tables of one node: name it with --node.');
  let bytes = 0;
  const out = file === '-' ? 1 : openFor(file);
  try {
    await withClient(call, target, (client) =>
      client.dumpTables((records) => {
        fs.writeSync(out, records);
        bytes += records.length;
      }),
    );
  } finally {
    if (out !== 1) fs.closeSync(out);
  }
  call.terminal.err(`${bytes} octets${file === '-' ? '' : ` in ${file}`}\n`);
  return EXIT.ok;
}

function openFor(file: string): number {
  try {
    return fs.openSync(file, 'w');
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new CommandError(EXIT.failed, `${file} cannot be written: ${text}. Name a file in a folder of yours.`);
  }
}
