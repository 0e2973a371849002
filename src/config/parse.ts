/** Text of a configuration file to a NodeConfig, or every fault in it at once. Pure. Settings come from settings.ts,
 *  reading from document.ts, what concerns several settings from check.ts; here they become the NodeConfig. */
import { formatIp } from '../base/ip.ts';
import { ipv4 } from '../base/ipv4.ts';
import { err, ok, type Result } from '../base/result.ts';
import type { PeerConfig, RoutePolicy } from '../model/peer.ts';
import { checkTogether, type NeighborValues, type NodeValues } from './check.ts';
import { DocumentReader, Values } from './document.ts';
import type { ClusterConfig, ConfigFault, NodeConfig, StoreConfig } from './node-config.ts';
import { NEIGHBOR_SETTINGS, NODE_SETTINGS } from './settings.ts';

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
  const elements = reader.read(root, NODE_SETTINGS, node, ['neighbors']).get('neighbors') ?? [];
  const neighbors = elements.map((element, i) => {
    const values: NeighborValues = new Values(`neighbors[${i}].`);
    values.place('', reader.lineOf(element));
    reader.read(element, NEIGHBOR_SETTINGS, values);
    return values;
  });
  nodeNameOf(environment, reader, node);
  checkTogether(reader, node, neighbors);
  if (reader.faults.length > 0) return err([...reader.faults].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)));
  return ok(toNodeConfig(node, neighbors, path, environment));
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
  neighbors: readonly NeighborValues[],
  path: string,
  environment: Environment,
): NodeConfig {
  const routerId = v.get('routerId');
  const cluster = toCluster(v, environment);
  const healthPort = v.get('health.port') ?? (cluster !== undefined && inPod(cluster.store) ? HEALTH_PORT : undefined);
  const gracefulRestart = restart(v.get('gracefulRestart'), v.get('gracefulRestart.restartTime'), FULL_RESTART);
  const listenAddress = v.get('listen.address') ?? ipv4(0);
  const also = v.get('listen.also');
  const base = {
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
    families: v.get('families') ?? (['ipv4-unicast'] as const),
    ...(gracefulRestart !== undefined && { gracefulRestart }),
    logLevel: v.get('logLevel') ?? D.logLevel.default,
    control: { socket: v.get('control.socket') ?? D['control.socket'].default },
    ...(healthPort !== undefined && { health: { port: healthPort } }),
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
    neighbors: neighbors.map((n) => toPeer(n, base)),
    ...(cluster !== undefined && { cluster, cni: { socket: v.get('cni.socket') ?? D['cni.socket'].default } }),
  };
}

/** Where a kubelet asks for our health, as it asks for Calico's. Elsewhere several nodes may share one network namespace. */
const HEALTH_PORT = 9099;
const inPod = (store: StoreConfig): boolean => 'kubernetes' in store;

const OWN_NAMESPACE = 'gingham-system';
function toCluster(v: NodeValues, { POD_NAMESPACE }: Environment): ClusterConfig | undefined {
  const nodeName = v.get('cluster.nodeName');
  const store = toStore(v);
  if (nodeName === undefined || store === undefined) return undefined;
  const address = v.get('cluster.address');
  const namespace = v.get('cluster.namespace') ?? (POD_NAMESPACE || OWN_NAMESPACE);
  const defaultPool = toDefaultPool(v, store);
  return {
    nodeName,
    store,
    namespace,
    ...(defaultPool !== undefined && { defaultPool }),
    ...(address !== undefined && { address }),
    localPref: v.get('cluster.localPref') ?? D['cluster.localPref'].default,
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

const FULL_RESTART = { restartTimeSec: D['gracefulRestart.restartTime'].default };

/** Absent: off. A restart time switches it on; without a word of one's own it is as `inherited`. */
function restart(
  on: boolean | undefined,
  restartTimeSec: number | undefined,
  inherited: NodeConfig['gracefulRestart'],
): NodeConfig['gracefulRestart'] {
  if (restartTimeSec !== undefined) return { restartTimeSec };
  if (on === undefined) return inherited;
  return on ? (inherited ?? FULL_RESTART) : undefined;
}

type Inherited = Omit<NodeConfig, 'neighbors'>;

function toPeer(n: NeighborValues, node: Inherited): PeerConfig {
  const address = n.get('address') ?? ipv4(0);
  const asn = n.get('asn') ?? 0;
  const localAddress = n.get('localAddress');
  const [device, ttlSecurity, ttl] = [n.get('interface'), n.get('ttlSecurity'), n.get('ttl')];
  const password = n.get('password');
  const gracefulRestart = restart(n.get('gracefulRestart'), n.get('gracefulRestart.restartTime'), node.gracefulRestart);
  const withoutOne = asn !== node.asn && node.ebgpRequiresPolicy ? 'missing' : 'all';
  const importPolicy: RoutePolicy = n.get('import') ?? withoutOne;
  const exportPolicy: RoutePolicy = n.get('export') ?? withoutOne;
  return {
    name: n.get('name') ?? formatIp(address),
    kind: 'file',
    // Not the index: it would change with every line above it, and with it a peer that did not.
    configuredBy: `neighbors of ${node.path}`,
    address,
    port: n.get('port') ?? NEIGHBOR_SETTINGS.port.default,
    asn,
    localAsn: node.asn,
    ...(localAddress !== undefined && { localAddress }),
    ...(device !== undefined && { interface: device }),
    ...(ttlSecurity !== undefined && { ttlSecurity }),
    ...(ttl !== undefined && { ttl }),
    passive: n.get('passive') ?? NEIGHBOR_SETTINGS.passive.default,
    ...(password !== undefined && { password }),
    holdTimeSec: n.get('holdTime') ?? node.holdTimeSec,
    connectRetrySec: n.get('connectRetry') ?? node.connectRetrySec,
    ...(gracefulRestart !== undefined && { gracefulRestart }),
    localPref: n.get('localPref') ?? NEIGHBOR_SETTINGS.localPref.default,
    nextHopSelf: n.get('nextHopSelf') ?? asn !== node.asn,
    ...(importPolicy !== 'all' && { importPolicy }),
    ...(exportPolicy !== 'all' && { exportPolicy }),
    transit: n.get('transit') ?? NEIGHBOR_SETTINGS.transit.default,
  };
}
