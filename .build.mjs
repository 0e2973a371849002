/** Bundles: the gingham command (daemon included, its heavy parts loaded on demand), the CNI executable, the library. */
import fs from 'node:fs';
import { build } from 'esbuild';

const outdir = 'dist';
fs.rmSync(outdir, { recursive: true, force: true });

// CommonJS dependencies inside an ES module bundle ask for `require`.
const banner = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8'));
const common = {
  define: { __GINGHAM_VERSION__: JSON.stringify(version) }, bundle: true, platform: 'node', target: 'node20', logLevel: 'warning', loader: { '.proto': 'text' } };

await build({
  ...common,
  entryPoints: { gingham: 'src/cli/main.ts', 'bgp-js': 'src/bgp-js/index.ts' },
  outdir,
  format: 'esm',
  splitting: true,
  external: ['koffi', 'lmdb'], // they load prebuilt binaries beside themselves
  banner: { js: banner },
});
// The CNI executable has no dependencies and starts cold for every pod: one small file.
await build({ ...common, entryPoints: { 'gingham-cni': 'src/cni/plugin.ts' }, outdir, format: 'cjs', outExtension: { '.js': '.cjs' }, banner: { js: '#!/usr/bin/env node' } });
fs.chmodSync(`${outdir}/gingham-cni.cjs`, 0o755);
