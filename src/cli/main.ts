#!/usr/bin/env node
/** The `gingham` command: the real terminal, signals and exit. Everything else is in program.ts. */
import { EXIT } from './exit-codes.ts';
import { runCommand } from './program.ts';

const interrupted = (): never => process.exit(EXIT.interrupted);
process.once('SIGINT', interrupted);

// `gingham routes | head`: a reader that has seen enough is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

let longLived = false;
const exitCode = await runCommand(
  process.argv.slice(2),
  {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    env: process.env,
    outIsTty: process.stdout.isTTY === true,
    now: Date.now,
  },
  (row) => {
    longLived = row.longLived === true;
    if (longLived) process.off('SIGINT', interrupted);
  },
);
process.exitCode = exitCode;
// A daemon may have a socket or a timer left that would keep it; a command ends by itself when all is written.
if (longLived) process.stdout.write('', () => process.exit(exitCode));
