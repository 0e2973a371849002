/** What `gingham status` is made of, gathered from the parts that are there. Reads; changes nothing. */
import { formatIpv4 } from '../base/ipv4.ts';
import { VERSION } from '../base/version.ts';
import { storeText } from '../config/node-config.ts';
import type { MetricsFacts } from '../control/metrics.ts';
import type {
  BgpStatusView,
  CniStatusView,
  IpamStatusView,
  KernelStatusView,
  ListenerView,
  RoutesStatusView,
  StatusFacts,
  StoreStatusView,
  TunnelCountersView,
  TunnelStatusView,
} from '../control/views.ts';
import type { CarrierCounters } from '../kernel/tunnels/tunnel.ts';
import { downPeers, toPeerView } from './peer-views.ts';
import type { Running } from './running.ts';
import type { Speaker } from './speaker.ts';

const MS = 1000;
const MICROSECONDS = 1e6;
const MOST_PROBLEMS = 20;

export function statusFacts(running: Running): StatusFacts {
  const { config, speaker, address } = running;
  return {
    node: config.cluster?.nodeName ?? (address === undefined ? 'this node' : formatIpv4(address)),
    asn: running.cluster?.desired?.asn ?? config.asn,
    routerId: speaker === undefined ? '' : formatIpv4(speaker.bgpIdentifier),
    ...(address === undefined ? {} : { address: formatIpv4(address) }),
    mode: config.cluster === undefined ? 'alone' : 'cluster',
    phase: phaseOf(running),
    process: processFacts(running.startedAtMs),
    configPath: config.path,
    ...(running.configProblem === undefined ? {} : { configProblem: running.configProblem }),
    bgp: bgpFacts(running),
    routes: routeFacts(running),
    kernel: kernelFacts(running),
    ...(config.cluster === undefined ? {} : clusterFacts(running)),
  };
}

export function metricsFacts(running: Running): MetricsFacts {
  const now = Date.now();
  return {
    status: statusFacts(running),
    peers: (running.speaker?.peers.views() ?? []).map((peer) => toPeerView(peer, now)),
    ...(running.origins === undefined ? {} : { blockOrigins: running.origins.counts }),
  };
}

function phaseOf({ phase, draining, speaker }: Running): StatusFacts['phase'] {
  if (draining) return 'draining';
  return speaker?.peers.restarting === true ? 'starting' : phase;
}

function processFacts(startedAtMs: number): StatusFacts['process'] {
  const { user, system } = process.cpuUsage();
  return {
    pid: process.pid,
    version: VERSION,
    startedAt: new Date(startedAtMs).toISOString(),
    uptimeSeconds: Math.round((Date.now() - startedAtMs) / MS),
    residentBytes: process.memoryUsage.rss(),
    cpuSeconds: (user + system) / MICROSECONDS,
  };
}

function bgpFacts({ speaker }: Running): BgpStatusView {
  const peers = speaker?.peers.views() ?? [];
  return {
    sessionsTotal: peers.length,
    sessionsEstablished: peers.filter((p) => p.state === 'Established').length,
    down: downPeers(peers, Date.now()),
    ...(speaker === undefined ? {} : { listener: listenerView(speaker) }),
  };
}

function listenerView({ listenPort, listenCounters }: Speaker): ListenerView {
  const { accepted, halfOpen, ...refused } = listenCounters();
  return {
    port: listenPort(),
    accepted,
    halfOpen,
    refused: Object.entries(refused).flatMap(([cause, connections]) =>
      connections === 0 ? [] : [{ cause, connections }],
    ),
  };
}

