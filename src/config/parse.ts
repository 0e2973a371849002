/** Text of a configuration file to a NodeConfig, or every fault in it at once. Pure. Settings come from settings.ts,
 *  reading from document.ts, what concerns several settings from check.ts; here they become the NodeConfig. */
import { ipv4 } from '../base/ipv4.ts';
import { err, ok, type Result } from '../base/result.ts';
import { checkTogether } from './check.ts';
import type { DynamicValues, NeighborValues, NodeValues } from './checked.ts';
import { DocumentReader, Values } from './document.ts';
import type { ClusterConfig, ConfigFault, NodeConfig, StoreConfig } from './node-config.ts';
import { FULL_RESTART, type Inherited, type Policies, restart, toPeer, toRange } from './peer-settings.ts';
import { readPolicies } from './policies.ts';
import { DYNAMIC_SETTINGS, NEIGHBOR_SETTINGS, NODE_SETTINGS } from './settings.ts';

const PROTOCOL_BGP = 186;
const PROTOCOL_BIRD = 12;
const D = NODE_SETTINGS;

/** What a container is told by its environment instead of by the file that all nodes share. */
export interface Environment {
  /** Stands for cluster.nodeName where the file has none. */
  readonly NODE_NAME?: string | undefined;
  /** Stands for cluster.namespace where the file has none. */
  readonly POD_NAMESPACE?: string | undefined;
}

/** YAML or JSON. `path` is only used in messages. Faults come in the order of the file's lines. */
export function parseNodeConfig(
  text: string,
  path: string,
  environment: Environment = {},
): Result<NodeConfig, readonly ConfigFault[]> {
  const reader = new DocumentReader(text);
  const root = reader.root();
  if (root === undefined) return err(reader.faults);
  const node: NodeValues = new Values('');
  const lists = reader.read(root, NODE_SETTINGS, node, ['neighbors', 'dynamicNeighbors', 'prefixLists', 'policies']);
  const neighbors = (lists.get('neighbors') ?? []).map((element, i) => {
    const values: NeighborValues = new Values(`neighbors[${i}].`);
    values.place('', reader.lineOf(element));
    reader.read(element, NEIGHBOR_SETTINGS, values);
    return values;
  });
  const dynamic = (lists.get('dynamicNeighbors') ?? []).map((element, i) => {
    const values: DynamicValues = new Values(`dynamicNeighbors[${i}].`);
    values.place('', reader.lineOf(element));
    reader.read(element, DYNAMIC_SETTINGS, values);
    return values;
  });
  const { inOrder, names } = readPolicies(reader, lists.get('prefixLists') ?? [], lists.get('policies') ?? []);
  nodeNameOf(environment, reader, node);
  checkTogether(reader, node, neighbors, dynamic, names);
  if (reader.faults.length > 0) return err([...reader.faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)));
  return ok(toNodeConfig(node, { neighbors, dynamic, policies: inOrder }, path, environment));
}

function nodeNameOf({ NODE_NAME }: Environment, reader: DocumentReader, node: NodeValues): void {
  const path = 'cluster.nodeName';
  if (NODE_NAME === undefined || NODE_NAME === '' || !node.mentions('cluster') || node.mentions(path)) return;
  const line = node.line('cluster');
  node.place(path, line);
  const name = D[path].type.parse(NODE_NAME);
  if (name.ok) node.set(path, name.value);
  else reader.faultAt(path, line, NODE_NAME.slice(0, 60), `(from NODE_NAME) ${name.error.text}`, name.error.remedy);
}

