/** The kind cluster of deploy/kind, as the tests see it: kubectl, and the nodes' and pods' network namespaces entered from
 *  the Docker host, with the host's own tools, so that nothing has to be installed in a node. */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const TOP = path.resolve(import.meta.dirname, '../..');
const LONGEST_MS = 600_000;

/** What deploy/kind/env.sh says: PATH, KUBECONFIG, CLUSTER, IMAGE. */
const ENV: Readonly<Record<string, string>> = Object.fromEntries(
  execFileSync('bash', ['-c', `. ${TOP}/deploy/kind/env.sh && export CLUSTER IMAGE && env -0`], { encoding: 'utf8' })
    .split('\0')
    .filter((line) => line.includes('='))
    .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
);
export const IMAGE = ENV.IMAGE ?? '';

export interface Outcome {
  readonly status: number;
  readonly out: string;
}

/** Runs to the end; a failure is an answer. */
export const attempt = (command: string, args: readonly string[], input?: string): Promise<Outcome> =>
  new Promise((done) => {
    const child = execFile(
      command,
      [...args],
      { env: ENV, cwd: TOP, maxBuffer: 64 << 20, timeout: LONGEST_MS },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        done({ status, out: status === 0 ? stdout : stdout + stderr });
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input ?? '');
  });

/** Runs to the end; throws with all it said when it fails. */
export async function run(command: string, args: readonly string[], input?: string): Promise<string> {
  const { status, out } = await attempt(command, args, input);
  if (status !== 0) throw new Error(`${command} ${args.join(' ').slice(0, 300)}: exit ${status}\n${out}`);
  return out;
}

export const kubectl = (...args: string[]): Promise<string> => run('kubectl', args);
export const kubectlTry = (...args: string[]): Promise<Outcome> => attempt('kubectl', args);
export const apply = (yaml: string): Promise<string> => run('kubectl', ['apply', '-f', '-'], yaml);
export const script = (name: string, ...args: string[]): Promise<string> =>
  run('bash', [path.join(TOP, 'deploy/kind', name), ...args]);
export const inNode = (node: string, ...command: string[]): Promise<string> =>
  run('docker', ['exec', node, ...command]);
export const inNodeTry = (node: string, ...command: string[]): Promise<Outcome> =>
  attempt('docker', ['exec', node, ...command]);

export interface KindNode {
  readonly name: string;
  readonly address: string;
  /** Of the node's first process, as the host counts. */
  readonly pid: number;
}

export async function nodes(): Promise<readonly KindNode[]> {
  const list = parse<{
    items: { metadata: { name: string }; status: { addresses: { type: string; address: string }[] } }[];
  }>(await kubectl('get', 'nodes', '-o', 'json'));
  return Promise.all(
    list.items.map(async ({ metadata: { name }, status }) => ({
      name,
      address: status.addresses.find((a) => a.type === 'InternalIP')?.address ?? '',
      pid: Number(await run('docker', ['inspect', '-f', '{{.State.Pid}}', name])),
    })),
  );
}

/** A shell line in the network namespace of a node, with the host's tools and files. */
export const nodeSh = (node: KindNode, line: string): Promise<string> =>
  run('nsenter', [`--net=/proc/${node.pid}/ns/net`, 'bash', '-c', line]);

export interface Pod {
  readonly name: string;
  readonly namespace: string;
  readonly address: string;
  readonly node: KindNode;
  /** On the host. */
  readonly netns: string;
}

/** Ready pods of a label, with their network namespaces from the daemons' records. */
export async function pods(namespace: string, label: string, all: readonly KindNode[]): Promise<readonly Pod[]> {
  const list = parse<{
    items: { metadata: { name: string }; spec: { nodeName: string }; status: { podIP: string } }[];
  }>(await kubectl('-n', namespace, 'get', 'pods', '-l', label, '-o', 'json'));
  return list.items.map(({ metadata: { name }, spec, status }) => {
    const node = all.find((n) => n.name === spec.nodeName);
    if (node === undefined) throw new Error(`pod ${name} is on ${spec.nodeName}, which is no node of the cluster`);
    const root = `/proc/${node.pid}/root`;
    const folder = `${root}/run/gingham/cni/workloads`;
    const record = fs
      .readdirSync(folder)
      .map((file) => parse<{ pod: string; netns: string }>(fs.readFileSync(path.join(folder, file), 'utf8')))
      .find((r) => r.pod === name);
    if (record === undefined) throw new Error(`pod ${name} has no record on ${node.name}`);
    // /var/run is a link that would lead out of the node's root.
    const netns = `${root}${record.netns.replace(/^\/var\/run/, '/run')}`;
    return { name, namespace, address: status.podIP, node, netns };
  });
}

export const podTry = (pod: Pod, ...command: string[]): Promise<Outcome> =>
  attempt('nsenter', [`--net=${pod.netns}`, ...command]);
export const podRun = (pod: Pod, ...command: string[]): Promise<string> =>
  run('nsenter', [`--net=${pod.netns}`, ...command]);
/** With the pod's own resolv.conf: names are for the container itself to resolve. */
export const podExec = (pod: Pod, ...command: string[]): Promise<Outcome> =>
  kubectlTry('-n', pod.namespace, 'exec', pod.name, '--', ...command);

/** The daemon's pod on a node. */
export async function daemonOn(node: KindNode): Promise<string> {
  const line = await kubectl(
    ...['-n', 'gingham-system', 'get', 'pods', '-l', 'app.kubernetes.io/name=gingham'],
    ...[
      '--field-selector',
      `spec.nodeName=${node.name},status.phase=Running`,
      '-o',
      'jsonpath={.items[0].metadata.name}',
    ],
  );
  return line.trim();
}

export const gingham = async (node: KindNode, ...args: string[]): Promise<string> =>
  kubectl('-n', 'gingham-system', 'exec', await daemonOn(node), '-c', 'gingham', '--', 'gingham', ...args);

export async function until(what: string, probe: () => Promise<boolean | string>, deadlineMs = 60_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  for (let last: boolean | string = false; ; ) {
    last = await probe().catch((error: unknown) => String(error));
    if (last === true) return;
    if (Date.now() > end) throw new Error(`in vain for ${deadlineMs / 1000} s: ${what}${last ? ` (${last})` : ''}`);
    await new Promise((again) => setTimeout(again, 250));
  }
}

export interface Beside {
  readonly child: ChildProcess;
  readonly said: () => string;
  /** It has gone, and all it said is read: 'exit' alone may come before the last lines. */
  readonly ended: Promise<void>;
}
/** A process that runs beside the test until it is stopped. */
export function beside(command: string, args: readonly string[]): Beside {
  const child = spawn(command, [...args], { env: ENV, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => (said += part.toString()));
  const ended = new Promise<void>((done) => child.once('close', () => done()));
  return { child, said: () => said, ended };
}

export const parse = <T>(json: string): T => JSON.parse(json) as T;
