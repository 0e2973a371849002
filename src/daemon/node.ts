/** `gingham node`: the life of a daemon, from its file to its last word.
 *  Order of start: configuration, kernel (read only), the control socket, store, sessions, then pods. Three ways down (restart,
 *  leave, dead) differ only in what the peers are told. */
import { type IpAddress, ifIpv4, prefixHolds } from '../base/ip.ts';
import { type Ipv4, ipv4 } from '../base/ipv4.ts';
import { readNode } from '../cluster/node.ts';
import { formatFaults } from '../config/format.ts';
import type { NodeConfig } from '../config/node-config.ts';
import { openControlSocket } from '../control/control-socket.ts';
import { returnFreedMemory } from '../sys/malloc.ts';
import { primeThreadPool } from '../sys/netns.ts';
import { adviseOnTables } from '../sys/table-memory.ts';
import { freezeYoungGeneration } from '../sys/young-generation.ts';
import { controlSource } from './control-source.ts';
import { type Dataplane, openDataplane } from './dataplane.ts';
import { openLog } from './log.ts';
import { readConfig, reload } from './reload.ts';
import type { Running } from './running.ts';
import { startSpeaker } from './speaker-start.ts';
import { metricsFacts, statusFacts } from './status-facts.ts';

const USAGE = 2;
const FAILED = 1;

/** Runs until a signal or a drain; the answer is the exit code. Faults of the file go to standard error, all at once. */
export async function runNode(configPath: string): Promise<number> {
  returnFreedMemory();
  freezeYoungGeneration();
  adviseOnTables();
  const read = readConfig(configPath);
  if (!read.ok) {
    process.stderr.write(`${formatFaults(read.error, configPath)}\n`);
    return USAGE;
  }
  const config = read.value;
  const log = openLog(config.cluster?.nodeName ?? 'gingham', config.logLevel);
  const closing = new AbortController();
  let end: (code: number) => void = () => {};
  const ended = new Promise<number>((resolve) => {
    end = resolve;
  });
  const running: Running = {
    config,
    phase: 'starting',
    draining: false,
    startedAtMs: Date.now(),
    log,
    stop: async (how) => {
      if (closing.signal.aborted) return;
      closing.abort();
      log.info({ how }, 'stopping');
      await shutDown(running, how);
      end(0);
    },
  };
  onSignals(running);
  try {
    await start(running, closing.signal);
  } catch (error) {
    log.error({ error: error instanceof Error ? error.message : String(error) }, 'cannot start');
    await shutDown(running, 'restart');
    log.flush();
    return FAILED;
  }
  const code = await ended;
  log.flush();
  return code;
}

async function start(running: Running, signal: AbortSignal): Promise<void> {
  const { config, log } = running;
  await serveHealth(running, signal);
  await primeThreadPool();
  const dataplane = await openDataplane({
    kernel: config.kernel,
    cluster: config.cluster !== undefined,
    isKnownNextHop: (address) => isPeerOrNode(running, address),
    log,
  });
  running.dataplane = dataplane;
  await serveControl(running, signal);
  if (config.cluster === undefined) await startAlone(running, dataplane);
  else {
    // A plain speaker never pays for the store, IPAM and CNI.
    const { startCluster } = await import('./cluster-start.ts');
    await startCluster(running, config.cluster, dataplane, signal);
  }
  running.phase = 'running';
  log.info({ pid: process.pid, startMs: Math.round(performance.now()) }, 'running');
}

/** A plain speaker: neighbours and prefixes from the file, nothing else. */
async function startAlone(running: Running, dataplane: Dataplane): Promise<void> {
  const { config } = running;
  const address = ownAddress(config, dataplane);
  running.address = address;
  const speaker = await startSpeaker(running, dataplane, { address, waitForLocalRoutes: false });
  speaker.setOriginated(config.originate);
  speaker.setPeers(config.neighbors, config.dynamicNeighbors);
}

/** First of all: a kubelet asks from the start, and what is not there yet is what it is told. */
async function serveHealth(running: Running, signal: AbortSignal): Promise<void> {
  const { health } = running.config;
  if (health === undefined) return;
  const { startHealthServer } = await import('../control/health-server.ts');
  const server = await startHealthServer({
    port: health.port,
    status: () => statusFacts(running),
    metrics: () => metricsFacts(running),
  });
  signal.addEventListener('abort', () => server.close());
}

/** The store may be away for long: the control socket is there meanwhile, and says so. */
async function serveControl(running: Running, signal: AbortSignal): Promise<void> {
  const socket = await openControlSocket({
    socketPath: running.config.control.socket,
    source: controlSource(running),
    log: running.log,
  });
  signal.addEventListener('abort', () => void socket.close());
  if (signal.aborted) void socket.close();
}

/** The file's router id, else the address we listen on, else the first global address of an interface that is up. */
function ownAddress(config: NodeConfig, dataplane: Dataplane): Ipv4 {
  if (config.routerId !== undefined) return config.routerId;
  const listens = ifIpv4(config.listen.address);
  if (listens !== undefined && listens !== 0) return listens;
  const usable = dataplane.interfaces.connected().find(({ local }) => local >>> 24 !== 127);
  if (usable === undefined)
    throw new Error(`${config.path}: no interface has an address to take the router id from; set routerId`);
  return ipv4(usable.local);
}

/** Whose routes may have led through it, before this process: who comes by a range is a peer only while it is here. */
function isPeerOrNode(running: Running, address: IpAddress): boolean {
  const { neighbors, dynamicNeighbors } = running.config;
  if (neighbors.some((n) => n.address === address)) return true;
  if (dynamicNeighbors.some((range) => prefixHolds(range.prefix, address))) return true;
  return running.watch?.snapshot().nodes.some((node) => readNode(node).node.address === address) === true;
}

function onSignals(running: Running): void {
  const { log } = running;
  process.on('SIGHUP', () => void reload(running, { dryRun: false }));
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      // Without graceful restart nobody keeps our routes for us, so a stop is a leave.
      const how = running.config.gracefulRestart === undefined ? 'leave' : 'restart';
      void running.stop(how).catch((error) => log.error({ error: String(error) }, 'stopping failed'));
    });
}

/** Kernel routes, devices and pods stay in every case: they are not ours to take from running pods. */
async function shutDown(running: Running, how: 'restart' | 'leave'): Promise<void> {
  running.cluster?.stop();
  running.reads?.stop();
  running.annotations?.stop();
  await running.cni?.stop();
  await running.speaker?.close(how === 'restart' ? { kind: 'restart' } : { kind: 'leave', text: 'node is leaving' });
  running.tunnels?.stop();
  running.dataplane?.stop();
}