function routeFacts({ speaker }: Running): RoutesStatusView {
  const peers = speaker?.peers.views() ?? [];
  const ribs = speaker === undefined ? [] : [speaker.ribs.ipv4, speaker.ribs.ipv6];
  const total = (of: (p: (typeof peers)[number]) => number): number => peers.reduce((sum, p) => sum + of(p), 0);
  return {
    prefixes: ribs.reduce((sum, rib) => sum + rib.counts.routes, 0),
    paths: ribs.reduce((sum, rib) => sum + rib.counts.paths, 0),
    rejected: total((p) => p.routes.rejected),
    stale: total((p) => p.routes.stale),
  };
}

function kernelFacts({ dataplane, config }: Running): KernelStatusView {
  const status = dataplane?.routes.status();
  return {
    install: config.kernel.install,
    wanted: status?.wanted ?? 0,
    installed: status?.installed ?? 0,
    held: status?.held ?? 0,
    failed: status?.failed ?? 0,
    foreign: status?.foreign.inTheWay.length ?? 0,
    problems: (dataplane?.problems() ?? []).slice(0, MOST_PROBLEMS),
  };
}

function clusterFacts(running: Running): Pick<StatusFacts, 'store' | 'ipam' | 'tunnel' | 'cni' | 'policy'> {
  const tunnel = tunnelFacts(running);
  return {
    store: storeFacts(running),
    ipam: ipamFacts(running),
    ...(tunnel === undefined ? {} : { tunnel }),
    cni: cniFacts(running),
    policy: { enforced: false, ignored: running.reads?.ignoredPolicies() ?? 0 },
  };
}

function storeFacts({ watch, config }: Running): StoreStatusView {
  const problem = watch?.problem();
  return {
    server: config.cluster === undefined ? '' : storeText(config.cluster.store),
    inSync: watch?.isSynced() === true && problem === undefined,
    ...(problem === undefined ? {} : { reason: { code: 'STORE_UNREACHABLE', text: problem } }),
  };
}

function ipamFacts({ cluster, watch, config }: Running): IpamStatusView {
  const us = `host:${config.cluster?.nodeName}`;
  const blocks = (watch?.snapshot().blocks ?? []).flatMap((b) => (b.ok && b.value.affinity === us ? [b.value] : []));
  const total = blocks.reduce((sum, b) => sum + b.allocations.length, 0);
  const free = blocks.reduce((sum, b) => sum + b.allocations.filter((a) => a === null).length, 0);
  return {
    blocks: blocks.length,
    addressesUsed: total - free,
    addressesTotal: total,
    problems: (cluster?.problems() ?? []).slice(0, MOST_PROBLEMS),
  };
}

function tunnelFacts({ tunnels, cluster }: Running): TunnelStatusView | undefined {
  const status = tunnels?.status()[0];
  if (status === undefined) {
    if (cluster?.desired === undefined || cluster.desired.tunnels.ipip || cluster.desired.tunnels.vxlan)
      return undefined;
    return { encapsulation: 'none', up: true, mtuBytes: cluster.mtu(), endpoints: 0, notUsed: [] };
  }
  return {
    encapsulation: status.encap,
    carrier: status.carrier,
    device: status.device,
    up: status.problems.length === 0,
    mtuBytes: status.mtu,
    endpoints: status.remotes,
    notUsed: status.notUsed.map(({ carrier, code, text }) => ({ carrier, reason: { code, text } })),
    ...(status.counters === undefined ? {} : { counters: countersView(status.counters) }),
  };
}

const countersView = ({ dropped, ...counted }: CarrierCounters): TunnelCountersView => ({
  ...counted,
  dropped: Object.entries(dropped).map(([cause, packets]) => ({ cause, packets })),
});

function cniFacts({ cni, cluster }: Running): CniStatusView {
  const readiness = cluster?.readiness();
  return {
    ready: cni !== undefined && readiness !== undefined && readiness.kind !== 'notReady',
    pods: cni?.workloads().length ?? 0,
    ...(cni?.counters() ?? { adds: 0, errors: 0 }),
    ...(readiness !== undefined && readiness.kind !== 'ready' ? { reason: readiness.reason } : {}),
  };
}
