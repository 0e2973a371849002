/** A real API server with etcd for tests: own certificates, service-account keys, RBAC on, all in a folder of its own that
 *  goes with it. On loopback with free ports, or inside a network namespace of the test, where daemons reach it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { stringify } from 'yaml';
import { kubeBinaries } from './kube-binaries.ts';
import { type Outcome, run } from './namespaces.ts';

export interface KubeApiOptions {
  /** Full name of the network namespace both run in, and the address of it that the API is for; absent: loopback here. */
  readonly inside?: { readonly namespace: string; readonly address: string };
  /** More flags of kube-apiserver. */
  readonly flags?: readonly string[];
}

export interface KubeApi {
  readonly server: string;
  readonly folder: string;
  /** Of an administrator. */
  readonly kubeconfig: string;
  /** As administrator; throws with what kubectl said. */
  kubectl(...args: string[]): Promise<string>;
  /** The same, where a refusal is an answer. */
  tryKubectl(...args: string[]): Promise<Outcome>;
  /** kubectl with a manifest on standard input. */
  feed(manifest: string, ...args: string[]): Promise<string>;
  /** The very bytes of a GET, which no parser of ours has touched. */
  raw(apiPath: string): Promise<string>;
  /** A kubeconfig whose user reads its token from a file; answers both paths. */
  kubeconfigFor(name: string, token: string): { readonly kubeconfig: string; readonly tokenFile: string };
  /** The shipped kinds, as a user creates them, and usable. */
  createCrds(): Promise<void>;
  /** etcd keeps this many changes and no more. Only on loopback. */
  compact(keep: number): Promise<void>;
  readonly took: { readonly etcdMs: number; readonly apiserverMs: number; readonly builtMs: number };
  stop(): Promise<void>;
}

const root = new URL('../..', import.meta.url).pathname;
const START_MS = 90_000;
const execute = promisify(execFile);

