/** Start-up of a node of a cluster: store, then sessions, then pods. What waits for the store waits here. */
import { formatIpv4, type Ipv4 } from '../base/ipv4.ts';
import { nextHopOf } from '../bgp-js/attributes/next-hop.ts';
import { BlockOrigins } from '../cluster/block-origin.ts';
import { readNode } from '../cluster/node.ts';
import type { ClusterConfig } from '../config/node-config.ts';
import { sysctlRoot } from '../kernel/devices/sysctl.ts';
import { createForwardAccept, type ForwardAccept } from '../kernel/packets/forward-accept.ts';
import { applyForwarding } from '../kernel/packets/forwarding.ts';
import { createMasquerade } from '../kernel/packets/masquerade.ts';
import { createPodWiring } from '../kernel/pods/pod-wiring.ts';
import { createTunnels } from '../kernel/tunnels/tunnel.ts';
import type { Store } from '../store/port.ts';
import { systemTimers } from '../sys/time.ts';
import { ClusterNode } from './cluster-node.ts';
import { startClusterReads } from './cluster-reads.ts';
import { ClusterSetup } from './cluster-setup.ts';
import { openClusterStore } from './cluster-store.ts';
import { type ClusterWatch, watchCluster } from './cluster-watch.ts';
import type { Dataplane } from './dataplane.ts';
import { FootprintRecord } from './footprint.ts';
import { objectEvents } from './object-events.ts';
import { OriginWatch } from './origin-watch.ts';
import { podAnnotations } from './pod-annotations.ts';
import { createPods, guardedIpam } from './pods.ts';
import type { Running } from './running.ts';
import { startSpeaker } from './speaker-start.ts';

export async function startCluster(
  running: Running,
  cluster: ClusterConfig,
  dataplane: Dataplane,
  signal: AbortSignal,
): Promise<void> {
  const { config, log } = running;
  const { nodeName } = cluster;
  const settings = sysctlRoot();
  const forwarding = applyForwarding(settings);
  const footprint = new FootprintRecord(config.stateDir, {
    protocol: config.kernel.protocol,
    table: config.kernel.table,
    settings: forwarding.changed,
  });
  for (const problem of forwarding.problems) log.warn({ code: problem.code }, problem.text);

  // Where this process carries IPIP, packets of running pods wait for it: before the store, before anything.
  const tunnels = createTunnels({
    netlink: dataplane.netlink,
    carrierSetting: cluster.tunnel.carrier,
    sysctlRoot: settings,
    log: (text, fields) => log.info(fields, text),
  });
  running.tunnels = tunnels;
  await tunnels.resume();

  const store = await openClusterStore(cluster.store);
  signal.addEventListener('abort', () => store.close());
  const watch = watchCluster({
    store,
    server: store.server,
    signal,
    onChange: () => {
      running.cluster?.poke();
      running.cni?.storeAnswers();
    },
    log,
  });
  running.watch = watch;
  const reads = startClusterReads({
    store,
    namespace: cluster.namespace,
    onChange: () => running.cluster?.poke(),
    log,
  });
  running.reads = reads;
  const forward = createForwardAccept();
  keepForwarding(forward, signal, log);
  await Promise.race([watch.synced, aborted(signal)]);
  if (signal.aborted) return;
  const address = cluster.address ?? (await addressOfNode(watch, nodeName, signal, log));
  if (address === undefined) return;
  running.address = address;

  const origins = new OriginWatch({
    origins: new BlockOrigins(),
    mode: () => (running.config.cluster ?? cluster).blockOrigin,
    log,
  });
  running.origins = origins;
  const speaker = await startSpeaker(running, dataplane, {
    address,
    waitForLocalRoutes: true,
    originOf: (route, length, attributes, isNews) =>
      isNews
        ? origins.judge(route, length, nextHopOf(attributes))
        : (origins.look(route, length, nextHopOf(attributes)) ?? { origin: 'unknown' }),
  });
  const node = new ClusterNode({
    nodeName,
    address,
    self: () => ({
      nodeName,
      localAddress: address,
      holdTimeSec: config.holdTimeSec,
      connectRetrySec: config.connectRetrySec,
      ...(config.gracefulRestart === undefined ? {} : { gracefulRestart: config.gracefulRestart }),
      ...meshSettings(running.config.cluster ?? cluster),
    }),
    store,
    watch,
    dataplane,
    speaker,
    origins,
    tunnels,
    masquerade: createMasquerade(),
    forward,
    footprint,
    reads,
    setup: new ClusterSetup({
      store,
      ...(cluster.defaultPool === undefined ? {} : { defaultPool: cluster.defaultPool }),
      podSubnets: () => reads.podSubnets(),
      log,
    }),
    events: objectEvents({ store, nodeName, find: watch.object, log }),
    listenPort: () => running.config.listen.port,
    logLevel: () => running.config.logLevel,
    filePeers: () => running.config.neighbors,
    dynamicNeighbors: () => running.config.dynamicNeighbors,
    log,
  });
  running.cluster = node;
  dataplane.interfaces.onChange((change) => {
    if (change.kind !== 'link' || !change.name.startsWith('cali')) node.poke();
  });
  node.poke();
  await startPods(running, { node, store, dataplane, settings });
}

