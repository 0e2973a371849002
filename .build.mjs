/** Bundles: the gingham command (daemon included, its heavy parts loaded on demand), the CNI executable, the library.
 *  `node .build.mjs` makes dist/ anew; `node .build.mjs bgp-js FOLDER` writes the library alone. */
import fs from 'node:fs';
import { build } from 'esbuild';

const [only, folder] = process.argv.slice(2);
const outdir = folder ?? 'dist';
if (only === undefined) fs.rmSync(outdir, { recursive: true, force: true });

// CommonJS dependencies inside an ES module bundle ask for `require`.
const banner = "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
const { version } = JSON.parse(fs.readFileSync('package.json', 'utf8'));
const common = {
  define: { __GINGHAM_VERSION__: JSON.stringify(version) }, bundle: true, platform: 'node', target: 'node20', logLevel: 'warning', loader: { '.proto': 'text' } };

/** client-node is thousands of generated classes, of which KubeConfig needs none: what nobody imports by name stays out of
 *  the bundle. It does not say so itself (sideEffects in its package.json). */
const shakeKubernetesClient = {
  name: 'shake-kubernetes-client',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /.*/ }, async ({ path, pluginData, ...from }) => {
      if (pluginData === 'resolved' || !/@kubernetes[/]client-node/.test(`${from.resolveDir}/${path}`)) return undefined;
      const found = await resolve(path, { ...from, pluginData: 'resolved' });
      return found.errors.length > 0 ? undefined : { ...found, sideEffects: false };
    });
  },
};

// The library is one file that stands alone; koffi it loads when a socket option asks for it, if it is there.
await build({ ...common, entryPoints: { 'bgp-js': 'src/bgp-js/index.ts' }, outdir, format: 'esm', external: ['koffi'] });
if (only === 'bgp-js') process.exit(0);

await build({
  ...common,
  plugins: [shakeKubernetesClient],
  entryPoints: { gingham: 'src/cli/main.ts', 'bfd-thread': 'src/bfd/thread-main.ts' }, // the latter is a thread of the daemon
  outdir,
  format: 'esm',
  splitting: true,
  external: ['koffi', 'lmdb'], // they load prebuilt binaries beside themselves
  banner: { js: banner },
});
// The CNI executable has no dependencies and starts cold for every pod: one small file.
await build({ ...common, entryPoints: { 'gingham-cni': 'src/cni/plugin.ts' }, outdir, format: 'cjs', outExtension: { '.js': '.cjs' }, banner: { js: '#!/usr/bin/env node' } });
fs.chmodSync(`${outdir}/gingham-cni.cjs`, 0o755);
