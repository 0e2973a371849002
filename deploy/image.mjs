/** What goes into the image, gathered below out/: the bundles, the native modules they load, Node.js, and the CNI executable
 *  as one file (Node.js's "single executable application"), so that a host needs no Node.js. Run on the image's own
 *  architecture by the Dockerfile's first stage: node deploy/image.mjs [OUT] */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const out = path.resolve(process.argv[2] ?? 'out');
const app = path.join(out, 'opt/gingham');
const bin = path.join(out, 'usr/local/bin');
fs.rmSync(out, { recursive: true, force: true });
for (const dir of [app, bin]) fs.mkdirSync(dir, { recursive: true });

fs.cpSync('dist', path.join(app, 'dist'), { recursive: true });
fs.copyFileSync('package.json', path.join(app, 'package.json')); // "type": "module" is read from here
fs.copyFileSync('LICENSE', path.join(app, 'LICENSE'));
fs.symlinkSync('/opt/gingham/dist/gingham.js', path.join(bin, 'gingham'));

// koffi loads a prebuilt binary beside itself; lmdb is the embedded store's, which no cluster runs.
copyModule('koffi', path.resolve('node_modules'));

const node = path.join(bin, 'node');
fs.copyFileSync(process.execPath, node);
fs.chmodSync(node, 0o755);
await singleExecutable(path.join(app, 'dist/gingham-cni'));
fs.rmSync(path.join(app, 'dist/gingham-cni.cjs'));

// Half a module would be noticed only on a node.
execFileSync(process.execPath, ['--input-type=module', '-e', "await import('koffi')"], { cwd: app, stdio: 'inherit' });
execFileSync(path.join(app, 'dist/gingham-cni'), { env: { CNI_COMMAND: 'VERSION' }, input: '{}' });

/** A module with what it depends on, of this platform only. */
function copyModule(name, modules) {
  const from = path.join(modules, name);
  const to = path.join(app, 'node_modules', name);
  if (fs.existsSync(to) || !fs.existsSync(from)) return;
  fs.cpSync(from, to, { recursive: true, dereference: true, filter: (file) => !/\/musl_\w+$/.test(file) });
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(fs.readFileSync(path.join(from, 'package.json'), 'utf8'));
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) copyModule(dependency, modules);
}

/** Node.js with the bundle inside it. No code cache and no snapshot: they save nothing for so little code. */
async function singleExecutable(target) {
  const [main, config, blob] = ['cjs', 'json', 'blob'].map((ending) => `${target}.sea.${ending}`);
  fs.copyFileSync(path.join(app, 'dist/gingham-cni.cjs'), main);
  fs.writeFileSync(config, JSON.stringify({ main, output: blob, disableExperimentalSEAWarning: true }));
  execFileSync(process.execPath, ['--experimental-sea-config', config], { stdio: 'inherit' });
  fs.copyFileSync(process.execPath, target);
  fs.chmodSync(target, 0o755);
  const { inject } = createRequire(import.meta.url)('postject');
  await inject(target, 'NODE_SEA_BLOB', fs.readFileSync(blob), {
    sentinelFuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
  });
  for (const file of [main, config, blob]) fs.rmSync(file);
}
