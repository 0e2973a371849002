/** The cluster as one value: a reflector for each kind, parsed, and one `onChange` after everything that arrived together. */
import type { Reason } from '../base/reason.ts';
import { err, type Result } from '../base/result.ts';
import type { ClusterReason } from '../cluster/cluster-reason.ts';
import type { ClusterSnapshot } from '../cluster/desired.ts';
import { readIpv6Objects } from '../cluster/ipv6-blocks.ts';
import { parseAffinity } from '../ipam/affinity.ts';
import { parseBlock } from '../ipam/block.ts';
import { parsePool } from '../ipam/pools.ts';
import { KINDS } from '../store/kinds.ts';
import { type Kind, type Resource, type Store, StoreError } from '../store/port.ts';
import { type Reflector, reflect } from '../store/reflector.ts';
import { systemClock, systemRandom, systemTimers } from '../sys/time.ts';
import type { Log } from './log.ts';

export interface ClusterWatch {
  /** Resolves when every kind was listed once. Never rejects: an unreachable store is waited for, and said. */
  readonly synced: Promise<void>;
  isSynced(): boolean;
  /** Resolves with the next change of anything. */
  nextChange(): Promise<void>;
  snapshot(): ClusterSnapshot;
  node(name: string): Resource | undefined;
  /** Any object of a kind that is watched. */
  object(kind: Kind, name: string): Resource | undefined;
  /** ClusterInformation/default */
  information(): Resource | undefined;
  /** Why the store is not followed right now; undefined when it is. */
  problem(): string | undefined;
}

/** A cluster from before Gingham read it has none: what nobody serves is empty, and not waited for. */
const OPTIONAL: readonly Kind[] = [KINDS.bgpFilter];

const WATCHED = [
  KINDS.node,
  KINDS.ipPool,
  KINDS.ipamBlock,
  KINDS.blockAffinity,
  KINDS.bgpConfiguration,
  KINDS.bgpPeer,
  KINDS.bgpFilter,
  KINDS.clusterInformation,
] as const;

const GONE: readonly string[] = ['NotFound', 'Forbidden'];

export function watchCluster(options: {
  readonly store: Store;
  readonly server: string;
  readonly signal: AbortSignal;
  readonly onChange: () => void;
  readonly log: Log;
}): ClusterWatch {
  const { log } = options;
  let pending = false;
  const waiting: (() => void)[] = [];
  const changed = (): void => {
    if (pending) return;
    pending = true;
    setImmediate(() => {
      pending = false;
      if (options.signal.aborted) return;
      options.onChange();
      for (const tell of waiting.splice(0)) tell();
    });
  };
  const reflectors = new Map<Kind, Reflector>();
  /** Optional ones that the store does not know, or does not let us see. */
  const absent = new Map<Kind, () => void>();
  const isAbsent = new Set<Kind>();
  const listed = (kind: Kind, r: Reflector): Promise<void> =>
    OPTIONAL.includes(kind) ? Promise.race([r.synced, new Promise<void>((done) => absent.set(kind, done))]) : r.synced;
  for (const kind of WATCHED) {
    reflectors.set(
      kind,
      reflect({
        store: options.store,
        kind,
        clock: systemClock,
        timers: systemTimers,
        random: systemRandom,
        // One of its own: all of them listening to one would look like a leak to Node.js.
        signal: AbortSignal.any([options.signal]),
        onSnapshot: changed,
        onError: ({ error, phase, failures, retryInMs }) => {
          if (OPTIONAL.includes(kind) && error instanceof StoreError && GONE.includes(error.reason)) {
            isAbsent.add(kind);
            absent.get(kind)?.();
          }
          // The first failure of a row is news; the rest is the same news.
          const level = failures === 1 ? 'warn' : 'debug';
          log[level](
            { store: options.server, kind: kind.plural, phase, error: error.message, retryInMs },
            'the store does not answer; going on with what is known',
          );
        },
      }),
    );
  }
  const objects = (kind: Kind): readonly Resource[] => [...(reflectors.get(kind)?.objects.values() ?? [])];
  const parsed = <T>(kind: Kind, parse: (resource: Resource) => Result<T, Reason>): Result<T, ClusterReason>[] =>
    objects(kind).map((object) => {
      const result = parse(object);
      return result.ok ? result : err({ ...result.error, about: { kind, name: object.metadata.name } });
    });

  return {
    synced: Promise.all([...reflectors].map(([kind, r]) => listed(kind, r))).then(() => undefined),
    nextChange: () => new Promise((resolve) => void waiting.push(resolve)),
    isSynced: () => [...reflectors].every(([kind, r]) => r.isSynced() || isAbsent.has(kind)),
    object: (kind, name) => reflectors.get(kind)?.objects.get(name),
    node: (name) => reflectors.get(KINDS.node)?.objects.get(name),
    snapshot: () => ({
      nodes: objects(KINDS.node),
      pools: parsed(KINDS.ipPool, parsePool),
      blocks: parsed(KINDS.ipamBlock, parseBlock),
      affinities: parsed(KINDS.blockAffinity, parseAffinity),
      bgpConfiguration: reflectors.get(KINDS.bgpConfiguration)?.objects.get('default'),
      otherBgpConfigurations: objects(KINDS.bgpConfiguration).filter((o) => o.metadata.name !== 'default'),
      bgpPeers: objects(KINDS.bgpPeer),
      bgpFilters: objects(KINDS.bgpFilter),
      ipv6: readIpv6Objects({
        pools: objects(KINDS.ipPool),
        blocks: objects(KINDS.ipamBlock),
        affinities: objects(KINDS.blockAffinity),
      }),
    }),
    information: () => reflectors.get(KINDS.clusterInformation)?.objects.get('default'),
    problem: () => {
      for (const [kind, reflector] of reflectors) {
        if (isAbsent.has(kind)) continue;
        const { phase, lastError } = reflector.status();
        if (phase === 'waiting') return lastError?.text ?? 'waiting for the store';
      }
      return undefined;
    },
  };
}
