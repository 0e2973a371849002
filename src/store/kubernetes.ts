/** The Store of a real Kubernetes cluster. I/O: files of credentials. Configuration and authentication are client-node's
 *  KubeConfig (service account, kubeconfig, exec plugins); requests are rest-client.ts's, because typed ones round whole
 *  numbers past 2^53. The library is heavy, so this file is imported only where such a store is configured. */
import fs from 'node:fs';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import type { Clock } from '../base/ports.ts';
import { calicoGroups } from './calico-groups.ts';
import { type Store, StoreError } from './port.ts';
import { type Access, type AccessSource, openRestStore, type TlsIdentity } from './rest-client.ts';

/** Whose API: that of the pod we are in, or of the current context of a file. */
export type KubernetesSource = { readonly kubernetes: true } | { readonly kubeconfig: string };

export interface KubernetesStore extends Store {
  readonly server: string;
  close(): void;
}

/** How long what was read is used before it is looked at again. kubelet replaces a token long before it ends. */
const FRESH_MS = 10_000;

/** Throws StoreError 'Invalid' when the configuration cannot be used, before anything is connected. */
export function openKubernetesStore(source: KubernetesSource, clock: Clock): KubernetesStore {
  const { server } = clusterOf(loadConfig(source), source);
  const store = openRestStore({ server, access: new Credentials(source, clock) });
  return { ...calicoGroups(store), server, close: () => store.close() };
}

class Credentials implements AccessSource {
  private readonly source: KubernetesSource;
  private readonly clock: Clock;
  private config: KubeConfig | undefined;
  private access: Access | undefined;
  private readAtMs = 0;

  constructor(source: KubernetesSource, clock: Clock) {
    this.source = source;
    this.clock = clock;
  }

  async current(): Promise<Access> {
    if (this.access !== undefined && this.clock.now() - this.readAtMs < FRESH_MS) return this.access;
    try {
      this.config ??= loadConfig(this.source);
      const { headers, tls } = await accessOf(this.config);
      // Equal certificates keep their object, and with it the connections.
      const same = this.access !== undefined && JSON.stringify(this.access.tls) === JSON.stringify(tls);
      this.access = { headers, tls: same && this.access !== undefined ? this.access.tls : tls };
      this.readAtMs = this.clock.now();
      return this.access;
    } catch (error) {
      this.config = undefined;
      if (error instanceof StoreError) throw error;
      throw new StoreError('Forbidden', `${sourceText(this.source)}: no credentials: ${messageOf(error)}`);
    }
  }

  refused(): void {
    this.config = undefined; // it caches tokens of its own
    this.readAtMs = Number.NEGATIVE_INFINITY;
  }
}

function loadConfig(source: KubernetesSource): KubeConfig {
  const config = new KubeConfig();
  try {
    if ('kubeconfig' in source) {
      config.loadFromFile(source.kubeconfig);
      readTokenFiles(config, source.kubeconfig);
    } else config.loadFromCluster();
  } catch (error) {
    throw new StoreError('Invalid', `${sourceText(source)} cannot be read: ${messageOf(error)}`);
  }
  clusterOf(config, source);
  return config;
}

/** `tokenFile` of a user, which kubectl knows and KubeConfig's parser does not: the same as a service account's token. */
function readTokenFiles(config: KubeConfig, kubeconfig: string): void {
  const { users } = (parse(fs.readFileSync(kubeconfig, 'utf8')) ?? {}) as {
    readonly users?: readonly { readonly name?: string; readonly user?: { readonly tokenFile?: string } | null }[];
  };
  const fileOf = new Map((users ?? []).map((u) => [u.name, u.user?.tokenFile]));
  config.users = config.users.map((user) => {
    const tokenFile = fileOf.get(user.name);
    if (tokenFile === undefined) return user;
    const absolute = path.resolve(path.dirname(kubeconfig), tokenFile);
    return { ...user, authProvider: { name: 'tokenFile', config: { tokenFile: absolute } } };
  });
}

/** The cluster of the current context, if it is one that we can speak to. */
function clusterOf(config: KubeConfig, source: KubernetesSource): { readonly server: string } {
  const invalid = (text: string): StoreError => new StoreError('Invalid', `${sourceText(source)}: ${text}`);
  if (!('kubeconfig' in source) && !process.env['KUBERNETES_SERVICE_HOST'])
    throw invalid(
      'KUBERNETES_SERVICE_HOST is not set, so this is no pod of a cluster. Use cluster.store.kubeconfig outside of one.',
    );
  const cluster = config.getCurrentCluster();
  if (!cluster)
    throw invalid(`its current context "${config.getCurrentContext()}" names no cluster. Set current-context.`);
  if (!URL.canParse(cluster.server))
    throw invalid(`its server "${cluster.server}" is not a URL. Write https://HOST:PORT.`);
  if (cluster.server.startsWith('http:'))
    throw invalid(
      `${cluster.server} is plain http, which needs no credentials. Write cluster.store.server: ${cluster.server}.`,
    );
  if (cluster.proxyUrl)
    throw invalid('proxy-url is not supported: a node reaches its API directly. Remove it, or use another address.');
  return cluster;
}

async function accessOf(config: KubeConfig): Promise<Access> {
  const options: Parameters<KubeConfig['applyToHTTPSOptions']>[0] = { headers: {} };
  await config.applyToHTTPSOptions(options);
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(options.headers ?? {}))
    if (value !== undefined) headers[name.toLowerCase()] = String(value).trim();
  if (typeof options.auth === 'string')
    headers['authorization'] = `Basic ${Buffer.from(options.auth).toString('base64')}`;
  const { ca, cert, key, servername, rejectUnauthorized } = options as {
    readonly [K in 'ca' | 'cert' | 'key']?: Buffer;
  } & { readonly servername?: string; readonly rejectUnauthorized?: boolean };
  const tls: TlsIdentity = {
    ...(ca && { ca: ca.toString('utf8') }),
    ...(cert && { cert: cert.toString('utf8') }),
    ...(key && { key: key.toString('utf8') }),
    ...(servername && { servername }),
    ...(rejectUnauthorized === false && { rejectUnauthorized }),
  };
  return { headers, tls };
}

const sourceText = (source: KubernetesSource): string =>
  'kubeconfig' in source ? `kubeconfig ${source.kubeconfig}` : 'the service account of this pod';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
