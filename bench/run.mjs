/** Runs a benchmark of this folder: `node bench/run.mjs tunnel`. TypeScript first becomes one file, as dist/ does; it lies below
 *  node_modules, where koffi is found. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { build } from 'esbuild';

const name = process.argv[2] ?? '';
const entry = new URL(`${name}.ts`, import.meta.url).pathname;
if (!/^[a-z-]+$/.test(name) || !fs.existsSync(entry)) {
  const all = fs.readdirSync(new URL('.', import.meta.url)).filter((file) => file.endsWith('.ts'));
  console.error(`no benchmark "${name}". There is: ${all.map((file) => file.slice(0, -3)).join(', ')}`);
  process.exit(2);
}
const outfile = new URL(`../node_modules/.cache/gingham-bench/${name}-${process.pid}.mjs`, import.meta.url).pathname;
await build({
  entryPoints: [entry],
  outfile,
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  external: ['koffi', 'lmdb', 'esbuild'],
  logLevel: 'warning',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(3)], {
  stdio: 'inherit',
  cwd: new URL('..', import.meta.url).pathname,
});
fs.rmSync(outfile, { force: true });
process.exit(status ?? 1);
