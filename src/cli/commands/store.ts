/** `gingham store`: the embedded store, one process of a lab or of a small fleet. */
import fs from 'node:fs';
import path from 'node:path';
import type { Call, CommandRow } from '../command.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

export const store: CommandRow = {
  path: ['store'],
  summary: 'serve the Kubernetes API shapes Gingham needs from a folder',
  options: [
    { flags: '--listen <host:port>', description: 'where to listen', default: '127.0.0.1:6443' },
    { flags: '--data <dir>', description: 'folder of the data' },
    { flags: '--crds <dir>', description: 'folder of CRD files (default: deploy/crds of the package)' },
  ],
  examples: [
    'gingham store --data /var/lib/gingham/store',
    'gingham store --listen 192.168.34.1:6443 --data DIR --crds deploy/crds',
  ],
  longLived: true,
  run,
};

async function run(call: Call): Promise<number> {
  const listen = parseListen(call.text('listen') ?? '');
  const dataDir = call.text('data');
  if (dataDir === undefined) throw new CommandError(EXIT.usage, 'where is the data? Write gingham store --data DIR.');
  const crds = readCrds(call.text('crds') ?? packageCrds());
  const { startStoreServer } = await import('../../store/embedded/server.ts');
  const onError = (error: Error): void => call.terminal.err(`store: ${error.stack ?? error.message}\n`);
  const server = await startStoreServer({ listen, dataDir, crds, onError });
  call.terminal.err(`store: serving ${dataDir} on http://${listen.host}:${server.port}\n`);
  await new Promise<void>((stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop());
  });
  await server.close();
  return EXIT.ok;
}

function parseListen(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:(.+):)?(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65535)
    throw new CommandError(EXIT.usage, `--listen is "${text}", but it takes HOST:PORT, as 127.0.0.1:6443.`);
  return { host: match[1] ?? '127.0.0.1', port };
}

/** Beside the bundle (dist/) or above the sources (src/cli/). */
function packageCrds(): string {
  const start = path.dirname(fs.realpathSync(process.argv[1] ?? '.'));
  const found = ['..', '../..'].map((up) => path.join(start, up, 'deploy/crds')).find((dir) => fs.existsSync(dir));
  if (found === undefined)
    throw new CommandError(
      EXIT.usage,
      `there is no deploy/crds near ${start}. Name the folder of CRD files with --crds.`,
    );
  return found;
}

function readCrds(dir: string): string[] {
  let names: string[];
  try {
    names = fs.readdirSync(dir).filter((name) => /\.(?:ya?ml|json)$/.test(name));
  } catch {
    throw new CommandError(
      EXIT.notFound,
      `--crds ${dir} cannot be read. Name the folder of CRD files, for instance deploy/crds.`,
    );
  }
  return names.sort().map((name) => fs.readFileSync(path.join(dir, name), 'utf8'));
}