/** The configuration of an empty file: what runs when nothing is said. */
function toNodeConfig(
  v: NodeValues,
  lists: {
    readonly neighbors: readonly NeighborValues[];
    readonly dynamic: readonly DynamicValues[];
    readonly policies: Policies;
  },
  path: string,
  environment: Environment,
): NodeConfig {
  const routerId = v.get('routerId');
  const cluster = toCluster(v, lists.policies, environment);
  const healthPort = v.get('health.port') ?? (cluster !== undefined && inPod(cluster.store) ? HEALTH_PORT : undefined);
  const gracefulRestart = restart(v.get('gracefulRestart'), v.get('gracefulRestart.restartTime'), FULL_RESTART);
  const listenAddress = v.get('listen.address') ?? ipv4(0);
  const also = v.get('listen.also');
  const clusterId = v.get('clusterId');
  const staleTimeSec = v.get('longLivedGracefulRestart');
  const families = v.get('families') ?? (['ipv4-unicast'] as const);
  const base: Inherited = {
    path,
    asn: v.get('asn') ?? D.asn.default,
    ...(routerId !== undefined && { routerId }),
    listen: {
      address: listenAddress,
      port: v.get('listen.port') ?? D['listen.port'].default,
      ...(also !== undefined && { also }),
    },
    holdTimeSec: v.get('holdTime') ?? D.holdTime.default,
    connectRetrySec: v.get('connectRetry') ?? D.connectRetry.default,
    ebgpRequiresPolicy: v.get('ebgpRequiresPolicy') ?? D.ebgpRequiresPolicy.default,
    families,
    ...(clusterId !== undefined && { clusterId }),
    maxPaths: {
      ebgp: v.get('maxPaths.ebgp') ?? D['maxPaths.ebgp'].default,
      ibgp: v.get('maxPaths.ibgp') ?? D['maxPaths.ibgp'].default,
    },
    preferOlder: v.get('preferOlder') ?? D.preferOlder.default,
    ...(staleTimeSec !== undefined && { longLivedGracefulRestart: { staleTimeSec } }),
    ...(gracefulRestart !== undefined && { gracefulRestart }),
    logLevel: v.get('logLevel') ?? D.logLevel.default,
    control: { socket: v.get('control.socket') ?? D['control.socket'].default },
    ...(healthPort !== undefined && { health: { port: healthPort } }),
    ...toBmp(v),
    stateDir: v.get('stateDir') ?? D.stateDir.default,
    kernel: {
      install: v.get('kernel.install') ?? D['kernel.install'].default,
      protocol: v.get('kernel.protocol') ?? (cluster === undefined ? PROTOCOL_BGP : PROTOCOL_BIRD),
      table: v.get('kernel.table') ?? D['kernel.table'].default,
      allow: v.get('kernel.allow') ?? [],
    },
    originate: v.get('originate') ?? [],
  };
  return {
    ...base,
    neighbors: lists.neighbors.map((n) => toPeer(n, base, lists.policies)),
    dynamicNeighbors: lists.dynamic.map((d) => toRange(d, base, lists.policies)),
    ...(cluster !== undefined && { cluster, cni: { socket: v.get('cni.socket') ?? D['cni.socket'].default } }),
  };
}

function toBmp(v: NodeValues): Pick<NodeConfig, 'bmp'> {
  const address = v.get('bmp.address');
  if (address === undefined) return {};
  const port = v.get('bmp.port') ?? D['bmp.port'].default;
  return { bmp: { address, port, statisticsSec: v.get('bmp.statistics') ?? D['bmp.statistics'].default } };
}

/** Where a kubelet asks for our health, as it asks for Calico's. Elsewhere several nodes may share one network namespace. */
const HEALTH_PORT = 9099;
const inPod = (store: StoreConfig): boolean => 'kubernetes' in store;

const OWN_NAMESPACE = 'gingham-system';
function toCluster(v: NodeValues, policies: Policies, { POD_NAMESPACE }: Environment): ClusterConfig | undefined {
  const nodeName = v.get('cluster.nodeName');
  const store = toStore(v);
  if (nodeName === undefined || store === undefined) return undefined;
  const address = v.get('cluster.address');
  const namespace = v.get('cluster.namespace') ?? (POD_NAMESPACE || OWN_NAMESPACE);
  const defaultPool = toDefaultPool(v, store);
  const meshImport = policies(v.get('cluster.meshImport') ?? ['all']);
  const meshExport = policies(v.get('cluster.meshExport') ?? ['all']);
  return {
    nodeName,
    store,
    namespace,
    ...(defaultPool !== undefined && { defaultPool }),
    ...(address !== undefined && { address }),
    localPref: v.get('cluster.localPref') ?? D['cluster.localPref'].default,
    blockOrigin: v.get('cluster.blockOrigin') ?? D['cluster.blockOrigin'].default,
    ...(meshImport !== undefined && { meshImport }),
    ...(meshExport !== undefined && { meshExport }),
    tunnel: { carrier: v.get('cluster.tunnel.carrier') ?? D['cluster.tunnel.carrier'].default },
  };
}

/** The embedded store's pools are whoever's made it, unless the file says otherwise. */
function toDefaultPool(v: NodeValues, store: StoreConfig): ClusterConfig['defaultPool'] {
  if ('server' in store && !v.mentions('cluster.defaultPool')) return undefined;
  const cidr = v.get('cluster.defaultPool.cidr');
  const vxlanMode = v.get('cluster.defaultPool.vxlanMode') ?? D['cluster.defaultPool.vxlanMode'].default;
  const ipipDefault = vxlanMode === 'Never' ? D['cluster.defaultPool.ipipMode'].default : 'Never';
  return {
    ...(cidr !== undefined && { cidr }),
    ipipMode: v.get('cluster.defaultPool.ipipMode') ?? ipipDefault,
    vxlanMode,
    natOutgoing: v.get('cluster.defaultPool.natOutgoing') ?? D['cluster.defaultPool.natOutgoing'].default,
    blockSize: v.get('cluster.defaultPool.blockSize') ?? D['cluster.defaultPool.blockSize'].default,
  };
}

function toStore(v: NodeValues): StoreConfig | undefined {
  const [server, kubeconfig] = [v.get('cluster.store.server'), v.get('cluster.store.kubeconfig')];
  if (server !== undefined) return { server };
  if (kubeconfig !== undefined) return { kubeconfig };
  return v.get('cluster.store.kubernetes') ? { kubernetes: true } : undefined;
}
