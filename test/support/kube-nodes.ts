/** Daemons of a real cluster in namespaces on one bridge: by kubeconfig, or as in a pod, with a service account mounted. */
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { lan } from './lan.ts';
import { attempt, type Namespaces, type Outcome } from './namespaces.ts';
import { GINGHAM } from './speaker.ts';

export const HUB = '172.30.0.1';

/** All places on one link, with HUB on the bridge itself. */
export function bridge(namespaces: Namespaces, places: Readonly<Record<string, string>>): void {
  lan(namespaces, 'hub', places);
  namespaces.ip('hub', `addr add ${HUB}/24 dev br0`);
}

export interface KubeNode {
  readonly name: string;
  log(): string;
  cli(...args: string[]): Outcome;
  stop(signal: NodeJS.Signals): Promise<void>;
}

export type Credentials =
  | { readonly kubeconfig: string }
  | { readonly server: string; readonly token: string; readonly ca: string };

export interface KubeNodes {
  /** `cluster`: more of that section of its file, as `blockOrigin: reject`. */
  start(name: string, credentials: Credentials, cluster?: string): KubeNode;
  remove(): Promise<void>;
}

/** What a pod sees: its account below /var/run, the API in its environment. /run is the daemon's own, and empty. */
const AS_IN_A_POD = `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io/serviceaccount
cp "$1"/token "$1"/ca.crt /run/secrets/kubernetes.io/serviceaccount
shift
exec "$@"`;

export function kubeNodes(namespaces: Namespaces): KubeNodes {
  const children = new Set<ChildProcess>();
  const folders: string[] = [];
  const killed = (child: ChildProcess, signal: NodeJS.Signals): Promise<void> =>
    new Promise((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) return resolve();
      child.once('exit', () => resolve());
      child.kill(signal);
    });
  return {
    start(name, credentials, cluster = '') {
      const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'gk-'));
      folders.push(dir);
      const file = (f: string): string => path.join(dir, f);
      const inPod = 'token' in credentials;
      const store = inPod ? '{ kubernetes: true }' : `{ kubeconfig: ${credentials.kubeconfig} }`;
      fs.writeFileSync(
        file('gingham.yaml'),
        `cluster: { store: ${store}${cluster === '' ? '' : `, ${cluster}`} }
connectRetry: 1
control: { socket: ${file('control.sock')} }
cni: { socket: ${file('cni.sock')} }
stateDir: ${file('state')}
`,
      );
      const pod: string[] = [];
      const env: NodeJS.ProcessEnv = { ...process.env, NODE_NAME: name, POD_NAMESPACE: 'gingham-system' };
      if (inPod) {
        fs.mkdirSync(file('account'));
        fs.writeFileSync(file('account/token'), credentials.token);
        fs.copyFileSync(credentials.ca, file('account/ca.crt'));
        const api = new URL(credentials.server);
        env['KUBERNETES_SERVICE_HOST'] = api.hostname;
        env['KUBERNETES_SERVICE_PORT'] = api.port;
        pod.push('unshare', '-m', 'sh', '-c', AS_IN_A_POD, 'sh', file('account'));
      }
      const log = fs.openSync(file('log'), 'a');
      const command = [...pod, process.execPath, GINGHAM, 'node', '--config', file('gingham.yaml')];
      const child = spawn('ip', ['netns', 'exec', namespaces.name(name), ...command], {
        stdio: ['ignore', log, log],
        env,
      });
      fs.closeSync(log);
      children.add(child);
      return {
        name,
        log: () => fs.readFileSync(file('log'), 'utf8'),
        cli: (...args) => attempt(process.execPath, GINGHAM, ...args, '--socket', file('control.sock')),
        stop: (signal) => killed(child, signal),
      };
    },
    async remove() {
      await Promise.all([...children].map((child) => killed(child, 'SIGKILL')));
      for (const dir of folders) fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}