export async function startKubeApi(options: KubeApiOptions = {}): Promise<KubeApi> {
  const binaries = kubeBinaries();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gingham-kube-'));
  const children: ChildProcess[] = [];
  const killAll = (): void => {
    for (const child of children) child.kill('SIGKILL');
    fs.rmSync(folder, { recursive: true, force: true });
  };
  process.once('exit', killAll);
  const stop = async (): Promise<void> => {
    // SIGTERM takes an API server with open watches over ten seconds, and nothing of it is wanted afterwards.
    await Promise.all(children.map(killed));
    process.off('exit', killAll);
    fs.rmSync(folder, { recursive: true, force: true });
  };
  try {
    return { ...(await start(binaries, folder, children, options)), stop };
  } catch (error) {
    const said = ['etcd', 'apiserver'].map((name) => tail(path.join(folder, `${name}.log`))).join('\n');
    await stop();
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n${said}`);
  }
}

async function start(
  binaries: ReturnType<typeof kubeBinaries>,
  folder: string,
  children: ChildProcess[],
  options: KubeApiOptions,
): Promise<Omit<KubeApi, 'stop'>> {
  const file = (name: string): string => path.join(folder, name);
  const address = options.inside?.address ?? '127.0.0.1';
  const [clientPort, peerPort, securePort] =
    options.inside === undefined ? await freePorts() : ([2379, 2380, 6443] as const);
  const enter = options.inside === undefined ? [] : ['ip', 'netns', 'exec', options.inside.namespace];
  const launch = (name: string, ...command: string[]): ChildProcess => {
    const [program = '', ...args] = [...enter, ...command];
    const log = fs.openSync(file(`${name}.log`), 'a');
    const child = spawn(program, args, { stdio: ['ignore', log, log] });
    fs.closeSync(log);
    children.push(child);
    return child;
  };
  makeCertificates(folder, address);

  const beganEtcd = Date.now();
  const etcdUrl = `http://127.0.0.1:${clientPort}`;
  const peerUrl = `http://127.0.0.1:${peerPort}`;
  launch(
    'etcd',
    binaries.etcd,
    `--data-dir=${file('etcd')}`,
    `--listen-client-urls=${etcdUrl}`,
    `--advertise-client-urls=${etcdUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--initial-cluster=default=${peerUrl}`,
  );
  const curl = async (...args: string[]): Promise<string> => {
    const [program = '', ...rest] = [...enter, 'curl', '-sS', '--fail', '-m', '10', '-A', 'gingham-test', ...args];
    return (await execute(program, rest, { maxBuffer: 64 << 20 })).stdout;
  };
  await answered('etcd', children, async () => (await curl(`${etcdUrl}/health`)).includes('true'));
  const etcdMs = Date.now() - beganEtcd;

  const beganServer = Date.now();
  const server = `https://${address}:${securePort}`;
  launch(
    'apiserver',
    binaries.apiserver,
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${address}`,
    `--advertise-address=${address}`,
    `--secure-port=${securePort}`,
    '--endpoint-reconciler-type=none',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--authorization-mode=RBAC',
    '--anonymous-auth=false',
    `--client-ca-file=${file('ca.crt')}`,
    `--tls-cert-file=${file('server.crt')}`,
    `--tls-private-key-file=${file('server.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('sa.pub')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    // There is no controller that would make the default ServiceAccount of a namespace.
    '--disable-admission-plugins=ServiceAccount',
    ...(options.flags ?? []),
  );
  const raw = (apiPath: string): Promise<string> =>
    curl('--cacert', file('ca.crt'), '--cert', file('admin.crt'), '--key', file('admin.key'), `${server}${apiPath}`);
  await answered('kube-apiserver', children, async () => (await raw('/readyz')) === 'ok');
  const took = { etcdMs, apiserverMs: Date.now() - beganServer, builtMs: binaries.builtMs };

  const kubeconfig = file('admin.kubeconfig');
  const cluster = { name: 'test', cluster: { server, 'certificate-authority': file('ca.crt') } };
  const writeKubeconfig = (to: string, user: object): void =>
    fs.writeFileSync(
      to,
      stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [cluster],
        users: [{ name: 'user', user }],
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'user' } }],
        'current-context': 'test',
      }),
    );
  writeKubeconfig(kubeconfig, { 'client-certificate': file('admin.crt'), 'client-key': file('admin.key') });
  const command = (args: readonly string[]): [string, string[]] => {
    const [program = '', ...rest] = [...enter, 'kubectl', '--kubeconfig', kubeconfig, '--cache-dir', file('cache')];
    return [program, [...rest, ...args]];
  };
  const kubectl = async (...args: string[]): Promise<string> => {
    const { status, out } = await tryKubectl(...args);
    if (status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${out}`);
    return out;
  };
  const tryKubectl = (...args: string[]): Promise<Outcome> =>
    execute(...command(args), { maxBuffer: 64 << 20, timeout: 60_000 }).then(
      ({ stdout, stderr }) => ({ status: 0, out: stdout + stderr }),
      (error: { code?: number; stdout?: string; stderr?: string }) => ({
        status: error.code ?? -1,
        out: `${error.stdout ?? ''}${error.stderr ?? ''}`,
      }),
    );

  return {
    server,
    folder,
    kubeconfig,
    took,
    kubectl,
    tryKubectl,
    feed: async (manifest, ...args) => {
      const given = file(`manifest-${process.hrtime.bigint()}.yaml`);
      fs.writeFileSync(given, manifest);
      return kubectl(...args, '-f', given);
    },
    raw,
    kubeconfigFor: (name, token) => {
      const [own, tokenFile] = [file(`${name}.kubeconfig`), file(`${name}.token`)];
      fs.writeFileSync(tokenFile, token);
      writeKubeconfig(own, { tokenFile });
      return { kubeconfig: own, tokenFile };
    },
    createCrds: async () => {
      await kubectl('create', '-k', path.join(root, 'deploy/crds'));
      await kubectl('wait', '--for=condition=Established', 'crd', '--all', '--timeout=60s');
      // Established is a little earlier than served: discovery is what a client asks.
      await answered('the shipped kinds', [], async () =>
        (await raw('/apis/crd.projectcalico.org/v1')).includes('"ippools"'),
      );
    },
    compact: async (keep) => {
      const post = (method: string, body: object): Promise<string> =>
        curl('-X', 'POST', `${etcdUrl}/v3/kv/${method}`, '-d', JSON.stringify(body));
      const { header } = JSON.parse(await post('range', { key: 'AA==' })) as { header: { revision: string } };
      const revision = Number(header.revision) - keep + 1;
      // One that is compacted so far already is what was asked for.
      if (revision > 1) await post('compaction', { revision }).catch(() => {});
    },
  };
}

/** Polls until `probe` is true; a process that ended meanwhile is a failure at once. */
async function answered(what: string, children: readonly ChildProcess[], probe: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + START_MS;
  for (;;) {
    if (await probe().catch(() => false)) return;
    const dead = children.find((child) => child.exitCode !== null || child.signalCode !== null);
    if (dead) throw new Error(`${what}: ${dead.spawnfile} ended with ${dead.exitCode ?? dead.signalCode}`);
    if (Date.now() > end) throw new Error(`${what} did not answer within ${START_MS} ms`);
    await new Promise((next) => setTimeout(next, 100));
  }
}

const killed = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });

const tail = (log: string): string =>
  fs.existsSync(log) ? fs.readFileSync(log, 'utf8').split('\n').slice(-15).join('\n') : '';

async function freePorts(): Promise<[number, number, number]> {
  const servers = [net.createServer(), net.createServer(), net.createServer()];
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports as [number, number, number];
}

/** A CA, the server's certificate and an administrator's; the keys of service-account tokens. */
function makeCertificates(folder: string, address: string): void {
  const file = (name: string): string => path.join(folder, name);
  const key = (name: string): string => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    fs.writeFileSync(file(`${name}.key`), privateKey.export({ type: 'pkcs1', format: 'pem' }), { mode: 0o600 });
    fs.writeFileSync(file(`${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
    return file(`${name}.key`);
  };
  key('sa');
  const openssl = (...args: string[]): string => run('openssl', ...args);
  const ca = ['-CA', file('ca.crt'), '-CAkey', file('ca.key')];
  const certificate = (name: string, subject: string, signer: readonly string[], ...extensions: string[]): string =>
    openssl(
      ...['req', '-x509', '-new', '-days', '2', '-key', key(name), '-subj', subject, '-out', file(`${name}.crt`)],
      ...signer,
      ...extensions.flatMap((e) => ['-addext', e]),
    );
  certificate('ca', '/CN=gingham-test-ca', []);
  const leaf = 'basicConstraints=critical,CA:FALSE';
  certificate('server', '/CN=kube-apiserver', ca, leaf, `subjectAltName=IP:${address},IP:127.0.0.1`);
  certificate('admin', '/O=system:masters/CN=admin', ca, leaf, 'extendedKeyUsage=clientAuth');
}
