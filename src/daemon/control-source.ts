/** What the control service may ask of this daemon, answered from its parts. */
import type { IpAddress, IpPrefix } from '../base/ip.ts';
import { type ControlSource, NotThere } from '../control/source.ts';
import type { PodView, RouteKernelView } from '../control/views.ts';
import type { Workload } from '../model/workload.ts';
import { blockViews } from './block-views.ts';
import { drain, undrain } from './drain.ts';
import { explanationOf } from './explanation.ts';
import { toPeerView } from './peer-views.ts';
import { reload } from './reload.ts';
import { formatTarget, type RouteViewContext } from './route-view.ts';
import { routeViews } from './route-views.ts';
import type { Running } from './running.ts';
import { statusFacts } from './status-facts.ts';
import { tableDump } from './table-dump.ts';

const MS = 1000;

export function controlSource(running: Running): ControlSource {
  return {
    status: () => statusFacts(running),
    peers: () => {
      const now = Date.now();
      return (running.speaker?.peers.views() ?? []).map((peer) => toPeerView(peer, now));
    },
    routes: (query) => (running.speaker === undefined ? [] : routeViews(query, running.speaker, contextOf(running))),
    explain: (target) => {
      if (running.speaker === undefined) throw new NotThere('the daemon is starting: it has no routes yet');
      return explanationOf(target, running.speaker, contextOf(running));
    },
    dumpTables: () => (running.speaker === undefined ? [] : tableDump(running.config, running.speaker, Date.now())),
    blocks: () =>
      running.watch === undefined
        ? []
        : blockViews(running.watch.snapshot(), (block) => {
            const target = running.dataplane?.routes.state(block).wanted;
            return target === undefined ? 'none' : formatTarget(target);
          }),
    pods: () => (running.cni?.workloads() ?? []).map(toPodView),
    reload: async (options) => reload(running, options),
    drain: async (options) => drain(running, options),
    undrain: async () => undrain(running),
  };
}

const contextOf = (running: Running): RouteViewContext => ({
  kernel: (prefix) => kernelView(running, prefix),
  nodeOf: nodesByAddress(running),
  originOf: ({ address, length }, nextHop) => running.origins?.look(address, length, nextHop),
  now: Date.now(),
});

/** Rebuilt per question: a look-up table of a few hundred nodes costs less than keeping one right. */
function nodesByAddress({ cluster, speaker }: Running): (address: IpAddress) => string | undefined {
  const names = new Map<IpAddress, string>();
  for (const node of cluster?.desired?.nodes ?? []) if (node.address !== undefined) names.set(node.address, node.name);
  if (cluster === undefined) for (const peer of speaker?.peers.views() ?? []) names.set(peer.address, peer.name);
  return (address) => names.get(address);
}

function kernelView({ dataplane, config }: Running, prefix: IpPrefix): RouteKernelView | undefined {
  if (dataplane === undefined || !config.kernel.install) return { state: 'off' };
  const { installed, wanted, reason } = dataplane.routes.state(prefix);
  if (wanted === undefined) return reason === undefined ? undefined : { state: 'held', reason };
  const target = formatTarget(wanted);
  if (installed) return { state: 'installed', target };
  return reason === undefined ? { state: 'pending', target } : { state: 'failed', target, reason };
}

const toPodView = (w: Workload): PodView => ({
  namespace: w.namespace,
  pod: w.pod,
  address: w.address,
  containerId: w.containerId,
  interface: w.ifName,
  hostInterface: w.hostInterface,
  mac: w.mac,
  mtuBytes: w.mtu,
  addedAt: w.addedAt,
  ageSeconds: Math.max(0, Math.round((Date.now() - Date.parse(w.addedAt)) / MS)),
});
