/** One source file and all it imports, as a .mjs that plain Node runs: for children in other network namespaces or kernels.
 *  It lies below node_modules, because koffi stays outside the bundle and is looked for from there. */
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';

const root = new URL('../..', import.meta.url).pathname;
const made: string[] = [];

/** `entry` from the repository's root. Answers an absolute path. In it, a file's own URL is that of a file in test/support:
 *  so what tests name from there (dist/) is found. */
export async function bundle(entry: string): Promise<string> {
  const outfile = path.join(
    root,
    'node_modules/.cache/gingham-test',
    `${path.basename(entry, '.ts')}-${process.pid}.mjs`,
  );
  await build({
    entryPoints: [path.join(root, entry)],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    external: ['koffi', 'lmdb'],
    logLevel: 'warning',
    loader: { '.proto': 'text' },
    define: { 'import.meta.url': JSON.stringify(new URL('bundled.mjs', import.meta.url).href) },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
  });
  made.push(outfile);
  return outfile;
}

process.on('exit', () => {
  for (const file of made) fs.rmSync(file, { force: true });
});
