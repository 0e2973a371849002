/** What is read now and then instead of watched: the Secrets that BGPPeers name (we may see no others), kube-system's
 *  ConfigMaps, and how many policies nobody enforces. A store that is away changes nothing of what is known. */
import type { Prefix } from '../base/prefix.ts';
import type { Reason } from '../base/reason.ts';
import { err, ok, type Result } from '../base/result.ts';
import { clusterCidrs, podSubnets } from '../cluster/kube-config-maps.ts';
import { type Passwords, type SecretRef, secretKey } from '../cluster/secret-ref.ts';
import { CALICO_GROUP, KINDS } from '../store/kinds.ts';
import { type Kind, type Resource, type Store, StoreError } from '../store/port.ts';
import { systemTimers } from '../sys/time.ts';
import type { Log } from './log.ts';

export interface ClusterReads {
  /** The Secrets wanted now; new ones are read at once. */
  wantSecrets(refs: readonly SecretRef[]): void;
  passwords(): Passwords;
  clusterCidrs(): readonly Prefix[];
  /** Asks now. Rejects when the store does not answer; empty when there is no such ConfigMap. */
  podSubnets(): Promise<readonly Prefix[]>;
  /** Policies of all kinds that have no effect; undefined until counted. */
  ignoredPolicies(): number | undefined;
  stop(): void;
}

export interface ClusterReadsOptions {
  readonly store: Store;
  /** Where Secrets are. */
  readonly namespace: string;
  readonly onChange: () => void;
  readonly log: Log;
}

const SECRETS_MS = 60_000;
/** A Secret that was forgotten is often created next. */
const MISSING_MS = 5000;
const SELDOM_MS = 600_000;
const SELDOM_RETRY_MS = 30_000;
/** Counted only, and none of the kinds we ship: the second group's are absent from a cluster that never had Calico. */
const POLICIES: readonly Kind[] = [
  { group: 'networking.k8s.io', version: 'v1', plural: 'networkpolicies', kind: 'NetworkPolicy', namespaced: true },
  { group: CALICO_GROUP, version: 'v1', plural: 'networkpolicies', kind: 'NetworkPolicy', namespaced: true },
  {
    group: CALICO_GROUP,
    version: 'v1',
    plural: 'globalnetworkpolicies',
    kind: 'GlobalNetworkPolicy',
    namespaced: false,
  },
];

export function startClusterReads(options: ClusterReadsOptions): ClusterReads {
  const { store, namespace, log } = options;
  let refs: readonly SecretRef[] = [];
  let passwords: ReadonlyMap<string, Result<string, Reason>> = new Map();
  let cidrs: readonly Prefix[] = [];
  let policies: number | undefined;
  let stopped = false;
  let cancelSecrets = (): void => {};
  let cancelSeldom = (): void => {};
  let reading = false;
  let again = false;

  const readSecrets = async (): Promise<void> => {
    if (reading) {
      again = true;
      return;
    }
    reading = true;
    cancelSecrets();
    do {
      again = false;
      const found = new Map<string, Result<string, Reason>>();
      for (const ref of refs) {
        const value = await readSecret(store, namespace, ref, passwords.get(secretKey(ref)));
        if (value !== undefined) found.set(secretKey(ref), value);
      }
      const changed = textOf(found) !== textOf(passwords);
      passwords = found;
      if (changed && !stopped) options.onChange();
    } while (again && !stopped);
    reading = false;
    if (stopped || refs.length === 0) return;
    const whole = refs.every((ref) => passwords.get(secretKey(ref))?.ok === true);
    cancelSecrets = systemTimers.after(whole ? SECRETS_MS : MISSING_MS, () => void readSecrets());
  };

  const readSeldom = async (): Promise<void> => {
    let next = SELDOM_MS;
    try {
      const kubeProxy = clusterCidrs(await getOrNothing(store, KINDS.configMap, 'kube-system/kube-proxy'));
      const count = await countPolicies(store);
      const changed = JSON.stringify(kubeProxy) !== JSON.stringify(cidrs);
      if (count !== policies && (count > 0 || policies !== undefined))
        log.warn(
          { objects: count },
          `NetworkPolicy is not enforced by this version of Gingham: ${count} policies are ignored`,
        );
      [cidrs, policies] = [kubeProxy, count];
      if (changed && !stopped) options.onChange();
    } catch (error) {
      log.debug({ error: String(error) }, 'policies and ConfigMaps of kube-system cannot be read now');
      next = SELDOM_RETRY_MS;
    }
    if (!stopped) cancelSeldom = systemTimers.after(next, () => void readSeldom());
  };
  void readSeldom();

  return {
    wantSecrets(wanted) {
      const same = wanted.map(secretKey).sort().join() === refs.map(secretKey).sort().join();
      refs = wanted;
      if (!same) void readSecrets();
    },
    passwords: () => passwords,
    clusterCidrs: () => cidrs,
    podSubnets: async () => podSubnets(await getOrNothing(store, KINDS.configMap, 'kube-system/kubeadm-config')),
    ignoredPolicies: () => policies,
    stop() {
      stopped = true;
      cancelSecrets();
      cancelSeldom();
    },
  };
}

/** `before` stays while the store does not answer: an outage of the API takes no session down. */
async function readSecret(
  store: Store,
  namespace: string,
  { name, key }: SecretRef,
  before: Result<string, Reason> | undefined,
): Promise<Result<string, Reason> | undefined> {
  const where = `Secret "${name}" in namespace "${namespace}"`;
  try {
    const secret = await store.get(KINDS.secret, `${namespace}/${name}`);
    const data: unknown = secret['data'];
    const value =
      typeof data === 'object' && data !== null ? Object.entries(data).find(([k]) => k === key)?.[1] : undefined;
    return typeof value === 'string'
      ? ok(
          Buffer.from(value, 'base64')
            .toString('utf8')
            .replace(/\r?\n$/, ''),
        )
      : err({ code: 'SECRET_KEY_MISSING', text: `${where} has no key "${key}". Add it, or name another key.` });
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    if (error.reason === 'NotFound')
      return err({
        code: 'SECRET_MISSING',
        text: `${where} does not exist. Create it with the key "${key}"; it is looked for every few seconds.`,
      });
    if (error.reason === 'Forbidden')
      return err({
        code: 'SECRET_FORBIDDEN',
        text: `${where} may not be read: ${error.message}. Allow the daemon's service account to get it.`,
      });
    return before;
  }
}

async function getOrNothing(store: Store, kind: Kind, name: string): Promise<Resource | undefined> {
  try {
    return await store.get(kind, name);
  } catch (error) {
    // A cluster not made by kubeadm has none, and other tools' roles may hide them.
    if (error instanceof StoreError && (error.reason === 'NotFound' || error.reason === 'Forbidden')) return undefined;
    throw error;
  }
}

async function countPolicies(store: Store): Promise<number> {
  let count = 0;
  for (const kind of POLICIES) {
    try {
      count += (await store.list(kind)).items.length;
    } catch (error) {
      if (!(error instanceof StoreError && (error.reason === 'NotFound' || error.reason === 'Forbidden'))) throw error;
    }
  }
  return count;
}

const textOf = (passwords: Passwords): string => JSON.stringify([...passwords].sort(([a], [b]) => (a < b ? -1 : 1)));
