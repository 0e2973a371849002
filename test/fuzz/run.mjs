/** Starts the nightly run: `npm run fuzz -- --messages 10000000`. TypeScript first becomes one file, as bench/run.mjs does it. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { build } from 'esbuild';

const outfile = new URL(`../../node_modules/.cache/gingham-fuzz/nightly-${process.pid}.mjs`, import.meta.url).pathname;
const entry = new URL('nightly.ts', import.meta.url).pathname;
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  packages: 'external',
  // Files are looked for from where their code stood; all that asks stands two folders below the root.
  define: {
    'import.meta.url': JSON.stringify(new URL('nightly.ts', import.meta.url).href),
    'import.meta.dirname': JSON.stringify(new URL('.', import.meta.url).pathname),
  },
  logLevel: 'warning',
});
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
fs.rmSync(outfile, { force: true });
process.exit(status ?? 1);