/** What of the mesh is policy: as the file has it now. */
const meshSettings = ({ localPref, blockOrigin, meshImport, meshExport }: ClusterConfig) => ({
  localPref,
  blockOrigin,
  ...(meshImport === undefined ? {} : { meshImport }),
  ...(meshExport === undefined ? {} : { meshExport }),
});

async function startPods(
  running: Running,
  parts: {
    readonly node: ClusterNode;
    readonly store: Store;
    readonly dataplane: Dataplane;
    readonly settings: string;
  },
): Promise<void> {
  const { node, store, dataplane, settings } = parts;
  const { config, log } = running;
  if (config.cni === undefined || config.cluster === undefined) {
    dataplane.routes.inSync('workload');
    return;
  }
  const annotations = podAnnotations({ store, timers: systemTimers, log });
  running.annotations = annotations;
  running.cni = createPods({
    socketPath: config.cni.socket,
    stateDirectory: `${config.stateDir}/cni`,
    nodeName: config.cluster.nodeName,
    ipam: guardedIpam(node.ipam, () => node.locked()),
    wiring: createPodWiring({ netlink: dataplane.netlink, sysctlRoot: settings }),
    routes: dataplane.routes,
    mtu: () => node.mtu(),
    readiness: () => node.readiness(),
    onPod: (pod, workload) =>
      workload === undefined ? annotations.disconnected(pod) : annotations.connected(workload),
    log,
  });
  await running.cni.start();
  annotations.check(running.cni.workloads());
  dataplane.routes.inSync('workload');
}

/** Docker, or a firewall, may make the chain a dropping one at any time. */
function keepForwarding(forward: ForwardAccept, signal: AbortSignal, log: Running['log']): void {
  const LOOK_AGAIN_MS = 30_000;
  let said = '';
  let cancel = (): void => {};
  signal.addEventListener('abort', () => cancel());
  const look = async (): Promise<void> => {
    const problems = await forward.apply();
    const text = problems.map((p) => p.text).join(' ');
    for (const { code, text: why } of text === said ? [] : problems) log.warn({ code }, why);
    said = text;
    if (!signal.aborted) cancel = systemTimers.after(LOOK_AGAIN_MS, () => void look());
  };
  void look();
}

/** The InternalIP of our Node object, once there is one; undefined when we are told to stop first. */
async function addressOfNode(
  watch: ClusterWatch,
  nodeName: string,
  signal: AbortSignal,
  log: Running['log'],
): Promise<Ipv4 | undefined> {
  for (let said = false; !signal.aborted; said = true) {
    const node = watch.node(nodeName);
    const address = node === undefined ? undefined : readNode(node).node.address;
    if (address !== undefined) {
      log.info({ address: formatIpv4(address) }, 'address taken from the Node object');
      return address;
    }
    if (!said) log.warn({ nodeName }, 'the Node object has no address yet; waiting for it (or set cluster.address)');
    await Promise.race([watch.nextChange(), aborted(signal)]);
  }
  return undefined;
}

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
