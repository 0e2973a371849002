/** SIGHUP and `gingham config reload`: the file is parsed whole; a faulty one is refused whole and the old configuration
 *  goes on. A good one is applied by difference, so a changed neighbor touches only that neighbor. */
import fs from 'node:fs';
import type { Result } from '../base/result.ts';
import { err } from '../base/result.ts';
import { diffConfig } from '../config/diff.ts';
import { formatFault } from '../config/format.ts';
import type { ClusterConfig, ConfigChange, ConfigFault, NodeConfig } from '../config/node-config.ts';
import { parseNodeConfig } from '../config/parse.ts';
import type { ReloadReport } from '../control/views.ts';
import type { PeerSettings } from '../model/peer.ts';
import type { Running } from './running.ts';

export function readConfig(path: string): Result<NodeConfig, readonly ConfigFault[]> {
  let text: string;
  try {
    text = fs.readFileSync(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return err([
      {
        path: '',
        text: `${path} cannot be read: ${why}`,
        remedy: 'Give the path of a readable YAML or JSON file with --config.',
      },
    ]);
  }
  return parseNodeConfig(text, path, process.env);
}

export function reload(running: Running, options: { readonly dryRun: boolean }): ReloadReport {
  const { config: from, log } = running;
  const read = readConfig(from.path);
  if (!read.ok) {
    if (!options.dryRun) {
      const [first] = read.error;
      const more = read.error.length > 1 ? ` (and ${read.error.length - 1} more)` : '';
      const text = `refused, nothing was applied: ${first === undefined ? from.path : formatFault(first, from.path)}${more}`;
      running.configProblem = { code: 'CONFIG_REFUSED', text };
      log.error(
        { path: from.path, faults: read.error.map((f) => formatFault(f, from.path)) },
        'reload refused; the old configuration goes on',
      );
    }
    return { configPath: from.path, applied: false, faults: read.error, changes: [] };
  }
  const changes = diffConfig(from, read.value);
  if (!options.dryRun) apply(running, read.value, changes);
  return { configPath: from.path, applied: !options.dryRun, faults: [], changes };
}

function apply(running: Running, to: NodeConfig, changes: readonly ConfigChange[]): void {
  const { log } = running;
  delete running.configProblem;
  // Named before it happens: an operator who watches the log sees the cause above the effect.
  for (const { path, text, needs, peers } of changes) log.info({ path, needs, peers }, `reload: ${text}`);
  const later = changes.filter((c) => c.needs === 'restart');
  if (later.length > 0) {
    log.warn({ settings: later.map((c) => c.path) }, 'reload: these take effect at the next start');
    running.configProblem = {
      code: 'RESTART_NEEDED',
      text: `${later.map((c) => c.path).join(', ')} changed in ${to.path}: restart the daemon for it to take effect`,
    };
  }
  running.config = withoutRestartSettings(running.config, to);
  log.setLevel(to.logLevel);
  running.dataplane?.setGuard({ allow: to.kernel.allow });
  if (running.cluster !== undefined) {
    running.cluster.poke();
    return;
  }
  running.speaker?.setPeers(running.config.neighbors, running.config.dynamicNeighbors);
  running.speaker?.setOriginated(running.config.originate);
}

/** What needs a restart stays as it was, so that status and the next reload tell the truth about what is in force. */
function withoutRestartSettings(from: NodeConfig, to: NodeConfig): NodeConfig {
  const { routerId: _later, clusterId: _clusterId, cluster: _cluster, cni: _cni, health: _health, ...rest } = to;
  return {
    ...rest,
    asn: from.asn,
    ...(from.routerId === undefined ? {} : { routerId: from.routerId }),
    listen: from.listen,
    ...(from.clusterId === undefined ? {} : { clusterId: from.clusterId }),
    maxPaths: from.maxPaths,
    preferOlder: from.preferOlder,
    control: from.control,
    stateDir: from.stateDir,
    ...(from.health === undefined ? {} : { health: from.health }),
    kernel: { ...from.kernel, allow: to.kernel.allow },
    neighbors: to.neighbors.map((peer) => ofAsn(peer, from)),
    dynamicNeighbors: to.dynamicNeighbors.map((range) => ({ ...range, settings: ofAsn(range.settings, from) })),
    ...(from.cluster === undefined ? {} : { cluster: clusterNow(from.cluster, to.cluster) }),
    ...(from.cni === undefined ? {} : { cni: from.cni }),
  };
}

/** What of a cluster's settings takes effect at once. */
function clusterNow(from: ClusterConfig, to: ClusterConfig | undefined): ClusterConfig {
  if (to === undefined) return from;
  const { meshImport: _import, meshExport: _export, ...rest } = from;
  return {
    ...rest,
    localPref: to.localPref,
    blockOrigin: to.blockOrigin,
    ...(to.meshImport === undefined ? {} : { meshImport: to.meshImport }),
    ...(to.meshExport === undefined ? {} : { meshExport: to.meshExport }),
  };
}

/** A neighbour was read with the AS and the cluster identifier that come with the next start. */
function ofAsn<P extends PeerSettings>(peer: P, { asn, clusterId }: NodeConfig): P {
  const { clusterId: _later, ...rest } = peer;
  return {
    ...rest,
    ...(clusterId === undefined ? {} : { clusterId }),
    ...(peer.localAs === undefined ? { localAsn: asn } : { localAs: { ...peer.localAs, nodeAsn: asn } }),
  } as P;
}
