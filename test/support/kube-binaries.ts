/** kube-apiserver and etcd: from the folder KUBEBUILDER_ASSETS, else built once from their Go modules into the cache.
 *  Nothing of them lies in the tree: the two small Go modules written here say only which versions, and what to build. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface KubeBinaries {
  readonly etcd: string;
  readonly apiserver: string;
  /** How long it took to build what was missing; 0 when all was there. */
  readonly builtMs: number;
}

const KUBERNETES = '1.35.4';
const ETCD = '3.6.16';
const GO = '1.25.0'; // what k8s.io/kubernetes asks for; a newer one is as good
const BUILD_MS = 40 * 60_000;

const cache = path.join(process.env['XDG_CACHE_HOME'] || path.join(os.homedir(), '.cache'), 'gingham', 'kube');

export function kubeBinaries(): KubeBinaries {
  const assets = process.env['KUBEBUILDER_ASSETS'];
  if (assets) {
    const found = { etcd: path.join(assets, 'etcd'), apiserver: path.join(assets, 'kube-apiserver'), builtMs: 0 };
    for (const file of [found.etcd, found.apiserver])
      if (!fs.existsSync(file)) throw new Error(`KUBEBUILDER_ASSETS is ${assets}, but there is no ${file}`);
    return found;
  }
  const began = Date.now();
  const target = `${process.platform}-${process.arch}`;
  const apiserver = path.join(cache, `kube-apiserver-${KUBERNETES}-${target}`);
  const system = ['/usr/bin/etcd', '/usr/local/bin/etcd'].find((file) => fs.existsSync(file));
  const etcd = system ?? path.join(cache, `etcd-${ETCD}-${target}`);
  const missing = [etcd, apiserver].filter((file) => !fs.existsSync(file));
  if (missing.includes(etcd)) buildEtcd(etcd);
  if (missing.includes(apiserver)) buildApiserver(apiserver);
  return { etcd, apiserver, builtMs: missing.length === 0 ? 0 : Date.now() - began };
}

function buildEtcd(output: string): void {
  const module = `go.etcd.io/etcd/server/v3`;
  buildModule(output, module, `require ${module} v${ETCD}\n`, '');
}

/** The staging modules are v0.0.0 in k8s.io/kubernetes' own go.mod, and versions v0.<minor>.<patch> of their own outside. */
function buildApiserver(output: string): void {
  const module = 'k8s.io/kubernetes';
  const got = go(os.tmpdir(), 'mod', 'download', '-json', `${module}@v${KUBERNETES}`);
  const { GoMod } = JSON.parse(got) as { GoMod: string };
  const staging = new Set(fs.readFileSync(GoMod, 'utf8').match(/k8s\.io\/[a-z0-9-]+(?= v0\.0\.0\s)/g));
  const version = KUBERNETES.replace(/^1\./, '0.');
  const replaces = [...staging].map((name) => `replace ${name} => ${name} v${version}\n`).join('');
  const stamp = `-X k8s.io/component-base/version.gitVersion=v${KUBERNETES} -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=${KUBERNETES.split('.')[1]}`;
  buildModule(output, `${module}/cmd/kube-apiserver`, `require ${module} v${KUBERNETES}\n${replaces}`, stamp);
}

/** Builds one command of the module graph that `requires` spans. The result appears whole or not at all. */
function buildModule(output: string, command: string, requires: string, stamp: string): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-go-'));
  try {
    fs.writeFileSync(path.join(folder, 'go.mod'), `module gingham.test/build\n\ngo ${GO}\n\n${requires}`);
    // -mod=mod finds what is required through an import, also a blank one that no build has.
    fs.writeFileSync(path.join(folder, 'tools.go'), `//go:build tools\n\npackage build\n\nimport _ "${command}"\n`);
    console.log(`building ${path.basename(output)} from its Go module; once, minutes`);
    const whole = path.join(folder, 'built');
    go(folder, 'build', '-trimpath', '-ldflags', `-s -w ${stamp}`, '-o', whole, command);
    fs.mkdirSync(path.dirname(output), { recursive: true });
    fs.copyFileSync(whole, `${output}.new`);
    fs.chmodSync(`${output}.new`, 0o755);
    fs.renameSync(`${output}.new`, output);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** `nice`: a compiler on every core would starve whatever else the machine is timing. */
function go(cwd: string, ...args: string[]): string {
  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false', GOWORK: 'off' };
  const ran = spawnSync('nice', ['-n', '15', 'go', ...args], {
    cwd,
    env,
    encoding: 'utf8',
    timeout: BUILD_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  if (ran.status !== 0) throw new Error(`go ${args.join(' ')}: exit code ${ran.status}\n${ran.stderr.slice(-4000)}`);
  return ran.stdout;
}
