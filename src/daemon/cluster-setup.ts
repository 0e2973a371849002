/** What a cluster needs once: ClusterInformation/default, and an IPPool when there is none. Whoever comes first creates it;
 *  AlreadyExists is success. Called again and again until it is done. */
import { randomUUID } from 'node:crypto';
import { formatPrefix, type Prefix } from '../base/prefix.ts';
import {
  CLUSTER_INFORMATION_NAME,
  chooseCidr,
  clusterInformationObject,
  DEFAULT_POOL_NAME,
  type DefaultPool,
  defaultPoolObject,
} from '../cluster/default-pool.ts';
import { createOrGet } from '../store/cas.ts';
import { KINDS } from '../store/kinds.ts';
import type { Store } from '../store/port.ts';
import type { Log } from './log.ts';

export interface ClusterSetupOptions {
  readonly store: Store;
  /** Absent: no pool is created. */
  readonly defaultPool?: DefaultPool;
  readonly podSubnets: () => Promise<readonly Prefix[]>;
  readonly log: Log;
}

export class ClusterSetup {
  private readonly options: ClusterSetupOptions;
  /** At start only: who deletes the last pool later wants none. */
  private poolDecided = false;

  constructor(options: ClusterSetupOptions) {
    this.options = options;
  }

  /** Rejects with the store's error, to be tried again. */
  async run(present: { readonly information: boolean; readonly pools: number }): Promise<void> {
    const { store, log } = this.options;
    if (!present.information) {
      const object = clusterInformationObject(randomUUID().replaceAll('-', ''));
      const { created } = await createOrGet(store, KINDS.clusterInformation, CLUSTER_INFORMATION_NAME, object);
      if (created) log.info({ name: CLUSTER_INFORMATION_NAME }, 'created ClusterInformation, datastoreReady');
    }
    if (!this.poolDecided) await this.pool(present.pools);
    this.poolDecided = true;
  }

  private async pool(present: number): Promise<void> {
    const { store, defaultPool, podSubnets, log } = this.options;
    if (defaultPool === undefined || present > 0) return;
    const chosen = chooseCidr(defaultPool.cidr, await podSubnets(), defaultPool.blockSize);
    const { created } = await createOrGet(
      store,
      KINDS.ipPool,
      DEFAULT_POOL_NAME,
      defaultPoolObject(defaultPool, chosen.cidr),
    );
    const { ipipMode, vxlanMode, natOutgoing } = defaultPool;
    if (created)
      log.info(
        { cidr: formatPrefix(chosen.cidr), from: chosen.from, ipipMode, vxlanMode, natOutgoing },
        `created IPPool ${DEFAULT_POOL_NAME}: there was none`,
      );
  }
}
